--- Workers of a client with codecs, on the real server: what is in history is encoded, what code
-- sees is not; a Python worker with the same codec is the other side.

local codec = require "temporal.codec.codec"
local env = require "spec.support.environment"
local promise = require "temporal.wait.promise"
local temporal = require "temporal"
local workers = require "spec.support.worker"
local workflow = require "temporal.workflow"

local LUA_51 = _VERSION == "Lua 5.1" and not rawget(_G, "jit")
local HUNG = 60
local ACTIVITY = { start_to_close_timeout = 30, retry_policy = { maximum_attempts = 1 } }

-- Backwards, as spec/support/payload_codecs.py does it; waits in between, and notes what it is
-- told.
local told

local function backwards(payload)
  return { metadata = { encoding = "binary/reversed" }, data = codec.serialize(payload):reverse() }
end

local reverse = {
  encode = function(payloads, context)
    promise.pause(0.001)
    local list = {}
    for i, payload in ipairs(payloads) do
      if payload.metadata.encoding == "binary/reversed" then return nil, "encoded twice" end
      list[i] = backwards(payload)
    end
    told[context.kind] = context.workflow_id or context.activity_id
    return list
  end,
  decode = function(payloads)
    promise.pause(0.001)
    local list = {}
    for i, payload in ipairs(payloads) do
      if payload.metadata.encoding ~= "binary/reversed" then return nil, "not encoded" end
      list[i] = codec.parse(payload.data:reverse())
    end
    return list
  end,
}

-- Activities.

local function Back(value) return value end

local RawBack = temporal.define_activity("RawBack", function(value) return value end,
  { args = { "raw" } })

local function Broken(text)
  error(temporal.application_error("broken: " .. text, { type = "Broken", details = { text, 2 } }))
end

-- Workflows.

local function Child(value)
  local got
  workflow.on_signal("go", function(text) got = text end)
  workflow.wait_condition(function() return got end)
  return { value, got, workflow.info().memo.note }
end

-- Everything that has payloads in it.
local function Everything(first, second)
  local finished
  workflow.on_signal("finish", function(text) finished = text end)
  workflow.on_query("state", function(text) return "state secret " .. text end)
  workflow.on_query("why", function(text) return nil, "no secret " .. text end)
  workflow.on_update("add", function(text)
    return workflow.execute_activity(ACTIVITY, "Back", text .. " secret"):get()
  end, { validator = function(text)
    if text ~= "bad" then return end
    error(temporal.application_error("a secret no", { details = { text } }))
  end })
  workflow.upsert_memo { added = "memo secret" }
  workflow.upsert_search_attributes { CustomKeyword = "in clear" }
  workflow.patched "change"
  local side = workflow.side_effect(function() return "side secret" end)
  side = side .. workflow.execute_local_activity(ACTIVITY, "Back", ", local secret"):get()
  local _, err = pcall(function()
    return workflow.execute_activity({ start_to_close_timeout = 30, summary = "summary secret",
      retry_policy = { maximum_attempts = 1 } }, "Broken", "a secret"):get()
  end)
  local child = workflow.start_child_workflow({ memo = { note = "child secret" } }, "Child",
    "argument secret")
  child:signal("go", "signal secret")
  local of_child = child:get()
  workflow.sleep(0.01, { summary = "timer secret" })
  workflow.wait_condition(function() return finished and workflow.all_handlers_finished() end)
  return { first, second, side, err.cause.message, err.cause.details[1], of_child,
    workflow.info().memo, finished }
end

local function Again(n, text)
  if n > 0 then workflow.continue_as_new({ memo = { note = text } }, n - 1, text) end
  return workflow.info().memo.note
end

local function Secretive(text) return nil, "a secret " .. text end

local function AskPython(queue)
  local given = { task_queue = queue, start_to_close_timeout = 30,
    retry_policy = { maximum_attempts = 1 } }
  local loud = workflow.execute_activity(given, "Shout", "secret", 2):get()
  local _, err = pcall(function() workflow.execute_activity(given, "Shout", "secret", -1):get() end)
  local values = workflow.execute_child_workflow({ task_queue = queue }, "Anything", "a secret",
    { 1 }):get()
  local _, failed = pcall(function()
    workflow.execute_child_workflow({ task_queue = queue }, "Fail", "a secret", "detail"):get()
  end)
  return { loud, err.cause.message, err.cause.type, err.cause.details[2], values,
    failed.cause.message, failed.cause.details[1], failed.cause.cause.message }
end

describe("a worker with codecs", function()
  local client, plain, queue

  before_each(function()
    told = {}
    queue = "lua-" .. env.uuid()
    plain = temporal.client { target = env.address, namespace = env.namespace }
    client = temporal.client {
      target = env.address, namespace = env.namespace, codecs = { reverse }, codec_headers = true,
      logger = function() end,
      failure_converter = temporal.failure_converter { encode_common_attributes = true },
    }
  end)
  after_each(function()
    client:close(0)
    plain:close(0)
  end)

  local function beside(options, fn)
    options.client, options.task_queue = options.client or client, queue
    options.workflows = not LUA_51 and { Everything = Everything, Child = Child, Again = Again,
      Secretive = Secretive, AskPython = AskPython } or nil
    options.activities = { Back = Back, Broken = Broken, RawBack = RawBack }
    return workers.new(options):run(fn)
  end

  it("runs activities", function()
    local value, raw, failed
    beside({}, function()
      local given = { task_queue = queue, start_to_close_timeout = 30,
        retry_policy = { maximum_attempts = 1 } }
      value = client:execute_activity(given, "Back", { "a", 1 }):get(HUNG)
      raw = client:execute_activity(given, "RawBack", { "b" }):get(HUNG)
      failed = select(2, client:execute_activity(given, "Broken", "secret"):get(HUNG))
    end)
    assert.same({ { "a", 1 }, { "b" } }, { value, raw })
    local application = failed:find "application"
    assert.same({ "broken: secret", "Broken", "secret", 2 }, { application.message,
      application.type, application.details[1], application.details[2] })
  end)

  if LUA_51 then return end

  -- Nothing secret may be in the bytes that the server keeps, and what is there is encoded.
  local function assert_hidden(id)
    local text = temporal.assert(plain:workflow(id):fetch_history { json = true })
    assert.is_nil(text:find("secret", 1, true))
    assert.is_nil(text:find("c2VjcmV0", 1, true)) -- base64
    assert.is_true(text:find("binary/reversed", 1, true) ~= nil
      or text:find("YmluYXJ5L3JldmVyc2Vk", 1, true) ~= nil)
    return text
  end

  for _, cached in ipairs { 1000, 0 } do
    it(("hides all that a workflow says; max_cached_workflows = %d"):format(cached), function()
      local id, state, answers, why = nil, nil, {}, nil
      local result = beside({ max_cached_workflows = cached }, function()
        local run = temporal.assert(client:start_workflow({ task_queue = queue,
          memo = { note = "first secret" } }, "Everything", "one secret", { two = "secret" }))
        id = run.id
        state = temporal.assert(run:query("state", "q"))
        why = select(2, run:query("why", "w"))
        answers[1] = temporal.assert(run:update("add", "updated"))
        answers[2] = select(2, run:update("add", "bad"))
        temporal.assert(run:signal("finish", "finish secret"))
        return temporal.assert(run:get(HUNG))
      end)
      assert.same({ "one secret", { two = "secret" }, "side secret, local secret",
        "broken: a secret", "a secret",
        { "argument secret", "signal secret", "child secret" },
        { note = "first secret", added = "memo secret" }, "finish secret" }, result)
      assert.equal("state secret q", state)
      assert.matches("no secret w", tostring(why), 1, true)
      assert.equal("updated secret", answers[1])
      local rejected = answers[2]:find "application"
      assert.same({ "a secret no", "bad" }, { rejected.message, rejected.details[1] })
      local text = assert_hidden(id)
      assert.is_truthy(text:find("Encoded failure", 1, true))
      assert.is_true(text:find("\"in clear\"", 1, true) ~= nil
        or text:find("ImluIGNsZWFyI", 1, true) ~= nil) -- a search attribute
      assert.equal("change", temporal.assert(client:workflow(id):describe())
        .search_attributes.TemporalChangeVersion[1])
      for _, kind in ipairs { "arguments", "result", "memo", "summary", "failure", "details" } do
        assert.is_truthy(told[kind], kind)
      end
      local replayer = temporal.replayer { workflows = { Everything = Everything },
        codecs = { reverse }, namespace = env.namespace }
      temporal.assert(replayer:replay(temporal.assert(plain:workflow(id):fetch_history())))
    end)
  end

  it("hides what goes on as a new run, and why one failed", function()
    local note, failed, ids = nil, nil, {}
    beside({}, function()
      local run = client:execute_workflow({ task_queue = queue }, "Again", 2, "again secret")
      note = temporal.assert(run:get(HUNG))
      ids[1] = run.id
      run = client:execute_workflow({ task_queue = queue }, "Secretive", "x")
      failed = select(2, run:get(HUNG))
      ids[2] = run.id
    end)
    assert.equal("again secret", note)
    assert.equal("a secret x", failed.cause.message)
    assert_hidden(ids[1])
    assert_hidden(ids[2])
  end)

  it("works with a Python worker of the same codec, in both directions", function()
    local theirs = "codec-of-worker"
    local python = env.spawn { env.python, "spec/support/codec_worker.py", env.address,
      env.namespace, theirs, "reverse" }
    assert.equal("ready", python:readline(60))
    local of_lua, of_python = nil, nil
    beside({}, function()
      of_lua = temporal.assert(client:execute_workflow({ task_queue = queue }, "AskPython",
        theirs):get(HUNG))
      of_python = temporal.assert(client:execute_workflow({ task_queue = theirs }, "AskLua", queue,
        { a = "secret" }):get(HUNG))
    end)
    python:stop(1)
    assert.same({ { "SECRET", "SECRET" }, "no secret", "Shy", { times = -1 }, { "a secret", { 1 } },
      "a secret", "detail", "a secret, because" }, of_lua)
    assert.same({ { a = "secret" }, { { a = "secret" }, "signal secret", "kept secret" },
      { "broken: a secret", "Broken", { "a secret", 2 } } }, of_python)
  end)

  it("says nothing in clear when a codec cannot encode", function()
    local why, failed
    local broken = { decode = reverse.decode, encode = function(payloads, context)
      if context.kind == "result" then return nil, "no key" end
      return reverse.encode(payloads, context)
    end }
    local noisy = temporal.client { target = env.address, namespace = env.namespace,
      codecs = { broken }, logger = function() end }
    beside({ client = noisy }, function()
      local run = temporal.assert(client:start_workflow({ task_queue = queue, task_timeout = 1 },
        "Everything"))
      why = select(2, run:query("state", "q"))
      failed = select(2, client:execute_activity({ task_queue = queue, start_to_close_timeout = 30,
        retry_policy = { maximum_attempts = 1 } }, "Back", "secret"):get(HUNG))
      temporal.assert(run:terminate())
    end)
    noisy:close(0)
    assert.matches("this cannot be encoded: codec: codec 1 could not encode: no key", tostring(why),
      1, true)
    assert.matches("no key", tostring(failed), 1, true)
    assert.is_nil(tostring(failed):find "secret")
  end)

  it("fails the task when a codec refuses or raises, and goes on when it is mended", function()
    for _, how in ipairs { "refuse", "raise" } do
      local broken, logged = true, {}
      local fragile = {
        encode = reverse.encode,
        decode = function(payloads, context)
          if broken and how == "raise" then error("the key is lost", 0) end
          if broken then return nil, "the key is lost" end
          return reverse.decode(payloads, context)
        end,
      }
      local noisy = temporal.client { target = env.address, namespace = env.namespace,
        codecs = { fragile }, logger = function(_, message) logged[#logged + 1] = message end }
      local attempt
      local result = beside({ client = noisy }, function()
        attempt = select(2, client:execute_activity({ task_queue = queue,
          start_to_close_timeout = 30, retry_policy = { maximum_attempts = 1 } }, "Back",
          "secret"):get(HUNG))
        logged = {}
        local run = client:execute_workflow({ task_queue = queue, task_timeout = 1 }, "Again", 0,
          "x")
        env.wait_until(HUNG, function()
          temporal.poll(0.01)
          return #logged > 0
        end, "the task to fail")
        broken = false
        return { run:get(HUNG) }
      end)
      noisy:close(0)
      assert.same({}, result)
      assert.matches("the key is lost", tostring(attempt), 1, true)
      assert.matches("a workflow task failed: codec", logged[1], 1, true)
      assert.matches("the key is lost", logged[1], 1, true)
    end
  end)
end)

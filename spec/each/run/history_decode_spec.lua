-- client:decode and run:history{decode=true}: payloads of events as values, through the client's
-- converter and codecs.

local codec = require "temporal.codec.codec"
local env = require "spec.support.environment"
local loop = require "spec.support.loop"
local temporal = require "temporal"

local STARTED = "workflow_execution_started_event_attributes"
local point = { __name = "point" }

local converter = { {
  encoding = "json/plain",
  encode = function(v)
    return getmetatable(v) == point and { data = ('{"point":[%d,%d]}'):format(v[1], v[2]) } or nil
  end,
}, {
  encoding = "test/upper",
  decode = function(payload) return payload.data:upper() end,
} }

-- Backwards, and the contexts it was told.
local function backwards(told)
  return {
    encode = function(payloads)
      local list = {}
      for i, payload in ipairs(payloads) do
        list[i] = { metadata = { encoding = "binary/reversed" },
          data = codec.serialize(payload):reverse() }
      end
      return list
    end,
    decode = function(payloads, context)
      told[#told + 1] = context
      for i, payload in ipairs(payloads) do
        if payload.metadata.encoding == "binary/reversed" then
          payloads[i] = codec.parse(payload.data:reverse())
        end
      end
      return payloads
    end,
  }
end

describe("payloads", function()
  local plain, client, told

  setup(function()
    told = {}
    plain = temporal.client { target = env.address, namespace = env.namespace }
    client = plain:with { converter = converter, codecs = { backwards(told) } }
  end)

  teardown(function()
    assert(client:close())
    assert(plain:close())
  end)

  before_each(function()
    for i = #told, 1, -1 do told[i] = nil end
  end)

  local function begin(with, options, ...)
    options.task_queue = options.task_queue or "nobody-" .. env.uuid()
    return temporal.assert(with:start_workflow(options, "Order", ...))
  end

  local function events(run, given)
    local by_type = {}
    for event in run:history(given) do
      by_type[event.event_type:match("^EVENT_TYPE_(.*)$")] = event
    end
    return by_type
  end

  local function input_of(run)
    return events(run).WORKFLOW_EXECUTION_STARTED[STARTED].input
  end

  describe("of client:decode", function()
    it("are one value, a list, or values by name", function()
      local run = begin(client, { memo = { m = 1 } }, { amount = 3, name = "Zoë" },
        temporal.int64 "9007199254740993", nil, "last")
      local input = input_of(run)
      assert.equal("binary/reversed", input.payloads[1].metadata.encoding)
      for _, form in ipairs { input, input.payloads } do
        local values = temporal.assert(client:decode(form, "arguments", run.id))
        assert.equal(4, values.n)
        assert.same({ amount = 3, name = "Zoë" }, values[1])
        assert.equal("9007199254740993", (tostring(values[2]):gsub("LL$", "")))
        assert.same({ nil, "last" }, { values[3], values[4] })
        assert.same({ kind = "arguments", workflow_id = run.id, namespace = env.namespace },
          told[#told])
      end
      assert.same({ amount = 3, name = "Zoë" }, temporal.assert(client:decode(input.payloads[1])))
      assert.equal("arguments", told[#told].kind)
      assert.equal("last", client:decode(temporal.raw(input.payloads[4])))
      assert.same({ nil, nil }, { client:decode(input.payloads[3]) })
      assert.same({ n = 0 }, client:decode {})
      local memo = events(run).WORKFLOW_EXECUTION_STARTED[STARTED].memo
      assert.same({ m = 1 }, temporal.assert(client:decode(memo, "memo")))
      -- As they came.
      assert.equal("binary/reversed", input.payloads[1].metadata.encoding)
      assert.equal("LOUD", client:decode { metadata = { encoding = "test/upper" }, data = "loud" })
      assert.equal(7, plain:decode { metadata = { encoding = "json/plain" }, data = "7" })
      -- Headers pass the codecs by.
      local before = #told
      assert.equal(7, client:decode({ metadata = { encoding = "json/plain" }, data = "7" },
        "header"))
      assert.equal(before, #told)
      run:terminate()
    end)

    it("that cannot be read are an error that keeps them", function()
      local secret = { metadata = { encoding = "binary/reversed" }, data = "x" }
      for _, form in ipairs { secret, { secret }, { fields = { name = secret } } } do
        local value, err = plain:decode(form)
        assert.is_nil(value)
        assert.same({ "conversion", "binary/reversed" }, { err.kind, err.encoding })
        assert.same(secret, err.raw)
        assert.is_true(temporal.is_error(err))
      end
      local other = plain:with { codecs = { {
        encode = function(payloads) return payloads end,
        decode = function() return nil, "no key today" end,
      } } }
      local value, err = other:decode { secret, secret }
      assert.is_nil(value)
      assert.same({ "codec", "codec 1 could not decode: no key today" }, { err.kind, err.message })
      other:close()
    end)

    it("must be payloads", function()
      local good = { metadata = { encoding = "json/plain" }, data = "1" }
      for message, given in pairs {
        ["takes a payload {metadata=, data=}, a list of them, or a message with payloads or fields,"
          .. " got a string"] = { "x" },
        ["this table is none of them"] = { { a = 1 } },
        ["payload 2 must be a payload {metadata={name=string}, data=string}, got a number"] =
          { { good, 5 } },
        ["it must be a payload {metadata={name=string}, data=string}, got data of type number"] =
          { { data = 5 } },
        ['the payload "a" must be a payload'] = { { fields = { a = 1 } } },
        ['the kind must be one of "arguments", "details", "failure", "header", "memo", "result", '
          .. '"summary" (did you mean "result"?), got "results"'] = { good, "results" },
        ["the workflow id must be a string, got 5"] = { good, "memo", 5 },
      } do
        local ok, problem = pcall(client.decode, client, given[1], given[2], given[3])
        assert.is_false(ok)
        assert.matches("history_decode_spec%.lua:%d+: client:decode", problem)
        assert.matches(message, problem, 1, true)
      end
    end)

    it("go through a codec that waits", function()
      local host = loop.new()
      local waiting = plain:with { codecs = { {
        encode = function(payloads) return payloads end,
        decode = function(payloads)
          temporal.assert(plain:system_info())
          return payloads
        end,
      } } }
      local value
      host:spawn(function()
        value = waiting:decode { metadata = { encoding = "json/plain" }, data = "[1]" }
      end)
      host:run(30)
      temporal.host.use(nil)
      assert.same({ 1 }, value)
      waiting:close()
    end)
  end)

  describe("of a decoded history", function()
    it("are values", function()
      local run = begin(client, { memo = { m = { 1 } }, header = { h = "head" },
        search_attributes = { CustomInt = 5 }, static_summary = "short" },
        setmetatable({ 1, 2 }, point), nil)
      temporal.assert(run:signal("add", { item = "book" }, 2))
      temporal.assert(run:terminate("enough", "d1", { d = 2 }))
      local found = events(run, { decode = true })
      local started = found.WORKFLOW_EXECUTION_STARTED[STARTED]
      assert.same({ { point = { 1, 2 } }, nil, n = 2 }, started.input)
      assert.same({ { m = { 1 } }, { h = "head" }, { CustomInt = 5 } },
        { started.memo, started.header, started.search_attributes })
      assert.equal("short", found.WORKFLOW_EXECUTION_STARTED.user_metadata.summary)
      assert.same({ { item = "book" }, 2, n = 2 },
        found.WORKFLOW_EXECUTION_SIGNALED.workflow_execution_signaled_event_attributes.input)
      assert.same({ "d1", { d = 2 }, n = 2 },
        found.WORKFLOW_EXECUTION_TERMINATED.workflow_execution_terminated_event_attributes.details)
      local kinds = {}
      for _, context in ipairs(told) do
        kinds[context.kind] = true
        assert.same({ run.id, env.namespace }, { context.workflow_id, context.namespace })
      end
      assert.same({ arguments = true, memo = true, summary = true, details = true }, kinds)
      -- The same at once, and backwards.
      local all = temporal.assert(run:fetch_history { decode = true })
      assert.same(started, all.events[1][STARTED])
      assert.same(found, events(run, { decode = true, reverse = true }))
      -- Whoever has no codec sees what cannot be read, and the rest.
      local bare = events(plain:workflow(run.id), { decode = true })
      started = bare.WORKFLOW_EXECUTION_STARTED[STARTED]
      assert.same({ "conversion", 2, { h = "head" } },
        { started.input[1].kind, started.input.n, started.header })
      -- Payloads as they came, without it.
      assert.equal("binary/reversed", input_of(run).payloads[1].metadata.encoding)
    end)

    it("are results and failures of activities, children and workflows", function()
      local run = temporal.assert(plain:start_workflow({ task_queue = env.task_queue },
        "ActivityFail", "why", { type = "Bad", details = { 1, "x" }, non_retryable = true }))
      run:get(30)
      local found = events(run, { decode = true })
      local scheduled = found.ACTIVITY_TASK_SCHEDULED.activity_task_scheduled_event_attributes
      assert.equal("why", scheduled.input[1])
      local failed = found.ACTIVITY_TASK_FAILED.activity_task_failed_event_attributes.failure
      assert.is_true(temporal.is_error(failed))
      assert.same({ "application", "why", "Bad", { 1, "x", n = 2 } },
        { failed.kind, failed.message, failed.type, failed.details })
      local closed = found.WORKFLOW_EXECUTION_FAILED.workflow_execution_failed_event_attributes
      assert.same({ "activity", "application" },
        { closed.failure.kind, closed.failure.cause.kind })
      run = temporal.assert(plain:start_workflow({ task_queue = env.task_queue }, "Echo",
        { "ü", 1.5 }))
      run:get(30)
      found = events(run, { decode = true })
      assert.same({ { "ü", 1.5 }, n = 1 },
        found.WORKFLOW_EXECUTION_COMPLETED.workflow_execution_completed_event_attributes.result)
    end)

    it("are not those of the JSON", function()
      local run = plain:workflow "x"
      local ok, problem = pcall(run.fetch_history, run, { json = true, decode = true })
      assert.is_false(ok)
      assert.matches('history_decode_spec%.lua:%d+: options "json" and "decode" of '
        .. "workflow:fetch_history exclude each other", problem)
    end)
  end)
end)

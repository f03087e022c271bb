-- A start is made in two ways: plain options by one pass in C, all others in Lua. What both can do
-- becomes the same request, and what C cannot do it leaves alone.

local core = require "temporal.core"
local faults = require "spec.support.faults"
local sessions = require "temporal.call.session"
local start = require "temporal.run.start"
local temporal = require "temporal"

local unpack = table.unpack or unpack -- luacheck: ignore 113 143

local INFINITY = math.huge

-- Values of each option; "plain" are those that C reads.
local CASES = {
  id = { plain = { "w", ("x"):rep(1000), "ключ \"\\\n" } },
  task_queue = { plain = { "q", "a queue with spaces", "очередь" } },
  execution_timeout = { plain = { 0, 1, 86400, 315576000000 }, other = { 0.25, "1h30m", "250ms" } },
  run_timeout = { plain = { 0, 60 }, other = { 1.5, "7d" } },
  task_timeout = { plain = { 10 }, other = { 0.001, "10s" } },
  id_reuse_policy = {
    plain = { "allow_duplicate", "allow_duplicate_failed_only", "reject_duplicate" },
  },
  id_conflict_policy = { plain = { "fail", "use_existing", "terminate_existing" } },
  on_already_started = { plain = { "error", "attach" } },
  timeout = { plain = { 0.5, 60 }, other = { "1m" } },
  request_id = { plain = { "r", ("r"):rep(1000) } },
  retry_policy = { other = { {}, { maximum_attempts = 3 } } },
  cron_schedule = { other = { "0 12 * * *" } },
  memo = { other = { { a = 1 } } },
  search_attributes = { other = { { CustomKeywordField = "v" } } },
  start_delay = { other = { 5, "1m" } },
  static_summary = { other = { "short" } },
  static_details = { other = { "long" } },
  priority = { other = { { key = 1 } } },
  versioning_override = { other = { "auto_upgrade" } },
  request_eager_start = { other = { false } },
  metadata = { other = { { key = "value" } } },
  header = { other = { { trace = "t" } } },
  links = { other = { {} } },
  callbacks = { other = { {} } },
}

-- What no option may be, or only some.
local WRONG = {
  "", ("x"):rep(1001), "with\0zero", "\255", "reject_duplicat", 0, -1, 1.5, 1e300, 0 / 0, INFINITY,
  -INFINITY, true, false, {}, { "list" }, print,
}

describe("a plain start", function()
  local peer, plain, other, channel

  setup(function() peer = faults.start_peer() end)
  teardown(faults.stop_peer)
  before_each(function()
    peer:reset("call StartWorkflowExecution : answer started")
    plain = faults.client { namespace = "n", identity = "me" }
    -- What interceptors may change is made in Lua.
    other = faults.client { namespace = "n", identity = "me", interceptors = { {
      signal = function(_, nextly) return nextly() end } } }
    local session = sessions.of(plain)
    session:open()
    channel = session.channel
  end)
  after_each(faults.after_each)

  local function options_of(given)
    local options = { id = "w", task_queue = "q", request_id = "r" }
    for name, value in pairs(given) do
      options[name] = value
    end
    return options
  end

  local function left_to_lua(options, ...)
    local run = channel:start_plain(plain, options, "n", "me", nil, "Type", ...)
    if run then
      temporal.assert(run:started(faults.HUNG))
    end
    return run == nil
  end

  local function both(options, ...)
    temporal.assert(plain:start_workflow(options, "Type", ...))
    temporal.assert(other:start_workflow(options, "Type", ...))
    local requests = peer:requests(faults.START)
    local n = #requests
    assert.equal(requests[n], requests[n - 1])
    return requests[n]
  end

  it("is the same request with every option", function()
    for _, name in ipairs(start.options.names) do
      local values = assert(CASES[name], name)
      for _, value in ipairs(values.plain or {}) do
        local options = options_of { [name] = value }
        assert.is_false(left_to_lua(options), name)
        both(options, { name = "a", n = 1 })
      end
      for _, value in ipairs(values.other or {}) do
        local options = options_of { [name] = value }
        assert.is_true(left_to_lua(options), name)
        both(options)
      end
    end
  end)

  it("is the same request with all plain options at once", function()
    local options = {}
    for name, values in pairs(CASES) do
      options[name] = values.plain and values.plain[1]
    end
    assert.is_false(left_to_lua(options))
    both(options, "argument")
  end)

  it("is the same request with any arguments", function()
    local lists = {
      { n = 0 }, { n = 1 }, { 1, n = 3 }, { "s", true, 2.5, temporal.null, n = 4 },
      { temporal.bytes "\0\255", temporal.array {}, { 1, 2, { a = "b" } }, n = 3 },
      { ("long"):rep(100000), n = 1 },
    }
    for _, list in ipairs(lists) do
      assert.is_false(left_to_lua(options_of {}, unpack(list, 1, list.n)))
      both(options_of {}, unpack(list, 1, list.n))
    end
  end)

  it("has ids of its own where none are given", function()
    local run = temporal.assert(plain:start_workflow({ task_queue = "q" }, "Type"))
    assert.matches("^%x+%-%x+%-4%x+%-%x+%-%x+$", run.id)
    assert.matches("^%x+%-%x+%-4%x+%-%x+%-%x+$", run.request_id)
    assert.not_equal(run.id, run.request_id)
    local request = faults.requests(faults.START)[1]
    assert.equal(run.id, request.workflow_id)
    assert.equal(run.request_id, request.request_id)
  end)

  it("leaves to Lua what is wrong", function()
    for name in pairs(CASES) do
      for _, value in ipairs(WRONG) do
        local options = options_of { [name] = value }
        local lua_takes_it = pcall(start.build, sessions.of(other), options, "Type", 0)
        if not lua_takes_it then
          assert.is_true(left_to_lua(options), name .. " = " .. tostring(value))
        end
      end
    end
    for _, options in ipairs { {}, { id = "w" }, { task_queue = "q", [1] = "x" },
      { task_queue = "q", ["id\0"] = "x" }, { task_queue = "q", taskqueue = "q" },
      options_of { id_reuse_policy = "reject_duplicate",
        id_conflict_policy = "terminate_existing" } } do
      assert.is_true(left_to_lua(options))
    end
    for _, options in ipairs { true, "options", 7 } do
      assert.is_true(left_to_lua(options))
    end
    assert.is_true(left_to_lua(options_of {}, print))
    assert.is_true(left_to_lua(options_of {}, 1, { 1, nil, 3, x = 1 }))
  end)

  it("raises the same errors as any other", function()
    for _, case in ipairs { { { id = "w" }, 'task_queue" is missing' },
      { { task_queue = "q", run_timout = 1 }, "did you mean" },
      { { task_queue = "q", id = "" }, '"id" must not be empty' } } do
      local ok, message = pcall(plain.execute_workflow, plain, case[1], "Type")
      assert.is_false(ok)
      assert.matches(case[2], message, 1, true)
      assert.matches("start_plain_spec%.lua:%d+: ", message)
    end
    local ok, message = pcall(plain.execute_workflow, plain, { task_queue = "q" }, "Type", print)
    assert.is_false(ok)
    assert.matches("argument 1", message, 1, true)
  end)

  it("is of the client that began it, and counted", function()
    peer:reset("call StartWorkflowExecution : await; answer started")
    local run = plain:execute_workflow(options_of { timeout = 10 }, "Type")
    assert.equal(plain, core.owner(run))
    assert.same({ "n", "w", "r", "Type" },
      { run.namespace, run.id, run.request_id, run.workflow_type })
    assert.equal(1, #channel:unacknowledged())
    peer:release(1)
    temporal.assert(run:started(faults.HUNG))
  end)

  it("ends at its timeout", function()
    peer:reset("call StartWorkflowExecution : await")
    faults.ends_in_time(0.5, function()
      local began = core.now()
      local run, err = plain:start_workflow(options_of { timeout = 0.5 }, "Type")
      assert.is_nil(run)
      assert.equal("deadline_exceeded", err.code)
      return core.now() - began
    end)
  end)
end)


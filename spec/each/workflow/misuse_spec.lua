--- Nonsense given to what workflow code calls: it says so at the caller's line, nothing of it
-- reaches the server, and nothing hangs.

local simulation = require "spec.support.simulation"
local temporal = require "temporal"
local workflow = require "temporal.workflow"

if simulation.impossible(describe, it) then return end

-- What a function raises in a workflow.
local function raised(fn)
  local sim = simulation.new(function()
    local ok, problem = pcall(fn)
    return ok and "nothing was raised" or problem
  end)
  assert.matches("complete_workflow_execution$", sim:task())
  return sim:result()
end

-- What fails the task of a workflow that gets a signal; `fn` is its main function.
local function failure_of(fn)
  local sim = simulation.new(fn)
  sim:signal "s"
  local commands, problem = sim:task()
  assert.is_nil(commands)
  return problem
end

local function check(cases)
  for message, fn in pairs(cases) do
    local problem = raised(fn)
    assert.matches("^[^\n]*misuse_spec.lua:%d+: ", problem)
    assert.matches(message, problem, 1, true)
  end
end

describe("misuse of workflow functions is said at the caller's line:", function()
  it("waits for what will never be ready", function()
    check {
      ["workflow.wait takes a list of futures: write workflow.wait{ one, other }, got a future"] =
        function() workflow.wait(workflow.timer(1)) end,
      ["workflow.wait_all takes a list of futures: write workflow.wait_all{ one, other }"] =
        function() workflow.wait_all(workflow.timer(1)) end,
      ["workflow.wait: the list is empty"] = function() workflow.wait {} end,
      ["workflow.wait takes a list of futures; element 2 is false"] =
        function() workflow.wait { workflow.timer(1), false } end,
    }
    assert.equal("true", raised(function() error(tostring(workflow.wait_all {}), 0) end))
  end)

  it("methods without their object", function()
    check {
      ["future:get is a method of futures: write future:method(...), with a colon; got nothing"] =
        function() workflow.timer(1).get() end,
      ["future:wait is a method of futures"] = function() workflow.timer(1).wait(5) end,
      ["future:ready is a method of futures"] = function() workflow.timer(1).ready() end,
      ["future:cancel is a method of futures"] = function() workflow.timer(1).cancel "enough" end,
      ["this is a method of scope objects"] =
        function() workflow.scope(function(scope) scope.cancel() end) end,
      ["this is a method of external workflow objects"] =
        function() workflow.external("other").signal "stop" end,
      ["this is a method of external workflow objects: write external workflow:method"] =
        function() workflow.external("other").cancel() end,
    }
  end)

  it("what is no name, no id and no reason", function()
    check {
      ["scope:cancel: the reason must be a string, got a table"] =
        function() workflow.scope(function(scope) scope:cancel {} end) end,
      ["cancel: the reason must be a string, got 5"] =
        function() workflow.timer(1):cancel(5) end,
      ["cancel: the reason must be a string, got true"] =
        function() workflow.spawn(function() end):cancel(true) end,
      ["cancel: the reason must be a string, got a table"] =
        function() workflow.external("other"):cancel {} end,
      ["workflow.external: the run id must be a string, got 5"] =
        function() workflow.external("other", 5) end,
      ["workflow.upsert_memo: memo: the names must be strings, got 1"] =
        function() workflow.upsert_memo { "a", "b" } end,
      ["workflow.mutable_side_effect: the id must be a string, got nothing"] =
        function() workflow.mutable_side_effect(nil, function() end) end,
      ["workflow.mutable_side_effect: the id must be a string, got a table"] =
        function() workflow.mutable_side_effect({}, function() end) end,
      ["workflow.mutable_side_effect: equal must be a function, got a string"] =
        function() workflow.mutable_side_effect("rate", function() end, "equal") end,
    }
  end)

  it("random numbers from what is no interval", function()
    check {
      ["bad argument #1 to 'random' (number expected, got table)"] =
        function() workflow.random {} end,
      ["bad argument #1 to 'random' (number expected, got nil)"] =
        function() workflow.random(nil, 6) end,
      ["bad argument to 'random' (interval is empty)"] = function() workflow.random(0) end,
      ["bad argument to 'random' (interval is empty"] = function() workflow.random(0 / 0) end,
      ["bad argument to 'random' (interval is too large"] = function() workflow.random(1e300) end,
      ["(interval is too large: its numbers must be below 2^53)"] =
        function() workflow.random(-9e15, 9e15) end,
    }
    if math.type then
      check { ["bad argument #1 to 'random' (number has no integer representation)"] =
        function() math.random(1.5, 3) end }
    else
      assert.equal("1", raised(function() error(tostring(math.random(1.5)), 0) end))
    end
  end)

  it("activities that may take no time", function()
    check {
      ['activity option "start_to_close_timeout" is missing'] = function()
        workflow.execute_activity({ start_to_close_timeout = 0 }, "A")
      end,
      ['local activity option "start_to_close_timeout" must be above 0 s, got 0'] = function()
        workflow.execute_local_activity({ start_to_close_timeout = 0 }, "A")
      end,
    }
    assert.equal("nothing was raised", raised(function()
      workflow.execute_activity({ start_to_close_timeout = 5, schedule_to_close_timeout = 0 }, "A")
    end))
  end)

  it("activities that are called", function()
    local function Plain(n) return 2 * n end -- has no upvalues, not even _ENV
    temporal.define_activity("misuse.Plain", Plain)
    check {
      ["the activity misuse.Plain was called by itself in a workflow: use workflow.execute"] =
        function() Plain(2) end,
    }
  end)

  it("what talks to the server", function()
    check {
      ["temporal.host.use in a workflow: use an activity"] =
        function() temporal.host.use "loop" end,
      ["temporal.spawn in a workflow: use an activity"] = function() temporal.spawn(print) end,
    }
  end)

  it("yields that nobody resumes", function()
    for _, fn in ipairs {
      function() coroutine.yield() end,
      function() workflow.wait_condition(function() coroutine.yield() end) end,
      function() workflow.side_effect(function() coroutine.yield() end) end,
      function()
        workflow.on_signal("s", function() coroutine.yield() end)
        workflow.sleep(1)
      end,
    } do
      assert.matches("coroutine.yield was called outside of a coroutine of your own",
        failure_of(fn), 1, true)
    end
  end)
end)

describe("a time that is past", function()
  it("is slept for 1 ms, so that history shows it", function()
    local sim = simulation.new(function()
      workflow.sleep(-5)
      workflow.timer(0):get()
      return "slept"
    end)
    for _, id in ipairs { "1", "2" } do
      assert.equal("start_timer", sim:task())
      assert.equal(1000000,
        sim.initiated[#sim.initiated].attributes.start_to_fire_timeout.nanos)
      sim:fire(id)
    end
    sim:task()
    assert.equal("slept", sim:result())
    sim:verify()
  end)
end)

-- Errors that are not as errors are.

local function unshowable()
  return setmetatable({}, { __name = "shop.Bad", __tostring = function() error("inner", 0) end })
end

local UNSHOWABLE = "a table whose __tostring raises: inner"

describe("an error that cannot be shown", function()
  it("fails the task, or the workflow, and says what it is", function()
    local commands, problem = simulation.new(function() error(unshowable()) end):task()
    assert.is_nil(commands)
    assert.equal("table", type(problem))
    local sim = simulation.new(function() return nil, unshowable() end)
    assert.equal("fail_workflow_execution", sim:task())
    assert.same({ UNSHOWABLE, "shop.Bad" },
      { sim:failure().message, sim:failure().application_failure_info.type })
    sim:verify()
    sim = simulation.new(function()
      error(temporal.application_error("outer", { cause = unshowable() }))
    end)
    assert.equal("fail_workflow_execution", sim:task())
    assert.equal(UNSHOWABLE, sim:failure().cause.message)
  end)

  it("is left when that takes for ever, or yields", function()
    for _, fn in ipairs { function() while true do end end, function() coroutine.yield() end } do
      local sim = simulation.new(function()
        return nil, setmetatable({}, { __tostring = fn })
      end)
      assert.equal("fail_workflow_execution", sim:task())
      assert.matches("^a table whose __tostring ", sim:failure().message)
    end
  end)

  it("is that of an update, of a query and of a task that nobody looks at", function()
    local sim = simulation.new(function()
      workflow.on_update("u", function() return nil, unshowable() end)
      workflow.on_update("v", function() end, { validator = function() error(unshowable()) end })
      workflow.on_query("q", function() error(unshowable()) end)
      workflow.spawn(function() error(unshowable()) end)
      workflow.sleep(1)
    end)
    sim:update("1", "u")
    sim:update("2", "v")
    sim:task()
    assert.same({ "accept complete", UNSHOWABLE }, { sim:answered "1" })
    assert.same({ "reject", UNSHOWABLE }, { sim:answered "2" })
    assert.same({ nil, UNSHOWABLE }, { sim:query "q" })
    sim:fire "1"
    sim:task()
    assert.matches(UNSHOWABLE, sim.log[1], 1, true)
  end)
end)

describe("an error that is nil or false", function()
  it("fails the task wherever it is raised", function()
    for _, fn in ipairs {
      function() error() end,
      function() error(false) end,
      function()
        workflow.on_signal("s", function() error() end)
        workflow.sleep(1)
      end,
      function() -- in a condition that is tried later
        local turns = 0
        workflow.spawn(function() turns = turns + 1 end)
        workflow.wait_condition(function() if turns > 0 then error() end end)
      end,
    } do
      local problem = failure_of(fn)
      assert.is_true(problem == "nil" or problem == "false")
    end
  end)

  it("fails a query", function()
    local sim = simulation.new(function()
      workflow.on_query("nothing", function() error() end)
      workflow.on_query("no", function() error(false) end)
      workflow.sleep(1)
    end)
    sim:task()
    assert.same({ nil, "nil" }, { sim:query "nothing" })
    assert.same({ nil, "false" }, { sim:query "no" })
  end)

  it("comes out of a task's get", function()
    local sim = simulation.new(function()
      local function outcome(problem)
        local task = workflow.spawn(function() error(problem) end)
        local ok, met = pcall(task.get, task)
        return ("%s %s"):format(tostring(ok), tostring(met))
      end
      return { outcome(nil), outcome(false) }
    end)
    sim:task()
    assert.same({ "false nil", "false false" }, sim:result())
  end)
end)

describe("a fault of this package in a step", function()
  it("fails the task, and leaves nothing behind", function()
    local sim = simulation.new(function() workflow.sleep(1) end)
    function sim.run.drain() error("a fault", 0) end
    local commands, problem = sim:task()
    assert.is_nil(commands)
    assert.same({ "internal", "a fault" }, { problem.kind, problem.message })
    assert.is_false(workflow.in_workflow())
  end)
end)

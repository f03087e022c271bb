--- Runs of workflows, without a server: what history makes of code, and code of history. Every test
-- replays what it has written in three ways.

local simulation = require "spec.support.simulation"
local workflow = require "temporal.workflow"

describe("temporal.workflow", function()
  it("can be asked everywhere whether this is a workflow, and nothing else", function()
    assert.is_false(workflow.in_workflow())
    for _, name in ipairs { "sleep", "timer", "now", "info", "cancel_requested", "spawn" } do
      local ok, problem = pcall(workflow[name], name == "spawn" and print or 1)
      assert.is_false(ok)
      assert.matches("in a workflow only", problem, 1, true)
    end
  end)
end)

if simulation.impossible(describe, it) then return end

local ACTIVITY = { start_to_close_timeout = 10 }

describe("a run", function()
  it("completes with the first value its function returns", function()
    local sim = simulation.new(function(a, b) return a + b, "dropped" end, 1, 2)
    assert.equal("complete_workflow_execution", sim:task())
    assert.equal(3, sim:result())
    sim:verify()
  end)

  it("fails with nil and why", function()
    local sim = simulation.new(function() return nil, "no stock" end)
    assert.equal("fail_workflow_execution", sim:task())
    assert.equal("no stock", sim:failure().message)
    sim:verify()
  end)

  it("sends commands in the order of the calls", function()
    local sim = simulation.new(function()
      local first = workflow.execute_activity(ACTIVITY, "A", 1)
      local second = workflow.timer(5)
      local third = workflow.execute_activity(ACTIVITY, "B")
      workflow.wait_all { first, second, third }
      return { first:get(), second:get(), third:get() }
    end)
    assert.equal("schedule_activity_task start_timer schedule_activity_task", sim:task())
    sim:complete("2", "b")
    assert.equal("", sim:task())
    sim:fire "1"
    sim:complete("1", "a")
    assert.equal("complete_workflow_execution", sim:task())
    assert.same({ "a", true, "b" }, sim:result())
    sim:verify()
  end)

  it("handles signals in history order, each in a fiber of its own", function()
    local sim = simulation.new(function()
      local seen = {}
      workflow.on_signal("s", function(n, wait)
        if wait then workflow.sleep(wait) end
        seen[#seen + 1] = n
      end)
      workflow.wait_condition(function() return #seen == 3 end)
      return seen
    end)
    sim:signal("s", 1, 1)
    sim:signal("s", 2)
    assert.equal("start_timer", sim:task())
    sim:signal("s", 3)
    sim:fire "1"
    assert.equal("complete_workflow_execution", sim:task())
    assert.same({ 2, 3, 1 }, sim:result())
    sim:verify()
  end)

  it("runs the handlers of what came first before its main function does anything", function()
    local sim = simulation.new(function()
      local order = {}
      workflow.on_signal("s", function(n)
        order[#order + 1] = n
        workflow.execute_activity(ACTIVITY, "Handler")
      end)
      order[#order + 1] = "main"
      workflow.execute_activity(ACTIVITY, "Main"):get()
      return order
    end)
    sim:signal("s", "signal")
    assert.equal("schedule_activity_task schedule_activity_task", sim:task())
    sim:complete("2")
    sim:task()
    assert.same({ "main", "signal" }, sim:result())
    sim:verify()
  end)

  it("keeps signals until there is a handler for them", function()
    local sim = simulation.new(function()
      local got = {}
      workflow.sleep(1)
      workflow.on_signal("late", function(n) got[#got + 1] = n end)
      workflow.wait_condition(function() return #got == 2 end)
      return got
    end)
    sim:signal("late", 1)
    sim:task()
    sim:signal("late", 2)
    sim:fire "1"
    sim:task()
    assert.same({ 1, 2 }, sim:result())
    sim:verify()
  end)

  it("has one handler of a name: the last, or none", function()
    local sim = simulation.new(function()
      local got = {}
      workflow.on_signal("s", function() got[#got + 1] = "first" end)
      workflow.on_signal("s", function() got[#got + 1] = "second" end)
      workflow.sleep(1)
      workflow.on_signal("s", nil)
      workflow.sleep(1)
      workflow.on_signal("s", function() got[#got + 1] = "third" end)
      workflow.sleep(1)
      return got
    end)
    sim:task()
    sim:signal "s"
    sim:fire "1"
    sim:task()
    sim:signal "s"
    sim:fire "2"
    sim:task()
    sim:fire "3"
    sim:task()
    assert.same({ "second", "third" }, sim:result())
    sim:verify()
  end)

  it("runs handlers in its root scope, wherever they were registered", function()
    local sim = simulation.new(function()
      local got
      workflow.scope({ shield = true }, function()
        workflow.on_signal("s", function()
          got = select(2, pcall(workflow.sleep, 9)).message
        end)
        workflow.wait_condition(function() return got end)
      end)
      return got
    end)
    sim:task()
    sim:signal "s"
    sim:task()
    sim:cancel "all"
    assert.equal("cancel_timer complete_workflow_execution", sim:task())
    assert.equal("all", sim:result())
    sim:verify()
  end)

  it("waits for the first of many futures, the lowest of several, and for all", function()
    local sim = simulation.new(function()
      local list = { workflow.timer(1), workflow.timer(2), workflow.timer(3) }
      local got = { workflow.wait_all(list, 5) }
      for _, order in ipairs { { 3, 1, 2 }, { 2, 1, 3 } } do
        local first, place = workflow.wait { list[order[1]], list[order[2]], list[order[3]] }
        got[#got + 1] = first == list[order[place]] and place
      end
      got[#got + 1] = workflow.wait({ list[3] }, 5) == nil
      got[#got + 1] = workflow.wait_all({ list[1], list[2] })
      got[#got + 1] = list[3]:wait(5)
      got[#got + 1] = list[3]:wait()
      return got
    end)
    sim:task()
    sim:fire "1"
    sim:fire "2"
    sim:fire "4" -- wait_all's
    assert.equal("start_timer", sim:task())
    sim:fire "5" -- wait's
    sim:task()
    sim:fire "6" -- list[3]:wait(5)
    sim:task()
    sim:fire "3"
    sim:task()
    assert.same({ false, 2, 1, true, true, false, true }, sim:result())
    sim:verify()
  end)

  it("tries a condition again at its turn", function()
    local sim = simulation.new(function()
      local tokens, taken = 0, {}
      workflow.on_signal("token", function() tokens = tokens + 1 end)
      local function take(name)
        workflow.wait_condition(function() return tokens > 0 end)
        tokens = tokens - 1
        taken[#taken + 1] = name
      end
      local a, b = workflow.spawn(take, "a"), workflow.spawn(take, "b")
      workflow.wait_all { a, b }
      return taken
    end)
    sim:task()
    sim:signal "token"
    assert.equal("", sim:task())
    sim:signal "token"
    assert.equal("complete_workflow_execution", sim:task())
    assert.same({ "a", "b" }, sim:result())
    sim:verify()
  end)

  it("makes no timer for a condition that is true at once", function()
    local sim = simulation.new(function()
      local first = workflow.wait_condition(function() return true end, 10)
      return { first, workflow.wait_condition(function() return false end, 10) }
    end)
    assert.equal("start_timer", sim:task())
    sim:fire "1"
    sim:task()
    assert.same({ true, false }, sim:result())
    sim:verify()
  end)

  it("cancels the timer of a wait that has ended", function()
    local sim = simulation.new(function()
      local future = workflow.execute_activity(ACTIVITY, "A")
      return future:get(60)
    end)
    assert.equal("schedule_activity_task start_timer", sim:task())
    sim:complete("1", "in time")
    assert.equal("cancel_timer complete_workflow_execution", sim:task())
    sim:verify()
  end)

  it("waits through the user's own pcall, iterators and metamethods", function()
    local sim = simulation.new(function()
      local got = {}
      local t = setmetatable({}, { __index = function(_, k)
        return workflow.execute_activity(ACTIVITY, "Index", k):get()
      end })
      local _, problem = pcall(function() workflow.execute_activity(ACTIVITY, "Bad"):get() end)
      got[1] = problem.cause.type
      got[2] = t.x
      for v in function(_, n)
        return (n or 0) < 2 and workflow.execute_activity(ACTIVITY, "Iterate"):get() or nil
      end do
        got[#got + 1] = v
        if v == 2 then break end
      end
      return got
    end)
    sim:task()
    sim:fail("1", "no")
    sim:task()
    sim:complete("2", "indexed")
    sim:task()
    sim:complete("3", 2)
    sim:task()
    assert.same({ "Broken", "indexed", 2 }, sim:result())
    sim:verify()
  end)

  it("cannot wait where C calls, and goes on unharmed", function()
    local sim = simulation.new(function()
      local done, problems = false, {}
      workflow.on_signal("s", function() done = true end)
      local timer = workflow.timer(1)
      local function wait() timer:get() end
      problems[1] = select(2, pcall(string.gsub, "x", "x", wait))
      problems[2] = select(2, xpcall(error, function() return select(2, pcall(wait)) end))
      -- The timer that nobody could wait for fires meanwhile.
      workflow.wait_condition(function() return done end)
      return problems
    end)
    sim:task()
    sim:fire "1"
    sim:task()
    sim:signal "s"
    assert.equal("complete_workflow_execution", sim:task())
    for i = 1, 2 do
      assert.matches("run_spec.lua:%d+: a workflow cannot wait here", sim:result()[i])
    end
    sim:verify()
  end)

  it("never meets a coroutine again that it has seen, nor can tell that others are used again",
    function()
      local sim = simulation.new(function()
        local seen, traces = {}, {}
        local function look()
          seen[#seen + 1] = coroutine.running()
        end
        for _ = 1, 3 do
          workflow.spawn(look):get()
          workflow.spawn(function() traces[#traces + 1] = debug.traceback() end):get()
        end
        return { seen[1] ~= seen[2], seen[2] ~= seen[3], seen[1] ~= seen[3],
          coroutine.status(seen[1]), coroutine.resume(seen[1], print),
          #traces[1] > 0, traces[1] == traces[2], traces[2] == traces[3] }
      end)
      sim:task()
      assert.same({ true, true, true, "dead", false, true, true, true }, sim:result())
    end)

  it("is not woken by another fiber that resumes a coroutine which waits", function()
    local sim = simulation.new(function()
      local co = coroutine.create(function()
        workflow.sleep(2)
        return "slept"
      end)
      local task = workflow.spawn(function() return select(2, coroutine.resume(co)) end)
      workflow.sleep(1)
      local ok, problem = coroutine.resume(co)
      return { ok, problem, task:get(), coroutine.status(co) }
    end)
    sim:task()
    sim:fire "1"
    sim:task()
    sim:fire "2"
    assert.equal("complete_workflow_execution", sim:task())
    assert.same({ false, "cannot resume a coroutine that waits for something of the workflow: who "
      .. "resumed it goes on when that has come", "slept", "dead" }, sim:result())
    sim:verify()
  end)

  describe("that is canceled", function()
    it("raises where it waits, and ends canceled", function()
      local sim = simulation.new(function() workflow.sleep(60) end)
      sim:task()
      sim:cancel "enough"
      assert.equal("cancel_timer cancel_workflow_execution", sim:task())
      assert.is_true(sim:was_canceled())
      sim:verify()
    end)

    it("raises again and again, but in a shielded scope", function()
      local sim = simulation.new(function()
        local _, first = pcall(workflow.sleep, 60)
        local _, second = pcall(workflow.sleep, 60)
        local _, third = pcall(workflow.execute_activity, ACTIVITY, "Never")
        local kinds = { first.kind, second.kind, third.kind, workflow.cancel_requested() }
        kinds[5] = workflow.scope({ shield = true }, function()
          return workflow.execute_activity(ACTIVITY, "CleanUp"):get()
        end)
        return kinds
      end)
      sim:task()
      sim:cancel "why"
      assert.equal("cancel_timer schedule_activity_task", sim:task())
      sim:complete("1", "clean")
      sim:task()
      assert.same({ "canceled", "canceled", "canceled", "why", "clean" }, sim:result())
      sim:verify()
    end)

    for kind, commands in pairs {
      try_cancel = "request_cancel_activity_task cancel_workflow_execution",
      abandon = "cancel_workflow_execution",
      wait_cancellation_completed = "request_cancel_activity_task",
    } do
      it("treats its activities as they ask: " .. kind, function()
        local sim = simulation.new(function()
          return workflow.execute_activity({ start_to_close_timeout = 10,
            cancellation_type = kind }, "A"):get()
        end)
        sim:task()
        sim:cancel()
        assert.equal(commands, sim:task())
        if kind == "wait_cancellation_completed" then
          sim:canceled "1"
          assert.equal("cancel_workflow_execution", sim:task())
        end
        assert.is_true(sim:was_canceled())
        sim:verify()
      end)
    end
  end)

  describe("a scope", function()
    it("cancels what is in it after its timeout", function()
      local sim = simulation.new(function()
        local ok, problem = pcall(workflow.scope, { timeout = 5 }, function()
          workflow.execute_activity(ACTIVITY, "Slow"):get()
        end)
        workflow.sleep(1)
        return { ok, problem.kind, problem.cause.kind }
      end)
      assert.equal("start_timer schedule_activity_task", sim:task())
      sim:fire "1"
      assert.equal("request_cancel_activity_task start_timer", sim:task())
      sim:fire "2"
      sim:task()
      assert.same({ false, "timeout", "activity" }, sim:result())
      sim:verify()
    end)

    it("asks for no cancellation of what ended with its timeout", function()
      local sim = simulation.new(function()
        return workflow.scope({ timeout = 5 }, function()
          return workflow.execute_activity(ACTIVITY, "Slow"):get()
        end)
      end)
      sim:task()
      sim:fire "1"
      sim:complete("1", "too late")
      assert.equal("fail_workflow_execution", sim:task())
      sim:verify()
    end)

    it("drops what was not sent yet, but for its number", function()
      local sim = simulation.new(function()
        pcall(workflow.scope, function(scope)
          local future = workflow.execute_activity(ACTIVITY, "Never")
          scope:cancel()
          future:get()
        end)
        return workflow.execute_activity(ACTIVITY, "Second"):get()
      end)
      assert.equal("schedule_activity_task", sim:task())
      sim:complete("2", "second")
      sim:task()
      assert.equal("second", sim:result())
      sim:verify()
    end)

    it("of a task is canceled with it", function()
      local sim = simulation.new(function()
        local task = workflow.spawn(function() workflow.sleep(60) end)
        workflow.sleep(1)
        task:cancel()
        local _, problem = pcall(task.get, task)
        return problem.kind
      end)
      assert.equal("start_timer start_timer", sim:task())
      sim:fire "1"
      assert.equal("cancel_timer complete_workflow_execution", sim:task())
      assert.equal("canceled", sim:result())
      sim:verify()
    end)
  end)

  describe("tells code that does not match its history", function()
    local function recorded()
      local sim = simulation.new(function()
        workflow.execute_activity(ACTIVITY, "A"):get()
        workflow.sleep(1)
      end)
      sim:task()
      sim:complete("1")
      sim:task()
      return sim
    end

    for what, row in pairs {
      ["another type"] = { function() workflow.execute_activity(ACTIVITY, "B"):get() end, 5 },
      ["another id"] = { function()
        workflow.execute_activity({ id = "x", start_to_close_timeout = 1 }, "A"):get()
      end, 5 },
      ["another command"] = { function() workflow.sleep(1) end, 5 },
      ["no command"] = { function() end, 5 },
      ["a command more"] = { function()
        workflow.execute_activity(ACTIVITY, "A")
        workflow.sleep(1)
      end, 6 },
      ["another command later"] = { function()
        workflow.execute_activity(ACTIVITY, "A"):get()
        workflow.execute_activity(ACTIVITY, "A"):get()
      end, 11 },
    } do
      it(what, function()
        local ok, problem = recorded():replay(row[1])
        assert.is_nil(ok)
        assert.same({ "nondeterminism", row[2] }, { problem.kind, problem.event_id })
        assert.matches("[TMPRL1100]", problem.message, 1, true)
      end)
    end

    it("but not other inputs, timeouts and retries", function()
      assert.is_truthy(recorded():replay(function()
        workflow.execute_activity({ schedule_to_close_timeout = 1, retry_policy = {} }, "A",
          "new"):get()
        workflow.sleep(99)
      end))
    end)
  end)

  it("fails the task for what is a bug, and for misuse", function()
    for _, definition in ipairs {
      function() error "a bug" end,
      function() return nil + 1 end,
      function() workflow.execute_activity({}, "A") end,
      function() workflow.wait_condition(function() workflow.sleep(1) end) end,
      function() coroutine.yield() end,
    } do
      local sim = simulation.new(definition)
      local ok, problem = sim:task()
      assert.is_nil(ok)
      assert.equal("string", type(problem))
    end
  end)

  it("says the errors of tasks that nobody took", function()
    local sim = simulation.new(function()
      workflow.spawn(function() error "lost" end)
      workflow.sleep(1)
    end)
    sim:task()
    sim:fire "1"
    sim:task()
    assert.equal(1, #sim.log)
    assert.matches("nobody took its error: .*lost", sim.log[1])
  end)
end)

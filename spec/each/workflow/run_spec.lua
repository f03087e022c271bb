--- Runs of workflows, without a server: what history makes of code, and code of history. Every test
-- replays what it has written in three ways.

local simulation = require "spec.support.simulation"
local temporal = require "temporal"
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

-- A worker refuses workflows there.
if _VERSION == "Lua 5.1" and not rawget(_G, "jit") then return end

-- Of the seed that the simulation gives, for ever.
local RANDOM = { 74, 447, 633 }

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

  describe("an update", function()
    it("is accepted, does its work and has a result", function()
      local sim = simulation.new(function()
        local total = 0
        workflow.on_update("add", function(n)
          total = total + workflow.execute_activity(ACTIVITY, "Fee", n):get()
          return { total = total, id = workflow.update_info().id }
        end)
        workflow.wait_condition(function()
          return total > 5 and workflow.all_handlers_finished()
        end)
        return total
      end)
      sim:task()
      sim:update("u1", "add", 3)
      assert.equal("protocol_message schedule_activity_task", sim:task())
      assert.equal("accept", (sim:answered "u1"))
      sim:complete("1", 7)
      assert.equal("protocol_message complete_workflow_execution", sim:task())
      assert.same({ "complete", { total = 7, id = "u1" } }, { sim:answered "u1" })
      sim:verify()
    end)

    it("is rejected by its validator, for its name, and leaves no trace", function()
      local looked = 0
      local sim = simulation.new(function()
        workflow.on_update("set", function(n) return n end, { validator = function(n)
          if n == 1 then error "not one" end
          if n == 2 then return false, "not two" end
          if n == 3 then return nil, "not three" end
        end })
        workflow.wait_condition(function()
          looked = looked + 1
          return false
        end)
      end)
      sim:task()
      local before = looked
      for n = 1, 3 do sim:update("u" .. n, "set", n) end
      sim:update("u4", "unknown")
      assert.equal("", sim:task())
      assert.equal(before, looked)
      local words, why = sim:answered "u1"
      assert.equal("reject", words)
      assert.matches("not one", why)
      assert.same({ "reject", "not two" }, { sim:answered "u2" })
      assert.same({ "reject", "not three" }, { sim:answered "u3" })
      words, why = sim:answered "u4"
      assert.equal("reject", words)
      assert.matches('unknown update "unknown"; known are: set', why)
      sim:verify()
    end)

    it("fails by nil and why and by an error object; a bug fails the task", function()
      local sim = simulation.new(function()
        workflow.on_update("fail", function(how)
          if how == "returned" then return nil, "no" end
          if how == "raised" then error(temporal.application_error "never") end
          error "a bug"
        end)
        workflow.sleep(60)
      end)
      sim:task()
      sim:update("u1", "fail", "returned")
      sim:update("u2", "fail", "raised")
      assert.equal(("protocol_message "):rep(4):sub(1, -2), sim:task())
      assert.same({ "accept complete", "no" }, { sim:answered "u1" })
      assert.same({ "accept complete", "never" }, { sim:answered "u2" })
      sim:verify()
      sim:update("u3", "fail", "bug")
      local ok, problem = sim:task()
      assert.is_nil(ok)
      assert.matches("a bug", problem)
    end)

    it("that comes first is handled before main does anything", function()
      local sim = simulation.new(function()
        local order = {}
        workflow.on_update("u", function()
          order[#order + 1] = "update"
          return #order
        end)
        order[#order + 1] = "main"
        workflow.sleep(1)
        return order
      end)
      sim:update("u1", "u")
      assert.equal("protocol_message protocol_message start_timer", sim:task())
      sim:fire "1"
      sim:task()
      assert.same({ "main", "update" }, sim:result())
      sim:verify()
    end)

    it("whose handler is gone does not match its history", function()
      local sim = simulation.new(function()
        workflow.on_update("u", function() return 1 end)
        workflow.sleep(1)
      end)
      sim:update("u1", "u")
      sim:task()
      local ok, problem = sim:replay(function() workflow.sleep(1) end)
      assert.is_nil(ok)
      assert.equal("nondeterminism", problem.kind)
    end)

    it("whose handler has not ended is told of when the run ends", function()
      local sim = simulation.new(function()
        workflow.on_update("slow", function() workflow.sleep(60) end)
        workflow.on_signal(temporal.any, function(name)
          if name == "quiet" then workflow.sleep(60) end
        end, { unfinished = "abandon" })
        workflow.wait_condition(function() return not workflow.all_handlers_finished() end)
      end)
      sim:update("u1", "slow")
      sim:signal "quiet"
      sim:task()
      assert.equal(1, #sim.log)
      assert.matches("TMPRL1102.*: update slow;", sim.log[1])
      sim:verify()
    end)
  end)

  describe("a child", function()
    it("is started, signalled, and gives its result", function()
      local sim = simulation.new(function()
        local child = workflow.start_child_workflow({ id = "c" }, "Child", 1)
        child:signal("go", 2)
        return { child.id, child:started(), child:get() }
      end)
      assert.equal("start_child_workflow_execution", sim:task())
      sim:child "started"
      assert.equal("signal_external_workflow_execution", sim:task())
      sim:signaled()
      sim:child("completed", "done")
      assert.equal("complete_workflow_execution", sim:task())
      assert.same({ "c", "run of the child", "done" }, sim:result())
      sim:verify()
    end)

    for how, kind in pairs {
      failed = "application", canceled = "canceled", terminated = "terminated",
      timed_out = "timed_out",
    } do
      it("that " .. how .. " says so", function()
        local sim = simulation.new(function()
          local _, err = pcall(function()
            workflow.execute_child_workflow({ id = "c" }, "Child"):get()
          end)
          return { err.kind, err.cause.kind, err.workflow_id }
        end)
        sim:task()
        sim:child "started"
        sim:child(how, "no")
        sim:task()
        assert.same({ "child_workflow", kind, "c" }, sim:result())
        sim:verify()
      end)
    end

    it("whose id is taken is not started", function()
      local sim = simulation.new(function()
        local _, err = pcall(workflow.start_child_workflow, { id = "c" }, "Child")
        return { err.kind, err.cause.kind }
      end)
      sim:task()
      sim:child_exists()
      sim:task()
      assert.same({ "child_workflow", "already_started" }, sim:result())
      sim:verify()
    end)

    it("has an id of the run's own, the same at each replay", function()
      local sim = simulation.new(function()
        return workflow.execute_child_workflow({}, "Child"):get()
      end)
      sim:task()
      sim:child "started"
      sim:child("completed", 1)
      sim:task()
      sim:verify()
    end)

    for kind, commands in pairs {
      wait_cancellation_completed = "request_cancel_external_workflow_execution",
      wait_cancellation_requested = "request_cancel_external_workflow_execution",
      try_cancel = "request_cancel_external_workflow_execution cancel_workflow_execution",
      abandon = "cancel_workflow_execution",
    } do
      it("is canceled as it asks: " .. kind, function()
        local sim = simulation.new(function()
          workflow.execute_child_workflow({ id = "c", cancellation_type = kind }, "Child"):get()
        end)
        sim:task()
        sim:child "started"
        sim:task()
        sim:cancel()
        assert.equal(commands, sim:task())
        if kind == "wait_cancellation_requested" then
          sim:cancel_requested()
          assert.equal("cancel_workflow_execution", sim:task())
        elseif kind == "wait_cancellation_completed" then
          sim:cancel_requested()
          assert.equal("", sim:task())
          sim:child "canceled"
          assert.equal("cancel_workflow_execution", sim:task())
        end
        assert.is_true(sim:was_canceled())
        sim:verify()
      end)
    end
  end)

  it("signals and cancels other workflows", function()
    local sim = simulation.new(function()
      local other = workflow.external "other"
      local done = { other:signal("hello", 1), (pcall(other.signal, other, "again")) }
      local _, err = pcall(other.cancel, other, "enough")
      done[3], done[4] = err.kind, err.workflow_id
      return done
    end)
    assert.equal("signal_external_workflow_execution", sim:task())
    sim:signaled()
    assert.equal("signal_external_workflow_execution", sim:task())
    sim:signaled "SIGNAL_COUNT_LIMIT_EXCEEDED"
    assert.equal("request_cancel_external_workflow_execution", sim:task())
    sim:cancel_requested "EXTERNAL_WORKFLOW_EXECUTION_NOT_FOUND"
    sim:task()
    assert.same({ true, false, "not_found", "other" }, sim:result())
    sim:verify()
  end)

  it("goes on as a new run, from any depth, and no pcall sees it", function()
    local after = false
    local sim = simulation.new(function(n)
      local cleaned = pcall(function()
        workflow.spawn(function()
          workflow.continue_as_new({ task_queue = "other" }, n + 1, "more")
        end)
        workflow.sleep(60)
      end)
      after = after or cleaned
    end, 1)
    assert.equal("start_timer continue_as_new_workflow_execution", sim:task())
    local continued = sim:continued()
    assert.same({ "Simulated", "other", 2 },
      { continued.workflow_type.name, continued.task_queue.name, #continued.input.payloads })
    assert.is_false(after)
    sim:verify()
  end)

  it("has random numbers and UUIDs of its own, the same at each replay and on each Lua", function()
    local sim = simulation.new(function()
      local got = {}
      for i = 1, 3 do got[i] = workflow.random(1000) end
      got[4], got[5] = workflow.random(5, 6) >= 5, workflow.random() < 1
      got[6] = workflow.uuid()
      return got
    end)
    sim:task()
    local got = sim:result()
    assert.same({ true, true }, { got[4], got[5] })
    assert.matches("^%x+%-%x+%-4%x+%-[89ab]%x+%-%x+$", got[6])
    assert.same(RANDOM, { got[1], got[2], got[3] })
    sim:verify()
  end)

  describe("a patch", function()
    local function before()
      workflow.execute_activity(ACTIVITY, "Old"):get()
      workflow.sleep(1)
      return workflow.execute_activity(ACTIVITY, "Then"):get()
    end

    local function patched()
      if workflow.patched "change" then
        workflow.execute_activity(ACTIVITY, "New"):get()
      else
        workflow.execute_activity(ACTIVITY, "Old"):get()
      end
      workflow.sleep(1)
      return workflow.execute_activity(ACTIVITY, workflow.patched "change" and "New" or "Then"):get()
    end

    local function deprecated()
      workflow.deprecate_patch "change"
      workflow.execute_activity(ACTIVITY, "New"):get()
      workflow.sleep(1)
      return workflow.execute_activity(ACTIVITY, "New"):get()
    end

    local function after()
      workflow.execute_activity(ACTIVITY, "New"):get()
      workflow.sleep(1)
      return workflow.execute_activity(ACTIVITY, "New"):get()
    end

    local function run_through(definition)
      local sim = simulation.new(definition)
      local first = sim:task()
      sim:complete("1")
      sim:task()
      sim:fire "1"
      sim:task()
      sim:complete("2", "done")
      sim:task()
      assert.equal("done", sim:result())
      sim:verify()
      return sim, first
    end

    it("is in force in new runs, and recorded with its search attribute", function()
      local _, first = run_through(patched)
      assert.equal("record_marker upsert_workflow_search_attributes schedule_activity_task", first)
    end)

    it("is not in force in runs of before, at any time of their lives", function()
      local sim = run_through(before)
      assert.is_truthy(sim:replay(patched))
      local ok, problem = sim:replay(deprecated)
      assert.is_nil(ok)
      assert.equal("nondeterminism", problem.kind)
    end)

    it("can be deprecated while runs have recorded it, and only then taken out", function()
      local sim = run_through(patched)
      assert.is_truthy(sim:replay(patched))
      assert.is_truthy(sim:replay(deprecated))
      local ok, problem = sim:replay(after)
      assert.is_nil(ok)
      assert.same({ "nondeterminism", 5 }, { problem.kind, problem.event_id })
      assert.matches('patch "change"', problem.message)
      assert.is_nil((sim:replay(before)))
    end)

    it("that is deprecated can be taken out where runs have that, too", function()
      local sim, first = run_through(deprecated)
      assert.equal("record_marker upsert_workflow_search_attributes schedule_activity_task", first)
      assert.is_truthy(sim:replay(after))
      assert.is_truthy(sim:replay(patched))
    end)

    it("that is asked for in the middle keeps its answer", function()
      local sim = simulation.new(function()
        local answers = {}
        for i = 1, 3 do
          answers[i] = workflow.patched "late"
          workflow.sleep(1)
        end
        return answers
      end)
      for i = 1, 3 do
        sim:task()
        sim:fire(tostring(i))
      end
      sim:task()
      assert.same({ true, true, true }, sim:result())
      sim:verify()
    end)
  end)

  describe("a side effect", function()
    it("is called once, and its value recorded", function()
      local calls = 0
      local sim = simulation.new(function()
        local first = workflow.side_effect(function()
          calls = calls + 1
          return { calls }
        end)
        workflow.sleep(1)
        return { first[1], workflow.side_effect(function() return "again" end) }
      end)
      assert.equal("record_marker start_timer", sim:task())
      sim:fire "1"
      assert.equal("record_marker complete_workflow_execution", sim:task())
      assert.same({ 1, "again" }, sim:result())
      assert.equal(1, calls)
      local _, problem = sim:replay(function()
        for _ = 1, 3 do pcall(workflow.side_effect, function() end) end
      end)
      assert.equal("nondeterminism", problem.kind)
    end)

    it("that changes is recorded when it does", function()
      local values = { 1, 1, 2, 2 }
      local sim = simulation.new(function()
        local got = {}
        for i = 1, 4 do
          got[i] = workflow.mutable_side_effect("v", function() return table.remove(values, 1) end)
          workflow.sleep(1)
        end
        return got
      end)
      assert.equal("record_marker start_timer", sim:task())
      sim:fire "1"
      assert.equal("start_timer", sim:task())
      sim:fire "2"
      assert.equal("record_marker start_timer", sim:task())
      sim:fire "3"
      assert.equal("start_timer", sim:task())
      sim:fire "4"
      sim:task()
      assert.same({ 1, 1, 2, 2 }, sim:result())
      assert.is_truthy(sim:replay(sim.definition))
    end)
  end)

  it("changes its search attributes and its memo", function()
    local sim = simulation.new(function()
      workflow.upsert_search_attributes { CustomKeyword = "x", CustomInt = temporal.null }
      workflow.upsert_memo { note = { "y" } }
    end)
    assert.equal("upsert_workflow_search_attributes modify_workflow_properties "
      .. "complete_workflow_execution", sim:task())
    sim:verify()
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

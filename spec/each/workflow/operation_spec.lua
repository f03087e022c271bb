--- What a run asks for beside activities and timers, without a server: other workflows, patches,
-- side effects, attributes. Every test replays what it has written in three ways.

local core = require "temporal.core"
local simulation = require "spec.support.simulation"
local temporal = require "temporal"
local workflow = require "temporal.workflow"

if simulation.impossible(describe, it) then return end

-- Of the seed that the simulation gives, for ever.
local RANDOM = { 74, 447, 633 }

local ACTIVITY = { start_to_close_timeout = 10 }

describe("a run", function()
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

  it("is canceled with a reason, its own or that of its scope", function()
    local sim = simulation.new(function()
      local function canceled(future, reason)
        if reason then future:cancel(reason) end
        local _, err = pcall(future.get, future)
        return err.message
      end
      local child = workflow.start_child_workflow({ id = "c" }, "Child")
      local messages = { canceled(workflow.timer(9), "mine"),
        canceled(workflow.spawn(workflow.sleep, 9), "its task's") }
      child:cancel "no need"
      messages[3] = canceled(workflow.timer(9))
      return messages
    end)
    sim:task()
    sim:child "started"
    assert.equal("request_cancel_external_workflow_execution start_timer", sim:task())
    local bytes = sim.answers[#sim.answers].commands[1]
    local command = core.decode("temporal.api.command.v1.Command", bytes)
    assert.equal("no need",
      command.request_cancel_external_workflow_execution_command_attributes.reason)
    sim:cancel "all of it"
    sim:task()
    assert.same({ "mine", "its task's", "all of it" }, sim:result())
    sim:verify()
    local _, problem = simulation.new(function() workflow.timer(9):cancel(3) end):task()
    assert.matches("operation_spec.lua:%d+: cancel: the reason must be a string, got 3", problem)
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

  it("need not wait until the server has its signal", function()
    local sim = simulation.new(function()
      local sent = workflow.external("other", "its run"):signal({ name = "hello", wait = false }, 1)
      local before = sent:ready()
      return { before, sent:get() }
    end)
    assert.equal("signal_external_workflow_execution", sim:task())
    sim:signaled()
    sim:task()
    assert.same({ false, true }, sim:result())
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
      return workflow.execute_activity(ACTIVITY,
        workflow.patched "change" and "New" or "Then"):get()
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
      local sim = simulation.new(simulation.watch(function()
        local first = workflow.side_effect(function()
          calls = calls + 1
          return { calls }
        end)
        workflow.sleep(1)
        return { first[1], workflow.side_effect(function() return "again" end) }
      end))
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

  it("asks for no cancellation of what has ended in the same task", function()
    for kind, expected in pairs { try_cancel = { "canceled", true, true },
      wait_cancellation_completed = { "done", true, true } } do
      local sim = simulation.new(function()
        local activity = workflow.execute_activity({ start_to_close_timeout = 10,
          cancellation_type = kind }, "Work")
        local timer = workflow.timer(10)
        local ok, value = pcall(activity.get, activity)
        return { ok and value or value.kind, activity:ready(), timer:ready() }
      end)
      sim:task()
      sim:cancel()
      sim:complete("1", "done")
      sim:fire "1"
      -- The server refuses to cancel what is over, and fails the task.
      assert.equal("complete_workflow_execution", sim:task())
      assert.same(expected, sim:result())
      sim:verify()
    end
  end)

  it("signals a child that it has just asked for once that has started", function()
    local sim = simulation.new(function()
      local child = workflow.execute_child_workflow({ id = "c" }, "Child")
      child:signal("go", 1)
      return child:get()
    end)
    assert.equal("start_child_workflow_execution", sim:task())
    sim:child "started"
    assert.equal("signal_external_workflow_execution", sim:task())
    sim:signaled()
    sim:task()
    sim:child("completed", "done")
    sim:task()
    assert.equal("done", sim:result())
    sim:verify()
  end)

  it("hears of a child that has ended in the task in which it is canceled", function()
    local sim = simulation.new(function()
      local child = workflow.execute_child_workflow({ id = "c" }, "Child")
      return child:get()
    end)
    sim:task()
    sim:child "started"
    sim:task()
    sim:cancel()
    sim:child("completed", "done")
    assert.equal("complete_workflow_execution", sim:task())
    assert.equal("done", sim:result())
    sim:verify()
  end)
end)

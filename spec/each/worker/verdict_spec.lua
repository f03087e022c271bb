--- Who fails, on the real server: the task, and with `fail_workflow_on` the workflow.

local env = require "spec.support.environment"
local simulation = require "spec.support.simulation"
local temporal = require "temporal"
local workers = require "spec.support.worker"
local workflow = require "temporal.workflow"

if simulation.impossible(describe, it) then return end

local HUNG = 60

local function Buggy() error "a bug" end

local function Waits()
  workflow.on_signal("go", function() end)
  workflow.wait_condition(function() return false end)
end

local function Changed() workflow.sleep(60) end

describe("a failure", function()
  local client, queue

  before_each(function()
    client = workers.client()
    queue = "lua-" .. env.uuid()
  end)
  after_each(function() client:close(0) end)

  local function beside(options, fn)
    options.client, options.task_queue = client, queue
    return workers.new(options):run(fn)
  end

  it("of a task says how the workflow fails instead, and where it was", function()
    local failed
    beside({ workflows = { Buggy = Buggy } }, function()
      local run = temporal.assert(client:start_workflow({ task_queue = queue }, "Buggy"))
      for event in run:history { wait = true } do
        failed = event.workflow_task_failed_event_attributes
        if failed then break end
      end
      run:terminate()
    end)
    assert.equal("WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE", failed.cause)
    assert.matches("verdict_spec.lua:%d+: a bug; the task is tried again until the code is mended",
      failed.failure.message)
    assert.equal("LuaError", failed.failure.application_failure_info.type)
    assert.matches("verdict_spec.lua:%d+: in", failed.failure.stack_trace)
  end)

  it("of a task that asks for what the protocol has no place for is told, and keeps no slot",
    function()
      local function Misnamed()
        local brief = { start_to_close_timeout = 10 }
        workflow.execute_activity(brief, "Known") -- which the worker takes a slot for at once
        workflow.execute_activity(brief, "a\255b"):get()
      end
      local worker = workers.new { client = client, task_queue = queue,
        workflows = { Misnamed = Misnamed }, activities = { Known = function() end } }
      local failed
      worker:run(function()
        env.wait_until(HUNG, function()
          temporal.poll(0.01)
          return worker:status().slots.activity > 0
        end, "the poll")
        local polled = worker:status().slots.activity
        local run = temporal.assert(client:start_workflow({ task_queue = queue }, "Misnamed"))
        for event in run:history { wait = true } do
          failed = event.workflow_task_failed_event_attributes
          if failed then break end
        end
        run:terminate()
        assert.equal(polled, worker:status().slots.activity)
      end)
      assert.equal(0, worker.answering) -- which its stop waits for
      assert.equal("WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE", failed.cause)
      assert.matches("activity_type.name: not valid UTF-8 at byte 2", failed.failure.message, 1,
        true)
    end)

  it("of an activity is told, whatever its type is", function()
    local function Runs()
      return workflow.execute_activity({ start_to_close_timeout = 60,
        retry_policy = { maximum_attempts = 1 } }, "Fails"):get()
    end
    local function Fails()
      error(temporal.application_error("sold out", { type = "Sold\255Out" }))
    end
    local err = beside({ workflows = { Runs = Runs }, activities = { Fails = Fails } }, function()
      return select(2, client:execute_workflow({ task_queue = queue }, "Runs"):get(HUNG))
    end)
    assert.same({ "activity", "Sold\\xFFOut" }, { err.cause.kind, err.cause.cause.type })
  end)

  it('of the workflow instead, with fail_workflow_on = {"error"}', function()
    local err = beside({ workflows = { Buggy = Buggy }, fail_workflow_on = { "error" } },
      function()
        local run = client:execute_workflow({ task_queue = queue }, "Buggy")
        return select(2, run:get(HUNG))
      end)
    assert.same({ "workflow_failed", "LuaError" }, { err.kind, err.cause.type })
    assert.matches("verdict_spec.lua:%d+: a bug$", err.cause.message)
    assert.matches("verdict_spec.lua:%d+: in", err.cause.stack_trace)
  end)

  for _, cached in ipairs { 1000, 0 } do
    it(('of the workflow, with fail_workflow_on = {"nondeterminism"}; max_cached_workflows = %d')
      :format(cached), function()
      local run
      beside({ workflows = { W = Changed }, max_cached_workflows = cached }, function()
        run = temporal.assert(client:start_workflow({ task_queue = queue }, "W"))
        env.wait_until(HUNG, function()
          temporal.poll(0.01)
          return #temporal.assert(run:fetch_history()).events >= 5
        end, "the timer")
      end)
      temporal.assert(run:signal "go")
      local err = beside({ workflows = { W = Waits }, fail_workflow_on = { "nondeterminism" },
        max_cached_workflows = cached }, function() return select(2, run:get(HUNG)) end)
      assert.same({ "workflow_failed", "nondeterminism" }, { err.kind, err.cause.type })
      assert.matches("[TMPRL1100]", err.cause.message, 1, true)
    end)
  end

  it("that names what an option may not be", function()
    local ok, problem = pcall(temporal.worker, { client = client, task_queue = "q",
      workflows = { Buggy = Buggy }, fail_workflow_on = "error" })
    assert.is_false(ok)
    assert.matches('worker option "fail_workflow_on" must be a list', problem, 1, true)
  end)

  it("of a query to a run whose code does not match its history is told", function()
    local run, err
    beside({ workflows = { W = Changed } }, function()
      run = temporal.assert(client:start_workflow({ task_queue = queue }, "W"))
      env.wait_until(HUNG, function()
        temporal.poll(0.01)
        return #temporal.assert(run:fetch_history()).events >= 5
      end, "the timer")
    end)
    beside({ workflows = { W = Waits } }, function() err = select(2, run:query "__stack_trace") end)
    temporal.assert(run:terminate())
    assert.matches("[TMPRL1100]", tostring(err), 1, true)
  end)
end)

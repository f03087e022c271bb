--- An update that comes while the run is about to go on as new is handled by the next one.

local shared = require "spec.support.features_shared"
local temporal = require "temporal"
local workflow = require "temporal.workflow"

local function Workflow()
  local updated
  workflow.on_update("update", function()
    updated = true
    return workflow.info().run_id
  end)
  shared.once(workflow.info().id)
  if not workflow.info().continued_run_id then workflow.continue_as_new() end
  workflow.wait_condition(function() return updated end)
  return workflow.info().run_id
end

return {
  workflows = { Workflow = Workflow },
  passthrough = { "spec.support.features_shared" },
  worker = { deadlock_timeout = 30 },
  start = function(t)
    local id = "feature-" .. t.queue
    local execution = { workflow_id = id }
    shared.prepare(id, function()
      t.update = t.client:submit("UpdateWorkflowExecution", {
        workflow_execution = execution,
        wait_policy = { lifecycle_stage = "UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_COMPLETED" },
        request = { meta = { update_id = "early" }, input = { name = "update" } },
      })
      -- Until the server has it, though nobody has accepted it.
      local known
      repeat
        local asked = t.client:submit("PollWorkflowExecutionUpdate", {
          update_ref = { workflow_execution = execution, update_id = "early" },
        })
        repeat until asked:ready()
        known = asked:get()
      until known
    end)
    return t:start({ id = id })
  end,
  check = function(t, run)
    t:wait_until("the update", function() return t.update end)
    local answer = temporal.assert(t.update:get(60))
    local run_id = temporal.assert(t.client:decode(answer.outcome.success.payloads[1]))
    t:equal(run_id, t:result(run))
    t:equal(false, run_id == run.run_id)
  end,
  events = { WORKFLOW_EXECUTION_CONTINUED_AS_NEW = 1, WORKFLOW_EXECUTION_UPDATE_ACCEPTED = 0 },
}

--- A child runs out of time.

local workflow = require "temporal.workflow"

local function Workflow()
  return workflow.execute_child_workflow({
    execution_timeout = 0.001, retry_policy = { maximum_attempts = 1 },
  }, "Waits"):get()
end

return {
  workflows = { Workflow = Workflow, Waits = function() workflow.sleep "1h" end },
  check = function(t, run)
    local err = t:failure(run)
    t:same({ "child_workflow", "timed_out" }, { err.cause.kind, err.cause.cause.kind })
  end,
  events = { CHILD_WORKFLOW_EXECUTION_TIMED_OUT = 1 },
  survives = true,
}

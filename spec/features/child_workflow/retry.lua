--- A child whose retry policy allows three attempts has three.

local temporal = require "temporal"
local workflow = require "temporal.workflow"

local function Workflow()
  return workflow.execute_child_workflow({
    retry_policy = { initial_interval = 0.001, maximum_attempts = 3 },
  }, "Fails"):get()
end

local function Fails()
  error(temporal.application_error("attempt " .. workflow.info().attempt))
end

return {
  workflows = { Workflow = Workflow, Fails = Fails },
  check = function(t, run)
    local err = t:failure(run)
    t:same({ "child_workflow", "attempt 3" }, { err.cause.kind, err.cause.cause.message })
  end,
  events = { CHILD_WORKFLOW_EXECUTION_FAILED = 1 },
  survives = true,
}

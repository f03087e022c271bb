--- A child's failure comes with all it says: chain, type, details.

local temporal = require "temporal"
local workflow = require "temporal.workflow"

local function Workflow()
  return workflow.execute_child_workflow({}, "Child"):get()
end

local function Child()
  error(temporal.application_error("Test message",
    { type = "TestError", non_retryable = true, details = { { foo = "bar" } } }))
end

return {
  workflows = { Workflow = Workflow, Child = Child },
  check = function(t, run)
    local err = t:failure(run)
    t:same({ "workflow_failed", "Workflow" }, { err.kind, err.workflow_type })
    t:same({ "child_workflow", "Child" }, { err.cause.kind, err.cause.workflow_type })
    local failure = err.cause.cause
    t:same({ "application", "Test message", "TestError", true, { foo = "bar" } },
      { failure.kind, failure.message, failure.type, failure.non_retryable, failure.details[1] })
  end,
  survives = true,
}

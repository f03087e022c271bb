--- The id of a child is taken.

local workflow = require "temporal.workflow"

local function Workflow()
  local id = workflow.uuid()
  workflow.execute_child_workflow({ id = id }, "Child"):get()
  local ok, err = pcall(workflow.start_child_workflow,
    { id = id, id_reuse_policy = "reject_duplicate" }, "Child")
  return { ok, err.kind, err.cause.kind }
end

return {
  workflows = { Workflow = Workflow, Child = function() end },
  result = { false, "child_workflow", "already_started" },
  events = { START_CHILD_WORKFLOW_EXECUTION_FAILED = 1 },
  survives = true,
}

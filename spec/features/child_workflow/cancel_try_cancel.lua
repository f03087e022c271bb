--- The parent goes on at once; the child is asked to cancel itself.

local workflow = require "temporal.workflow"

local function Workflow()
  local child = workflow.start_child_workflow(
    { cancellation_type = "try_cancel", parent_close_policy = "abandon" }, "Child")
  child:cancel()
  local ok, err = pcall(child.get, child)
  -- The server forgets a request whose workflow is over before it was sent.
  local asked
  workflow.on_signal("asked", function() asked = true end)
  workflow.wait_condition(function() return asked end)
  return { ok, err.kind, err.cause.kind }
end

local function Child()
  pcall(workflow.sleep, "1h")
  workflow.scope({ shield = true }, function()
    workflow.external(workflow.info().parent.id):signal "asked"
  end)
end

return {
  workflows = { Workflow = Workflow, Child = Child },
  result = { false, "child_workflow", "canceled" },
  events = { REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED = 1 },
  survives = true,
}

--- The parent waits for what the child makes of its cancellation: here it goes on to its end.

local workflow = require "temporal.workflow"

local function Workflow()
  local child = workflow.start_child_workflow(
    { cancellation_type = "wait_cancellation_completed" }, "Child")
  child:cancel()
  return child:get()
end

local function Child()
  local ok = pcall(workflow.sleep, "1h")
  return workflow.scope({ shield = true }, function()
    workflow.sleep(0.01)
    return ok and "slept" or "ignored it"
  end)
end

return {
  workflows = { Workflow = Workflow, Child = Child },
  result = "ignored it",
  events = { CHILD_WORKFLOW_EXECUTION_COMPLETED = 1 },
  survives = true,
}

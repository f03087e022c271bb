--- The result of a child is the result of its parent.

local workflow = require "temporal.workflow"

local function Workflow()
  return workflow.execute_child_workflow({}, "Child", "test"):get()
end

local function Child(input) return input end

return {
  workflows = { Workflow = Workflow, Child = Child },
  result = "test",
  survives = true,
  events = { CHILD_WORKFLOW_EXECUTION_COMPLETED = 1 },
}

--- A parent signals its child, and has its result.

local workflow = require "temporal.workflow"

local function Workflow()
  local child = workflow.start_child_workflow({}, "Child")
  child:signal("unblock", "unblock")
  return child:get()
end

local function Child()
  local message
  workflow.on_signal("unblock", function(text) message = text end)
  workflow.wait_condition(function() return message end)
  return message
end

return {
  workflows = { Workflow = Workflow, Child = Child },
  result = "unblock",
  survives = true,
  events = { SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED = 1 },
}

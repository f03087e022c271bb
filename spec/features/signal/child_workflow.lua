--- A signal and an argument for a child.

local workflow = require "temporal.workflow"

local function Workflow()
  local child = workflow.start_child_workflow({}, "Child", "child-wf-arg")
  child:signal("my_signal", "signal-arg")
  return child:get()
end

local function Child(input)
  local state
  workflow.on_signal("my_signal", function(arg) state = arg end)
  workflow.wait_condition(function() return state end)
  return input .. " " .. state
end

return {
  workflows = { Workflow = Workflow, Child = Child },
  result = "child-wf-arg signal-arg",
  survives = true,
}

--- What the handle of a child has: an id, a run id, a result, signals.

local workflow = require "temporal.workflow"

local function Workflow()
  local child = workflow.execute_child_workflow({ id = "child of " .. workflow.info().run_id },
    "Child")
  local run_id = child:started()
  child:signal("tell", "told")
  return { child.id == "child of " .. workflow.info().run_id, #run_id, child:get(), child:ready() }
end

local function Child()
  local told
  workflow.on_signal("tell", function(what) told = what end)
  workflow.wait_condition(function() return told end)
  return told
end

return {
  workflows = { Workflow = Workflow, Child = Child },
  result = { true, 36, "told", true },
  survives = true,
}

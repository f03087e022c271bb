--- A child that is started has an id and a run id, and a result.

local temporal = require "temporal"
local workflow = require "temporal.workflow"

local function Workflow()
  local child = workflow.start_child_workflow({}, "Child")
  return { id = child.id, run_id = child:started(), result = child:get() }
end

return {
  workflows = { Workflow = Workflow, Child = function() return "child" end },
  check = function(t, run)
    local got = t:result(run)
    local described = temporal.assert(t.client:workflow(got.id, got.run_id):describe())
    t:same({ "child", "completed", "Child" },
      { got.result, described.status, described.workflow_type })
  end,
  survives = true,
}

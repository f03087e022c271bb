--- A child is terminated from outside.

local temporal = require "temporal"
local workflow = require "temporal.workflow"

local function Workflow()
  local started
  workflow.on_query("child", function() return started end)
  local child = workflow.start_child_workflow({}, "Waits")
  started = { child.id, child:started() }
  return child:get()
end

return {
  workflows = {
    Workflow = Workflow,
    Waits = function() workflow.wait_condition(function() return false end) end,
  },
  check = function(t, run)
    local child = t:wait_until("the child", function() return (run:query "child") end)
    temporal.assert(t.client:workflow(child[1], child[2]):terminate())
    local err = t:failure(run)
    t:same({ "child_workflow", "terminated" }, { err.cause.kind, err.cause.cause.kind })
  end,
  events = { CHILD_WORKFLOW_EXECUTION_TERMINATED = 1 },
}

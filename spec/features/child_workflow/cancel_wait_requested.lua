--- The parent goes on when the server has the request; the child hears of it then.

local temporal = require "temporal"
local workflow = require "temporal.workflow"

local function Workflow()
  local child = workflow.start_child_workflow({
    cancellation_type = "wait_cancellation_requested", parent_close_policy = "abandon",
  }, "Child")
  child:cancel()
  local ok, err = pcall(child.get, child)
  return { child.id, ok, err.cause.kind }
end

local function Child()
  pcall(workflow.sleep, "1h")
  return "asked"
end

return {
  workflows = { Workflow = Workflow, Child = Child },
  check = function(t, run)
    local got = t:result(run)
    t:same({ false, "canceled" }, { got[2], got[3] })
    t:equal("asked", temporal.assert(t.client:workflow(got[1]):get(60)))
  end,
  events = { EXTERNAL_WORKFLOW_EXECUTION_CANCEL_REQUESTED = 1 },
  survives = true,
}

--- A canceled workflow whose child nobody waits for cleans up with an activity.

local temporal = require "temporal"
local workflow = require "temporal.workflow"

local function Workflow()
  local waiting = false
  workflow.on_query("waiting_for_cancel", function() return waiting end)
  workflow.execute_child_workflow({ retry_policy = { maximum_attempts = 1 } }, "Sleep")
  waiting = true
  workflow.wait_condition(workflow.cancel_requested)
end

local function CleansUp()
  pcall(Workflow)
  return workflow.scope({ shield = true }, function()
    return workflow.execute_activity({ start_to_close_timeout = 300 }, "Nothing"):get()
  end)
end

return {
  workflows = { Workflow = CleansUp, Sleep = function() workflow.sleep "5h" end },
  activities = { Nothing = function() return "done" end },
  check = function(t, run)
    t:wait_until("the query", function() return (run:query "waiting_for_cancel") end)
    temporal.assert(run:cancel())
    t:equal("done", t:result(run))
  end,
}

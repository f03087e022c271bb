--- An abandoned activity is canceled for the workflow, and never hears of it.

local activity = require "temporal.activity"
local workflow = require "temporal.workflow"

local function Workflow()
  local told
  workflow.on_signal("activity_result", function(what) told = what end)
  local work = workflow.execute_activity({
    start_to_close_timeout = 60, heartbeat_timeout = 5, cancellation_type = "abandon",
  }, "Work")
  workflow.sleep(0.01)
  work:cancel()
  local ok, err = pcall(work.get, work)
  workflow.wait_condition(function() return told end)
  return { ok, err.kind, err.cause.kind, told }
end

local function Work()
  for _ = 1, 5 do
    activity.heartbeat()
    activity.sleep(0.05)
  end
  activity.client():workflow(activity.info().workflow_id):signal("activity_result",
    activity.canceled() or "not canceled")
end

return {
  workflows = { Workflow = Workflow },
  activities = { Work = Work },
  result = { false, "activity", "canceled", "not canceled" },
  events = { ACTIVITY_TASK_CANCEL_REQUESTED = 0 },
}

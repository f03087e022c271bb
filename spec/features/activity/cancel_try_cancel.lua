--- The workflow goes on at once, and the activity hears of its cancellation by a heartbeat.

local activity = require "temporal.activity"
local temporal = require "temporal"
local workflow = require "temporal.workflow"

local function Workflow()
  local told
  workflow.on_signal("activity_result", function(what) told = what end)
  local work = workflow.execute_activity({
    schedule_to_close_timeout = 60, heartbeat_timeout = 30,
    retry_policy = { maximum_attempts = 1 }, cancellation_type = "try_cancel",
  }, "Work")
  workflow.sleep(0.01) -- so that it is scheduled
  work:cancel()
  local ok, err = pcall(work.get, work)
  if ok or not temporal.is_canceled(err) then return nil, "the activity was not canceled" end
  workflow.wait_condition(function() return told end)
  return { err.kind, err.cause.kind, told }
end

local function Work()
  local ok, err = pcall(function()
    for _ = 1, 600 do
      activity.sleep(0.1)
      activity.heartbeat()
    end
  end)
  activity.shield(function()
    local handle = activity.client():workflow(activity.info().workflow_id)
    temporal.assert(handle:signal("activity_result", ok and "timeout" or err.kind))
  end)
end

return {
  workflows = { Workflow = Workflow },
  worker = { max_heartbeat_throttle_interval = 0.1 },
  activities = { Work = Work },
  result = { "activity", "canceled", "canceled" },
  events = { ACTIVITY_TASK_CANCEL_REQUESTED = 1 },
}

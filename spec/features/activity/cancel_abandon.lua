--- An abandoned activity is canceled for the workflow, and never hears of it.

local activity = require "temporal.activity"
local shared = require "spec.support.features_shared"
local workflow = require "temporal.workflow"

local function Workflow()
  local told, freed
  workflow.on_signal("activity_result", function(what) told = what end)
  workflow.on_query("freed", function() return freed end)
  local work = workflow.execute_activity({
    start_to_close_timeout = 60, heartbeat_timeout = 30, cancellation_type = "abandon",
  }, "Work")
  workflow.sleep(0.01)
  work:cancel()
  local ok, err = pcall(work.get, work)
  freed = true
  workflow.wait_condition(function() return told end)
  return { ok, err.kind, err.cause.kind, told }
end

local function Work()
  local id = activity.info().workflow_id
  repeat
    activity.heartbeat()
    activity.sleep(0.05)
  until shared.add("freed " .. id, 0) > 0
  activity.client():workflow(id):signal("activity_result", activity.canceled() or "not canceled")
end

return {
  workflows = { Workflow = Workflow },
  activities = { Work = Work },
  check = function(t, run)
    t:wait_until("the workflow to go on", function() return (run:query "freed") end)
    shared.add("freed " .. run.id, 1)
    t:same({ false, "activity", "canceled", "not canceled" }, t:result(run))
  end,
  events = { ACTIVITY_TASK_CANCEL_REQUESTED = 0 },
}

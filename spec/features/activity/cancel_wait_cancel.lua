--- The workflow waits for what the activity makes of its cancellation.

local activity = require "temporal.activity"
local workflow = require "temporal.workflow"

local function begin(name)
  return workflow.execute_activity({
    start_to_close_timeout = 60, heartbeat_timeout = 30,
    cancellation_type = "wait_cancellation_completed",
  }, name)
end

local function Workflow()
  local obeys, ignores = begin "Obeys", begin "Ignores"
  workflow.sleep(0.01)
  obeys:cancel()
  ignores:cancel()
  local ok, err = pcall(obeys.get, obeys)
  return { ok, err.cause.kind, ignores:get() }
end

local function until_canceled()
  while true do
    activity.heartbeat()
    activity.sleep(0.05)
  end
end

local function Ignores()
  local _, err = pcall(until_canceled)
  return "heard: " .. err.kind
end

return {
  workflows = { Workflow = Workflow },
  worker = { max_heartbeat_throttle_interval = 0.1 },
  activities = { Obeys = until_canceled, Ignores = Ignores },
  result = { false, "canceled", "heard: canceled" },
  events = { ACTIVITY_TASK_CANCELED = 1, ACTIVITY_TASK_COMPLETED = 1 },
}

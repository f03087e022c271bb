--- The workflow waits for what the activity makes of its cancellation.

local activity = require "temporal.activity"
local shared = require "spec.support.features_shared"
local workflow = require "temporal.workflow"

local function begin(name)
  return workflow.execute_local_activity(
    { start_to_close_timeout = 30, cancellation_type = "wait_cancellation_completed" }, name)
end

local function Workflow()
  local obeys, ignores = begin "Obeys", begin "Ignores"
  workflow.execute_local_activity({ start_to_close_timeout = 30 }, "Begun"):get()
  obeys:cancel()
  ignores:cancel()
  local ok, err = pcall(obeys.get, obeys)
  return { ok, err.cause.kind, ignores:get() }
end

local function begun() return shared.add("begun " .. activity.info().workflow_id, 1) end

local function Obeys()
  begun()
  activity.sleep "1h"
end

local function Ignores()
  begun()
  return "heard: " .. activity.wait_canceled(60)
end

-- Ends when both others have begun.
local function Begun()
  local name = "begun " .. activity.info().workflow_id
  while shared.add(name, 0) < 2 do activity.sleep(0.01) end
end

return {
  workflows = { Workflow = Workflow },
  activities = { Obeys = Obeys, Ignores = Ignores, Begun = Begun },
  result = { false, "canceled", "heard: requested" },
  events = { MARKER_RECORDED = 3 },
}

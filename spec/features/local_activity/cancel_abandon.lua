--- An abandoned one is canceled for the workflow, and does not hear of it while that goes on.

local activity = require "temporal.activity"
local shared = require "spec.support.features_shared"
local workflow = require "temporal.workflow"

local function begin(name)
  return workflow.execute_local_activity(
    { start_to_close_timeout = 30, cancellation_type = "abandon" }, name)
end

local function Workflow()
  local work = begin "Work"
  begin("Begun"):get()
  work:cancel()
  local ok, err = pcall(work.get, work)
  return { ok, err.kind, err.cause.kind, begin("Ended"):get() }
end

local function count(what, n)
  return shared.add(what .. activity.info().workflow_id, n)
end

local function Work()
  count("begun ", 1)
  activity.sleep(0.2)
  count("undisturbed ", 1)
end

-- Ends when the other one has begun.
local function Begun()
  while count("begun ", 0) == 0 do activity.sleep(0.01) end
end

local function Ended()
  while count("undisturbed ", 0) == 0 do activity.sleep(0.01) end
  return "undisturbed"
end

return {
  workflows = { Workflow = Workflow },
  activities = { Work = Work, Begun = Begun, Ended = Ended },
  result = { false, "activity", "canceled", "undisturbed" },
  events = { MARKER_RECORDED = 3 },
}

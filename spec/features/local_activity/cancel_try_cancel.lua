--- The workflow goes on at once; the activity hears of it, and what it makes of it does not count.

local activity = require "temporal.activity"
local shared = require "spec.support.features_shared"
local workflow = require "temporal.workflow"

local function Workflow()
  local work = workflow.execute_local_activity(
    { start_to_close_timeout = 30, cancellation_type = "try_cancel" }, "Work")
  workflow.execute_local_activity({ start_to_close_timeout = 30 }, "Begun"):get()
  work:cancel()
  local ok, err = pcall(work.get, work)
  return { ok, err.kind, err.cause.kind }
end

local function Work()
  shared.add("begun " .. activity.info().workflow_id, 1)
  shared.add("heard " .. activity.info().workflow_id, activity.wait_canceled(60) and 1 or 0)
end

-- Ends when the other one has begun.
local function Begun()
  local name = "begun " .. activity.info().workflow_id
  while shared.add(name, 0) == 0 do activity.sleep(0.01) end
end

return {
  workflows = { Workflow = Workflow },
  activities = { Work = Work, Begun = Begun },
  check = function(t, run)
    t:same({ false, "activity", "canceled" }, t:result(run))
    t:wait_until("the activity", function() return shared.add("heard " .. run.id, 0) > 0 end)
  end,
  events = { MARKER_RECORDED = 2 },
}

--- A local activity is tried five times, and its last error is the workflow's.

local activity = require "temporal.activity"
local temporal = require "temporal"
local workflow = require "temporal.workflow"

local function Workflow()
  return workflow.execute_local_activity({
    start_to_close_timeout = 30,
    retry_policy = { initial_interval = 0.001, backoff_coefficient = 1, maximum_attempts = 5 },
  }, "AlwaysFails"):get()
end

local function AlwaysFails()
  error(temporal.application_error(("activity attempt %d failed"):format(activity.info().attempt)))
end

return {
  workflows = { Workflow = Workflow },
  activities = { AlwaysFails = AlwaysFails },
  check = function(t, run)
    local err = t:failure(run)
    t:same({ "activity", "activity attempt 5 failed" }, { err.cause.kind, err.cause.cause.message })
  end,
  events = { MARKER_RECORDED = 1 },
  survives = true,
}

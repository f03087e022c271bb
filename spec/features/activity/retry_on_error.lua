--- An activity fails five times, as often as its retry policy has it tried.

local activity = require "temporal.activity"
local temporal = require "temporal"
local workflow = require "temporal.workflow"

local function Workflow()
  return workflow.execute_activity({
    schedule_to_close_timeout = 60,
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
    t:equal("workflow_failed", err.kind)
    t:equal("activity", err.cause.kind)
    t:equal("application", err.cause.cause.kind)
    t:equal("activity attempt 5 failed", err.cause.cause.message)
  end,
  events = { ACTIVITY_TASK_SCHEDULED = 1, ACTIVITY_TASK_FAILED = 1, WORKFLOW_EXECUTION_FAILED = 1 },
}

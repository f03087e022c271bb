--- A wait between attempts that is too long for a task is a timer of the workflow.

local activity = require "temporal.activity"
local temporal = require "temporal"
local workflow = require "temporal.workflow"

local function Workflow()
  return workflow.execute_local_activity({
    start_to_close_timeout = 30, local_retry_threshold = 0.1,
    retry_policy = { initial_interval = 0.2, backoff_coefficient = 1 },
  }, "Flaky"):get()
end

local function Flaky()
  local attempt = activity.info().attempt
  if attempt < 3 then error(temporal.application_error "not yet") end
  return attempt
end

return {
  workflows = { Workflow = Workflow },
  activities = { Flaky = Flaky },
  result = 3,
  events = { MARKER_RECORDED = 3, TIMER_STARTED = 2, TIMER_FIRED = 2 },
  survives = true,
}

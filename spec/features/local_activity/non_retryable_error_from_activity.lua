--- An error that says so is not tried again.

local activity = require "temporal.activity"
local temporal = require "temporal"
local workflow = require "temporal.workflow"

local function Workflow()
  return workflow.execute_local_activity({ start_to_close_timeout = 30 }, "Fails"):get()
end

local function Fails()
  error(temporal.application_error("attempt " .. activity.info().attempt,
    { non_retryable = true }))
end

return {
  workflows = { Workflow = Workflow },
  activities = { Fails = Fails },
  check = function(t, run)
    local failure = t:failure(run):find "application"
    t:same({ "attempt 1", true }, { failure.message, failure.non_retryable })
  end,
  events = { MARKER_RECORDED = 1 },
  survives = true,
}

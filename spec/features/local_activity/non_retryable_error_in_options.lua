--- An error of a type that the call names is not tried again.

local activity = require "temporal.activity"
local temporal = require "temporal"
local workflow = require "temporal.workflow"

local function Workflow()
  return workflow.execute_local_activity({
    start_to_close_timeout = 30,
    retry_policy = { initial_interval = 0.001, non_retryable_error_types = { "Fatal" } },
  }, "Fails"):get()
end

local function Fails()
  local attempt = activity.info().attempt
  error(temporal.application_error("attempt " .. attempt,
    { type = attempt == 1 and "Transient" or "Fatal" }))
end

return {
  workflows = { Workflow = Workflow },
  activities = { Fails = Fails },
  check = function(t, run)
    local failure = t:failure(run):find "application"
    t:same({ "attempt 2", "Fatal" }, { failure.message, failure.type })
  end,
  events = { MARKER_RECORDED = 1 },
  survives = true,
}

--- One that waits for its next attempt, by a timer of the workflow, is canceled.

local temporal = require "temporal"
local workflow = require "temporal.workflow"

local function Workflow()
  local work = workflow.execute_local_activity({
    start_to_close_timeout = 30, local_retry_threshold = 0.1,
    retry_policy = { initial_interval = 3600 },
  }, "Fails")
  workflow.sleep(0.01)
  work:cancel()
  local ok, err = pcall(work.get, work)
  return { ok, err.kind, err.cause.kind }
end

return {
  workflows = { Workflow = Workflow },
  activities = { Fails = function() error(temporal.application_error "no") end },
  result = { false, "activity", "canceled" },
  events = { TIMER_STARTED = 2, TIMER_CANCELED = 1 },
  survives = true,
}

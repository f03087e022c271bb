--- Timers: one fires, one is canceled, and the commands are in history.

local workflow = require "temporal.workflow"

local function Workflow()
  local long = workflow.timer "7d"
  workflow.sleep(0.01)
  long:cancel()
  local ok, err = pcall(long.get, long)
  return { ok, err.kind }
end

return {
  workflows = { Workflow = Workflow },
  result = { false, "canceled" },
  events = { TIMER_STARTED = 2, TIMER_FIRED = 1, TIMER_CANCELED = 1 },
  survives = true,
}

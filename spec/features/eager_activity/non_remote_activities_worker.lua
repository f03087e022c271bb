--- A worker of local activities only takes no activity, not even an eager one.

local workflow = require "temporal.workflow"

local function Workflow()
  return workflow.execute_activity({ schedule_to_close_timeout = 2 }, "Nothing"):get()
end

return {
  workflows = { Workflow = Workflow },
  activities = { Nothing = function() end },
  worker = { local_activities_only = true },
  check = function(t, run)
    local err = t:failure(run):find "timed_out"
    t:equal("schedule_to_start", err.timeout_type)
  end,
  events = { ACTIVITY_TASK_STARTED = 0, ACTIVITY_TASK_TIMED_OUT = 1 },
}

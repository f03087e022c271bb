--- Activities with either timeout, in a workflow that has none.

local workflow = require "temporal.workflow"

local function Workflow()
  workflow.execute_activity({ schedule_to_close_timeout = 60 }, "Echo"):get()
  return workflow.execute_activity({ start_to_close_timeout = 60 }, "Echo"):get()
end

local function Echo() return "echo" end

return {
  workflows = { Workflow = Workflow },
  activities = { Echo = Echo },
  result = "echo",
  events = { ACTIVITY_TASK_COMPLETED = 2 },
}

--- A local activity whose result is there in the same task.

local workflow = require "temporal.workflow"

local function Workflow()
  return workflow.execute_local_activity({ start_to_close_timeout = 30 }, "Echo", "echo"):get()
end

return {
  workflows = { Workflow = Workflow },
  activities = { Echo = function(text) return text end },
  result = "echo",
  events = { MARKER_RECORDED = 1, ACTIVITY_TASK_SCHEDULED = 0 },
  survives = true,
}

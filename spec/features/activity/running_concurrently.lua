--- Activities that are begun together are scheduled by one task, and run at the same time.

local activity = require "temporal.activity"
local workflow = require "temporal.workflow"

local function Workflow()
  local list, sum = {}, 0
  for i = 1, 3 do
    list[i] = workflow.execute_activity({ start_to_close_timeout = 60 }, "Wait", i)
  end
  workflow.wait_all(list)
  for i = 1, 3 do sum = sum + list[i]:get() end
  return sum
end

local function Wait(n)
  activity.sleep(0.05)
  return n
end

return {
  workflows = { Workflow = Workflow },
  activities = { Wait = Wait },
  check = function(t, run)
    t:equal(6, t:result(run))
    local task
    for _, scheduled in ipairs(t:attributes(run, "ACTIVITY_TASK_SCHEDULED")) do
      task = task or scheduled.workflow_task_completed_event_id
      t:equal(task, scheduled.workflow_task_completed_event_id)
    end
  end,
}

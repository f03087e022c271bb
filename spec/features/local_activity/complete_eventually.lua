--- A local activity longer than a workflow task: the task is answered, and comes again at once.

local activity = require "temporal.activity"
local workflow = require "temporal.workflow"

local function Workflow()
  return workflow.execute_local_activity({ start_to_close_timeout = 30 }, "Sleep"):get()
end

local function Sleep()
  activity.sleep(2.5)
  return "at last"
end

return {
  workflows = { Workflow = Workflow },
  activities = { Sleep = Sleep },
  options = { task_timeout = 2 },
  check = function(t, run)
    t:equal("at last", t:result(run))
    t:equal(true, #t:attributes(run, "WORKFLOW_TASK_COMPLETED") >= 2)
  end,
  events = { MARKER_RECORDED = 1 },
}

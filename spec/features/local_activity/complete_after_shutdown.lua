--- One that runs when the worker begins to stop ends well, and its task is answered.

local activity = require "temporal.activity"
local shared = require "spec.support.features_shared"
local workflow = require "temporal.workflow"

local function Workflow()
  return workflow.execute_local_activity({ start_to_close_timeout = 30 }, "Work"):get()
end

local function Work()
  shared.add("begun " .. activity.info().workflow_id, 1)
  activity.wait_worker_stopping(60)
  return activity.info().attempt
end

return {
  workflows = { Workflow = Workflow },
  activities = { Work = Work },
  worker = { graceful_shutdown_timeout = 10 },
  check = function(t, run)
    t:wait_until("the activity", function() return shared.add("begun " .. run.id, 0) > 0 end)
    t:stop_worker()
    t:equal(1, t:result(run)) -- without a worker
    t:equal(1, shared.add("begun " .. run.id, 0))
  end,
  events = { MARKER_RECORDED = 1, WORKFLOW_TASK_TIMED_OUT = 0 },
  uncached = false,
}

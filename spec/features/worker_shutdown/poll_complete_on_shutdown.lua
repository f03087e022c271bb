--- A worker that stops under load loses no task, also where the server does not end its polls.

local temporal = require "temporal"
local workflow = require "temporal.workflow"

local function Workflow()
  while true do
    workflow.sleep(0.02)
    workflow.execute_activity({ start_to_close_timeout = 30 }, "Nothing"):get()
    if workflow.info().history_length > 2000 then workflow.continue_as_new() end
  end
end

return {
  workflows = { Workflow = Workflow },
  activities = { Nothing = function() end },
  worker = { graceful_shutdown_timeout = 10 },
  start = function(t)
    for _ = 1, 5 do t:start() end
  end,
  check = function(t)
    for _, run in ipairs(t.runs) do
      t:wait_until("an activity", function()
        return #t:attributes(run, "ACTIVITY_TASK_COMPLETED") > 0
      end)
    end
    t:stop_worker()
    for _, run in ipairs(t.runs) do
      for _, timed_out in ipairs(t:attributes(run, "WORKFLOW_TASK_TIMED_OUT")) do
        t:equal("TIMEOUT_TYPE_SCHEDULE_TO_START", timed_out.timeout_type) -- in the worker's queue
      end
      t:equal(0, #t:attributes(run, "WORKFLOW_TASK_FAILED"))
      temporal.assert(run:terminate())
    end
  end,
}

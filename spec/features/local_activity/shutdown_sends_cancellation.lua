--- One that runs on when the worker stops is canceled, and begins anew with the next worker.

local activity = require "temporal.activity"
local shared = require "spec.support.features_shared"
local workflow = require "temporal.workflow"

local function Workflow()
  return workflow.execute_local_activity({ start_to_close_timeout = 60 }, "Work"):get()
end

local function Work()
  if shared.add("begun " .. activity.info().workflow_id, 1) == 1 then activity.sleep "1h" end
  return "anew"
end

return {
  workflows = { Workflow = Workflow },
  activities = { Work = Work },
  check = function(t, run)
    t:wait_until("the activity", function() return shared.add("begun " .. run.id, 0) > 0 end)
    t:stop_worker()
    t:start_worker()
    t:equal("anew", t:result(run))
  end,
  options = { task_timeout = 2 },
  uncached = false,
}

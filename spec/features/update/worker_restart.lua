--- The worker is started again in the middle of an update's activity.

local activity = require "temporal.activity"
local shared = require "spec.support.features_shared"
local temporal = require "temporal"
local workflow = require "temporal.workflow"

local function Workflow()
  local done
  workflow.on_update("do_activities", function()
    local attempts = workflow.execute_activity({
      start_to_close_timeout = 20, retry_policy = { initial_interval = 0.001 },
    }, "Blocks"):get()
    done = true
    return attempts
  end)
  workflow.wait_condition(function() return done end)
  return "Hello, World!"
end

-- Of its first attempt the end of the worker is the end.
local function Blocks()
  local info = activity.info()
  shared.add(info.run_id, 1)
  if info.attempt == 1 then activity.sleep "1h" end
  return info.attempt
end

return {
  workflows = { Workflow = Workflow },
  activities = { Blocks = Blocks },
  check = function(t, run)
    local update = temporal.spawn(function() return run:update "do_activities" end)
    t:wait_until("the activity", function() return shared.add(run.run_id, 0) > 0 end)
    t:stop_worker()
    t:start_worker()
    -- A slow server may still give the second one to a poll that was cut.
    t:equal(true, temporal.assert(update:get(60)) >= 2)
    t:equal("Hello, World!", t:result(run))
  end,
}

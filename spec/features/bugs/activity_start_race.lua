--- Signals begin activities nobody waits for, beside each other, until the workflow is canceled.

local activity = require "temporal.activity"
local temporal = require "temporal"
local workflow = require "temporal.workflow"

local function Workflow()
  local resumed = 0
  workflow.on_signal("resume", function() resumed = resumed + 1 end)
  local begun = 0
  repeat
    begun = begun + 1
    local ok = pcall(function() -- canceled, the one raises as the other does
      workflow.execute_activity({ start_to_close_timeout = 60 }, "Sleep")
      workflow.wait_condition(function() return resumed >= begun end)
    end)
  until not ok
  return begun
end

local function Sleep() activity.sleep(0.2) end

return {
  workflows = { Workflow = Workflow },
  activities = { Sleep = Sleep },
  check = function(t, run)
    for _ = 1, 3 do
      temporal.assert(run:signal "resume")
      t:sleep(0.1)
    end
    temporal.assert(run:cancel())
    local begun = t:result(run) -- fewer, where a signal came with the cancellation
    t:equal(true, begun >= 1 and begun <= 4)
  end,
}

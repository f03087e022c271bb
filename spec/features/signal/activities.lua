--- The handler of a signal has five activities run at the same time.

local temporal = require "temporal"
local workflow = require "temporal.workflow"

local function Workflow()
  local total = 0
  workflow.on_signal("my_signal", function()
    local list, sum = {}, 0
    for i = 1, 5 do
      list[i] = workflow.execute_activity({ start_to_close_timeout = 5 }, "Six")
    end
    for i = 1, 5 do sum = sum + list[i]:get() end
    total = sum
  end)
  workflow.wait_condition(function() return total > 0 end)
  return total
end

return {
  workflows = { Workflow = Workflow },
  activities = { Six = function() return 6 end },
  check = function(t, run)
    temporal.assert(run:signal "my_signal")
    t:equal(30, t:result(run))
  end,
  events = { ACTIVITY_TASK_COMPLETED = 5 },
  survives = true,
}

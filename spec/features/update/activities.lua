--- The handler of an update has activities run.

local temporal = require "temporal"
local workflow = require "temporal.workflow"

local function Workflow()
  local done
  workflow.on_update("do_activities", function()
    local list = {}
    for i = 1, 6 do
      list[i] = workflow.execute_activity({ start_to_close_timeout = 5 }, "SayHi")
    end
    workflow.wait_all(list)
    done = true
  end)
  workflow.wait_condition(function() return done end)
  return "Hello, World!"
end

return {
  workflows = { Workflow = Workflow },
  activities = { SayHi = function() return "hi" end },
  check = function(t, run)
    temporal.assert(run:update "do_activities")
    t:equal("Hello, World!", t:result(run))
  end,
  events = { ACTIVITY_TASK_COMPLETED = 6 },
}

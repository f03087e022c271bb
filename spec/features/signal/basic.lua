--- A signal sets the state, and the workflow ends with it.

local temporal = require "temporal"
local workflow = require "temporal.workflow"

local function Workflow()
  local state
  workflow.on_signal("my_signal", function(value) state = value end)
  workflow.wait_condition(function() return state end)
  return state
end

return {
  workflows = { Workflow = Workflow },
  check = function(t, run)
    temporal.assert(run:signal("my_signal", "arg"))
    t:equal("arg", t:result(run))
  end,
  survives = true,
  events = { WORKFLOW_EXECUTION_SIGNALED = 1 },
}

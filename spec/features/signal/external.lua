--- A signal that comes right behind the start.

local temporal = require "temporal"
local workflow = require "temporal.workflow"

local function Workflow()
  local result
  workflow.on_signal("external_signal", function(text) result = text end)
  workflow.wait_condition(function() return result end)
  return result
end

return {
  workflows = { Workflow = Workflow },
  start = function(t)
    local run = t:start()
    temporal.assert(run:signal("external_signal", "Signaled!"))
    return run
  end,
  result = "Signaled!",
  survives = true,
}

--- A signal that starts its workflow is handled before anything else; the next one finds it.

local temporal = require "temporal"
local workflow = require "temporal.workflow"

local function Workflow(n)
  local value = 0
  workflow.on_signal("add", function(more) value = value + more end)
  value = value + n
  workflow.wait_condition(function() return value > 0 end)
  return value
end

local function signal_with_start(t, id, signal, n)
  return temporal.assert(t.client:signal_with_start(t:options { id = id }, { "add", signal },
    "Workflow", n))
end

return {
  workflows = { Workflow = Workflow },
  start = function(t) return t:began(signal_with_start(t, nil, 42, 1)) end,
  check = function(t, run)
    t:equal(43, t:result(run))
    local waits = t:start(nil, "Workflow", -2)
    t:equal(40, t:result(signal_with_start(t, waits.id, 42, 1000)))
    t:equal(40, t:result(waits))
  end,
  survives = true,
}

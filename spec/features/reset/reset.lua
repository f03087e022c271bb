--- A run that was reset repeats its past, and has other random numbers from there on.

local temporal = require "temporal"
local workflow = require "temporal.workflow"

local function Workflow()
  local again
  workflow.on_signal("again", function() again = true end)
  local before = workflow.uuid()
  workflow.sleep(0.001)
  local after = workflow.uuid()
  workflow.wait_condition(function() return again end)
  return { before, after }
end

return {
  workflows = { Workflow = Workflow },
  start = function(t)
    local first = t:start()
    temporal.assert(first:signal "again")
    return first
  end,
  check = function(t, first)
    local past = t:result(first)
    local event_id = t:event_ids(first, "WORKFLOW_TASK_COMPLETED")[2]
    local run = t:began(temporal.assert(first:reset {
      event_id = event_id, reason = "why not", exclude = { "signal" } }))
    temporal.assert(run:signal "again")
    local got = t:result(run)
    t:equal(past[1], got[1])
    t:equal(false, past[2] == got[2])
  end,
}

--- An update of one id is carried out once, and answers all who sent it.

local temporal = require "temporal"
local workflow = require "temporal.workflow"

local function Workflow()
  local counter, proceed = 0, false
  workflow.on_signal("unblock", function() proceed = true end)
  workflow.on_update("inc_counter", function()
    counter = counter + 1
    workflow.wait_condition(function() return proceed end)
    proceed = false
    return counter
  end, { unfinished = "abandon" })
  workflow.wait_condition(function() return counter == 2 end)
end

return {
  workflows = { Workflow = Workflow },
  check = function(t, run)
    local function start(id)
      return temporal.assert(run:start_update { name = "inc_counter", id = id })
    end
    local first, again = start "incrementer", start "incrementer"
    temporal.assert(run:signal "unblock")
    t:equal(1, temporal.assert(first:get(60)))
    t:equal(1, temporal.assert(again:get(60)))
    start(nil)
    t:result(run)
    local completed = t:attributes(run, "WORKFLOW_EXECUTION_UPDATE_COMPLETED")
    t:equal("incrementer", completed[1].meta.update_id)
  end,
  events = { WORKFLOW_EXECUTION_UPDATE_ACCEPTED = 2, WORKFLOW_EXECUTION_UPDATE_COMPLETED = 1 },
  survives = true,
}

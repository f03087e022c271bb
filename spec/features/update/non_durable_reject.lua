--- What a validator rejects is not in history.

local temporal = require "temporal"
local workflow = require "temporal.workflow"

local function Workflow()
  local counter = 0
  workflow.on_update("do_update", function(n)
    counter = counter + n
    return counter
  end, { validator = function(n)
    if n < 0 then error(temporal.application_error "no negative numbers") end
  end })
  workflow.wait_condition(function() return counter == 5 end)
  return counter
end

return {
  workflows = { Workflow = Workflow },
  check = function(t, run)
    for i = 1, 5 do
      local _, err = run:update("do_update", -1)
      t:equal("update_failed", err.kind)
      t:equal(i, temporal.assert(run:update("do_update", 1)))
    end
    t:equal(5, t:result(run))
  end,
  events = { WORKFLOW_EXECUTION_UPDATE_REJECTED = 0, WORKFLOW_EXECUTION_UPDATE_ACCEPTED = 5 },
  survives = true,
}

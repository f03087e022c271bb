--- A validator rejects one update; the next one changes the state and answers.

local temporal = require "temporal"
local workflow = require "temporal.workflow"

local function Workflow()
  local state = ""
  workflow.on_update("my_update", function(arg)
    state = arg
    return "update-result"
  end, { validator = function(arg)
    if arg == "bad-update-arg" then return false, "invalid update argument" end
  end })
  workflow.wait_condition(function() return state ~= "" end)
  return state
end

return {
  workflows = { Workflow = Workflow },
  check = function(t, run)
    local _, err = run:update("my_update", "bad-update-arg")
    t:equal("update_failed", err.kind)
    t:equal("update-result", temporal.assert(run:update("my_update", "update-arg")))
    t:equal("update-arg", t:result(run))
  end,
  events = { WORKFLOW_EXECUTION_UPDATE_ACCEPTED = 1, WORKFLOW_EXECUTION_UPDATE_COMPLETED = 1 },
  survives = true,
}

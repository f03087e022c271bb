--- The same, by handles that wait for the acceptance first.

local temporal = require "temporal"
local workflow = require "temporal.workflow"

local function Workflow()
  local state = ""
  workflow.on_update("my_update", function(arg)
    state = arg
    return "update-result"
  end, { validator = function(arg)
    if arg == "bad-update-arg" then error "invalid update argument" end
  end })
  workflow.wait_condition(function() return state ~= "" end)
  return state
end

return {
  workflows = { Workflow = Workflow },
  check = function(t, run)
    local update, err = run:start_update("my_update", "bad-update-arg")
    if update then err = select(2, update:get(60)) end
    t:equal("update_failed", err.kind)
    update = temporal.assert(run:start_update({ name = "my_update", wait = "accepted" },
      "update-arg"))
    t:equal("update-result", temporal.assert(update:get(60)))
    t:equal("update-arg", t:result(run))
  end,
  survives = true,
}

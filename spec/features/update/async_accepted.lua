--- Accepted, and later: a value, an error, a wait that is too short.

local temporal = require "temporal"
local workflow = require "temporal.workflow"

local function Workflow()
  local done, proceed
  workflow.on_signal("finish", function() done = true end)
  workflow.on_signal("unblock", function() proceed = true end)
  workflow.on_update("maybe_wait", function(waits)
    if not waits then error(temporal.application_error "Dying on purpose") end
    workflow.wait_condition(function() return proceed end)
    proceed = false
    return 123
  end, { unfinished = "abandon" })
  workflow.wait_condition(function() return done end)
  return "Hello, World!"
end

return {
  workflows = { Workflow = Workflow },
  check = function(t, run)
    local function start(id, waits)
      return temporal.assert(run:start_update({ name = "maybe_wait", id = id }, waits))
    end
    local sleepy = start("sleepy", true)
    temporal.assert(run:signal "unblock")
    t:equal(123, temporal.assert(sleepy:get(60)))
    local _, err = start("failing", false):get(60)
    t:same({ "update_failed", "Dying on purpose" }, { err.kind, err.cause.message })
    _, err = start("slow", true):get(0.5)
    t:equal("timeout", err.kind)
    temporal.assert(run:signal "finish")
    t:equal("Hello, World!", t:result(run))
  end,
  survives = true,
}

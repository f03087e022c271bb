--- A bug in an update's handler fails the task; an error object fails the update; a bug in a
-- validator rejects it.

local shared = require "spec.support.features_shared"
local temporal = require "temporal"
local workflow = require "temporal.workflow"

local function Workflow()
  local done
  workflow.on_update("do_update", function()
    -- State outside of the run, as no workflow should have it.
    if shared.add(workflow.info().run_id, 1) <= 2 then error "fails the task" end
    error(temporal.application_error "fails the update")
  end)
  workflow.on_update("throw_or_done", function() done = true end, {
    validator = function(throws)
      if throws then error "fails the validation" end
    end,
  })
  workflow.wait_condition(function() return done end)
  return "Hello, World!"
end

return {
  workflows = { Workflow = Workflow },
  passthrough = { "spec.support.features_shared" },
  options = { task_timeout = 3 },
  check = function(t, run)
    local _, err = run:update "do_update"
    t:same({ "update_failed", "fails the update" }, { err.kind, err.cause.message })
    _, err = run:update("throw_or_done", true)
    t:equal("update_failed", err.kind)
    temporal.assert(run:update("throw_or_done", false))
    t:result(run)
    t:equal(true, #t:attributes(run, "WORKFLOW_TASK_FAILED") > 0)
  end,
}

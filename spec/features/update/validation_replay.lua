--- A validator does not run when what it accepted is replayed.

local shared = require "spec.support.features_shared"
local temporal = require "temporal"
local workflow = require "temporal.workflow"

local function Workflow()
  local done, run_id = nil, workflow.info().run_id
  workflow.on_update("do_update", function()
    workflow.sleep(0.01) -- so that the update is accepted
    if shared.add(run_id, 1) == 1 then error "fails the task, which is replayed" end
    done = true
  end, { validator = function()
    if shared.add(run_id, 0) > 0 then error(temporal.application_error "I ran again") end
  end })
  workflow.wait_condition(function() return done end)
end

return {
  workflows = { Workflow = Workflow },
  passthrough = { "spec.support.features_shared" },
  check = function(t, run)
    temporal.assert(run:update "do_update")
    t:result(run)
    t:equal(true, #t:attributes(run, "WORKFLOW_TASK_FAILED") > 0)
  end,
}

--- A signal that comes while the run is about to go on as new is handled by that run.

local shared = require "spec.support.features_shared"
local workflow = require "temporal.workflow"

local function Workflow(first)
  local told
  workflow.on_signal("tell", function(what) told = what end)
  if first then
    shared.once(workflow.info().id)
    workflow.wait_condition(function() return true end) -- what has come is handled first
    if not told then workflow.continue_as_new(nil, false) end
  end
  workflow.wait_condition(function() return told end)
  return { told, first }
end

return {
  workflows = { Workflow = Workflow },
  passthrough = { "spec.support.features_shared" },
  worker = { deadlock_timeout = 30 },
  start = function(t)
    local id = "feature-" .. t.queue
    shared.prepare(id, function()
      local sent = t.client:submit("SignalWorkflowExecution", {
        workflow_execution = { workflow_id = id }, signal_name = "tell",
        input = { payloads = { { metadata = { encoding = "json/plain" }, data = '"now"' } } },
      })
      repeat until sent:ready()
    end)
    return t:start({ id = id }, "Workflow", true)
  end,
  check = function(t, run)
    t:same({ "now", true }, t:result(run))
  end,
  events = { WORKFLOW_EXECUTION_CONTINUED_AS_NEW = 0, WORKFLOW_EXECUTION_SIGNALED = 1 },
}

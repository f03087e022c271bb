--- A signal that comes while the last task is done is handled all the same.

local shared = require "spec.support.features_shared"
local temporal = require "temporal"
local workflow = require "temporal.workflow"

local function Workflow()
  local values = {}
  workflow.on_signal("add", function(value) values[#values + 1] = value end)
  workflow.wait_condition(function() return #values > 0 end)
  -- Blocks the worker, as no workflow should, until the second signal is there.
  shared.once(workflow.info().id)
  return values
end

return {
  workflows = { Workflow = Workflow },
  passthrough = { "spec.support.features_shared" },
  worker = { deadlock_timeout = 30 },
  check = function(t, run)
    shared.prepare(run.id, function()
      local sent = t.client:submit("SignalWorkflowExecution", {
        workflow_execution = { workflow_id = run.id }, signal_name = "add",
        input = { payloads = { { metadata = { encoding = "json/plain" }, data = "2" } } },
      })
      repeat until sent:ready()
    end)
    temporal.assert(run:signal("add", 1))
    t:same({ 1, 2 }, t:result(run))
  end,
}

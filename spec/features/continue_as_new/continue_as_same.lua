--- The next run has the same arguments and the same memo.

local temporal = require "temporal"
local workflow = require "temporal.workflow"

local function Workflow(input)
  if workflow.info().continued_run_id then return input end
  workflow.continue_as_new(nil, input)
end

return {
  workflows = { Workflow = Workflow },
  options = { memo = { key = "value" } },
  arguments = { "input" },
  check = function(t, run)
    t:equal("input", t:result(run))
    local described = temporal.assert(t.client:workflow(run.id):describe())
    t:equal("value", described.memo.key)
    t:equal(false, described.run_id == run.run_id)
  end,
  events = { WORKFLOW_EXECUTION_CONTINUED_AS_NEW = 1 },
  survives = true,
}

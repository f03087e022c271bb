--- A workflow with a cron schedule runs again and again, until it is terminated.

local temporal = require "temporal"
local workflow = require "temporal.workflow"

local function Workflow()
  if workflow.info().cron_schedule ~= "@every 1s" then return nil, "no schedule" end
end

return {
  workflows = { Workflow = Workflow },
  options = { cron_schedule = "@every 1s" },
  check = function(t, run)
    local latest = t.client:workflow(run.id)
    local seen, count = {}, 0
    t:wait_until("two runs that ended", function()
      local description = temporal.assert(latest:describe())
      if not seen[description.run_id] then
        seen[description.run_id], count = true, count + 1
      end
      return count > 2
    end)
    temporal.assert(latest:terminate "the feature is complete")
  end,
  events = { WORKFLOW_EXECUTION_COMPLETED = 1 },
  uncached = false,
}

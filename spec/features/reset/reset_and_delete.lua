--- A workflow is reset to its second task and driven to its end; the new run is deleted, the
-- first one is there still. (The server takes half a minute to forget the deleted one.)

local temporal = require "temporal"
local workflow = require "temporal.workflow"

local function Workflow()
  local finished
  workflow.on_signal("drive", function(what) finished = finished or what == "finish" end)
  workflow.wait_condition(function() return finished end)
end

return {
  workflows = { Workflow = Workflow },
  start = function(t)
    local first = t:start()
    local event_id = t:wait_until("a second task", function()
      temporal.assert(first:signal("drive", ""))
      return t:event_ids(first, "WORKFLOW_TASK_COMPLETED")[2]
    end)
    t.first = first
    return temporal.assert(first:reset { event_id = event_id, reason = "because" })
  end,
  check = function(t, run)
    temporal.assert(run:signal("drive", ""))
    temporal.assert(run:signal("drive", "finish"))
    t:result(run)
    t:replay(run.id, run.run_id)
    t:wait_until("the deletion", function() return (run:delete()) end)
    local original = t.client:workflow(t.first.id, t.first.run_id)
    t:equal("terminated", temporal.assert(original:describe()).status)
  end,
  events = { WORKFLOW_EXECUTION_TERMINATED = 1 },
}

--- Three local activities, one after the other, in one task.

local workflow = require "temporal.workflow"

local function Workflow()
  local n = 0
  for _ = 1, 3 do
    n = workflow.execute_local_activity({ start_to_close_timeout = 30 }, "Add", n, 1):get()
  end
  return n
end

return {
  workflows = { Workflow = Workflow },
  activities = { Add = function(a, b) return a + b end },
  result = 3,
  events = { MARKER_RECORDED = 3 },
  survives = true,
}

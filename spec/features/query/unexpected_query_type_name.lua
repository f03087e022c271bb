--- A query nobody answers fails, and says so.

local temporal = require "temporal"
local workflow = require "temporal.workflow"

local function Workflow()
  local done
  workflow.on_signal("finish", function() done = true end)
  workflow.wait_condition(function() return done end)
end

return {
  workflows = { Workflow = Workflow },
  check = function(t, run)
    local answer, err = run:query "nonexistent"
    t:same({ nil, "query_failed" }, { answer, err.kind })
    t:matches("nonexistent", err.message)
    temporal.assert(run:signal "finish")
    t:result(run)
  end,
}

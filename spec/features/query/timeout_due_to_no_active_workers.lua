--- No worker is there to answer.

local temporal = require "temporal"
local workflow = require "temporal.workflow"

local function Workflow()
  local done
  workflow.on_signal("finish", function() done = true end)
  workflow.on_query("simple_query", function() return true end)
  workflow.wait_condition(function() return done end)
end

return {
  workflows = { Workflow = Workflow },
  check = function(t, run)
    t:equal(true, temporal.assert(run:query "simple_query"))
    t:stop_worker()
    local answer, err = run:query { name = "simple_query", timeout = 1 }
    t:equal(nil, answer)
    t:matches("^deadline_exceeded$", err.kind)
    t:start_worker()
    temporal.assert(run:signal "finish")
    t:result(run)
  end,
}

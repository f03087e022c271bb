--- The answers to queries follow the signals.

local temporal = require "temporal"
local workflow = require "temporal.workflow"

local function Workflow()
  local counter, done = 0, false
  workflow.on_query("get_counter", function() return counter end)
  workflow.on_signal("inc_counter", function() counter = counter + 1 end)
  workflow.on_signal("finish", function() done = true end)
  workflow.wait_condition(function() return done end)
end

return {
  workflows = { Workflow = Workflow },
  check = function(t, run)
    local function counter() return temporal.assert(run:query "get_counter") end
    t:equal(0, counter())
    temporal.assert(run:signal "inc_counter")
    t:equal(1, counter())
    for _ = 1, 3 do temporal.assert(run:signal "inc_counter") end
    t:equal(4, counter())
    temporal.assert(run:signal "finish")
    t:result(run)
  end,
  events = { WORKFLOW_EXECUTION_SIGNALED = 5 },
}

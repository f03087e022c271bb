--- A query whose answer is of another type than its caller expects: the answer comes as what it is,
-- and whoever asks for a number gets an error of Lua's own.

local temporal = require "temporal"
local workflow = require "temporal.workflow"

local function Workflow()
  local done
  workflow.on_signal("finish", function() done = true end)
  workflow.on_query("the_query", function() return "hi bob" end)
  workflow.wait_condition(function() return done end)
end

return {
  workflows = { Workflow = Workflow },
  check = function(t, run)
    local answer = temporal.assert(run:query "the_query")
    t:equal("hi bob", answer)
    t:equal(false, (pcall(function() return answer + 1 end)))
    temporal.assert(run:signal "finish")
    t:result(run)
  end,
}

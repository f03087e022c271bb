--- A query with one argument too few, one too many, or one of another type fails.

local temporal = require "temporal"
local workflow = require "temporal.workflow"

local function Workflow()
  local done
  workflow.on_signal("finish", function() done = true end)
  workflow.on_query("the_query", function(n) return "hi " .. n end, { args = { "number" } })
  workflow.wait_condition(function() return done end)
end

return {
  workflows = { Workflow = Workflow },
  check = function(t, run)
    t:equal("hi 123", temporal.assert(run:query("the_query", 123)))
    local function fails(...)
      local answer, err = run:query("the_query", ...)
      t:equal(nil, answer)
      t:equal("query_failed", err.kind)
    end
    fails(123, true)
    fails()
    fails(true)
    temporal.assert(run:signal "finish")
    t:result(run)
  end,
}

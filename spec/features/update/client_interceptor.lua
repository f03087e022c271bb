--- An interceptor of the client changes the argument of an update.

local temporal = require "temporal"
local workflow = require "temporal.workflow"

local function Workflow()
  local done
  workflow.on_update("do_update", function(n)
    done = true
    return n
  end)
  workflow.wait_condition(function() return done end)
end

return {
  workflows = { Workflow = Workflow },
  client = { interceptors = { {
    update = function(input, next)
      input.args[1] = input.args[1] + 1
      return next(input)
    end,
  } } },
  check = function(t, run)
    t:equal(2, temporal.assert(run:update("do_update", 1)))
    t:result(run)
  end,
}

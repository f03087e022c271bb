--- What workflow code calls. The functions know their run by themselves, at any
-- depth of the user's own coroutines.
--
--     local workflow = require "temporal.workflow"
--
--     local function Order(order)
--       local approved
--       workflow.on_signal("approve", function(who) approved = who end)
--       if not workflow.wait_condition(function() return approved end, "24h") then
--         return nil, "nobody approved"
--       end
--       return workflow.execute_activity({ start_to_close_timeout = 30 }, "Charge", order):get()
--     end
-- @module temporal.workflow.api

local next, require = next, require

local workflow = {}

-- By subject. A name stands in one of them only.
local SUBJECTS = { "operations", "control", "recorded", "messages", "state" }

for i = 1, #SUBJECTS do
  local functions = require("temporal.workflow.api." .. SUBJECTS[i])
  for name, fn in next, functions do
    workflow[name] = fn
  end
end

return workflow

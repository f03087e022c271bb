--- Local activities at the same time, a mark in history for each.

local activity = require "temporal.activity"
local workflow = require "temporal.workflow"

local function Workflow()
  local list, sum = {}, 0
  for i = 1, 3 do
    list[i] = workflow.execute_local_activity({ start_to_close_timeout = 30 }, "Wait", i)
  end
  workflow.wait_all(list)
  for i = 1, 3 do sum = sum + list[i]:get() end
  return sum
end

local function Wait(n)
  activity.sleep(0.05)
  return n
end

return {
  workflows = { Workflow = Workflow },
  activities = { Wait = Wait },
  result = 6,
  events = { MARKER_RECORDED = 3 },
  survives = true,
}

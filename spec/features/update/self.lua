--- An activity updates its own workflow.

local activity = require "temporal.activity"
local temporal = require "temporal"
local workflow = require "temporal.workflow"

local function Workflow()
  local done
  workflow.on_update("update_me", function() done = true end)
  workflow.execute_activity({ start_to_close_timeout = 60 }, "UpdatesIt"):get()
  workflow.wait_condition(function() return done end)
  return "Hello, World!"
end

local function UpdatesIt()
  local handle = activity.client():workflow(activity.info().workflow_id)
  temporal.assert(handle:update "update_me")
end

return {
  workflows = { Workflow = Workflow },
  activities = { UpdatesIt = UpdatesIt },
  result = "Hello, World!",
  events = { WORKFLOW_EXECUTION_UPDATE_COMPLETED = 1 },
}

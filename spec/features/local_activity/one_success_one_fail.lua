--- Two at the same time: one ends well, the other fails and is tried again.

local activity = require "temporal.activity"
local temporal = require "temporal"
local workflow = require "temporal.workflow"

local OPTIONS = { start_to_close_timeout = 30, retry_policy = { initial_interval = 0.01 } }

local function Workflow()
  local good = workflow.execute_local_activity(OPTIONS, "Good")
  local flaky = workflow.execute_local_activity(OPTIONS, "Flaky")
  return { good:get(), flaky:get() }
end

local function Flaky()
  local attempt = activity.info().attempt
  if attempt == 1 then error(temporal.application_error "once") end
  return attempt
end

return {
  workflows = { Workflow = Workflow },
  activities = { Good = function() return "good" end, Flaky = Flaky },
  result = { "good", 2 },
  events = { MARKER_RECORDED = 2 },
  survives = true,
}

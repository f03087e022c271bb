--- The attempt after one that died goes on from its last heartbeat.

local activity = require "temporal.activity"
local temporal = require "temporal"
local workflow = require "temporal.workflow"

local function Workflow()
  return workflow.execute_activity({
    start_to_close_timeout = 60, heartbeat_timeout = 30,
    retry_policy = { initial_interval = 0.001 },
  }, "Counts"):get()
end

local function Counts()
  local from = activity.last_heartbeat() or 0
  for i = from + 1, 2000 do
    activity.heartbeat(i)
    if i == 1000 and from == 0 then error(temporal.application_error "half way") end
  end
  return { from, activity.info().attempt }
end

return {
  workflows = { Workflow = Workflow },
  activities = { Counts = Counts },
  result = { 1000, 2 },
}

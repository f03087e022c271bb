--- An argument that is nil is there in history.

local temporal = require "temporal"
local workflow = require "temporal.workflow"

local function Workflow()
  workflow.execute_activity({ start_to_close_timeout = 60 }, "TakesNil", nil):get()
end

local function TakesNil(...)
  if select("#", ...) ~= 1 or (...) ~= nil then
    error(temporal.application_error("one nil was to come", { non_retryable = true }))
  end
end

return {
  workflows = { Workflow = Workflow },
  activities = { TakesNil = TakesNil },
  check = function(t, run)
    t:equal(nil, t:result(run))
    local scheduled = t:attributes(run, "ACTIVITY_TASK_SCHEDULED")[1]
    local payload = scheduled.input.payloads[1]
    t:same({ metadata = { encoding = "binary/null" }, data = "" },
      { metadata = payload.metadata, data = payload.data })
  end,
}

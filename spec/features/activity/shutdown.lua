--- A worker that stops: one activity ends well, one fails, one does not care and times out.

local activity = require "temporal.activity"
local shared = require "spec.support.features_shared"
local temporal = require "temporal"
local workflow = require "temporal.workflow"

local function begin(name, seconds)
  return workflow.execute_activity({ schedule_to_close_timeout = seconds,
    retry_policy = { maximum_attempts = 1 } }, name)
end

local function Workflow()
  local success, failure = begin("Success", 60), begin("Failure", 60)
  local ignores = begin("Ignores", 0.3)
  success:get()
  local _, failed = pcall(failure.get, failure)
  local _, timed_out = pcall(ignores.get, ignores)
  return { failed.cause.message, timed_out.cause.kind, timed_out.cause.timeout_type }
end

local function until_stopped()
  shared.add("begun " .. activity.info().workflow_id, 1)
  activity.wait_worker_stopping()
end

local function Failure()
  until_stopped()
  error(temporal.application_error "worker is shutting down")
end

local function Ignores()
  activity.shield(activity.sleep, 1.5)
end

return {
  workflows = { Workflow = Workflow },
  activities = { Success = until_stopped, Failure = Failure, Ignores = Ignores },
  worker = { graceful_shutdown_timeout = 1 },
  uncached = false,
  check = function(t, run)
    t:wait_until("the activities", function() return shared.add("begun " .. run.id, 0) == 2 end)
    t:stop_worker()
    t:start_worker()
    local got = t:result(run)
    t:same({ "worker is shutting down", "timed_out" }, { got[1], got[2] })
    t:matches("^schedule_to_", got[3]) -- close, or start where the machine is slow
  end,
}

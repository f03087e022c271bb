--- One activity task, from what a poll brought to the answer the server has taken
-- (temporal.api.workflowservice.v1: PollActivityTaskQueueResponse,
-- RespondActivityTaskCompleted, RespondActivityTaskFailed,
-- RespondActivityTaskCanceled).
-- @module temporal.worker.activity_task

local activity = require "temporal.activity.api"
local attempt = require "temporal.worker.attempt"
local call = require "temporal.activity.call"
local calls = require "temporal.worker.calls"
local context = require "temporal.activity.context"
local core = require "temporal.core"
local errors = require "temporal.error.error"
local failure = require "temporal.error.failure"
local filled = require("temporal.base.field").filled
local heartbeat = require "temporal.worker.heartbeat"
local infos = require "temporal.activity.info"
local logger = require "temporal.observe.logger"
local promise = require "temporal.wait.promise"
local protect = require "temporal.base.protect"

local max, tostring = math.max, tostring
local now = core.now
local unpack = table.unpack or unpack -- luacheck: ignore 113 143

-- An end that the server does not take is told again until the attempt's own
-- deadline, or for so long where there is none; after so many seconds each time.
local WITHOUT_DEADLINE, PAUSE = 600, 1

local REMOTE = {
  heartbeat = heartbeat.record, wanted = heartbeat.wanted, slow = attempt.slow,
}

function REMOTE.info(self)
  return infos.of_task(self.response, self.owner.task_queue)
end

function REMOTE.last_heartbeat(self)
  return failure.values(self.response.heartbeat_details, self:values "details")
end

-- The workflow that asked for it, and its run; nil: none did.
local function workflow_of(self)
  local execution = self.response.workflow_execution
  if execution then
    return filled(execution.workflow_id), filled(execution.run_id)
  end
end

-- The converter for values of one purpose.
local function values(self, purpose)
  return self.owner.session:values(purpose, (workflow_of(self)), self.response.activity_id)
end

local function log(self, level, text)
  local response = self.response
  local workflow_id, run_id = workflow_of(self)
  logger.log(self.owner.session.logger, level, text, {
    activity_id = response.activity_id, activity_type = response.activity_type.name,
    attempt = response.attempt, workflow_id = workflow_id, run_id = run_id,
  })
end

-- These say that the server may take it later.
local PASSING = {
  unavailable = true, deadline_exceeded = true, resource_exhausted = true, aborted = true,
  unknown = true, internal = true, data_loss = true,
}

local function answer(self, method, request)
  local worker = self.owner
  request.task_token = self.response.task_token
  local deadline = self.deadline or now() + WITHOUT_DEADLINE
  local _, err
  repeat
    _, err = calls.answer(worker, method, request, max(deadline - now(), PAUSE))
    local again = err and PASSING[err.kind] and deadline - now() > PAUSE
    if again then
      promise.pause(PAUSE)
    end
  until not again
  if err then
    log(self, err.kind == "not_found" and "debug" or "warn",
      ("the end of activity %s was not taken: %s"):format(self.response.activity_type.name,
        tostring(err)))
  end
end

local function fail(self, problem, where)
  local proto, err = call.failure(problem, values(self, "failure"), where)
  log(self, err.category == "benign" and "debug" or "warn",
    ("activity %s failed: %s"):format(self.response.activity_type.name, tostring(err)))
  return answer(self, "RespondActivityTaskFailed", {
    failure = proto, last_heartbeat_details = self.details,
  })
end

-- What it is to the server that an activity has ended because it was to end.
local STOPPED = {
  worker_stopping = "WorkerShutdown", paused = "ActivityPause", reset = "ActivityReset",
}

local function end_canceled(self, problem, reason, where)
  if reason == "requested" then
    local details, list = nil, problem.details
    if list and (list.n or #list) > 0 then
      details = values(self, "details"):payloads(list.n or #list,
        unpack(list, 1, list.n or #list))
    end
    return answer(self, "RespondActivityTaskCanceled", { details = details })
  end
  return fail(self, errors.received {
    kind = "application", type = STOPPED[reason], message = problem.message,
  }, where)
end

local function finish(self, running)
  local result, problem, where = call.outcome(running, values(self, "result"), true)
  local reason, over = context.reason(self)
  heartbeat.stop(self)
  if over then
    log(self, "debug", ("activity %s has ended after it was over for the server: %s"):format(
      self.response.activity_type.name, reason))
  elseif result == activity.pending then
    return nil
  elseif not result then
    if errors.is_error(problem) and problem.kind == "canceled" and reason then
      return end_canceled(self, problem, reason, where)
    end
    return fail(self, problem, where)
  else
    local too_large = call.too_large(result, self.owner.blob_limit)
    if too_large then
      return fail(self, too_large)
    end
    return answer(self, "RespondActivityTaskCompleted", { result = result })
  end
end

local task = {}

--- Runs an activity and reports its end.
-- @tparam worker worker
-- @tparam table response a PollActivityTaskQueueResponse
function task.run(worker, response)
  local allowed = infos.time_allowed(response)
  local self = context.new(REMOTE, {
    owner = worker, response = response, values = values, deadline = allowed and now() + allowed,
  })
  local fn, other = call.find(worker.activities, response.activity_type.name)
  if not fn then
    return fail(self, other)
  end
  -- A codec may raise.
  local ok, list, unreadable = protect(call.arguments, fn, values(self, "arguments"),
    response.input)
  if not (ok and list) then
    return fail(self, ok and unreadable or list)
  elseif other then
    list = call.prepend(list, response.activity_type.name)
  end
  attempt.begin(worker, self)
  finish(self, call.begin(self, fn, list))
  attempt.finish(worker, self)
end

return task

--- One activity task, from what a poll brought to the answer the server has taken
-- (temporal.api.workflowservice.v1: PollActivityTaskQueueResponse,
-- RespondActivityTaskCompleted, RespondActivityTaskFailed).
-- @module temporal.worker.activity_task

local activity = require "temporal.activity"
local errors = require "temporal.error.error"
local failure = require "temporal.error.failure"
local logger = require "temporal.observe.logger"
local options = require "temporal.base.options"
local service = require "temporal.call.service"
local spawn = require("temporal.wait.task").spawn

local tostring = tostring
local unpack = table.unpack or unpack -- luacheck: ignore 113 143

local function info_of(worker, response)
  local execution = response.workflow_execution
  return {
    id = response.activity_id, type = response.activity_type.name,
    task_queue = worker.task_queue, namespace = response.workflow_namespace,
    workflow_id = execution and execution.workflow_id, run_id = execution and execution.run_id,
    workflow_type = response.workflow_type and response.workflow_type.name,
    attempt = response.attempt, task_token = response.task_token, is_local = false,
  }
end

-- Only an application failure may stand on top.
local function as_application(problem)
  local err = failure.of_raised(problem)
  if err.kind == "application" then
    return err
  end
  return errors.received { kind = "application", type = err.kind, message = err.message,
    cause = err }
end

local function answer(worker, method, request, info)
  local _, err = service.call(worker.session, method, request)
  if err then
    logger.log(worker.session.logger, err.kind == "not_found" and "debug" or "warn",
      ("the end of activity %s was not taken: %s"):format(info.type, tostring(err)), {
        activity_id = info.id, workflow_id = info.workflow_id,
      })
  end
end

local function fail(worker, response, info, problem)
  local proto, unwritable = failure.from_error(as_application(problem), worker.converter)
  if not proto then
    proto = failure.from_error(as_application(tostring(unwritable)), worker.converter)
  end
  answer(worker, "RespondActivityTaskFailed", { task_token = response.task_token, failure = proto },
    info)
end

local function finish(worker, response, info, first, second)
  if first == nil and second ~= nil then
    return fail(worker, response, info, second)
  end
  local result, problem = worker.converter:payloads(1, first)
  if not result then
    return fail(worker, response, info, "the result of the activity: " .. tostring(problem))
  end
  return answer(worker, "RespondActivityTaskCompleted",
    { task_token = response.task_token, result = result }, info)
end

-- What the function raised, as it was.
local function unwrap(first, problem)
  if first == nil and errors.is_error(problem) and problem.kind == "task_failed" then
    return nil, problem.raw == nil and "nil" or problem.raw
  end
  return first, problem
end

-- Calls the function as a task of its own: it may wait, on PUC 5.1 too, where no
-- wait passes through a pcall.
local function call(context, fn, values)
  return unwrap(spawn(function()
    activity.enter(context)
    return fn(unpack(values, 1, values.n))
  end):get())
end

local task = {}

--- Runs an activity and reports its end.
-- @tparam worker worker
-- @tparam table response a PollActivityTaskQueueResponse
function task.run(worker, response)
  local info = info_of(worker, response)
  local fn = worker.activities[info.type]
  if not fn then
    return fail(worker, response, info, errors.received {
      kind = "application", type = "NotFoundError",
      message = ("no activity %q is known to this worker; known are: %s"):format(info.type,
        options.names_of(worker.activities)),
    })
  end
  local values, problem = worker.converter:values(response.input)
  if not values then
    return fail(worker, response, info, "its arguments cannot be read: " .. problem.message)
  end
  finish(worker, response, info, call({ info = info, worker = worker }, fn, values))
end

return task

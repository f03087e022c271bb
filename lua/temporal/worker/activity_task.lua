--- One activity task, from what a poll brought to the answer the server has taken
-- (temporal.api.workflowservice.v1: PollActivityTaskQueueResponse,
-- RespondActivityTaskCompleted, RespondActivityTaskFailed).
-- @module temporal.worker.activity_task

local call = require "temporal.activity.call"
local calls = require "temporal.worker.calls"
local logger = require "temporal.observe.logger"

local tostring = tostring

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

local function answer(worker, method, request, info)
  local _, err = calls.call(worker.session, method, request)
  if err then
    logger.log(worker.session.logger, err.kind == "not_found" and "debug" or "warn",
      ("the end of activity %s was not taken: %s"):format(info.type, tostring(err)), {
        activity_id = info.id, workflow_id = info.workflow_id,
      })
  end
end

local function fail(worker, response, info, problem)
  answer(worker, "RespondActivityTaskFailed", { task_token = response.task_token,
    failure = (call.failure(problem, worker.converter)) }, info)
end

local task = {}

--- Runs an activity and reports its end.
-- @tparam worker worker
-- @tparam table response a PollActivityTaskQueueResponse
function task.run(worker, response)
  local info = info_of(worker, response)
  local fn, unknown = call.find(worker.activities, info.type)
  if not fn then
    return fail(worker, response, info, unknown)
  end
  local values, unreadable = worker.converter:values(response.input)
  if not values then
    return fail(worker, response, info, "its arguments cannot be read: " .. unreadable.message)
  end
  local running = call.begin({ info = info, worker = worker }, fn, values)
  local result, problem = call.outcome(running, worker.converter)
  if not result then
    return fail(worker, response, info, problem)
  end
  return answer(worker, "RespondActivityTaskCompleted",
    { task_token = response.task_token, result = result }, info)
end

return task

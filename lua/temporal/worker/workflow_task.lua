--- One workflow task, from what a poll brought to the answer the server has taken
-- (temporal.api.workflowservice.v1: PollWorkflowTaskQueueResponse,
-- RespondWorkflowTaskCompleted, RespondWorkflowTaskFailed,
-- RespondQueryTaskCompleted).
-- @module temporal.worker.workflow_task

local calls = require "temporal.worker.calls"
local core = require "temporal.core"
local deployment = require "temporal.worker.deployment"
local eager = require "temporal.worker.eager"
local errors = require "temporal.error.error"
local failure = require "temporal.error.failure"
local histories = require "temporal.workflow.history"
local local_activity = require "temporal.worker.local_activity"
local logger = require "temporal.observe.logger"
local meter = require "temporal.observe.meter"
local promise = require "temporal.wait.promise"
local query = require "temporal.workflow.query"
local size = require "temporal.worker.size"
local task_history = require "temporal.worker.task_history"
local text_of = require("temporal.base.text").of
local verdict = require "temporal.workflow.verdict"

-- All that a run may call is loaded before it runs, not in its time.
require "temporal.workflow.api"
require "temporal.workflow.run"
require "temporal.workflow.sandbox.instance"

local error, next, pcall, tonumber, tostring = error, next, pcall, tonumber, tostring

local function metadata(fields)
  return assert(core.encode("temporal.api.sdk.v1.WorkflowTaskCompletedMetadata", fields))
end

-- Said in answers, encoded. Without this flag the SDKs on the shared core refuse the
-- search attribute of patches.
local SDK = metadata { sdk_name = core.name, sdk_version = core.version }
local PATCHES = metadata { core_used_flags = { 2 } }
local SDK_WITH_PATCHES = SDK .. PATCHES

local CAUSES = {
  nondeterminism = "WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR",
  message_too_large = size.CAUSE,
}
local OTHER_CAUSE = "WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE"

local task = {}

local function log(worker, level, text, fields)
  logger.log(worker.session.logger, level, text, fields)
end

local function log_of_run(run, level, text, fields)
  local all = {}
  for name, value in next, fields or all do
    all[name] = value
  end
  all.workflow_id, all.run_id, all.workflow_type = run.workflow_id, run.run_id, run.workflow_type
  all.attempt = run.started and run.started.attempt
  logger.log(run.worker.session.logger, level, text, all)
end

-- What all runs of a worker have.
local function shared_of(worker)
  return {
    worker = worker, converter = worker.converter, namespace = worker.session.namespace,
    log = log_of_run, eager = worker.eager_limit > 0, meter = meter.registry_of(worker.session),
    task_queue = worker.task_queue,
    version = worker.deployment and worker.settings.deployment.version,
  }
end

local function new_run(worker, response)
  worker.shared_by_runs = worker.shared_by_runs or shared_of(worker)
  local execution = response.workflow_execution
  return worker.code:run(response.workflow_type.name, worker.shared_by_runs,
    execution.workflow_id, execution.run_id)
end

-- The run of a task and the events it has not applied yet: from the cache when the
-- events follow on what it knows, else from the beginning. Nil, and what fails the
-- task; or nothing: it is over, or will be tried again.
local function find(worker, response)
  local run_id = response.workflow_execution.run_id
  local run = worker.cache:get(run_id)
  if run and task_history.is_stale(run, response) then
    log(worker, "debug", "a workflow task came that is over", { run_id = run_id })
    return nil
  end
  local known, first = 0, histories.first_id(response.history or "")
  if run and task_history.continues(run, response, first) then
    known = run.last_event_id or run.last_started_id
  else
    worker.cache:remove(run_id)
    local problem
    run, problem = new_run(worker, response)
    if not run then
      return nil, problem
    end
  end
  local history, problem = task_history.get(worker, response, known, first)
  if history then
    return run, history
  end
  worker.cache:remove(run_id)
  log(worker, problem and "warn" or "debug", problem
    and "a workflow task is left to its timeout: its history could not be read: "
    .. tostring(problem) or "a workflow task came that is over", {
      workflow_id = run.workflow_id, run_id = run_id,
    })
  return nil
end

-- Sends what may have a failure in it.
local function send(worker, method, request, workflow_id)
  if worker.payloads then
    request = worker.payloads:encode_failure(method, request, workflow_id)
  end
  return calls.answer(worker, method, request)
end

-- Only the first attempt is reported; the server delays those that follow.
local function fail(worker, response, problem, traceback)
  worker.cache:remove(response.workflow_execution.run_id)
  local told = verdict.told(problem, traceback)
  log(worker, "error", ("a workflow task failed: %s%s"):format(
    tostring(told == problem and told or told.message), traceback and "\n" .. traceback or ""), {
    workflow_id = response.workflow_execution.workflow_id,
    run_id = response.workflow_execution.run_id,
    workflow_type = response.workflow_type.name, attempt = response.attempt,
  })
  local proto = failure.from_error(told, worker.converter)
  local workflow_id = response.workflow_execution.workflow_id
  if response.query then
    send(worker, "RespondQueryTaskCompleted", {
      task_token = response.task_token, completed_type = "QUERY_RESULT_TYPE_FAILED",
      failure = proto, error_message = proto and proto.message,
    }, workflow_id)
  elseif response.attempt <= 1 then
    send(worker, "RespondWorkflowTaskFailed", {
      task_token = response.task_token,
      cause = errors.is_error(problem) and CAUSES[problem.kind] or OTHER_CAUSE,
      failure = proto,
    }, workflow_id)
  end
  return nil
end

-- What a query comes to: the type of the result, the result, why there is none.
local function ask(run, asked)
  local payloads, proto, why = query.answer(run, asked.query_type, asked.query_args)
  local too_large = payloads and size.check_query(run.worker, asked.query_type, payloads)
  if too_large then
    payloads, proto, why = nil, failure.from_error(too_large, run.converter), too_large.message
  end
  local result_type = payloads and "QUERY_RESULT_TYPE_ANSWERED" or "QUERY_RESULT_TYPE_FAILED"
  return result_type, payloads, proto, why
end

local function answer_query(worker, response, run)
  local completed_type, result, proto, why = ask(run, response.query)
  send(worker, "RespondQueryTaskCompleted", {
    task_token = response.task_token, completed_type = completed_type, query_result = result,
    failure = proto, error_message = why,
  }, run.workflow_id)
end

local function query_results(run, queries)
  if not queries or next(queries) == nil then
    return nil
  end
  local results = {}
  for id, asked in next, queries do
    local result_type, result, proto, why = ask(run, asked)
    results[id] = { result_type = result_type, answer = result, failure = proto,
      error_message = why }
  end
  return results
end

-- The server has thrown the task away, since nothing of it is to be kept: its two
-- events will be others'.
local function forget_task(run, last_started_id)
  local last = run.last_event_id or run.last_started_id
  run.last_started_id, run.last_event_id = last_started_id, last - 2
  run.is_own, run.has_said_patches = nil, nil -- what was said is gone, too
end

-- What is said of this package: once in a run's life, and once that it uses patches.
local function metadata_of(run)
  local patches = run.uses_patches and not run.has_said_patches
  if run.is_own then
    run.has_said_patches = run.uses_patches
    return patches and PATCHES or nil
  end
  run.is_own, run.has_said_patches = true, run.uses_patches
  return patches and SDK_WITH_PATCHES or SDK
end

local function answer_of(worker, response, run, commands, messages, more, keep)
  local answer = {
    task_token = response.task_token,
    commands = commands,
    messages = messages,
    sticky_attributes = keep and worker.sticky or nil,
    return_new_workflow_task = keep or more and not worker.attempts_canceled,
    force_create_new_workflow_task = more,
    sdk_metadata = metadata_of(run),
  }
  -- What few have.
  answer.query_results = query_results(run, response.queries)
  answer.versioning_behavior = deployment.behavior(worker.settings.deployment, run)
  local retries = local_activity.take_retries(run)
  if retries > 0 then
    answer.metering_metadata = { nonfirst_local_activity_execution_attempts = retries }
  end
  return answer
end

-- What the protocol has no place for, such as a name that is no UTF-8; or a fault of
-- this package.
local function fault(problem)
  return errors.received { kind = "internal", message = text_of(problem) }
end

-- Nil, and what is wrong, if the answer is not to be sent.
local function encode_answer(worker, run, request)
  local problem
  if worker.payloads then
    request, problem = worker.payloads:encode("RespondWorkflowTaskCompleted", request,
      run.workflow_id)
    if not request then
      return nil, problem
    end
  end
  problem = size.check(worker, request)
  if problem then
    return nil, problem
  end
  return request
end

-- Returns what the server says to the answer; or nil and why it did not take it; or
-- false and why it cannot be sent.
local function send_answer(worker, response, run, ...)
  local request, problem = encode_answer(worker, run, answer_of(worker, response, run, ...))
  if not request then
    return false, problem
  end
  return calls.answer(worker, "RespondWorkflowTaskCompleted", request)
end

-- The answer was not taken. What came in between is in the next task's history; of a
-- command that is wrong the server has said so in the run's history.
local function refused(worker, response, run, err)
  if err.kind == "message_too_large" then
    return fail(worker, response, err)
  end
  local is_usual = err.kind == "not_found"
    or err.kind == "invalid_argument" and err.message:find "UnhandledCommand"
  log(worker, is_usual and "debug" or err.kind == "invalid_argument" and "error" or "warn",
    "the answer to a workflow task was not taken: " .. tostring(err),
    { workflow_id = run.workflow_id, run_id = run.run_id })
  return nil
end

-- `more`: local activities go on, and another task is asked for at once: this worker
-- wants it, but not at its own end. One that stops keeps no other runs: their next
-- tasks are for others.
local function complete(worker, response, run, commands, messages, more)
  local leaves = more and worker.attempts_canceled
  local stays = worker.state == "running" or more and not leaves
  local keep = worker.cache.limit > 0 and not run.closed and stays
  local wanted = run.eager and eager.ask(worker, commands) or 0
  local ok, completed, err = pcall(send_answer, worker, response, run, commands, messages, more,
    keep)
  if wanted > 0 then
    eager.take(worker, ok and completed or nil, wanted)
  end
  if not (ok and completed ~= false) then
    return fail(worker, response, ok and err or fault(completed))
  end
  run.awaits_task = more or nil
  if not completed or leaves or not (keep or more) then
    worker.cache:remove(run.run_id)
  end
  if not completed then
    return refused(worker, response, run, err)
  end
  local kept = tonumber(completed.reset_history_event_id)
  if kept and kept > 0 then
    forget_task(run, kept)
  end
  local following = completed.workflow_task
  return following and following.task_token ~= "" and following or nil
end

-- Has the local activities of a task end. Returns commands and messages; or false:
-- the task must be answered before they have.
local function pursue(response, run, commands, messages)
  if commands == nil or not run.locals then
    return commands, messages
  end
  local deadline
  repeat
    local unknown = local_activity.serve(run)
    if unknown and commands == false then
      return nil, unknown
    elseif commands ~= false then
      return commands, messages
    elseif next(response.queries or {}) then
      return false -- they need not wait
    end
    deadline = deadline or local_activity.deadline(run, response.started_time)
    run.is_idle = true
    local told = local_activity.next(run, deadline)
    run.is_idle = false
    if not told then
      return false
    end
    commands, messages = run:local_done(told)
  until commands == nil
  return commands, messages
end

-- Returns the next task of the run, when its answer brought one.
local function do_one(worker, response)
  if worker.payloads then
    local decoded, problem = worker.payloads:decode("PollWorkflowTaskQueueResponse", response,
      response.workflow_execution.workflow_id)
    if not decoded then
      return fail(worker, response, problem)
    end
    response = decoded
  end
  local run, history = find(worker, response)
  if not run then
    return history and fail(worker, response, history)
  end
  worker.cache:put(run.run_id, run)
  local started_id = tonumber(response.started_event_id)
  local last_id = history.last_id
  local commands, messages = run:apply(history, started_id, response.messages)
  run.last_event_id = last_id ~= started_id and last_id or nil
  if started_id > 0 then
    run.last_started_id = started_id
  elseif last_id > 0 and not run.last_started_id then -- a query had it replayed
    run.last_started_id = tonumber(response.previous_started_event_id)
  end
  if response.query then
    if commands ~= nil then
      return answer_query(worker, response, run)
    end
    return fail(worker, response, messages)
  end
  commands, messages = pursue(response, run, commands, messages)
  if commands == nil and verdict.moves(run, messages) then
    commands, messages = verdict.ends(run, messages), {}
  end
  if commands == nil then
    return fail(worker, response, messages, run.failure and run.failure.traceback)
  elseif commands == false then
    commands, messages = run:answer()
    return complete(worker, response, run, commands, messages, true)
  end
  return complete(worker, response, run, commands, messages, false)
end

-- One task of a run at a time: the next one can come before the server has said
-- that it has the answer to the one before. Returns nil when there was no need to
-- wait for a turn: a query that a run answers between the ends of local activities.
local function take_turn(worker, response)
  local run_id = response.workflow_execution.run_id
  local busy = worker.busy
  while busy[run_id] do
    local run = response.query and worker.cache:get(run_id)
    if run and run.is_idle and not histories.first_id(response.history) then
      answer_query(worker, response, run)
      return nil
    end
    if busy[run_id] == true then
      busy[run_id] = promise.new()
    end
    busy[run_id]:wait()
  end
  busy[run_id] = true
  return run_id
end

local function do_all(worker, response)
  repeat
    local ok, following = pcall(do_one, worker, response)
    if not ok and not pcall(fail, worker, response, fault(following)) then
      error(following, 0)
    end
    response = ok and following
  until not response
end

--- Does a task, and those that its answers bring.
-- @tparam worker worker
-- @tparam table response a PollWorkflowTaskQueueResponse
function task.run(worker, response)
  local run_id = take_turn(worker, response)
  if not run_id then
    return
  end
  local ok, problem = pcall(do_all, worker, response)
  local waited = worker.busy[run_id]
  worker.busy[run_id] = nil
  if waited ~= true then
    waited:finish()
  end
  if not ok then -- a fault of this package
    worker.cache:remove(run_id)
    error(problem, 0)
  end
end

return task

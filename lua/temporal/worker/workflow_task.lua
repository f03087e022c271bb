--- One workflow task, from what a poll brought to the answer the server has taken
-- (temporal.api.workflowservice.v1: PollWorkflowTaskQueueResponse,
-- RespondWorkflowTaskCompleted, RespondWorkflowTaskFailed,
-- RespondQueryTaskCompleted).
-- @module temporal.worker.workflow_task

local calls = require "temporal.worker.calls"
local eager = require "temporal.worker.eager"
local errors = require "temporal.error.error"
local failure = require "temporal.error.failure"
local histories = require "temporal.workflow.history"
local logger = require "temporal.observe.logger"
local query = require "temporal.workflow.query"

local next, tonumber, tostring = next, tonumber, tostring

local SDK = { sdk_name = "temporal-lua" }
-- Without it the SDKs on the shared core refuse the search attribute of patches.
local SDK_WITH_PATCHES = { sdk_name = "temporal-lua", core_used_flags = { 2 } }
-- Events that come twice are passed over.
local CAPABILITIES = { discard_speculative_workflow_task_with_events = true }

local CAUSES = {
  nondeterminism = "WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR",
}
local OTHER_CAUSE = "WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE"

-- Answers with a history that stays bytes.
local SPARSE = { sparse = true }

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

-- The rest of a history, page by page, behind what came with the task.
local function fetch(worker, response, history, token)
  repeat
    local page, err = calls.call(worker.session, "GetWorkflowExecutionHistory", {
      execution = response.workflow_execution, next_page_token = token,
    }, SPARSE)
    if not page then
      return nil, err
    end
    if worker.payloads then
      page, err = worker.payloads:decode("GetWorkflowExecutionHistoryResponse", page,
        response.workflow_execution.workflow_id)
      if not page then
        return nil, err
      end
    end
    local good, gap = history:append(page.history or "")
    if not good then
      return nil, gap
    end
    token = page.next_page_token
  until not token or token == ""
  return true
end

local function new_run(worker, response)
  local execution = response.workflow_execution
  local run, unknown = worker.code:run(response.workflow_type.name, {
    converter = worker.converter, namespace = worker.session.namespace,
    workflow_id = execution.workflow_id, run_id = execution.run_id, log = log_of_run,
  })
  if not run then
    return nil, unknown
  end
  run.worker, run.eager = worker, worker.eager_limit > 0
  return run
end

-- The run of a task and the events it has not applied yet: from the cache when
-- the events follow on what it knows, else from the beginning.
local function find(worker, response)
  local run_id = response.workflow_execution.run_id
  local events = response.history or ""
  local token = response.next_page_token
  local first = histories.first_id(events)
  local run = worker.cache:get(run_id)
  local history
  if run and first ~= 1 and (first == nil or first == run.last_started_id + 1) then
    history = histories.new(run.last_event_id)
  else
    worker.cache:remove(run_id)
    local problem
    run, problem = new_run(worker, response)
    if not run then
      return nil, problem
    end
    history = histories.new(0)
  end
  local good, problem = true, nil
  if history.last_id == 0 and first ~= 1 then
    good, problem = fetch(worker, response, history, "")
    token = nil
  end
  if good then
    good, problem = history:append(events)
  end
  if good and token and token ~= "" then
    good, problem = fetch(worker, response, history, token)
  end
  if not good then
    return nil, problem, true
  end
  return run, history
end

-- Sends what may have a failure in it.
local function send(worker, method, request, workflow_id)
  if worker.payloads then
    request = worker.payloads:encode_failure(method, request, workflow_id)
  end
  return calls.call(worker.session, method, request)
end

-- Only the first attempt is reported; the server delays those that follow.
local function fail(worker, response, problem, traceback)
  worker.cache:remove(response.workflow_execution.run_id)
  log(worker, "error", ("a workflow task failed: %s%s"):format(tostring(problem),
    traceback and "\n" .. traceback or ""), {
    workflow_id = response.workflow_execution.workflow_id,
    run_id = response.workflow_execution.run_id,
    workflow_type = response.workflow_type.name, attempt = response.attempt,
  })
  local proto = failure.from_error(failure.of_raised(problem, traceback), worker.converter)
  local workflow_id = response.workflow_execution.workflow_id
  if response.query then
    send(worker, "RespondQueryTaskCompleted", {
      task_token = response.task_token, completed_type = "QUERY_RESULT_TYPE_FAILED",
      failure = proto, error_message = proto and proto.message,
    }, workflow_id)
  elseif response.attempt <= 1 then
    send(worker, "RespondWorkflowTaskFailed", {
      task_token = response.task_token,
      cause = errors.is_error(problem) and CAUSES[problem.kind] or OTHER_CAUSE, failure = proto,
    }, workflow_id)
  end
  return nil
end

-- What a query comes to: the type of the result, the result, why there is none.
local function ask(run, asked)
  local payloads, proto, why = query.answer(run, asked.query_type, asked.query_args)
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
  local results = {}
  for id, asked in next, queries or {} do
    local result_type, result, proto, why = ask(run, asked)
    results[id] = { result_type = result_type, answer = result, failure = proto,
      error_message = why }
  end
  return next(results) and results or nil
end

-- The server has thrown the task away, since nothing of it is to be kept: its two
-- events will be others'.
local function forget_task(run, last_started_id)
  run.last_started_id, run.last_event_id = last_started_id, run.last_event_id - 2
end

local function complete(worker, response, run, commands, messages)
  local keep = worker.cache.limit > 0 and not run.closed
  local wanted = run.eager and eager.ask(worker, commands) or 0
  local request = {
    task_token = response.task_token,
    commands = commands,
    messages = messages,
    sticky_attributes = keep and worker.sticky or nil,
    return_new_workflow_task = keep,
    query_results = query_results(run, response.queries),
    sdk_metadata = run.uses_patches and SDK_WITH_PATCHES or SDK,
    capabilities = CAPABILITIES,
  }
  local refused
  if worker.payloads then
    request, refused = worker.payloads:encode("RespondWorkflowTaskCompleted", request,
      run.workflow_id)
  end
  if not request then
    eager.take(worker, nil, wanted)
    run.busy = false
    return fail(worker, response, refused)
  end
  local completed, err = calls.call(worker.session, "RespondWorkflowTaskCompleted", request,
    SPARSE)
  run.busy = false
  if wanted > 0 then
    eager.take(worker, completed, wanted)
  end
  if not completed or not keep then
    worker.cache:remove(run.run_id)
  end
  if not completed then
    -- The task timed out, or something came in between: the server asks again.
    log(worker, "debug", "the answer to a workflow task was not taken: " .. tostring(err))
    return nil
  end
  local kept = tonumber(completed.reset_history_event_id)
  if kept and kept > 0 then
    forget_task(run, kept)
  end
  local following = completed.workflow_task
  return following and following.task_token ~= "" and following or nil
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
  local run, history, transient = find(worker, response)
  if not run then
    if transient then
      log(worker, "warn", "a history could not be fetched: " .. tostring(history))
      return nil
    end
    return fail(worker, response, history)
  end
  run.busy = true
  worker.cache:put(run.run_id, run)
  local started_id = tonumber(response.started_event_id)
  local last_id = history.last_id
  local commands, messages = run:apply(history, started_id, response.messages)
  run.last_event_id = last_id
  if started_id > 0 then
    run.last_started_id = started_id
  end
  if response.query and commands then
    run.busy = false
    answer_query(worker, response, run)
    return nil
  elseif not commands then
    run.busy = false
    return fail(worker, response, messages, run.failure and run.failure.traceback)
  end
  return complete(worker, response, run, commands, messages)
end

--- Does a task, and those that its answers bring.
-- @tparam worker worker
-- @tparam table response a PollWorkflowTaskQueueResponse
function task.run(worker, response)
  repeat
    response = do_one(worker, response)
  until not response
end

return task

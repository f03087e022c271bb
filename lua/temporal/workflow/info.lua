--- What is known of a run: what its first event told, and what changes while it runs
-- (temporal.api.history.v1.WorkflowExecutionStartedEventAttributes).
-- @module temporal.workflow.info

local core = require "temporal.core"
local duration = require "temporal.base.duration"
local enum = require "temporal.base.enum"
local execution_options = require "temporal.call.execution_options"
local failure = require "temporal.error.failure"
local filled = require("temporal.base.field").filled
local payload_list = require("temporal.base.payloads").list
local search_attributes = require "temporal.value.search_attributes"

local next, type = next, type

local PAYLOAD = "temporal.api.common.v1.Payload"

local info = {}

local function execution(message, namespace)
  return message and filled(message.workflow_id)
    and { id = message.workflow_id, run_id = filled(message.run_id), namespace = filled(namespace) }
    or nil
end

local function retry_policy(message)
  return message and {
    initial_interval = duration.from_message(message.initial_interval),
    backoff_coefficient = message.backoff_coefficient,
    maximum_interval = duration.from_message(message.maximum_interval),
    maximum_attempts = message.maximum_attempts,
    non_retryable_error_types = message.non_retryable_error_types,
  }
end

local function first_of(payloads, converter)
  local payload = (payload_list(payloads) or {})[1]
  return payload and failure.value(payload, converter)
end

-- What the run's first event told, and never changes.
local function of_start(run)
  local from, converter = run.started, run.converter
  return {
    id = run.workflow_id, run_id = run.run_id, namespace = run.namespace,
    workflow_type = run.workflow_type, task_queue = run.task_queue,
    first_execution_run_id = from.first_execution_run_id,
    continued_run_id = filled(from.continued_execution_run_id),
    attempt = from.attempt, start_time = run.start_time,
    execution_timeout = duration.from_message(from.workflow_execution_timeout),
    run_timeout = duration.from_message(from.workflow_run_timeout),
    task_timeout = duration.from_message(from.workflow_task_timeout),
    retry_policy = retry_policy(from.retry_policy),
    cron_schedule = filled(from.cron_schedule),
    parent = execution(from.parent_workflow_execution, from.parent_workflow_namespace),
    root = execution(from.root_workflow_execution),
    priority = execution_options.priority(from.priority),
    last_result = first_of(from.last_completion_result, converter),
    last_failure = failure.to_error(from.continued_failure, converter),
  }
end

-- A payload as a table.
local function payload_table(payload)
  return type(payload) == "string" and core.decode(PAYLOAD, payload) or payload
end

local function decode_memo(run)
  local values = {}
  for name, payload in next, info.memo_of(run) do
    values[name] = failure.value(payload_table(payload), run.converter)
  end
  return values
end

-- The fields of a map of payloads with changes of them; what is null is removed.
local function merged(before, changes)
  local fields = {}
  for name, payload in next, before do
    fields[name] = payload
  end
  for name, payload in next, changes do
    payload = payload_table(payload)
    local encoding = payload.metadata and payload.metadata.encoding
    fields[name] = encoding ~= "binary/null" and payload or nil
  end
  return fields
end

--- The payloads of the run's memo, by name, as they are now.
function info.memo_of(run)
  return run.memo or run.started.memo and run.started.memo.fields or {}
end

--- The payloads of the run's search attributes, by name, as they are now.
function info.search_attributes_of(run)
  local message = run.started.search_attributes
  return run.search_attributes or message and message.indexed_fields or {}
end

--- The run has changed its memo.
-- @tparam run run
-- @tparam table fields payloads by name
function info.upsert_memo(run, fields)
  run.memo = merged(info.memo_of(run), fields)
  if run.info then
    run.info.memo = decode_memo(run)
  end
end

local function decode_search_attributes(run)
  return search_attributes.decode { indexed_fields = info.search_attributes_of(run) }
end

--- The run has changed its search attributes.
-- @tparam run run
-- @tparam table fields payloads by name
function info.upsert_search_attributes(run, fields)
  run.search_attributes = merged(info.search_attributes_of(run), fields)
  if run.info then
    run.info.search_attributes = decode_search_attributes(run)
  end
end

--- The version of the worker that answered a task.
-- @tparam history history
-- @tparam integer i the place of its end
-- @treturn table|nil `{name=, build_id=}`
function info.version_of(history, i)
  local version = history:kind(i) == "workflow_task_completed"
    and history:attributes(i).deployment_version
  return version and { name = version.deployment_name, build_id = version.build_id } or nil
end

local function reasons_of(names)
  local list = {}
  for i = 1, #(names or list) do
    list[i] = enum.short("SUGGEST_CONTINUE_AS_NEW_REASON_", names[i])
  end
  return list
end

--- What is known of a run now. Made when it is first asked for.
-- @tparam run run
-- @treturn table
function info.of(run)
  local self = run.info
  if not self then
    self = of_start(run)
    self.memo, self.search_attributes = decode_memo(run), decode_search_attributes(run)
    run.info = self
  end
  local task = run.task
  self.history_length = run.history_length
  self.history_size = run.history_size
  self.continue_as_new_suggested = task and task.suggest_continue_as_new or false
  self.suggest_reasons = reasons_of(task and task.suggest_continue_as_new_reasons)
  self.deployment = run.deployment
  self.target_version_changed = task and task.target_worker_deployment_version_changed or false
  return self
end

return info

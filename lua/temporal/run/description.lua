--- What the server knows of an execution: `workflow:describe`, and the items
-- of a listing.
--
-- Times are seconds since the epoch, durations seconds, enums short names;
-- what is not set is nil. Memo, summary, details and heartbeat details are
-- values of the user: what no converter can read stands there as its error
-- (`temporal.is_error`), and the rest is read all the same.
-- @module temporal.description

local call_options = require "temporal.call.call_options"
local enum = require "temporal.base.enum"
local execution_options = require "temporal.call.execution_options"
local failure = require "temporal.error.failure"
local field = require "temporal.base.field"
local operation = require "temporal.call.operation"
local search_attributes = require "temporal.value.search_attributes"
local sessions = require "temporal.call.session"
local timestamp = require "temporal.base.timestamp"

local filled, seconds = field.filled, field.seconds
local short = enum.short
local time = timestamp.from_message

local description = {}

local metatable = {
  __name = "temporal.description",
  __tostring = function(self)
    return ("temporal.description (%s, %s)"):format(tostring(self.id), tostring(self.status))
  end,
}

local function memo(fields, values)
  local names, payloads = {}, {}
  for name, payload in next, fields do
    local index = #names + 1
    names[index], payloads[index] = name, payload
  end
  local decoded = {}
  for index, value in next, failure.values({ payloads = payloads }, values) do
    if index ~= "n" then
      decoded[names[index]] = value
    end
  end
  return decoded
end

local function execution(message)
  return message and { id = message.workflow_id, run_id = filled(message.run_id) }
end

local function parent(info)
  local found = execution(info.parent_execution)
  if found then
    found.namespace_id = filled(info.parent_namespace_id)
  end
  return found
end

local function versioning(message)
  local known = message and {
    behavior = short("VERSIONING_BEHAVIOR_", message.behavior),
    version = execution_options.version(message.deployment_version),
    override = execution_options.versioning_override(message.versioning_override),
    transition = message.version_transition
      and execution_options.version(message.version_transition.deployment_version),
    revision = filled(message.revision_number),
  }
  return known and next(known) and known or nil
end

--- An execution of a listing, with describe's fields as far as the listing
-- knows them: `id`, `run_id`, `workflow_type`, `task_queue`, `status`,
-- `start_time`, `execution_time`, `close_time`, `history_length`,
-- `history_size` (both of closed ones), `memo`, `search_attributes`, `parent`,
-- `root`, `first_execution_run_id`, `priority`, `versioning`, `raw`.
-- @tparam temporal.session session
-- @tparam table info a temporal.api.workflow.v1.WorkflowExecutionInfo
-- @treturn table
function description.item(session, info)
  local id = info.execution and info.execution.workflow_id
  return setmetatable({
    id = id,
    run_id = info.execution and info.execution.run_id,
    workflow_type = info.type and info.type.name,
    task_queue = filled(info.task_queue),
    status = short("WORKFLOW_EXECUTION_STATUS_", info.status),
    start_time = time(info.start_time),
    execution_time = time(info.execution_time),
    close_time = time(info.close_time),
    history_length = filled(info.history_length),
    history_size = filled(info.history_size_bytes),
    memo = memo(info.memo and info.memo.fields or {}, session:values("memo", id)),
    search_attributes = search_attributes.decode(info.search_attributes),
    parent = parent(info),
    root = execution(info.root_execution),
    first_execution_run_id = filled(info.first_run_id),
    priority = execution_options.priority(info.priority),
    versioning = versioning(info.versioning_info),
    raw = info,
  }, metatable)
end

local function pending_activity(session, id, message)
  local activity_id = message.activity_id
  return {
    activity_id = activity_id,
    activity_type = message.activity_type and message.activity_type.name,
    state = short("PENDING_ACTIVITY_STATE_", message.state),
    attempt = message.attempt,
    maximum_attempts = filled(message.maximum_attempts),
    heartbeat_details = failure.values(message.heartbeat_details,
      session:values("details", id, activity_id)),
    last_heartbeat_time = time(message.last_heartbeat_time),
    last_started_time = time(message.last_started_time),
    last_attempt_complete_time = time(message.last_attempt_complete_time),
    next_attempt_schedule_time = time(message.next_attempt_schedule_time),
    current_retry_interval = seconds(message.current_retry_interval),
    scheduled_time = time(message.scheduled_time),
    expiration_time = time(message.expiration_time),
    last_failure = failure.to_error(message.last_failure,
      session:values("failure", id, activity_id)),
    last_worker_identity = filled(message.last_worker_identity),
    paused = message.paused,
    priority = execution_options.priority(message.priority),
  }
end

local function pending_child(message)
  return {
    id = message.workflow_id,
    run_id = filled(message.run_id),
    workflow_type = message.workflow_type_name,
    initiated_event_id = message.initiated_id,
    parent_close_policy = short("PARENT_CLOSE_POLICY_", message.parent_close_policy),
  }
end

local function pending_workflow_task(message)
  return message and {
    state = short("PENDING_WORKFLOW_TASK_STATE_", message.state),
    scheduled_time = time(message.scheduled_time),
    original_scheduled_time = time(message.original_scheduled_time),
    started_time = time(message.started_time),
    attempt = message.attempt,
  }
end

--- A description from a DescribeWorkflowExecutionResponse.
-- @tparam temporal.session session
-- @tparam table response
-- @treturn table
function description.read(session, response)
  local self = description.item(session, response.workflow_execution_info or {})
  local config = response.execution_config or {}
  local metadata = config.user_metadata or {}
  local summaries = session:values("summary", self.id)
  self.task_queue = config.task_queue and config.task_queue.name or self.task_queue
  self.execution_timeout = seconds(config.workflow_execution_timeout)
  self.run_timeout = seconds(config.workflow_run_timeout)
  self.task_timeout = seconds(config.default_workflow_task_timeout)
  self.static_summary = failure.value(metadata.summary, summaries)
  self.static_details = failure.value(metadata.details, summaries)
  self.pending_activities, self.pending_children = {}, {}
  for i, message in ipairs(response.pending_activities) do
    self.pending_activities[i] = pending_activity(session, self.id, message)
  end
  for i, message in ipairs(response.pending_children) do
    self.pending_children[i] = pending_child(message)
  end
  self.pending_workflow_task = pending_workflow_task(response.pending_workflow_task)
  self.raw = response
  return self
end

local DESCRIBE = call_options.define("option of workflow:describe")

local function perform(input)
  local response, err = operation.call(input, "DescribeWorkflowExecution", {
    execution = operation.execution(input),
  })
  if not response then
    return nil, err
  end
  return description.read(sessions.of(input.client), response)
end

--- What the server knows of the workflow now: of the latest run of its id,
-- or of the run the handle is pinned to.
--
-- Fields: those of `item`, and `execution_timeout`, `run_timeout`,
-- `task_timeout`, `static_summary`, `static_details`, `pending_activities`
-- (list of `{activity_id=, activity_type=, state=, attempt=,
-- heartbeat_details=, last_failure=, ...}`), `pending_children` (list of
-- `{id=, run_id=, workflow_type=, initiated_event_id=,
-- parent_close_policy=}`), `pending_workflow_task` (`{state=, attempt=,
-- ...}`); `raw` is the DescribeWorkflowExecutionResponse.
-- @param self a future
-- @tparam[opt] table given `timeout`, `metadata`
-- @treturn table|nil the description, or nil
-- @treturn temporal.error
function description.describe(self, given)
  given = call_options.trailing(DESCRIBE, given, "workflow:describe")
  return operation.run(self, "describe", "latest", given, perform)
end

return description

--- What the server knows of a standalone activity: `activity:describe`, and
-- the items of a listing.
--
-- Times are seconds since the epoch, durations seconds, enums short names;
-- what is not set is nil. Heartbeat details, summary and details are values of
-- the user: what no converter can read stands there as its error.
-- @module temporal.activity_description

local duration = require "temporal.base.duration"
local enum = require "temporal.base.enum"
local execution_options = require "temporal.call.execution_options"
local failure = require "temporal.error.failure"
local field = require "temporal.base.field"
local search_attributes = require "temporal.value.search_attributes"
local timestamp = require "temporal.base.timestamp"

local filled, seconds = field.filled, field.seconds
local short = enum.short
local time = timestamp.from_message

local activity_description = {}

local metatable = {
  __name = "temporal.activity_description",
  __tostring = function(self)
    return ("temporal.activity_description (%s, %s)"):format(tostring(self.id),
      tostring(self.status))
  end,
}

--- An activity of a listing: `id`, `run_id`, `activity_type`, `task_queue`,
-- `status` (`running completed failed canceled terminated timed_out paused`),
-- `schedule_time`, `execution_time`, `close_time`, `execution_duration`,
-- `search_attributes`, `raw`.
-- @tparam table info an ActivityExecutionListInfo or ActivityExecutionInfo of
--   temporal.api.activity.v1
-- @treturn table
function activity_description.item(info)
  return setmetatable({
    id = info.activity_id,
    run_id = filled(info.run_id),
    activity_type = info.activity_type and info.activity_type.name,
    task_queue = filled(info.task_queue),
    status = short("ACTIVITY_EXECUTION_STATUS_", info.status),
    schedule_time = time(info.schedule_time),
    execution_time = time(info.execution_time),
    close_time = time(info.close_time),
    execution_duration = duration.from_message(info.execution_duration),
    search_attributes = search_attributes.decode(info.search_attributes),
    raw = info,
  }, metatable)
end

--- A description, from the answer to DescribeActivityExecution.
-- @tparam temporal.session session
-- @tparam table response
-- @treturn table the fields of `item`, and `state` (of one that runs:
--   `scheduled started cancel_requested` ...), `attempt`, the timeouts by their
--   options' names, `start_delay`, `retry_policy`, `priority`,
--   `static_summary`, `static_details`, `heartbeat_details`,
--   `heartbeat_count`, `last_failure` (an error), `last_worker_identity`,
--   `canceled_reason`, `last_heartbeat_time`, `last_started_time`,
--   `last_attempt_complete_time`, `next_attempt_schedule_time`,
--   `expiration_time`, `current_retry_interval`; `raw` is the response
function activity_description.read(session, response)
  local info = response.info or {}
  local self = activity_description.item(info)
  local metadata = info.user_metadata or {}
  local summaries = session:values("summary", nil, self.id)
  self.state = short("PENDING_ACTIVITY_STATE_", info.run_state)
  self.attempt = info.attempt
  self.schedule_to_close_timeout = seconds(info.schedule_to_close_timeout)
  self.schedule_to_start_timeout = seconds(info.schedule_to_start_timeout)
  self.start_to_close_timeout = seconds(info.start_to_close_timeout)
  self.heartbeat_timeout = seconds(info.heartbeat_timeout)
  self.start_delay = seconds(info.start_delay)
  self.retry_policy = execution_options.retry_policy(info.retry_policy)
  self.priority = execution_options.priority(info.priority)
  self.static_summary = failure.value(metadata.summary, summaries)
  self.static_details = failure.value(metadata.details, summaries)
  self.heartbeat_details = failure.values(info.heartbeat_details,
    session:values("details", nil, self.id))
  self.heartbeat_count = info.total_heartbeat_count
  self.last_failure = failure.to_error(info.last_failure,
    session:values("failure", nil, self.id))
  self.last_worker_identity = filled(info.last_worker_identity)
  self.canceled_reason = filled(info.canceled_reason)
  self.last_heartbeat_time = time(info.last_heartbeat_time)
  self.last_started_time = time(info.last_started_time)
  self.last_attempt_complete_time = time(info.last_attempt_complete_time)
  self.next_attempt_schedule_time = time(info.next_attempt_schedule_time)
  self.expiration_time = time(info.expiration_time)
  self.current_retry_interval = seconds(info.current_retry_interval)
  self.raw = response
  return self
end

return activity_description

--- What is known of an activity task, for `activity.info()`.
-- @module temporal.activity_info

local execution_options = require "temporal.call.execution_options"
local field = require "temporal.base.field"
local timestamp = require "temporal.base.timestamp"

local filled, seconds = field.filled, field.seconds
local time = timestamp.from_message
local min = math.min

local info = {}

--- How long an attempt may take, from its start on.
-- @tparam table task a PollActivityTaskQueueResponse
-- @treturn number|nil seconds
function info.time_allowed(task)
  local attempt, all = seconds(task.start_to_close_timeout), seconds(task.schedule_to_close_timeout)
  local scheduled, started = time(task.scheduled_time), time(task.started_time)
  if all and scheduled and started then
    all = all - (started - scheduled)
  end
  return attempt and all and min(attempt, all) or attempt or all
end

--- The fields of `activity.info()`.
-- @tparam table task a PollActivityTaskQueueResponse
-- @tparam string task_queue
-- @treturn table
function info.of_task(task, task_queue)
  local execution = task.workflow_execution or {}
  local started, allowed = time(task.started_time), info.time_allowed(task)
  return {
    id = task.activity_id, type = task.activity_type.name, task_queue = task_queue,
    namespace = task.workflow_namespace, workflow_id = filled(execution.workflow_id),
    run_id = filled(execution.run_id),
    workflow_type = task.workflow_type and filled(task.workflow_type.name),
    attempt = task.attempt, is_local = false, scheduled_time = time(task.scheduled_time),
    started_time = started, deadline = started and allowed and started + allowed,
    schedule_to_close_timeout = seconds(task.schedule_to_close_timeout),
    start_to_close_timeout = seconds(task.start_to_close_timeout),
    heartbeat_timeout = seconds(task.heartbeat_timeout),
    retry_policy = execution_options.retry_policy(task.retry_policy),
    priority = execution_options.priority(task.priority), task_token = task.task_token,
    activity_run_id = filled(task.activity_run_id),
  }
end

return info

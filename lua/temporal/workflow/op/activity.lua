--- Activities (ScheduleActivityTask, RequestCancelActivityTask; ActivityTask*).
-- @module temporal.workflow.op.activity

local activities = require "temporal.activity.definition"
local current = require "temporal.workflow.current"
local failure = require "temporal.error.failure"
local misuse = require "temporal.base.misuse"
local operation = require "temporal.workflow.operation"
local options = require "temporal.base.options"
local start = require "temporal.run.start"

local setmetatable, tonumber, tostring = setmetatable, tonumber, tostring

local MAX_ID = 1000
local CANCELLATION = {
  try_cancel = "try_cancel",
  wait_cancellation_completed = "wait_cancellation_completed",
  abandon = "abandon",
}

local shared = start.options.handlers

local OPTIONS = options.define("activity option", {
  id = options.string("activity_id", { max = MAX_ID }),
  task_queue = options.string("task_queue"),
  schedule_to_close_timeout = options.duration("schedule_to_close_timeout"),
  schedule_to_start_timeout = options.duration("schedule_to_start_timeout"),
  start_to_close_timeout = options.duration("start_to_close_timeout"),
  heartbeat_timeout = options.duration("heartbeat_timeout"),
  retry_policy = shared.retry_policy,
  priority = shared.priority,
  summary = shared.static_summary,
  eager = options.boolean("eager"),
  cancellation_type = options.choice("cancellation_type", CANCELLATION),
})

-- The command that asks the server to cancel an activity.
local cancellation = {
  event = "activity_task_cancel_requested",
  command = function(self)
    return {
      command_type = "COMMAND_TYPE_REQUEST_CANCEL_ACTIVITY_TASK",
      request_cancel_activity_task_command_attributes = {
        scheduled_event_id = self.activity.event_id,
      },
    }
  end,
  matches = function(self, attributes)
    return tonumber(attributes.scheduled_event_id) == self.activity.event_id
  end,
  shows = function(self)
    return ("the cancellation of activity %q"):format(self.activity.id)
  end,
  shows_event = function(attributes)
    return ("the cancellation of the activity of event %s"):format(
      tostring(attributes.scheduled_event_id))
  end,
}
local cancellation_metatable =
  operation.class("temporal.workflow.activity_cancellation", cancellation)

local activity = {
  event = "activity_task_scheduled",
}
local metatable

function activity:command(run)
  local given = self.options
  return {
    command_type = "COMMAND_TYPE_SCHEDULE_ACTIVITY_TASK",
    schedule_activity_task_command_attributes = {
      activity_id = self.id,
      activity_type = { name = self.activity_type },
      task_queue = { name = given.task_queue or run.task_queue },
      input = self.input,
      schedule_to_close_timeout = given.schedule_to_close_timeout,
      schedule_to_start_timeout = given.schedule_to_start_timeout,
      start_to_close_timeout = given.start_to_close_timeout,
      heartbeat_timeout = given.heartbeat_timeout,
      retry_policy = given.retry_policy,
      priority = given.priority,
      -- Whoever sends the command may take it back.
      request_eager_execution = run.eager and given.eager ~= false or nil,
    },
    user_metadata = given.user_metadata,
  }
end

function activity:matches(attributes)
  return attributes.activity_id == self.id and attributes.activity_type ~= nil
    and attributes.activity_type.name == self.activity_type
end

--- Is it the event of another id? Then the id becomes that.
function activity:adopt(attributes)
  local same = attributes.activity_type and attributes.activity_type.name == self.activity_type
  self.id = same and attributes.activity_id or self.id
  return same
end

local function show(id, name)
  return ("activity %s (id %q)"):format(name, id)
end

function activity:shows()
  return show(self.id, self.activity_type)
end

function activity.shows_event(attributes)
  return show(attributes.activity_id, attributes.activity_type and attributes.activity_type.name)
end

-- The failure of an activity, as the other SDKs tell it: what happened is its
-- cause.
local function failed(self, message, attributes, cause)
  return failure.to_error({
    message = message,
    cause = cause,
    activity_failure_info = {
      scheduled_event_id = self.event_id,
      started_event_id = attributes and attributes.started_event_id,
      identity = attributes and attributes.identity,
      activity_type = { name = self.activity_type },
      activity_id = self.id,
      retry_state = attributes and attributes.retry_state or "RETRY_STATE_CANCEL_REQUESTED",
    },
  }, current.run.converter)
end

local function canceled(self, attributes)
  return failed(self, "activity task canceled", attributes, {
    message = "canceled",
    canceled_failure_info = { details = attributes and attributes.details },
  })
end

activity.happens = {
  activity_task_completed = function(self, attributes)
    self.result = attributes.result
    operation.resolve(self)
    return true
  end,
  activity_task_failed = function(self, attributes)
    operation.reject(self, failed(self, "activity task failed", attributes, attributes.failure))
    return true
  end,
  activity_task_timed_out = function(self, attributes)
    operation.reject(self, failed(self, "activity task timed out", attributes, attributes.failure))
    return true
  end,
  activity_task_canceled = function(self, attributes)
    operation.reject(self, canceled(self, attributes))
    return true
  end,
}

activity.outcome, activity.raw = operation.outcome, operation.raw

function activity:withdraw()
  operation.reject(self, canceled(self))
end

function activity:waits()
  return self.options.cancellation_type == "wait_cancellation_completed"
end

function activity:request_cancel()
  local kind = self.options.cancellation_type
  if kind ~= "abandon" then
    operation.emit(current.run, nil, setmetatable({ done = true, activity = self },
      cancellation_metatable))
  end
  if kind == "wait_cancellation_completed" then
    self.patient = true -- its end is waited for, in a canceled scope too
  else
    operation.reject(self, canceled(self))
  end
end

metatable = operation.class("temporal.workflow.activity", activity)

local METHOD = "workflow.execute_activity"

-- To the server 0 is none.
local function is_given(timeout)
  return timeout ~= nil and (timeout.seconds > 0 or timeout.nanos > 0)
end

local function check_options(run, given)
  local checked = operation.options(OPTIONS, given, METHOD, run)
  if not (is_given(checked.start_to_close_timeout)
    or is_given(checked.schedule_to_close_timeout)) then
    misuse.raise('activity option "start_to_close_timeout" is missing: an activity needs it (how '
      .. 'long one attempt may take), or "schedule_to_close_timeout" (how long all may)')
  end
  return checked
end

local activity_calls = {}

--- Schedules an activity.
-- @tparam table given options
-- @param definition a type name, or a function
-- @tparam integer count of arguments
-- @param ... arguments
-- @treturn operation
-- @raise on misuse; kind `canceled` in a canceled scope
function activity_calls.execute(given, definition, count, ...)
  local run, caller = operation.begin(METHOD)
  local checked = check_options(run, given)
  local name = activities.resolve(definition, METHOD)
  local number = run.activities + 1
  run.activities = number
  local input = operation.input(run, METHOD, count, ...)
  return operation.emit(run, caller.scope, setmetatable({
    done = false, id = checked.activity_id or tostring(number), activity_type = name,
    options = checked, input = input,
    -- Room for what comes.
    scope = nil, place = nil, sent = nil, event_id = nil, waiters = nil, result = nil, seen = nil,
  }, metatable))
end

return activity_calls

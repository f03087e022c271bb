--- Local activities: the worker runs them itself while it does the run's task, and
-- history keeps what came of each in a marker (RecordMarker; MarkerRecorded).
--
-- The run asks, in `run.locals`, and is told, one result a round. In replay the
-- markers behind a step tell. What no marker tells the worker runs anew.
-- @module temporal.workflow.op.local_activity

local activities = require "temporal.activity.definition"
local core = require "temporal.core"
local current = require "temporal.workflow.current"
local duration = require "temporal.base.duration"
local failure = require "temporal.error.failure"
local marker = require "temporal.workflow.op.marker"
local misuse = require "temporal.base.misuse"
local operation = require "temporal.workflow.operation"
local options = require "temporal.base.options"
local start = require "temporal.run.start"
local timer = require "temporal.workflow.op.timer"

local setmetatable, tostring, type = setmetatable, tostring, type

local FAILURE = "temporal.api.failure.v1.Failure"
local METHOD = "workflow.execute_local_activity"
local MAX_ID = 1000
local CANCELLATION = {
  try_cancel = "try_cancel",
  wait_cancellation_completed = "wait_cancellation_completed",
  abandon = "abandon",
}

local OPTIONS = options.define("local activity option", {
  id = options.string("id", { max = MAX_ID }),
  schedule_to_close_timeout = options.seconds("schedule_to_close_timeout", { above = 0 }),
  schedule_to_start_timeout = options.seconds("schedule_to_start_timeout", { above = 0 }),
  start_to_close_timeout = options.seconds("start_to_close_timeout", { above = 0 }),
  local_retry_threshold = options.seconds("local_retry_threshold"),
  retry_policy = start.options.handlers.retry_policy,
  summary = options.string("summary", { empty = true }),
  cancellation_type = options.choice("cancellation_type", CANCELLATION),
})

local local_activity = {}

local methods = {}
local metatable

-- What a run has asked for: operations by number that have no result yet, and
-- those that the worker has to begin or to cancel; how often fibers have run since;
-- the place of the next result in its step.
local function asked(run)
  local locals = run.locals
  if not locals then
    locals = { pending = {}, count = 0, requests = {}, cancels = {}, round = 0, index = 1 }
    run.locals = locals
  end
  return locals
end

local function take_number(run, self)
  local number = run.activities + 1
  run.activities = number
  self.seq, self.id = number, self.options.id or tostring(number)
end

local function ask(run, self)
  local locals = asked(run)
  locals.pending[self.seq] = self
  locals.count = locals.count + 1
  locals.requests[#locals.requests + 1] = self
  self.round, self.asked_at = locals.round, run.now
end

-- The error of a failure: what a marker holds is its cause.
local function error_of(run, self, cause)
  local retry_state
  if cause.canceled_failure_info then
    retry_state = "RETRY_STATE_CANCEL_REQUESTED"
  elseif cause.timeout_failure_info then
    retry_state = "RETRY_STATE_TIMEOUT"
  elseif cause.application_failure_info and cause.application_failure_info.non_retryable then
    retry_state = "RETRY_STATE_NON_RETRYABLE_FAILURE"
  end
  if not cause.activity_failure_info then
    cause = {
      message = ("local activity %s"):format(cause.canceled_failure_info and "canceled"
        or cause.timeout_failure_info and "timed out" or "failed"),
      cause = cause,
      activity_failure_info = {
        activity_type = { name = self.activity_type }, activity_id = self.id,
        retry_state = retry_state,
      },
    }
  end
  return failure.to_error(cause, run.converter)
end

-- The wait before an attempt that is too far away for this task: a timer of the
-- run. The attempt has its number before the timer has begun.
local function back_off(run, self, told)
  self.attempt = told.attempt + 1
  self.original_schedule_time = told.original_schedule_time
  take_number(run, self)
  self.timer = timer.start(run, nil, duration.from_message(told.backoff))
  function self.timer.fired()
    self.timer = nil
    ask(run, self)
  end
end

-- It has a result, and history a marker from here on.
local function settle(run, self, told)
  local locals = run.locals
  if locals.pending[self.seq] == self then
    locals.pending[self.seq] = nil
    locals.count = locals.count - 1
  end
  local failed = told.failure
  if type(failed) == "string" then
    failed = assert(core.decode(FAILURE, failed))
  end
  marker.local_activity(run, self, told)
  if told.complete_time then
    local time = duration.from_message(told.complete_time)
    run.now = time > run.now and time or run.now
  end
  if told.backoff then
    back_off(run, self, told)
  elseif failed then
    operation.reject(self, error_of(run, self, failed))
  else
    self.result = told.result
    operation.resolve(self)
  end
end

local function settle_canceled(run, self)
  settle(run, self, {
    failure = { message = "canceled", canceled_failure_info = {} }, attempt = self.attempt,
    original_schedule_time = self.original_schedule_time,
  })
end

function methods:shows()
  return marker.shows_local_activity(self)
end

methods.outcome = operation.outcome

-- What was not begun yet, and what need not be waited for, ends at once.
function methods:cancel_now()
  if self.done or self.cancel_requested then
    return
  end
  self.cancel_requested = true
  local run, kind = current.run, self.options.cancellation_type
  local cancels = run.locals.cancels
  if self.timer then
    self.timer:cancel_now()
    self.timer = nil
    operation.reject(self, error_of(run, self, { message = "canceled",
      canceled_failure_info = {} }))
  elseif kind == "wait_cancellation_completed" and self.round ~= run.locals.round then
    self.patient = true -- its end is waited for, in a canceled scope too
    cancels[#cancels + 1] = self
  else
    settle_canceled(run, self)
    if kind ~= "abandon" then
      cancels[#cancels + 1] = self
    end
  end
end

metatable = operation.class("temporal.workflow.local_activity", methods)

--- Asks for a local activity.
-- @tparam table given options
-- @param definition a type name, or a function
-- @tparam integer count of arguments
-- @param ... arguments
-- @treturn future
-- @raise on misuse; kind `canceled` in a canceled scope
function local_activity.execute(given, definition, count, ...)
  local run, caller = operation.begin(METHOD)
  local checked = operation.options(OPTIONS, given, METHOD)
  if not (checked.start_to_close_timeout or checked.schedule_to_close_timeout) then
    misuse.raise('local activity option "start_to_close_timeout" is missing: an activity needs it '
      .. '(how long one attempt may take), or "schedule_to_close_timeout" (how long all may)')
  end
  local name = activities.resolve(definition, METHOD)
  -- In replay, too: its end may be missing from history.
  local input, problem = run.converter:payloads(count, ...)
  if not input then
    misuse.raisef("%s: %s", METHOD, tostring(problem))
  end
  local scope = caller.scope
  local self = setmetatable({
    done = false, activity_type = name, options = checked, input = input, attempt = 1,
    scope = scope, place = nil,
  }, metatable)
  self.place = scope:join(self)
  take_number(run, self)
  ask(run, self)
  return self
end

--- Does the task have to wait for some?
-- @tparam run run
-- @treturn boolean
function local_activity.awaited(run)
  return run.locals ~= nil and run.locals.count > 0
end

--- Fibers run: for a step, for results of it.
-- @tparam run run
function local_activity.begin_round(run)
  local locals = run.locals
  if locals then
    locals.round = locals.round + 1
  end
end

--- They have run for results.
-- @tparam run run
function local_activity.end_round(run)
  local locals = run.locals
  if locals then
    locals.index = locals.index + 1
  end
end

--- A step begins.
-- @tparam run run
function local_activity.begin_step(run)
  local_activity.begin_round(run)
  if run.locals then
    run.locals.index = 1
  end
end

--- A result has come: `seq`, `attempt`, `result` (Payloads) or `failure`,
-- `complete_time`, `backoff`, `original_schedule_time` as in the marker.
-- @tparam run run
-- @tparam table told
function local_activity.deliver(run, told)
  local self = run.locals and run.locals.pending[told.seq]
  if self then
    settle(run, self, told)
  end
end

-- Replay.

--- Is this result of a marker one that the run waits for?
function local_activity.is_due(run, told)
  return run.locals ~= nil and run.locals.pending[told.seq] ~= nil
end

local is_due = local_activity.is_due

--- The results of a step that come together, from a place on. Those of canceled
-- ones, which ended by themselves, are passed over.
-- @tparam run run
-- @tparam table results of the markers, in their order
-- @tparam integer from
-- @treturn integer|nil the place of the first; nil: no more can be told
-- @treturn integer the place of the last
function local_activity.group(run, results, from)
  local first = from
  while results[first] and not is_due(run, results[first]) do
    if results[first].seq > run.activities then
      return nil -- the code did not ask for it: its marker will say so
    end
    first = first + 1
  end
  if not results[first] then
    return nil
  end
  local index, last = results[first].activation_index, first
  while index and results[last + 1] and results[last + 1].activation_index == index
    and is_due(run, results[last + 1]) do
    last = last + 1
  end
  return first, last
end

-- The worker's side.

--- What the run has asked for since the last time.
-- @tparam run run
-- @treturn table operations to begin
-- @treturn table operations to cancel
function local_activity.take(run)
  local locals = run.locals
  local requests, cancels, pending = {}, locals.cancels, locals.pending
  for i = 1, #locals.requests do
    local each = locals.requests[i]
    if pending[each.seq] == each then
      requests[#requests + 1] = each
    end
  end
  locals.requests, locals.cancels = {}, {}
  return requests, cancels
end

return local_activity

--- The local activities of runs: run here, tried again here, their results handed to
-- the run while one of its tasks is open.
--
-- What is under way belongs to the run (`run.local_work`) and outlives its tasks: a
-- task that would take too long is answered with what there is, and the next one goes
-- on with it.
-- @module temporal.worker.local_activity

local asked = require "temporal.workflow.op.local_activity"
local attempts = require "temporal.worker.attempt"
local call = require "temporal.activity.call"
local context = require "temporal.activity.context"
local core = require "temporal.core"
local duration = require "temporal.base.duration"
local errors = require "temporal.error.error"
local logger = require "temporal.observe.logger"
local promise = require "temporal.wait.promise"
local spawn = require("temporal.wait.task").spawn

local floor, max, min, next = math.floor, math.max, math.min, next
local remove, tostring = table.remove, tostring
local now, wall = core.now, core.time

local FAILURE = "temporal.api.failure.v1.Failure"
local SOURCE = "LuaSDK"

-- A pause before the next attempt that is longer than this is a timer of the run.
local THRESHOLD = 60
-- The share of a task's time after which it is answered with what there is.
local TIME_OF_TASK = 0.8
local DEFAULT_TASK_TIMEOUT = 10

-- Retries, where the policy does not say.
local INITIAL, COEFFICIENT, MAXIMUM_FACTOR = 1, 2, 100

local local_activity = {}

-- Seconds as a Timestamp or Duration.
local function stamp(seconds)
  local whole = floor(seconds)
  return { seconds = whole, nanos = floor((seconds - whole) * 1000000000) }
end

local function work_of(run)
  local work = run.local_work
  if not work then
    -- Those under way, by operation; results, first in, first out; attempts behind the
    -- first one since the last answer.
    work = { run = run, worker = run.worker, items = {}, results = {}, retries = 0 }
    run.local_work = work
  end
  return work
end

-- `told` nil: there will be no result here.
local function push(work, told)
  work.results[#work.results + 1] = told
  work.given_up = work.given_up or told == nil
  if work.bell then
    work.bell:finish()
  end
end

-- What came of it, as its marker says it.
local function tell(item, result, proto, backoff)
  local op = item.op
  return {
    seq = op.seq, attempt = item.attempt, result = result,
    failure = proto and assert(core.encode(FAILURE, proto, true)),
    complete_time = stamp(op.asked_at + now() - item.asked),
    backoff = backoff and stamp(backoff), original_schedule_time = item.original,
  }
end

local function canceled_failure()
  return { message = "canceled", source = SOURCE, canceled_failure_info = {} }
end

local function timeout_failure(which)
  return {
    message = "local activity timed out: " .. which, source = SOURCE,
    timeout_failure_info = { timeout_type = "TIMEOUT_TYPE_" .. which:upper() },
  }
end

-- Retries.

local function is_listed(err, list)
  for i = 1, #(list or {}) do
    if list[i] == err.type then
      return true
    end
  end
  return false
end

-- Seconds until the next attempt; nil: there is none.
local function pause_before_next(item, err)
  local policy = item.op.options.retry_policy or {}
  local most = policy.maximum_attempts or 0
  if most > 0 and item.attempt >= most then
    return nil
  elseif err and (err.non_retryable or is_listed(err, policy.non_retryable_error_types)) then
    return nil
  elseif err and err.next_retry_delay then
    return err.next_retry_delay
  end
  local initial = duration.from_message(policy.initial_interval) or INITIAL
  local longest = duration.from_message(policy.maximum_interval) or initial * MAXIMUM_FACTOR
  return min(longest, initial * (policy.backoff_coefficient or COEFFICIENT) ^ (item.attempt - 1))
end

-- Attempts.

-- Waits, but not longer than until the activity is canceled.
local function pause(item, seconds)
  item.waits = promise.new()
  item.waits:wait(seconds)
  item.waits = nil
end

-- A slot; nil and why there is none.
local function take_slot(item)
  local slots, given = item.worker.slots.local_activity, item.op.options
  local limit, which = given.schedule_to_start_timeout, "schedule_to_start"
  local left = item.deadline and max(0, item.deadline - now())
  if left and (not limit or left < limit) then
    limit, which = left, "schedule_to_close"
  end
  item.waits = promise.new()
  local got = slots:claim(item.waits, limit)
  item.waits = nil
  if got then
    return true
  end
  return nil, item.canceled and canceled_failure() or timeout_failure(which)
end

local function info_of(item)
  local op, run, given = item.op, item.run, item.op.options
  local limit = given.start_to_close_timeout
  local started = wall()
  local deadline = limit and started + limit
  if item.deadline then
    local last = started + item.deadline - now()
    deadline = deadline and min(deadline, last) or last
  end
  return {
    id = op.id, type = op.activity_type, task_queue = item.worker.task_queue,
    namespace = run.namespace, workflow_id = run.workflow_id, run_id = run.run_id,
    workflow_type = run.workflow_type, attempt = item.attempt, is_local = true,
    scheduled_time = duration.from_message(item.original), started_time = started,
    deadline = deadline, schedule_to_close_timeout = given.schedule_to_close_timeout,
    start_to_close_timeout = limit, retry_policy = given.retry_policy,
  }
end

-- An attempt has ended: when it was over already, nobody knows of it any more.
local function leave(item, of)
  attempts.finish(item.worker, of)
  item.worker.slots.local_activity:release()
end

-- Ends an attempt whose time is over: its failure, and whether others may follow.
-- Its slot is free when its code has ended.
local function time_out(item, of, running)
  local worker = item.worker
  context.cancel(of, "timed_out")
  worker.tasks = worker.tasks + 1
  spawn(function()
    running:get()
    leave(item, of)
    worker.tasks = worker.tasks - 1
    worker:task_ended()
  end)
  local which = item.deadline and now() >= item.deadline and "schedule_to_close"
    or "start_to_close"
  return timeout_failure(which), which == "start_to_close"
end

local function log_failure(item, err)
  local op, run = item.op, item.run
  logger.log(item.worker.session.logger, err.category == "benign" and "debug" or "warn",
    ("local activity %s failed: %s"):format(op.activity_type, tostring(err)), {
      activity_id = op.id, activity_type = op.activity_type, attempt = item.attempt,
      workflow_id = run.workflow_id, run_id = run.run_id,
    })
end

local function fail(item, problem, where)
  local proto, err = call.failure(problem, item.worker.converter, where)
  log_failure(item, err)
  return nil, proto, true, err
end

local function arguments_of(item, fn)
  local values, unreadable = call.arguments(fn, item.worker.converter, item.op.input)
  return values and item.takes_name and call.prepend(values, item.op.activity_type) or values,
    unreadable
end

-- One attempt, in a slot: the result; or the failure, whether others may follow, and
-- the error; or nothing when it was ended with the worker.
local function attempt(item, fn)
  local worker = item.worker
  local values, unreadable = arguments_of(item, fn)
  if not values then
    worker.slots.local_activity:release()
    return fail(item, unreadable)
  end
  local limit = item.op.options.start_to_close_timeout
  local left = item.deadline and max(0, item.deadline - now())
  local of = context.new(attempts.LOCAL, { known = info_of(item), owner = worker })
  item.context = of
  attempts.begin(worker, of)
  local running = call.begin(of, fn, values)
  local ended = running:wait(limit and left and min(limit, left) or limit or left)
  item.context = nil
  if not ended then
    return nil, time_out(item, of, running)
  end
  leave(item, of)
  local result, problem, where = call.outcome(running, worker.converter)
  local too_large = result and call.too_large(result, worker.blob_limit)
  if too_large then
    return fail(item, too_large)
  elseif result then
    return result
  elseif errors.is_error(problem) and problem.kind == "canceled" and context.reason(of) then
    return nil, item.canceled and canceled_failure() or nil, false
  end
  return fail(item, problem, where)
end

-- All attempts that this task can wait for: what is told to the run; nothing when the
-- worker is at its end.
local function try_all(item, fn)
  local threshold = item.op.options.local_retry_threshold or THRESHOLD
  while true do
    local ready, late = take_slot(item)
    if not ready then
      return tell(item, nil, late)
    end
    local result, proto, again, err = attempt(item, fn)
    if result then
      return tell(item, result)
    elseif not proto then
      return nil
    end
    local seconds = again and not item.canceled and pause_before_next(item, err)
    if not seconds or item.deadline and now() + seconds >= item.deadline then
      return tell(item, nil, proto)
    elseif seconds > threshold then
      return tell(item, nil, proto, seconds)
    end
    pause(item, seconds)
    if item.canceled then
      return tell(item, nil, canceled_failure())
    end
    item.attempt = item.attempt + 1
    item.work.retries = item.work.retries + 1
  end
end

local function drive(item, fn)
  local worker = item.worker
  worker.tasks = worker.tasks + 1
  local told = try_all(item, fn)
  item.work.items[item.op] = nil
  if not item.dropped then
    push(item.work, told)
  end
  worker.tasks = worker.tasks - 1
  worker:task_ended()
end

local function begin(work, op, fn, takes_name)
  local asked_at = now()
  local original = op.original_schedule_time or stamp(wall())
  local limit = op.options.schedule_to_close_timeout
  local item = {
    work = work, worker = work.worker, run = work.run, op = op, attempt = op.attempt,
    takes_name = takes_name,
    asked = asked_at, original = original,
    deadline = limit and asked_at + limit - max(0, wall() - duration.from_message(original)),
  }
  work.items[op] = item
  spawn(drive, item, fn)
end

local function cancel(item, reason)
  item.canceled = reason
  if item.context then
    context.cancel(item.context, reason)
  end
  if item.waits then
    item.waits:finish()
  end
end

-- For the tasks of runs.

--- Begins and cancels what a run has asked for.
-- @tparam run run
-- @treturn temporal.error|nil an activity is not known: the task fails
function local_activity.serve(run)
  local requests, cancels = asked.take(run)
  local work = work_of(run)
  for i = 1, #cancels do
    local item = work.items[cancels[i]]
    if item then
      item.dropped = cancels[i].done -- else its end is waited for
      cancel(item, "requested")
    end
  end
  for i = 1, #requests do
    local op = requests[i]
    local fn, other = call.find(work.worker.activities, op.activity_type)
    if op.cancel_requested then
      push(work, { seq = op.seq, attempt = op.attempt,
        failure = assert(core.encode(FAILURE, canceled_failure())) })
    elseif fn then
      begin(work, op, fn, other)
    else
      return other
    end
  end
  return nil
end

--- When a task must be answered, whatever its local activities do.
-- @tparam run run
-- @tparam table|nil started the server's time at which the task began, a Timestamp
-- @treturn number a time of core.now
function local_activity.deadline(run, started)
  local timeout = duration.from_message(run.started.workflow_task_timeout) or DEFAULT_TASK_TIMEOUT
  if timeout <= 0 then
    timeout = DEFAULT_TASK_TIMEOUT
  end
  local age = started and wall() - duration.from_message(started) or 0
  if age < 0 or age > timeout then
    age = 0 -- the server's clock is another one
  end
  return now() + TIME_OF_TASK * timeout - age
end

--- The next result; waits for it.
-- @tparam run run
-- @tparam number deadline a time of core.now
-- @treturn table|nil as `run:local_done` takes it; nil: the time is over, or the
--   worker is at its end
function local_activity.next(run, deadline)
  local work = run.local_work
  local pending = run.locals.pending
  repeat
    while work.results[1] do
      local told = remove(work.results, 1)
      if pending[told.seq] then
        return told
      end
    end
    if work.given_up then
      return nil
    end
    work.bell = promise.new()
    local rung = work.bell:wait(max(0, deadline - now()))
    work.bell = nil
  until not rung
  return nil
end

--- How many attempts were not the first ones since this was asked last.
-- @tparam run run
-- @treturn integer
function local_activity.take_retries(run)
  local work = run.local_work
  local retries = work and work.retries or 0
  if work then
    work.retries = 0
  end
  return retries
end

--- The run is forgotten: nobody waits for its local activities any more.
-- @tparam run run
function local_activity.drop(run)
  local work = run.local_work
  if not work then
    return
  end
  for _, item in next, work.items do
    item.dropped = true
    cancel(item, "not_found")
  end
end

return local_activity

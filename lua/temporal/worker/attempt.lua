--- The activities that a worker runs now: which of them have hung, keep all others
-- waiting, or are to end with the worker.
-- @module temporal.worker.attempt

local context = require "temporal.activity.context"
local core = require "temporal.core"
local logger = require "temporal.observe.logger"
local promise = require "temporal.wait.promise"
local spawn = require("temporal.wait.task").spawn

local min, next = math.min, next
local now = core.now

-- So long after its own deadline an attempt is over, whatever it does, in seconds;
-- looked at so often at least.
local GRACE, LOOK = 5, 60
-- Of the warnings of one worker, in seconds.
local WARN_EVERY = 60

local attempt = {}

local BLOCKS = "activity %s kept all else in this Lua state waiting for %.1f s: an activity must "
  .. "wait in ways that this program's event loop knows; for one that blocks or computes, "
  .. "worker:run{ processes = { activity = n } } runs activities in processes of their own"

--- An activity has kept this thread for long.
-- @tparam temporal.activity self
-- @tparam number seconds
function attempt.slow(self, seconds)
  local worker, time = self.owner, now()
  if worker.warned_at and time - worker.warned_at < WARN_EVERY then
    return
  end
  worker.warned_at = time
  local info = self:info()
  logger.log(worker.session.logger, "warn", BLOCKS:format(info.type, seconds),
    { activity_id = info.id })
end

-- Those that run now: whoever is woken may begin and end others.
local function all(worker)
  local list = {}
  for self in next, worker.attempts do
    list[#list + 1] = self
  end
  return list
end

--- What a local activity gets from its worker.
attempt.LOCAL = {
  heartbeat = context.LOCAL.heartbeat, last_heartbeat = context.LOCAL.last_heartbeat,
  slow = attempt.slow,
}

-- Cancels those that have hung; returns how long until the next may have.
local function look(worker)
  local time, left, list = now(), LOOK, all(worker)
  for i = 1, #list do
    local deadline = list[i].deadline
    if deadline and deadline + GRACE <= time then
      list[i].deadline = nil
      context.cancel(list[i], "timed_out")
    elseif deadline then
      left = min(left, deadline + GRACE - time)
    end
  end
  return left
end

-- Ends with the last activity.
local function watch(worker)
  while next(worker.attempts) do
    local left = look(worker)
    local alarm = promise.new()
    worker.alarm, worker.alarm_at = alarm, now() + left
    alarm:wait(left)
  end
  worker.watched, worker.alarm = nil, nil
end

local function wake(worker)
  if worker.alarm then
    worker.alarm:finish()
  end
end

--- An activity begins.
-- @tparam worker worker
-- @tparam temporal.activity self
function attempt.begin(worker, self)
  worker.attempts[self] = true
  if worker.state ~= "running" then
    context.worker_stops(self)
    if worker.attempts_canceled then
      context.cancel(self, "worker_stopping")
    end
  end
  if not worker.watched then
    worker.watched = true -- where a task begins later, another activity may come before
    spawn(watch, worker)
  elseif worker.alarm and self.deadline and self.deadline + GRACE < worker.alarm_at then
    wake(worker)
  end
end

--- It has ended.
-- @tparam worker worker
-- @tparam temporal.activity self
function attempt.finish(worker, self)
  worker.attempts[self] = nil
  if worker.state ~= "running" and not next(worker.attempts) then
    wake(worker)
  end
end

local function cancel_all(worker)
  worker.attempts_canceled = true
  local list = all(worker)
  for i = 1, #list do
    context.cancel(list[i], "worker_stopping")
  end
end

local function cancel_later(worker, seconds)
  if not worker.stopped:wait(seconds) then
    cancel_all(worker)
  end
end

--- The worker is being stopped: its activities hear of it at once, and are canceled
-- after a while.
-- @tparam worker worker
-- @tparam number seconds
function attempt.stop(worker, seconds)
  local list = all(worker)
  for i = 1, #list do
    context.worker_stops(list[i])
  end
  wake(worker)
  if seconds > 0 then
    spawn(cancel_later, worker, seconds)
  else
    cancel_all(worker)
  end
end

return attempt

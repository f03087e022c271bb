--- The coroutines that this package resumes by itself: tasks of a plain script
-- or a frame loop, whatever waits under luv. They park here, and whoever
-- drives the host calls `run`.
-- @module temporal.scheduler

local core = require "temporal.core"
local deadlines = require "temporal.wait.deadlines"
local logger = require "temporal.observe.logger"
local state = require "temporal.base.state"

local next = next
local now = core.now
local running, resume, yield = coroutine.running, coroutine.resume, coroutine.yield
local getinfo, getlocal, traceback = debug.getinfo, debug.getlocal, debug.traceback

local parked, runnable, due = state.parked, state.runnable, state.deadlines
local overdue, tasks, waiters = state.overdue, state.tasks, state.waiters

local scheduler = {}

-- A task that wants to hear of it has kept all others waiting for so long.
local LONG = 1 -- seconds

-- `run` is at work further up the stack.
local at_work = false

-- When the time of this `temporal.poll` is over; nil: it has no bound.
local spent_at

local function forget(ticket)
  parked[ticket] = nil
  deadlines.remove(due, ticket)
end

--- Whoever parked with this ticket will not be resumed.
-- @function forget
-- @tparam table ticket
scheduler.forget = forget

--- Suspends the running coroutine until its ticket is unparked or its time is
-- over.
-- @tparam table ticket
-- @tparam number|nil seconds nil: no limit
function scheduler.park(ticket, seconds)
  parked[ticket] = running()
  if seconds then
    ticket.deadline = now() + seconds
    deadlines.add(due, ticket)
  end
  yield()
  -- The program may have resumed it, too.
  forget(ticket)
end

-- Where a coroutine may not yield (PUC 5.1: inside a pcall, a metamethod, an
-- iterator), the attempt raises, and the coroutine goes on. It may be
-- suspended by now, but somewhere else. Where it is parked the innermost
-- function is `park`, of this copy of the module or of another.
local function is_parked(thread, ticket)
  if not getinfo(thread, 1, "f") then
    return false
  end
  local _, value = getlocal(thread, 1, 1)
  return value == ticket
end

local function make_runnable(ticket)
  deadlines.remove(due, ticket)
  if not ticket.runnable then
    ticket.runnable = true
    runnable.last = runnable.last + 1
    runnable[runnable.last] = ticket
  end
end

--- The running coroutine, which is one that `run` resumes, goes on behind those that
-- are to be resumed: within the bound, if there is one.
function scheduler.turn()
  local ticket = {} -- the first local, where `is_parked` looks for it
  parked[ticket] = running()
  make_runnable(ticket)
  yield()
  forget(ticket)
end

-- What a coroutine raised: its task's outcome (nil then), or an error of the
-- program's, to be raised.
local function fail(thread, problem)
  local task = tasks[thread]
  if task then
    task:_finish(false, problem)
    return nil
  end
  return type(problem) == "string" and traceback(thread, problem) or problem or "nil"
end

--- Resumes a coroutine.
-- @tparam thread thread
-- @tparam task|nil task whose coroutine it is
-- @treturn boolean as coroutine.resume
-- @return as coroutine.resume
function scheduler.resume(thread, task)
  local since = task and now()
  local ok, problem = resume(thread)
  local slow = task and task._slow
  if slow then
    local seconds = now() - since
    if seconds > LONG then
      slow(task._whose, seconds)
    end
  end
  return ok, problem
end

local function resume_next()
  local ticket = runnable[runnable.first]
  runnable[runnable.first] = nil
  runnable.first = runnable.first + 1
  ticket.runnable = nil
  local thread = parked[ticket]
  forget(ticket)
  if not thread or not is_parked(thread, ticket) then
    return nil
  end
  local ok, problem = scheduler.resume(thread, tasks[thread])
  return not ok and fail(thread, problem) or nil
end

-- One is always resumed.
local function is_spent(count)
  return spent_at ~= nil and count > 0 and now() >= spent_at
end

local function resume_all()
  local count, first = 0, nil
  while runnable.first <= runnable.last and not is_spent(count) do
    count = count + 1
    local problem = resume_next()
    if problem and first then
      logger.log(logger.default, "error", "a coroutine failed: " .. tostring(problem))
    end
    first = first or problem
  end
  at_work = false
  if first then
    error(first, 0)
  end
  return count
end

--- Resumes who has been unparked, and who has waited long enough.
-- @treturn integer how many
-- @raise what the first of them raised, after all have been resumed; tasks
--   keep their errors
function scheduler.run()
  if overdue.alarm and overdue.alarm <= now() then
    overdue.ring()
  end
  local first = due[1]
  if first then
    local time = now()
    while first and first.deadline <= time do
      make_runnable(first)
      first = due[1]
    end
  end
  if runnable.first > runnable.last then
    return 0
  end
  at_work = true
  return resume_all()
end

--- Makes a parked coroutine runnable, and runs it unless others are being run.
-- @tparam table ticket
-- @treturn boolean false when nobody is parked there
function scheduler.unpark(ticket)
  local thread = parked[ticket]
  if not thread then
    return false
  elseif not is_parked(thread, ticket) then
    forget(ticket)
    return false
  end
  make_runnable(ticket)
  if not at_work and not spent_at then
    at_work = true
    resume_all()
  end
  return true
end

--- From now on, until it is called with nil, `run` resumes for so long, and
-- `unpark` not at all: who is left has to be run later.
-- @tparam number|nil seconds
function scheduler.bound(seconds)
  spent_at = seconds and now() + seconds
end

--- How long until somebody has waited long enough, or so long that it is looked
-- into.
-- @treturn number|nil seconds, 0 when the time is over; nil when nobody has a
--   deadline
function scheduler.timeout()
  if runnable.first <= runnable.last then
    return 0
  end
  local time, alarm = due[1] and due[1].deadline, next(waiters) and overdue.alarm
  if alarm and (not time or alarm < time) then
    time = alarm
  elseif not time then
    return nil
  end
  local left = time - now()
  return left > 0 and left or 0
end

return scheduler

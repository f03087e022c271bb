--- The one wait loop. Everything in this package that waits for the engine
-- waits here, in whatever way the current host has: it takes a ticket,
-- subscribes to what it waits for, parks, and looks again when it wakes, for
-- whatever reason.
-- @module temporal.wait

local core = require "temporal.core"
local duration = require "temporal.base.duration"
local errors = require "temporal.error.error"
local host = require "temporal.wait.host"
local lost = require "temporal.base.lazy" "temporal.wait.lost"
local overdue = require "temporal.wait.overdue"
local protect = require "temporal.base.protect"
local report = require "temporal.wait.report"
local scheduler = require "temporal.wait.scheduler"
local state = require "temporal.base.state"
local tickets = require "temporal.wait.ticket"

local getmetatable, next, type = getmetatable, next, type
local max, min = math.max, math.min
local running = coroutine.running
local now = core.now
local core_want = core.want
local add_waiter, remove_waiter = tickets.add_waiter, tickets.remove_waiter
local begin_watch, leave = tickets.begin_watch, tickets.leave
local is_ready, key_of, want = tickets.is_ready, tickets.key_of, tickets.want
local subscribe, give_up = tickets.subscribe, tickets.give_up

local tasks = state.tasks

local SHORT = 0.05 -- seconds

local wait = {}

local function timed_out(timeout)
  return errors.new {
    kind = "timeout",
    message = ("waited %s; what was waited for goes on"):format(duration.text(timeout)),
  }
end

local function cannot_wait(adapter, why)
  return errors.new {
    kind = "cannot_wait",
    message = ("waiting is not possible here: %s"):format(
      why and tostring(why) or ("the host %s said no"):format(tostring(adapter.name))),
  }
end

-- A killed task ends where it waits; one that is interrupted raises there.
local function end_wait(task)
  local problem = task._killed or task._interrupt and task._interrupt()
  if problem then
    error(problem, 0)
  end
end

local function running_task()
  return next(tasks) and tasks[running() or false]
end

--- May the caller wait, here and now?
-- @treturn boolean|nil true, or nil
-- @treturn temporal.error of kind `cannot_wait`
-- @raise where the task may not wait any more
function wait.check()
  local task = running_task()
  if task then
    end_wait(task)
  end
  local adapter = host.current()
  local ok, why = adapter.can_wait()
  if ok then
    return true
  end
  return nil, cannot_wait(adapter, why)
end

-- Begins a wait for one thing or for many: a ticket of the current host, or nil
-- and the error.
local function begin(timeout, key, index)
  if timeout and timeout <= 0 then
    return nil, timed_out(timeout)
  end
  local task = running_task()
  if task then
    end_wait(task)
  end
  local adapter = host.current()
  local ok, why = adapter.can_wait()
  if not ok then
    return nil, cannot_wait(adapter, why)
  end
  local ticket = { host = adapter, task = task, key = key, index = index,
    for_task = type(key) == "table" }
  if task then
    task._ticket = ticket
  end
  return ticket
end

-- Parks once. Returns false when the deadline has passed.
local function park(ticket, deadline)
  local seconds
  if deadline then
    seconds = deadline - now()
    if seconds <= 0 then
      return false
    end
  end
  if ticket.for_task then
    seconds = min(seconds or lost.LOOK, lost.LOOK)
  end
  seconds = overdue.limit(ticket, seconds)
  begin_watch(ticket)
  if ticket.fired then
    return true
  end
  local ok, problem = protect(ticket.host.park, ticket, seconds)
  if not ok then
    leave(ticket)
    error(problem, 0)
  end
  local task = ticket.task
  if task and (task._killed or task._interrupt) then
    leave(ticket)
    end_wait(task)
  end
  if ticket.for_task and not ticket.fired then
    lost.look()
  end
  report.all()
  return true
end

local function park_until_ready(future, what, ticket, deadline)
  local key = ticket.key
  while true do
    ticket.fired = nil
    add_waiter(key, ticket)
    subscribe(future, what)
    -- Ready between the last look and the subscription?
    while not ticket.fired and not is_ready(future, what) do
      overdue.look(ticket, future, deadline)
      if not park(ticket, deadline) then
        remove_waiter(key, ticket)
        give_up(future, what)
        return false
      end
    end
    remove_waiter(key, ticket)
    if want(future, what) then
      return true
    end
    -- Another waiter took the error this one was woken for: start over.
  end
end

-- Where waiting is sleeping nobody has to be told: whoever wakes looks. Asked
-- again each time, for a task may have stopped asking meanwhile.
local function sleep_until_ready(adapter, future, what, deadline)
  local since, ticket -- most waits are over before they need one
  local ready = false
  while not ready do
    local seconds = deadline and deadline - now()
    if seconds and seconds <= 0 then
      give_up(future, what)
      break
    end
    if ticket then
      overdue.look(ticket, future, deadline)
    end
    subscribe(future, what)
    adapter.park(nil, seconds)
    if type(future) == "table" then
      lost.look()
    end
    report.all()
    ready = want(future, what)
    if not ready and not ticket then
      local time = now()
      since = since or time
      ticket = time - since > SHORT and {} or nil
    end
  end
  if ticket then
    tickets.abandon_helper(ticket)
  end
  return ready
end

--- Waits for one thing.
-- @param future a future of the engine, or a task
-- @tparam string what `"started"`, `"first"` or `"result"`
-- @tparam number|nil timeout seconds; nil for ever, 0 to look only
-- @treturn boolean|nil true, or nil
-- @treturn temporal.error of kind `timeout` or `cannot_wait`
function wait.one(future, what, timeout)
  if want(future, what) then
    return true
  end
  local deadline = timeout and now() + timeout
  local adapter = host.current()
  local ready
  if adapter.sleeps then
    ready = sleep_until_ready(adapter, future, what, deadline)
  else
    local ticket, err = begin(timeout, key_of(future))
    if not ticket then
      give_up(future, what)
      return nil, err
    end
    ready = park_until_ready(future, what, ticket, deadline)
    leave(ticket)
  end
  if ready then
    return true
  end
  return nil, timed_out(timeout)
end

--- The same, as methods `wait` say it.
-- @param future a future of the engine, or a task
-- @tparam number|nil timeout seconds
-- @treturn boolean|nil true; false when the time ran out; nil where waiting is
--   not possible
-- @treturn temporal.error|nil of kind `cannot_wait`
function wait.ready(future, timeout)
  local ready, problem = wait.one(future, "result", timeout)
  if not ready and problem.kind == "timeout" then
    return false
  end
  return ready, problem
end

--- What is left of a wait.
-- @tparam number|nil deadline a time of core.now
-- @treturn number|nil seconds, 0 when none are left; nil without a deadline
function wait.left(deadline)
  return deadline and max(0, deadline - now())
end

-- What has to be waited for until an element of a list is ready, or nil: itself,
-- or what stands behind an object that is more than one call (its metatable's
-- `__temporal_await(object)` says what comes next, and nil when it is ready).
local function awaited(element)
  if type(element) == "userdata" then
    return not core_want(element, "result") and element or nil
  end
  local await = getmetatable(element).__temporal_await
  local future = await(element)
  while future and want(future, "result") do
    future = await(element)
  end
  return future
end

-- Asks to be told of a future in a list; it may be ready by now.
local function watch_one(future, position, ticket)
  local key = key_of(future)
  ticket.index[key] = position
  ticket.for_task = ticket.for_task or type(key) == "table"
  add_waiter(key, ticket)
  subscribe(future, "result")
  if is_ready(future, "result") then
    ticket.fired = ticket.fired or {}
    ticket.fired[#ticket.fired + 1] = key
  end
end

-- Looks at what woke a wait on many futures: forgets those that are ready
-- (`all`) or returns the lowest index of them; waits again for the others.
local function look_at_fired(list, ticket, all)
  local fired, index = ticket.fired, ticket.index
  ticket.fired = nil
  local best
  local done = 0
  for i = 1, #fired do
    local key = fired[i]
    local position = index[key]
    if position then
      index[key] = nil
      remove_waiter(key, ticket)
      local future = awaited(list[position])
      if future then
        watch_one(future, position, ticket)
      elseif all then
        done = done + 1
      elseif not best or position < best then
        best = position
      end
    end
  end
  return best, done
end

local function park_for_many(list, futures, pending, ticket, deadline, all)
  for position, future in next, futures do
    watch_one(future, position, ticket)
  end
  while true do
    if ticket.fired then
      local best, done = look_at_fired(list, ticket, all)
      pending = pending - done
      if best or pending == 0 then
        return best or true
      end
    end
    if not ticket.fired then
      overdue.look(ticket, list, deadline)
      if not park(ticket, deadline) then
        return nil
      end
    end
  end
end

local function give_up_all(futures)
  for _, future in next, futures do
    give_up(future, "result")
  end
end

local function wait_many(list, timeout, all)
  local index, futures, pending = {}, {}, 0
  for i = 1, #list do
    local future = awaited(list[i])
    if not future then
      if not all then
        return i
      end
    elseif not index[key_of(future)] then
      index[key_of(future)] = i
      futures[i], pending = future, pending + 1
    end
  end
  if pending == 0 then
    return true
  end
  local ticket, err = begin(timeout, nil, index)
  if not ticket then
    give_up_all(futures)
    return nil, err
  end
  local deadline = timeout and now() + timeout
  local position = park_for_many(list, futures, pending, ticket, deadline, all)
  -- The subscriptions stay: the next wait on this list wants them again, and a
  -- ring nobody waits for is ignored.
  leave(ticket)
  if position then
    return position
  end
  give_up_all(futures)
  return nil, timed_out(timeout)
end

--- Waits for the first of many futures.
-- @tparam table list of futures, 1..n
-- @tparam number|nil timeout seconds
-- @treturn integer|nil the index of a ready future, or nil
-- @treturn temporal.error of kind `timeout` or `cannot_wait`
function wait.any(list, timeout)
  return wait_many(list, timeout, false)
end

--- Waits until all of many futures are ready, failed ones too.
-- @tparam table list of futures, 1..n
-- @tparam number|nil timeout seconds
-- @treturn boolean|nil true, or nil
-- @treturn temporal.error of kind `timeout` or `cannot_wait`
function wait.all(list, timeout)
  return wait_many(list, timeout, true)
end

local function look()
  return state.unfinished > 0 and lost.look() or 0
end

-- Bounded where a worker asks for it.
local function advance()
  local budget = state.poll_budget
  if not budget then
    return tickets.advance()
  end
  scheduler.bound(budget)
  local ok, happened = pcall(tickets.advance)
  scheduler.bound(nil)
  if not ok then
    error(happened, 0)
  end
  return happened
end

--- Drains, and resumes who is ready; if there is nothing yet, after waiting for
-- at most so long.
-- @tparam number timeout seconds; 0: never waits
-- @treturn integer unfinished tasks of this Lua state
-- @raise what a coroutine of the program's raised (a task keeps its error)
function wait.poll(timeout)
  local happened = advance() + look()
  if timeout > 0 then
    local deadline = now() + timeout
    while happened == 0 and now() < deadline do
      happened = tickets.sleep(deadline - now()) + look()
    end
  end
  report.all()
  return state.unfinished
end

return wait

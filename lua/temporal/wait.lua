--- The one wait loop. Everything in this package that waits for the engine
-- waits here, in whatever way the current host has.
--
-- A waiter has a ticket: with the `key` of what it waits for, or of many things
-- with an `index` of their keys. It subscribes to what it waits for, parks, and looks
-- again when it wakes, for whatever reason. `drain` empties the doorbell and
-- unparks the tickets of what has become ready. Only the wait itself and its
-- host hold the ticket: a waiter that is collected leaves nothing behind.
-- @module temporal.wait

local core = require "temporal.core"
local duration = require "temporal.duration"
local errors = require "temporal.error"
local host = require "temporal.host"
local logger = require "temporal.logger"
local protect = require "temporal.protect"
local scheduler = require "temporal.scheduler"
local state = require "temporal.state"

local getmetatable, ipairs, next, type = getmetatable, ipairs, next, type
local running = coroutine.running
local now = core.now
local core_id, core_ready, core_want = core.id, core.ready, core.want
local core_subscribe, core_unsubscribe = core.subscribe, core.unsubscribe

local waiters, watching, tasks = state.waiters, state.watching, state.tasks
local untaken = state.untaken

local NONE = {}

local wait = {}

-- Where the engine's own reports go: the logger of the client used last.
local log_with = logger.default

local function fields_of(record)
  return {
    workflow_id = record.workflow_id, request_id = record.request_id, method = record.method,
  }
end

local LOST = "%s failed and nobody took its error: %s"
local FAILING = "%s has failed for more than 10 s and is tried again: %s"

local function log_each(records, level, template)
  for i = 1, #records do
    local record = records[i]
    local method = (record.method or "a call"):match("([^/]+)$")
    logger.log(log_with, level, template:format(method, tostring(errors.from_record(record))),
      fields_of(record))
  end
end

-- Errors of tasks that are gone without anybody having asked.
local function report_tasks()
  local gone = {}
  for err, task in next, untaken do
    if not task[1] then
      gone[#gone + 1] = err
    end
  end
  -- A logger may spawn others.
  for _, err in ipairs(gone) do
    if untaken[err] then
      untaken[err] = nil
      logger.log(log_with, "error", "a task failed and nobody took its error: " .. tostring(err))
    end
  end
end

--- Logs failed submissions and tasks whose error nobody took, and polls that
-- keep failing.
-- @tparam[opt] function fn the logger from now on; else the last one given
function wait.report(fn)
  log_with = fn or log_with
  local lost, warnings = core.lost(), core.warnings()
  if lost then
    log_each(lost, "error", LOST)
  end
  if warnings then
    log_each(warnings, "warn", FAILING)
  end
  if next(untaken) then
    report_tasks()
  end
end

-- A host that watches our descriptor does so while somebody waits.
local function begin_watch(ticket)
  local adapter = ticket.host
  if not adapter.watch then
    return
  end
  local set = watching[adapter]
  if set and next(set) then
    set[ticket] = true
    return
  end
  -- Noted before, since `watch` may poll at once.
  watching[adapter] = setmetatable({ [ticket] = true }, { __mode = "k" })
  local ok, problem = pcall(adapter.watch, core.pollfd(), wait.drain)
  if not ok then
    watching[adapter] = nil
    error(problem, 0)
  end
end

local function end_watch(ticket)
  local adapter = ticket.host
  local set = watching[adapter]
  if not set then
    return
  end
  set[ticket] = nil
  if not next(set) then
    watching[adapter] = nil
    adapter.unwatch(core.pollfd())
  end
end

-- Whoever waited may have been collected.
local function end_idle_watches()
  for adapter, set in next, watching do
    if not next(set) then
      watching[adapter] = nil
      adapter.unwatch(core.pollfd())
    end
  end
end

-- What can be waited for: futures of the engine, and tasks, which end in Lua.
-- Both are known by a key: the engine's by their id, tasks are their own.

local function key_of(future)
  return type(future) == "userdata" and core_id(future) or future
end

local function is_ready(future, what)
  if type(future) == "userdata" then
    return core_ready(future, what)
  end
  return future._finished
end

-- The same, and asks for it.
local function want(future, what)
  if type(future) == "userdata" then
    return core_want(future, what)
  end
  return future._finished
end

local function subscribe(future, what)
  if type(future) == "userdata" then
    core_subscribe(future, what)
  end
end

local function unsubscribe(future, what)
  if type(future) == "userdata" then
    core_unsubscribe(future, what)
  end
end

-- Who waits for a key: a ticket, or of several a list, which each of them holds
-- (`waiters` is weak).

local function is_ticket(waiter)
  return waiter.host ~= nil
end

local function add_to_list(list, key, ticket)
  list[#list + 1] = ticket
  ticket.lists = ticket.lists or {}
  ticket.lists[key] = list
end

local function add_waiter(key, ticket)
  local list = waiters[key]
  if not list or list == ticket then
    waiters[key] = ticket
    return
  elseif is_ticket(list) then
    local other = list
    list = {}
    add_to_list(list, key, other)
    waiters[key] = list
  end
  for i = 1, #list do
    if list[i] == ticket then
      return
    end
  end
  add_to_list(list, key, ticket)
end

-- Returns true when nobody else waits for the same.
local function remove_waiter(key, ticket)
  local list = waiters[key]
  if list == ticket then
    waiters[key] = nil
  elseif list and not is_ticket(list) then
    for i = #list, 1, -1 do
      if list[i] == ticket then
        table.remove(list, i)
      end
    end
    if #list == 0 then
      waiters[key] = nil
    end
  end
  return waiters[key] == nil
end

-- The wait is over, one way or another.
local function leave(ticket)
  if ticket.key then
    remove_waiter(ticket.key, ticket)
  end
  for key in next, ticket.index or NONE do
    remove_waiter(key, ticket)
  end
  if ticket.task then
    ticket.task._ticket = nil
  end
  end_watch(ticket)
end

local function wake_ticket(ticket, key, woken)
  local fired = ticket.fired
  if ticket.key then
    ticket.fired = true
  elseif fired then
    fired[#fired + 1] = key
  else
    ticket.fired = { key }
  end
  if not ticket.woken then
    ticket.woken = true
    woken[#woken + 1] = ticket
  end
end

-- Notes what has become ready with those who wait for it. They are added to
-- `woken`, each once.
local function wake(key, woken)
  local list = waiters[key]
  if not list then
    return
  end
  -- Whoever still has to wait after a look adds itself again.
  waiters[key] = nil
  if is_ticket(list) then
    return wake_ticket(list, key, woken)
  end
  for i = 1, #list do
    wake_ticket(list[i], key, woken)
  end
end

local function unpark_all(woken)
  local failed, problem = false, nil
  for i = 1, #woken do
    local ticket = woken[i]
    ticket.woken = nil
    local ok, result = pcall(ticket.host.unpark, ticket)
    if ok and result == false then
      end_watch(ticket)
    elseif not ok and failed then
      logger.log(log_with, "error", "a waiter failed: " .. tostring(result))
    elseif not ok then
      failed, problem = true, result
    end
  end
  if failed then
    error(problem, 0)
  end
end

-- Empties the doorbell. Returns who has to be unparked, and how many things
-- have become ready.
local function collect()
  local ids = core.drain()
  if not ids then
    return NONE, 0
  end
  local woken = {}
  for i = 1, #ids do
    wake(ids[i], woken)
  end
  return woken, #ids
end

--- Empties the doorbell and unparks whoever waits for what has become ready.
-- @treturn integer how many things have become ready
-- @raise the first that a host's `unpark` raised, once everybody has been
--   unparked; others are logged
function wait.drain()
  local woken, count = collect()
  if count > 0 then
    unpark_all(woken)
    end_idle_watches()
  end
  return count
end

--- Ends the engine. Who waits for something of it hears of it afterwards, and
-- may go on with another one.
-- @raise as `drain`
function wait.shutdown()
  local woken = collect()
  core.shutdown()
  unpark_all(woken)
  end_idle_watches()
end

--- Unparks whoever waits for a task, and the task, too, when it was killed
-- while it waits itself.
-- @tparam table task that has just finished
function wait.finished(task)
  local woken = { task._killed and task._ticket }
  wake(task, woken)
  unpark_all(woken)
end

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

--- May the caller wait, here and now?
-- @treturn boolean|nil true, or nil
-- @treturn temporal.error of kind `cannot_wait`
function wait.check()
  local adapter = host.current()
  local ok, why = adapter.can_wait()
  if ok then
    return true
  end
  return nil, cannot_wait(adapter, why)
end

-- A killed task ends where it waits.
local function end_killed(task)
  if task._killed then
    error(task._killed, 0)
  end
end

-- Begins a wait for one thing or for many: a ticket of the current host, or nil
-- and the error.
local function begin(timeout, key, index)
  if timeout and timeout <= 0 then
    return nil, timed_out(timeout)
  end
  local task = next(tasks) and tasks[running() or false]
  if task then
    end_killed(task)
  end
  local adapter = host.current()
  local ok, why = adapter.can_wait()
  if not ok then
    return nil, cannot_wait(adapter, why)
  end
  local ticket = { host = adapter, task = task, key = key, index = index }
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
  begin_watch(ticket)
  if ticket.fired then
    return true
  end
  local ok, problem = protect(ticket.host.park, ticket, seconds)
  if not ok then
    leave(ticket)
    error(problem, 0)
  end
  if ticket.task and ticket.task._killed then
    leave(ticket)
    end_killed(ticket.task)
  end
  wait.report()
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
      if not park(ticket, deadline) then
        if remove_waiter(key, ticket) then
          unsubscribe(future, what)
        end
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
  local ticket, err = begin(timeout, key_of(future))
  if not ticket then
    return nil, err
  end
  local deadline = timeout and now() + timeout
  local ready = park_until_ready(future, what, ticket, deadline)
  leave(ticket)
  if ready then
    return true
  end
  return nil, timed_out(timeout)
end

--- What has to be waited for until an element of a list is ready: itself, or
-- what stands behind an object that is more than one call (its metatable's
-- `__temporal_await(object)` says what comes next, and nil when it is ready).
-- @param element a future of the engine, or such an object
-- @return a future of the engine, or a task, that is not ready yet; or nil
function wait.awaited(element)
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
      local future = wait.awaited(list[position])
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
    if not ticket.fired and not park(ticket, deadline) then
      return nil
    end
  end
end

local function wait_many(list, timeout, all)
  local index, futures, pending = {}, {}, 0
  for i = 1, #list do
    local future = wait.awaited(list[i])
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

-- Drains, and resumes who is ready. Returns how many things have happened.
local function advance()
  return wait.drain() + scheduler.run()
end

--- Waits in this thread, and meanwhile resumes who is ready.
-- @tparam number seconds at most this long, and at most 0.1
-- @treturn integer 0 when nothing has happened
function wait.sleep(seconds)
  local due = scheduler.timeout()
  if due and due < seconds then
    seconds = due
  end
  core.park(seconds)
  return advance()
end

--- Drains, and resumes who is ready; if there is nothing yet, after waiting for
-- at most so long.
-- @tparam number timeout seconds; 0: never waits
-- @treturn integer unfinished tasks of this Lua state
-- @raise what a coroutine of the program's raised (a task keeps its error)
function wait.poll(timeout)
  local happened = advance()
  if timeout > 0 then
    local deadline = now() + timeout
    while happened == 0 and now() < deadline do
      happened = wait.sleep(deadline - now())
    end
  end
  wait.report()
  return state.unfinished
end

return wait

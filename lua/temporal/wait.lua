--- The one wait loop. Everything in this package that waits for the engine
-- waits here, in whatever way the current host has.
--
-- A waiter has a ticket. It subscribes to what it waits for, parks, and looks
-- again when it wakes, for whatever reason. `drain` empties the doorbell and
-- unparks the tickets of what has become ready.
-- @module temporal.wait

local core = require "temporal.core"
local duration = require "temporal.duration"
local errors = require "temporal.error"
local host = require "temporal.host"
local logger = require "temporal.logger"
local state = require "temporal.state"

local getmetatable, next, type = getmetatable, next, type
local now = core.now
local core_id, core_ready, core_want = core.id, core.ready, core.want
local subscribe, unsubscribe = core.subscribe, core.unsubscribe

local waiters, watched = state.waiters, state.watched

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

--- Logs failed submissions whose error nobody took, and polls that keep
-- failing.
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
end

-- A host that watches our descriptor does so while somebody waits.
local function begin_watch(adapter)
  if not adapter.watch then
    return
  end
  local count = watched[adapter] or 0
  if count == 0 then
    adapter.watch(core.pollfd(), wait.drain)
  end
  watched[adapter] = count + 1
end

local function end_watch(adapter)
  if not adapter.watch then
    return
  end
  local count = (watched[adapter] or 1) - 1
  watched[adapter] = count > 0 and count or nil
  if count <= 0 then
    adapter.unwatch(core.pollfd())
  end
end

local function add_waiter(id, ticket)
  local list = waiters[id]
  if not list then
    waiters[id] = { ticket }
    return
  end
  for i = 1, #list do
    if list[i] == ticket then
      return
    end
  end
  list[#list + 1] = ticket
end

-- Returns true when nobody else waits for the same id.
local function remove_waiter(id, ticket)
  local list = waiters[id]
  if not list then
    return true
  end
  for i = #list, 1, -1 do
    if list[i] == ticket then
      table.remove(list, i)
    end
  end
  if #list > 0 then
    return false
  end
  waiters[id] = nil
  return true
end

local function unpark(ticket, id)
  local fired = ticket.fired
  if fired then
    fired[#fired + 1] = id
  else
    ticket.fired = { id }
  end
  return pcall(ticket.host.unpark, ticket)
end

--- Empties the doorbell and unparks whoever waits for what has become ready.
-- @treturn integer how many things have become ready
-- @raise what a host's `unpark` raised, once everybody has been unparked
function wait.drain()
  local ids = core.drain()
  if not ids then
    return 0
  end
  local failed, problem = false, nil
  for i = 1, #ids do
    local id = ids[i]
    local list = waiters[id]
    -- Whoever still has to wait after a look adds itself again.
    waiters[id] = nil
    for j = 1, list and #list or 0 do
      local ok, raised = unpark(list[j], id)
      if not ok and not failed then
        failed, problem = true, raised
      end
    end
  end
  if failed then
    error(problem, 0)
  end
  return #ids
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

-- Begins a wait: a ticket of the current host, or nil and the error.
local function begin(timeout)
  if timeout and timeout <= 0 then
    return nil, timed_out(timeout)
  end
  local adapter = host.current()
  local ok, why = adapter.can_wait()
  if not ok then
    return nil, cannot_wait(adapter, why)
  end
  begin_watch(adapter)
  return { host = adapter }
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
  ticket.host.park(ticket, seconds)
  wait.report()
  return true
end

local function park_until_ready(future, what, ticket, deadline)
  local id = core_id(future)
  while true do
    ticket.fired = nil
    add_waiter(id, ticket)
    subscribe(future, what)
    -- Ready between the last look and the subscription?
    while not ticket.fired and not core_ready(future, what) do
      if not park(ticket, deadline) then
        if remove_waiter(id, ticket) then
          unsubscribe(future, what)
        end
        return false
      end
    end
    remove_waiter(id, ticket)
    if core_want(future, what) then
      return true
    end
    -- Another waiter took the error this one was woken for: start over.
  end
end

--- Waits for one thing.
-- @param future a future of the engine
-- @tparam string what `"started"`, `"first"` or `"result"`
-- @tparam number|nil timeout seconds; nil for ever, 0 to look only
-- @treturn boolean|nil true, or nil
-- @treturn temporal.error of kind `timeout` or `cannot_wait`
function wait.one(future, what, timeout)
  if core_want(future, what) then
    return true
  end
  local ticket, err = begin(timeout)
  if not ticket then
    return nil, err
  end
  local deadline = timeout and now() + timeout
  local ready = park_until_ready(future, what, ticket, deadline)
  end_watch(ticket.host)
  if ready then
    return true
  end
  return nil, timed_out(timeout)
end

--- What has to be waited for until an element of a list is ready: itself, or
-- what stands behind an object that is more than one call (its metatable's
-- `__temporal_await(object)` says what comes next, and nil when it is ready).
-- @param element a future of the engine, or such an object
-- @treturn userdata|nil a future of the engine that is not ready yet
function wait.awaited(element)
  if type(element) == "userdata" then
    return not core_want(element, "result") and element or nil
  end
  local await = getmetatable(element).__temporal_await
  local future = await(element)
  while future and core_want(future, "result") do
    future = await(element)
  end
  return future
end

-- Asks to be told of a future in a list; it may be ready by now.
local function watch_one(future, position, index, ticket)
  local id = core_id(future)
  index[id] = position
  add_waiter(id, ticket)
  subscribe(future, "result")
  if core_ready(future, "result") then
    ticket.fired = ticket.fired or {}
    ticket.fired[#ticket.fired + 1] = id
  end
end

-- Looks at what woke a wait on many futures: forgets those that are ready
-- (`all`) or returns the lowest index of them; waits again for the others.
local function look_at_fired(list, index, ticket, all)
  local fired = ticket.fired
  ticket.fired = nil
  local best
  local done = 0
  for i = 1, #fired do
    local id = fired[i]
    local position = index[id]
    if position then
      index[id] = nil
      local future = wait.awaited(list[position])
      if future then
        watch_one(future, position, index, ticket)
      elseif all then
        done = done + 1
      elseif not best or position < best then
        best = position
      end
    end
  end
  return best, done
end

local function park_for_many(list, futures, index, pending, ticket, deadline, all)
  for position, future in next, futures do
    watch_one(future, position, index, ticket)
  end
  while true do
    if ticket.fired then
      local best, done = look_at_fired(list, index, ticket, all)
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
    elseif not index[core_id(future)] then
      index[core_id(future)] = i
      futures[i], pending = future, pending + 1
    end
  end
  if pending == 0 then
    return true
  end
  local ticket, err = begin(timeout)
  if not ticket then
    return nil, err
  end
  local deadline = timeout and now() + timeout
  local position = park_for_many(list, futures, index, pending, ticket, deadline, all)
  for id in next, index do
    -- The subscriptions stay: the next wait on this list wants them again,
    -- and a ring nobody waits for is ignored.
    remove_waiter(id, ticket)
  end
  end_watch(ticket.host)
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

--- Drains, after waiting for a completion for at most so long.
-- @tparam number timeout seconds
-- @treturn integer unfinished tasks of this package
function wait.poll(timeout)
  local deadline = now() + timeout
  local drained = wait.drain()
  while drained == 0 do
    local left = deadline - now()
    if left <= 0 then
      break
    end
    core.park(left < 0.1 and left or 0.1)
    drained = wait.drain()
  end
  wait.report()
  return 0
end

return wait

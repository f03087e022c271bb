--- Who waits for what. A waiter has a ticket: with the `key` of what it waits
-- for, or of many things with an `index` of their keys. `drain` empties the
-- doorbell and unparks the tickets of what has become ready, in whatever way
-- the ticket's host has. Only the wait itself and its host hold the ticket: a
-- waiter that is collected leaves nothing behind.
-- @module temporal.ticket

local core = require "temporal.core"
local report = require "temporal.wait.report"
local scheduler = require "temporal.wait.scheduler"
local state = require "temporal.base.state"

local next, type = next, type
local core_id, core_ready, core_want = core.id, core.ready, core.want
local core_subscribe, core_unsubscribe = core.subscribe, core.unsubscribe
local core_leave = core.leave

local waiters, watching = state.waiters, state.watching

local NONE = {}

local tickets = {}

-- A host that watches our descriptor does so while somebody waits.
function tickets.begin_watch(ticket)
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
  local ok, problem = pcall(adapter.watch, core.pollfd(), tickets.drain)
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

function tickets.key_of(future)
  return type(future) == "userdata" and core_id(future) or future
end

function tickets.is_ready(future, what)
  if type(future) == "userdata" then
    return core_ready(future, what)
  end
  return future._finished
end

-- The same, and asks for it.
function tickets.want(future, what)
  if type(future) == "userdata" then
    return core_want(future, what)
  end
  return future._finished
end

function tickets.subscribe(future, what)
  if type(future) == "userdata" then
    core_subscribe(future, what)
  end
end

-- A wait is over without what it was for: when nobody else waits for it the
-- engine need not ask any more.
function tickets.give_up(future, what)
  if type(future) == "userdata" and not waiters[core_id(future)] then
    core_unsubscribe(future, what)
    core_leave(future, what)
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

function tickets.add_waiter(key, ticket)
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
function tickets.remove_waiter(key, ticket)
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

-- Wakes without anything being ready: whoever waits looks again.
local function mark(ticket)
  ticket.fired = ticket.fired or ticket.key ~= nil or {}
end

--- Another future whose answer wakes the waiter, too: see wait/overdue.lua.
-- @tparam table ticket; one without a host looks by itself
-- @param future of the engine
-- @tparam function give_up called when the wait ends before that
function tickets.add_helper(ticket, future, give_up)
  ticket.helper, ticket.give_up = future, give_up
  if ticket.host then
    tickets.add_waiter(core_id(future), ticket)
  end
  core_subscribe(future, "result")
  if core_ready(future, "result") then
    mark(ticket)
  end
end

--- Its answer is there.
-- @tparam table ticket
function tickets.drop_helper(ticket)
  if ticket.host then
    tickets.remove_waiter(core_id(ticket.helper), ticket)
  end
  ticket.helper = nil
end

--- Nobody wants its answer any more.
-- @tparam table ticket
function tickets.abandon_helper(ticket)
  if ticket.helper then
    core.abandon(ticket.helper)
    tickets.drop_helper(ticket)
    ticket.give_up(ticket)
  end
end

-- The wait is over, one way or another.
function tickets.leave(ticket)
  if ticket.key then
    tickets.remove_waiter(ticket.key, ticket)
  end
  for key in next, ticket.index or NONE do
    tickets.remove_waiter(key, ticket)
  end
  tickets.abandon_helper(ticket)
  if ticket.task then
    ticket.task._ticket = nil
  end
  end_watch(ticket)
end

local function add_woken(ticket, woken)
  if not ticket.woken then
    ticket.woken = true
    woken[#woken + 1] = ticket
  end
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
  add_woken(ticket, woken)
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

-- Those who are woken no more were unparked by an inner drain. Returns whether one
-- of them raised, and what.
local function unpark_each(woken)
  local failed, problem = false, nil
  for i = 1, #woken do
    local ticket = woken[i]
    if ticket.woken then
      ticket.woken = nil
      local ok, result = pcall(ticket.host.unpark, ticket)
      if ok and result == false then
        end_watch(ticket)
      elseif not ok and failed then
        report.waiter_failed(result)
      elseif not ok then
        failed, problem = true, result
      end
    end
  end
  return failed, problem
end

local function unpark_all(woken)
  local failed, problem = unpark_each(woken)
  if failed then
    error(problem, 0)
  end
end

-- Whom a drain is unparking. What it unparks may drain, too, and wait there for those
-- whose turn has not come.
local draining

local function unpark_drained(woken)
  local outer = draining
  if outer then
    unpark_all(outer)
  end
  if not woken[1] then
    return
  end
  draining = woken
  local failed, problem = unpark_each(woken)
  draining = outer
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

--- Wakes a waiter, for whom nothing is ready.
-- @tparam table ticket
function tickets.nudge(ticket)
  mark(ticket)
  local woken = {}
  add_woken(ticket, woken)
  unpark_all(woken)
end

--- Empties the doorbell and unparks whoever waits for what has become ready.
-- @treturn integer how many things have become ready
-- @raise the first that a host's `unpark` raised, once everybody has been
--   unparked; others are logged
function tickets.drain()
  local woken, count = collect()
  if count > 0 or draining then
    unpark_drained(woken)
    end_idle_watches()
  end
  return count
end

--- Ends the engine. Who waits for something of it hears of it afterwards, and
-- may go on with another one.
-- @raise as `drain`
function tickets.shutdown()
  local woken = collect()
  core.shutdown()
  unpark_all(woken)
  end_idle_watches()
end

--- Unparks whoever waits for a task, and the task, too, when it was killed
-- while it waits itself.
-- @tparam table task that has just finished
function tickets.finished(task)
  local woken = {}
  if task._killed and task._ticket then
    add_woken(task._ticket, woken)
  end
  wake(task, woken)
  unpark_all(woken)
end

-- Drains, and resumes who is ready. Returns how many things have happened.
function tickets.advance()
  return tickets.drain() + scheduler.run()
end

--- Waits in this thread, and meanwhile resumes who is ready.
-- @tparam number seconds at most this long, and at most 0.1
-- @treturn integer 0 when nothing has happened
function tickets.sleep(seconds)
  local due = scheduler.timeout()
  if due and due < seconds then
    seconds = due
  end
  core.park(seconds)
  return tickets.advance()
end

return tickets

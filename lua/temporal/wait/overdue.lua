--- Waits that have lasted long. Whoever waits that long has it looked into why,
-- on its own coroutine, by whoever `observe`d: one wait at a time, and a new one
-- no more often than once a second, however many wait. What that asks the server
-- wakes the waiter like an answer; nobody else waits for it.
--
-- A wait that ends before costs nothing: hosts that resume by the scheduler have
-- one alarm for all, the others are parked for at most so long.
-- @module temporal.overdue

local core = require "temporal.core"
local state = require "temporal.base.state"
local tickets = require "temporal.wait.ticket"

local huge, max, min = math.huge, math.max, math.min
local next, pcall = next, pcall
local now = core.now
local waiters = state.waiters

local NEXT = 0.01 -- until another waiter is woken to look
local PACE = 1    -- seconds until another wait is looked into
local AGAIN = 30  -- until the same one is
local STALE = 15  -- until one whose waiter was dropped no longer counts

-- `observer`: see `observe`; `free_at`: when the next look may begin; `alarm`:
-- when the scheduler calls `ring`.
local shared = state.overdue

local overdue = {}

--- Says who wants to know of long waits.
-- @tparam table observer `after(awaited)`: how many seconds a wait lasts before
--   it is looked into, nil for never; what is waited for is a future, a task, or
--   a list of such. `begin(awaited, waited, turn)`: it has lasted so many
--   seconds, and is looked into for the first time, the second ...; returns an
--   object whose method `step` never waits, and returns the future of the engine
--   that the next step needs, nil when all is done; or nil; and when to come
--   again, in seconds (30)
function overdue.observe(observer)
  shared.observer = observer
end

local function set_alarm(ticket, time)
  local adapter = ticket.host
  if adapter and adapter.alarms and time < (shared.alarm or huge) then
    shared.alarm = time
    if adapter.rearm then
      adapter.rearm()
    end
  end
end

local function look_again(ticket, time)
  ticket.due = time
  set_alarm(ticket, time)
end

-- The next wait may be looked into.
local function set_free(ticket)
  shared.free_at = now() + PACE
  set_alarm(ticket, shared.free_at)
end

local function step(ticket)
  local future = ticket.helper
  if future then
    if not core.want(future, "result") then
      return
    end
    tickets.drop_helper(ticket)
  end
  local ok, awaited = pcall(ticket.work.step, ticket.work)
  -- What it asks may wait for a key, and that wait is over.
  if ticket.task then
    ticket.task._ticket = ticket
  end
  if ok and awaited then
    tickets.add_helper(ticket, awaited, set_free)
  else
    ticket.work = nil
    set_free(ticket)
  end
end

local function begin(ticket, awaited, time)
  if time < shared.free_at then
    return look_again(ticket, shared.free_at)
  end
  ticket.turn = (ticket.turn or 0) + 1
  local ok, work, again = pcall(shared.observer.begin, awaited, time - ticket.since, ticket.turn)
  look_again(ticket, time + (ok and again or AGAIN))
  if ok and work then
    shared.free_at = time + STALE
    ticket.work = work
    step(ticket)
  end
end

--- Before each park of a wait: looks into it when it has lasted long.
-- @tparam table ticket
-- @param awaited a future, or a list of them
-- @tparam number|nil deadline of the wait
function overdue.look(ticket, awaited, deadline)
  if not ticket.due then
    local time, after = now(), shared.observer and shared.observer.after(awaited)
    local due = after and time + after or huge
    ticket.since = time
    look_again(ticket, deadline and deadline <= due and huge or due)
  elseif ticket.work then
    step(ticket)
  else
    local time = now()
    if time >= ticket.due then
      begin(ticket, awaited, time)
    end
  end
end

--- How long a ticket may be parked, where no alarm wakes it.
-- @tparam table ticket
-- @tparam number|nil seconds it would be parked; nil: no limit
-- @treturn number|nil
function overdue.limit(ticket, seconds)
  if ticket.host.alarms or ticket.work or not ticket.due or ticket.due == huge then
    return seconds
  end
  return max(0, min(seconds or huge, ticket.due - now()))
end

-- The ticket that is due first, and when the one after it is.
local function find_first()
  local first, second = nil, huge
  local function consider(ticket)
    local due = not ticket.work and ticket.host.alarms and ticket.due or huge
    if ticket ~= first then
      if not first or due < first.due then
        second = first and first.due or second
        first = due < huge and ticket or first
      elseif due < second then
        second = due
      end
    end
  end
  for _, waiter in next, waiters do
    if waiter.host then
      consider(waiter)
    else
      for i = 1, #waiter do
        consider(waiter[i])
      end
    end
  end
  return first, second
end

--- What the scheduler calls at the time of the alarm: wakes the wait that is due
-- first, and sets the alarm for the others.
function overdue.ring()
  local time = now()
  shared.alarm = nil
  local first, second = find_first()
  if not first then
    return
  end
  local start = max(first.due, shared.free_at)
  if start > time then
    return set_alarm(first, start)
  end
  if second < huge then
    set_alarm(first, max(second, time + NEXT))
  end
  tickets.nudge(first)
end

shared.ring = overdue.ring

return overdue

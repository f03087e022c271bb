--- Tasks whose coroutine ends from outside: it was closed, or what ran it (a
-- request, a controller) has ended and dropped it. Nobody tells, so it is looked
-- for while somebody waits for a task, or counts them.
-- @module temporal.lost

local core = require "temporal.core"
local errors = require "temporal.error.error"
local host = require "temporal.wait.host"
local scheduler = require "temporal.wait.scheduler"
local state = require "temporal.base.state"
local tickets = require "temporal.wait.ticket"

local collectgarbage, next = collectgarbage, next
local floor, max = math.floor, math.max
local now = core.now
local parked, tasks = state.parked, state.tasks

-- nginx's own knows no coroutine but those of the request that asks.
local status = rawget(coroutine, "_status") or coroutine.status

local LOOK = 1          -- seconds between two looks
local SHARE = 8         -- a look collects this part of the garbage,
local LEAST = 256       -- but looks at as many KB

local MESSAGE = "the task's coroutine was closed or dropped before it had ended"

local lost = { LOOK = LOOK }

local look_again = 0

-- A mark is held by a task's coroutine alone: it is collected with it.

local collected = {}

local function note(task)
  if task and not task._finished then
    collected[#collected + 1] = task
  end
end

local new_userdata = rawget(_G, "newproxy")
local template, task_of

if new_userdata then
  template = new_userdata(true)
  task_of = setmetatable({}, { __mode = "k" })
  getmetatable(template).__gc = function(mark)
    note(task_of[mark])
  end
else
  template = { __gc = function(mark)
    note(mark.task)
  end }
end

--- What the coroutine of a task must hold until the task has ended.
-- @tparam task task
-- @return the mark
function lost.mark(task)
  if not new_userdata then
    return setmetatable({ task = task }, template)
  end
  local mark = new_userdata(template)
  task_of[mark] = task
  return mark
end

--- The task has ended, and its coroutine with it: until the mark is collected, two cycles
-- later, it would keep what the task has come to.
-- @param mark
function lost.unmark(mark)
  if new_userdata then
    task_of[mark] = nil
  else
    mark.task = nil
  end
end

--- The task fails, and whoever waits for it hears of it.
-- @tparam task task whose coroutine will never go on
function lost.ended(task)
  local ticket = task._ticket
  if ticket then
    tickets.leave(ticket)
    scheduler.forget(ticket)
  end
  task:_finish(false, errors.new { kind = "task_failed", message = MESSAGE })
end

-- Adds the tasks whose coroutine is dead. Returns true when one may have been
-- dropped: it is neither at work nor parked, here or by a host that looks itself.
local function find_dead(found, host_looks)
  local loose, begun = false, 0
  for thread, task in next, tasks do
    begun = begun + 1
    local how = status(thread)
    if how == "dead" then
      tasks[thread] = nil
      found[#found + 1] = task
    elseif how == "suspended" and parked[task._ticket or false] ~= thread
      and not (host_looks and task._ticket) then
      loose = true
    end
  end
  return loose or begun < state.unfinished
end

--- Looks for tasks that have ended from outside, at most once a second.
-- @treturn integer how many have
function lost.look()
  local time = now()
  if time < look_again and #collected == 0 then
    return 0
  end
  local found = {}
  if time >= look_again then
    look_again = time + LOOK
    local adapter = host.current()
    if adapter.look then
      adapter.look()
    end
    if find_dead(found, adapter.look ~= nil) then
      collectgarbage("step", max(LEAST, floor(collectgarbage "count" / SHARE)))
    end
  end
  for i = 1, #collected do
    found[#found + 1], collected[i] = collected[i], nil
  end
  for i = 1, #found do
    lost.ended(found[i])
  end
  return #found
end

return lost

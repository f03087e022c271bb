--- Waits of this package's own tasks, for one answer at a time: where tasks are
-- resumed by us (a plain script, a frame loop) the coroutine is resumed by the
-- drain itself. What a program's wait may need beside (a deadline, several
-- waiters, a look into waits that last) they do not have.
-- @module temporal.wait.direct

local core = require "temporal.core"
local host = require "temporal.wait.host"
local loop = require "temporal.wait.host_loop"
local state = require "temporal.base.state"

local resume, running, yield = coroutine.resume, coroutine.running, coroutine.yield
local core_id, core_ready, core_subscribe = core.id, core.ready, core.subscribe
local parked, tasks, waiters = state.parked, state.tasks, state.waiters

local direct = {}

-- The host of its tickets.
local adapter = { name = "direct" }

function adapter.unpark(ticket)
  local thread = parked[ticket]
  if thread then
    parked[ticket] = nil
    local ok, problem = resume(thread)
    if not ok then
      ticket.task:_finish(false, problem)
    end
  end
  return true
end

-- The ticket of a task that we resume ourselves, which it has for all its waits.
local function ticket_of(task)
  local ticket = task._direct
  if ticket == nil or ticket and ticket.chosen ~= state.host then
    ticket = host.current() == loop and { host = adapter, task = task, chosen = state.host }
    task._direct = ticket
  end
  return ticket
end

--- Is the running coroutine that of a task which we resume ourselves?
function direct.is_ours()
  local task = tasks[running() or false]
  return task ~= nil and ticket_of(task) ~= false
end

--- Waits for the answer of a call, in a task.
-- @tparam future future of a call that ends by itself, for which nobody else waits
-- @treturn boolean is it there? Else only `future:get()` can wait here
function direct.await(future)
  if state.poll_budget then
    return false -- which is the scheduler's to keep
  end
  local thread = running()
  local task = tasks[thread or false]
  local ticket = task and ticket_of(task)
  if not ticket then
    return false
  end
  local key = core_id(future)
  ticket.key = key
  repeat
    waiters[key] = ticket
    if not core_subscribe(future, "result") then
      parked[ticket] = thread
      yield()
      parked[ticket] = nil
    end
  until core_ready(future, "result")
  waiters[key] = nil
  return true
end

return direct

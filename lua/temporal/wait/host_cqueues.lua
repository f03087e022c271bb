--- The cqueues host. Every controller that somebody waits in has one thread
-- that polls the descriptor of this Lua state meanwhile; without anybody
-- waiting it ends, or the controller's loop never would. A waiter polls a
-- condition of its own.
-- @module temporal.host.cqueues

local auxlib = require "cqueues.auxlib"
local condition = require "cqueues.condition"
local cqueues = require "cqueues"
local loop = require "temporal.wait.host_loop"
local scheduler = require "temporal.wait.scheduler"
local state = require "temporal.base.state"

-- The adapter of each controller. It does not know its controller, which
-- would keep both for ever: all is done from within.
local adapters = setmetatable({}, { __mode = "k" })

local function park(ticket, seconds)
  local signal = ticket.signal or condition.new()
  ticket.signal = signal
  if seconds then
    cqueues.poll(signal, seconds)
  else
    cqueues.poll(signal)
  end
end

-- Nobody there: between the signal and the waiter's turn, or for good.
local function unpark(ticket)
  return ticket.signal ~= nil and ticket.signal:signal() > 0
end

-- Tasks that no controller resumes go on here, too.
local function serve(adapter)
  adapter.poll()
  scheduler.run()
end

-- A thread that ends by an error ends the controller's loop for a while, and
-- the program may go on with it: another thread polls then.
local function poll_thread(adapter)
  while adapter.wanted do
    cqueues.poll({ pollfd = adapter.fd, events = "r" }, adapter.changed,
      scheduler.timeout() or math.huge)
    local ok, problem = pcall(serve, adapter)
    if not ok then
      adapter.polling = false
      if adapter.wanted then
        adapter.watch(adapter.fd, adapter.poll)
      end
      error(problem, 0)
    end
  end
  adapter.polling = false
end

local function new()
  local adapter = {
    name = "cqueues", park = park, unpark = unpark,
    wanted = false, polling = false, changed = condition.new(), alarms = true,
  }

  -- The scheduler has something to do earlier than it had.
  function adapter.rearm()
    adapter.changed:signal()
  end

  function adapter.can_wait()
    return true
  end

  function adapter.watch(fd, poll)
    local moved = adapter.fd ~= fd
    adapter.wanted, adapter.fd, adapter.poll = true, fd, poll
    if not adapter.polling then
      adapter.polling = true
      cqueues.running():wrap(poll_thread, adapter)
    elseif moved then
      adapter.changed:signal()
    end
  end

  function adapter.unwatch()
    adapter.wanted = false
    adapter.changed:signal()
  end

  -- In a coroutine of its own, which hands on what cqueues yields: on PUC 5.1
  -- only so can an error be caught around a wait.
  function adapter.spawn(body, fail)
    cqueues.running():wrap(function()
      local ok, problem = auxlib.resume(coroutine.create(body))
      if not ok then
        fail(problem)
      end
    end)
  end

  return adapter
end

-- Outside of any controller.
local outside = {
  name = "cqueues",
  can_wait = function()
    return false, "no cqueues controller is running: wait in a function given to its wrap method"
  end,
}

return {
  --- The adapter of a wait that begins now.
  -- @treturn table
  current = function()
    local controller = cqueues.running()
    if not controller then
      return outside
    end
    -- A task that began outside of any: its answer was taken in here, but it is
    -- no thread of this controller.
    local task = state.tasks[coroutine.running()]
    if task and not task._hosted then
      return loop
    end
    local adapter = adapters[controller]
    if not adapter then
      adapter = new()
      adapters[controller] = adapter
    end
    return adapter
  end,
}

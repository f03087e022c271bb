--- The plain host: a script that waits waits, as `io.read` does. The wait is
-- cut into slices of at most 0.1 s, so that signals and debug hooks run, and
-- between them spawned tasks do.
-- @module temporal.host.plain

local core = require "temporal.core"
local report = require "temporal.wait.report"
local state = require "temporal.base.state"
local tickets = require "temporal.wait.ticket"

local loaded = package.loaded
local now = core.now

local SLICE = 0.1
local STOPPED = 0.09 -- a wait that long is said to have stopped the program

-- sleeps: whoever waits does so in this thread, and need not be unparked
local plain = { name = "plain", sleeps = true }

function plain.can_wait()
  return true
end

--- Waits for any completion of this Lua state.
-- @param _ ticket
-- @tparam[opt] number seconds at most this long
function plain.park(_, seconds)
  tickets.sleep(seconds and seconds < SLICE and seconds or SLICE)
end

function plain.unpark()
  return true
end

local WARNING = "a wait in a coroutine has stopped the whole program for %.1f s, as a plain "
  .. "script waits: no known scheduler runs that coroutine. If one does, say so: %s. "
  .. 'temporal.host.use "plain" says that it is as it should be'

local function how_to_say_so()
  if loaded.luv or loaded.uv then
    return 'temporal.host.use "luv"'
  end
  return "temporal.host.use{...} (docs/custom-host.md, which has one for Copas)"
end

local of_coroutine = { name = "plain", sleeps = true, can_wait = plain.can_wait,
  unpark = plain.unpark }
--- The same in a coroutine of the program's, which may be a scheduler's that
-- this package does not know. Warns once of a wait that has kept the scheduler
-- from all else.
plain.of_coroutine = of_coroutine

function of_coroutine.park(ticket, seconds)
  local began = now()
  plain.park(ticket, seconds)
  local stopped = now() - began
  if stopped >= STOPPED and not state.stop_said then
    state.stop_said = true
    report.warn(WARNING:format(stopped, how_to_say_so()))
  end
end

return plain

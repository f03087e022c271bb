--- The plain host: a script that waits waits, as `io.read` does. The wait is
-- cut into slices of at most 0.1 s, so that signals and debug hooks run.
-- @module temporal.host.plain

local core = require "temporal.core"

local SLICE = 0.1

local plain = { name = "plain" }

function plain.can_wait()
  return true
end

--- Waits for any completion of this Lua state.
-- @param _ ticket
-- @tparam[opt] number seconds at most this long
function plain.park(_, seconds)
  if not seconds or seconds > SLICE then
    seconds = SLICE
  end
  core.park(seconds)
  -- Required late: the wait loop requires the hosts.
  return require "temporal.wait".drain()
end

function plain.unpark()
end

return plain

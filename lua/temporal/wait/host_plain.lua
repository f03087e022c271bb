--- The plain host: a script that waits waits, as `io.read` does. The wait is
-- cut into slices of at most 0.1 s, so that signals and debug hooks run, and
-- between them spawned tasks do.
-- @module temporal.host.plain

local tickets = require "temporal.wait.ticket"

local SLICE = 0.1

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

return plain

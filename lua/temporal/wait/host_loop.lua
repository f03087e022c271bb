--- A program with a loop of its own, such as a game's, that calls
-- `temporal.poll` once a round: what waits is a task (`temporal.spawn`), and a
-- task that waits is suspended. Nothing ever blocks. This is also how tasks
-- wait in a plain script.
-- @module temporal.host.loop

local scheduler = require "temporal.wait.scheduler"
local state = require "temporal.base.state"

local running = coroutine.running

local WHY = "under the host loop only a task may wait, a function that was given to "
  .. "temporal.spawn, and not in a coroutine of its own"

local loop = {
  name = "loop",
  park = scheduler.park,
  unpark = scheduler.unpark,
  alarms = true,
}

--- Is this the coroutine of a task?
function loop.can_wait()
  if state.tasks[running() or false] then
    return true
  end
  return false, WHY
end

return loop

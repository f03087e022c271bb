--- Something that Lua itself will say is done, and that tasks wait for until then.
-- @module temporal.promise

local tickets = require "temporal.wait.ticket"
local wait = require "temporal.wait.wait"

local methods = {}
local metatable = { __name = "temporal.promise", __index = methods }

--- Waits until it is done.
-- @tparam[opt] number timeout seconds
-- @treturn boolean|nil true; false when the time ran out; nil where waiting is
--   not possible
-- @treturn temporal.error|nil of kind `cannot_wait`
function methods:wait(timeout)
  return wait.ready(self, timeout)
end

--- It is done: wakes who waits.
function methods:finish()
  if not self._finished then
    self._finished = true
    tickets.finished(self)
  end
end

function methods:ready()
  return self._finished
end

--- Waits until it is done, as methods named `wait` and `stop` say it.
-- @tparam[opt] number timeout seconds
-- @treturn boolean|nil true, or nil
-- @treturn temporal.error of kind `timeout` or `cannot_wait`
function methods:get(timeout)
  return wait.one(self, "result", timeout)
end

--- A promise.
local function new()
  return setmetatable({ _finished = false }, metatable)
end

--- Waits so long.
-- @tparam number seconds
local function pause(seconds)
  new():wait(seconds)
end

return { new = new, pause = pause }

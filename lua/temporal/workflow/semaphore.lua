--- Semaphores of a run: so many at the same time, first come, first served.
-- @module temporal.workflow.semaphore

local current = require "temporal.workflow.current"
local fiber = require "temporal.workflow.fiber"
local future = require "temporal.workflow.future"
local misuse = require "temporal.base.misuse"
local options = require "temporal.base.options"

local floor, remove = math.floor, table.remove
local error, pcall, setmetatable, type = error, pcall, setmetatable, type

local methods = {}
local metatable = { __name = "temporal.workflow.semaphore", __index = methods }

function metatable.__tostring(self)
  return ("temporal.workflow.semaphore (%.0f of %.0f free)"):format(self.free, self.total)
end

-- Whoever waits has a turn: a future that is done when it has its place.
local turn_metatable = future.class("temporal.workflow.turn", {})

local function take_out(waiting, turn)
  for i = 1, #waiting do
    if waiting[i] == turn then
      return remove(waiting, i)
    end
  end
  return nil
end

-- Gives a place to whoever waits for longest.
local function pass_on(self)
  local turn = remove(self.waiting, 1)
  if turn then
    future.resolve(turn, true)
  else
    self.free = self.free + 1
  end
end

--- Takes a place, and waits for one.
-- @tparam[opt] number|string timeout a duration
-- @treturn boolean true; false when the time ran out
-- @raise kind `canceled` in a canceled scope
function methods:acquire(timeout)
  options.check_self(self, metatable, "semaphore")
  future.check_scope(fiber.running "semaphore:acquire")
  current.run:before_step()
  timeout = options.timeout(timeout, "semaphore:acquire")
  if self.free > 0 then
    self.free = self.free - 1
    return true
  end
  local turn = setmetatable({ done = false }, turn_metatable)
  self.waiting[#self.waiting + 1] = turn
  local ok, got = pcall(turn.wait, turn, timeout)
  if ok and got then
    return true
  elseif not take_out(self.waiting, turn) then
    pass_on(self) -- it came too late
  end
  if not ok then
    error(got, 0)
  end
  return false
end

--- Gives a place back.
function methods:release()
  options.check_self(self, metatable, "semaphore")
  fiber.running "semaphore:release"
  if self.free >= self.total then
    misuse.raise "semaphore:release was called more often than semaphore:acquire"
  end
  pass_on(self)
end

local function release(self, ok, ...)
  pass_on(self)
  if not ok then
    error((...), 0)
  end
  return ...
end

--- Calls a function with a place, and gives it back whatever comes.
-- @tparam function fn
-- @param ... its arguments
-- @return what fn returns
-- @raise what fn raises; kind `canceled` in a canceled scope
function methods:with(fn, ...)
  options.check_self(self, metatable, "semaphore")
  if type(fn) ~= "function" then
    misuse.raisef("semaphore:with takes a function, got %s", options.kind_of(fn))
  end
  self:acquire()
  return release(self, pcall(fn, ...))
end

--- A semaphore.
-- @tparam integer count how many may have it at the same time
local function new(count)
  fiber.run_of "workflow.semaphore"
  if type(count) ~= "number" or count < 1 or count ~= floor(count) then
    misuse.raisef("workflow.semaphore takes a whole number of at least 1, got %s",
      options.show(count))
  end
  return setmetatable({ total = count, free = count, waiting = {} }, metatable)
end

return { new = new }

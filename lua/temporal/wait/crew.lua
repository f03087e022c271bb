--- Coroutines that do one thing after the other: cheaper than a task for each.
-- They are tasks themselves, and end when the crew is dismissed.
-- @module temporal.wait.crew

local direct = require "temporal.wait.direct"
local spawn = require("temporal.wait.task").spawn

local resume, running, yield = coroutine.resume, coroutine.running, coroutine.yield

local methods = {}
local metatable = { __index = methods }

-- What each of them runs. `hand` is its place in the crew's list of those with
-- nothing to do.
local function work(self, hand, fn, ...)
  fn(...)
  while not self.dismissed and direct.is_ours() do
    hand.thread = running()
    self.count = self.count + 1
    self[self.count] = hand
    yield()
    if not hand.fn then
      return
    end
    hand.fn(hand.a, hand.b, hand.c, hand.d)
  end
end

--- Runs a function beside the caller: at once, until it first waits.
-- @tparam function fn raises nothing
-- @param a b c d its arguments
function methods:run(fn, a, b, c, d)
  local count = self.count
  local hand = self[count]
  if not hand then
    spawn(work, self, {}, fn, a, b, c, d)
    return
  end
  self[count], self.count = nil, count - 1
  hand.fn, hand.a, hand.b, hand.c, hand.d = fn, a, b, c, d
  resume(hand.thread)
end

--- Ends those that have nothing to do, and the others when they are done.
function methods:dismiss()
  self.dismissed = true
  while self.count > 0 do
    self:run(nil)
  end
end

--- A crew.
local function new()
  return setmetatable({ count = 0 }, metatable)
end

return { new = new }

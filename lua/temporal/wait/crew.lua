--- Coroutines that do one thing after the other: cheaper than a task for each.
-- They are tasks themselves, and end when the crew is dismissed.
-- @module temporal.wait.crew

local direct = require "temporal.wait.direct"
local spawn_apart = require("temporal.wait.task").spawn_apart

local resume, running, yield = coroutine.resume, coroutine.running, coroutine.yield

local methods = {}
local metatable = { __index = methods }

-- What it was given is no longer held once it is done.
local function do_one(hand)
  local fn, a, b, c, d = hand.fn, hand.a, hand.b, hand.c, hand.d
  hand.fn, hand.a, hand.b, hand.c, hand.d = nil, nil, nil, nil, nil
  fn(a, b, c, d)
end

-- What each of them runs. `hand`: what it is given to do, and its place in the
-- crew's list of those with nothing to do.
local function work(self, hand)
  while hand.fn do
    do_one(hand)
    if self.dismissed or not direct.is_ours() then
      return
    end
    hand.thread = running()
    self.count = self.count + 1
    self[self.count] = hand
    yield()
  end
end

--- Runs a function beside the caller: at once, until it first waits.
-- @tparam function fn raises nothing
-- @param a b c d its arguments
function methods:run(fn, a, b, c, d)
  local count = self.count
  local hand = self[count] or {}
  hand.fn, hand.a, hand.b, hand.c, hand.d = fn, a, b, c, d
  if count == 0 then
    spawn_apart(work, self, hand)
    return
  end
  self[count], self.count = nil, count - 1
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

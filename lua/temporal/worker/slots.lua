--- Slots: how many tasks of a kind a worker has at the same time. A slot is taken
-- before the poll that may bring a task, and given back when the server has the
-- answer to it.
--
-- A worker's own queue (sticky) and everybody's share theirs: polls of the first
-- never have the last free slot while none of the second is open, or nobody would
-- begin new runs for as long as those polls wait.
-- @module temporal.worker.slots

local promise = require "temporal.wait.promise"

local remove = table.remove

local methods = {}
local metatable = { __index = methods }

local function may_take(self, sticky)
  return self.free > (sticky and self.open == 0 and 1 or 0)
end

local function take(self, sticky)
  self.free = self.free - 1
  if not sticky then
    self.open = self.open + 1
  end
end

-- Whoever waits longest comes first, of those that may have one.
local function hand_out(self)
  local waiting, at = self.waiting, 1
  while self.free > 0 and waiting[at] do
    local turn = waiting[at]
    if may_take(self, turn.sticky) then
      remove(waiting, at)
      take(self, turn.sticky)
      turn.has_slot = true
      turn:finish()
      at = 1
    else
      at = at + 1
    end
  end
end

--- Takes a slot for a poll, first come, first served; waits for one.
-- @tparam boolean|nil sticky the poll is of the worker's own queue
function methods:acquire(sticky)
  if not self.waiting[1] and may_take(self, sticky) then
    return take(self, sticky)
  end
  local turn = promise.new()
  turn.sticky = sticky
  self.waiting[#self.waiting + 1] = turn
  hand_out(self)
  turn:wait()
end

--- Takes a slot for a task that comes without a poll, if one is free.
-- @treturn boolean
function methods:try()
  if self.free == 0 or self.waiting[1] then
    return false
  end
  self.free = self.free - 1
  return true
end

--- Takes a slot for a task that comes without a poll; waits for one.
-- @tparam promise turn its end ends the wait
-- @tparam number|nil timeout seconds
-- @treturn boolean false: the wait has ended, and there was none
function methods:claim(turn, timeout)
  if self:try() then
    return true
  end
  self.waiting[#self.waiting + 1] = turn
  turn:wait(timeout)
  if turn.has_slot then
    self.open = self.open - 1 -- which no poll will do
    return true
  end
  for i = 1, #self.waiting do
    if self.waiting[i] == turn then
      remove(self.waiting, i)
      break
    end
  end
  return false
end

--- The poll has ended: what it brought, if anything, has the slot now.
-- @tparam boolean|nil sticky as for `acquire`
function methods:polled(sticky)
  if not sticky then
    self.open = self.open - 1
  end
end

--- Gives a slot back.
function methods:release()
  self.free = self.free + 1
  hand_out(self)
end

--- How many are taken.
function methods:used()
  return self.total - self.free
end

--- Slots.
-- @tparam integer total
local function new(total)
  -- `open`: polls of everybody's queue, or about to be.
  return setmetatable({ total = total, free = total, open = 0, waiting = {} }, metatable)
end

return { new = new }

--- Slots: how many tasks of a kind a worker has at the same time. A slot is taken
-- before the poll that may bring a task, and given back when the server has the
-- answer to it.
-- @module temporal.worker.slots

local promise = require "temporal.wait.promise"

local remove = table.remove

local methods = {}
local metatable = { __index = methods }

--- Takes a slot, first come, first served; waits for one.
function methods:acquire()
  if self.free > 0 then
    self.free = self.free - 1
    return
  end
  local turn = promise.new()
  self.waiting[#self.waiting + 1] = turn
  turn:wait()
end

--- Gives a slot back; whoever waits longest has it then.
function methods:release()
  local turn = remove(self.waiting, 1)
  if turn then
    turn:finish()
  else
    self.free = self.free + 1
  end
end

--- How many are taken.
function methods:used()
  return self.total - self.free
end

--- Slots.
-- @tparam integer total
local function new(total)
  return setmetatable({ total = total, free = total, waiting = {} }, metatable)
end

return { new = new }

--- So many in a second, and no more: one after the other, at even distances.
-- @module temporal.worker.rate

local core = require "temporal.core"

local max = math.max
local now = core.now

local methods = {}
local metatable = { __index = methods }

--- Waits until the next one is due.
-- @tparam promise leaving ends the wait
function methods:wait(leaving)
  local time = now()
  local at = max(self.due, time)
  self.due = at + self.distance
  if at > time then
    leaving:wait(at - time)
  end
end

--- Is one due now? Then it is taken.
-- @treturn boolean
function methods:try()
  local time = now()
  if self.due > time then
    return false
  end
  self.due = time + self.distance
  return true
end

--- A rate.
-- @tparam number per_second
local function new(per_second)
  return setmetatable({ due = 0, distance = 1 / per_second }, metatable)
end

return { new = new }

--- An event loop as a program might have one, as a host: coroutines park and
-- are resumed only when they are unparked or their time is over.
--
--     local loop = require("spec.support.loop").new()
--     loop:spawn(function() run:get() end)
--     loop:run(10)
--     temporal.host.use "plain"

local temporal = require "temporal"
local core = require "temporal.core"

local loop = {}
local methods = {}
local metatable = { __name = "spec.loop", __index = methods }

--- Makes a loop and makes it the host.
-- @tparam[opt] table changes fields in place of the adapter's own
function loop.new(changes)
  local self = setmetatable({ parked = {}, ready = {}, parks = 0, unparks = 0 }, metatable)
  local adapter = {
    name = "spec loop",
    can_wait = function() return true end,
    park = function(ticket, seconds)
      self.parks = self.parks + 1
      self.seconds = seconds
      self.parked[ticket] = {
        thread = coroutine.running(), deadline = seconds and core.now() + seconds,
      }
      coroutine.yield()
    end,
    unpark = function(ticket)
      self.unparks = self.unparks + 1
      self.ready[#self.ready + 1] = ticket
    end,
  }
  for name, value in pairs(changes or {}) do
    adapter[name] = value
  end
  temporal.host.use(adapter)
  return self
end

--- Runs a function in a coroutine until it parks or ends.
function methods:spawn(fn, ...)
  assert(coroutine.resume(coroutine.create(fn), ...))
  return self
end

--- Resumes a parked coroutine; tickets that are gone are ignored.
function methods:resume(ticket)
  local entry = self.parked[ticket]
  self.parked[ticket] = nil
  if entry then
    assert(coroutine.resume(entry.thread))
  end
end

--- Polls and resumes until nobody is parked; raises after `seconds`.
-- @tparam number seconds
-- @tparam[opt] function poll in place of temporal.poll
function methods:run(seconds, poll)
  local last = core.now() + seconds
  while next(self.parked) do
    if core.now() > last then
      error("the loop still has parked coroutines", 2)
    end
    if poll then
      poll()
    else
      temporal.poll(0.01)
    end
    local ready = self.ready
    self.ready = {}
    for _, ticket in ipairs(ready) do
      self:resume(ticket)
    end
    local late = {}
    for ticket, entry in pairs(self.parked) do
      if entry.deadline and core.now() >= entry.deadline then
        late[#late + 1] = ticket
      end
    end
    for _, ticket in ipairs(late) do
      self:resume(ticket)
    end
  end
end

return loop

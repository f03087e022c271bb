--- The events of a run that have not been applied yet. The engine asks for an
-- event's parts by its place, through the four functions `id`, `kind`, `time`
-- and `attributes`, and does not care what they are made of.
-- @module temporal.workflow.history

local errors = require "temporal.error.error"
local event = require "temporal.workflow.event"

local attributes_of, type_of = event.attributes_of, event.type_of
local tonumber = tonumber

local methods = {}
local metatable = { __index = methods }

--- Adds a page. Events that are here already are passed over: pages overlap
-- where a task is delivered twice.
-- @tparam table events decoded HistoryEvents
-- @treturn boolean|nil true, or nil
-- @treturn temporal.error of kind `nondeterminism` when events are missing
function methods:append(events)
  local last = self.last_id
  for i = 1, #events do
    local message = events[i]
    local id = tonumber(message.event_id)
    if id == last + 1 then
      self.count = self.count + 1
      self[self.count] = message
      last = id
    elseif id > last then
      return nil, errors.new {
        kind = "internal",
        message = ("the history has a gap: event %d follows event %d"):format(id, last),
      }
    end
  end
  self.last_id = last
  return true
end

--- Forgets the first `n` events: they have been applied.
function methods:drop(n)
  for i = 1, self.count do
    self[i] = self[n + i]
  end
  self.count = self.count - n
end

function methods:id(i)
  return tonumber(self[i].event_id)
end

--- The type's short name, such as `"timer_fired"`; nil behind the last event.
function methods:kind(i)
  local message = self[i]
  return message and type_of(message.event_type)
end

--- Seconds since the epoch.
function methods:time(i)
  local time = self[i].event_time
  return time and tonumber(time.seconds or 0) + (time.nanos or 0) / 1000000000 or 0
end

function methods:attributes(i)
  local message = self[i]
  return attributes_of(message, type_of(message.event_type))
end

--- The server says that a worker which does not know this type may go on.
function methods:may_be_ignored(i)
  return self[i].worker_may_ignore == true
end

--- A history that begins behind the event of this id; 0 for all of it.
local function new(last_id)
  return setmetatable({ count = 0, last_id = last_id or 0 }, metatable)
end

return { new = new }

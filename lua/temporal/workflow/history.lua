--- The events of a run that have not been applied yet, over the bytes they came
-- in. The engine asks for an event's parts by its place, from 1 to `count`; what
-- it does not ask for is never decoded.
-- @module temporal.workflow.history

local core = require "temporal.core"
local errors = require "temporal.error.error"
local event = require "temporal.workflow.event"

local HISTORY = "temporal.api.history.v1.History"

local error, getmetatable, next, setmetatable = error, getmetatable, next, setmetatable
local tonumber, type = tonumber, type
local decode, new_page = core.history_attributes, core.history_page
local wanted_of = event.wanted_of

local methods = {}
local metatable = { __index = methods }

local function internal(message)
  return errors.received { kind = "internal", message = message }
end

local function bytes_of(events)
  if type(events) == "string" then
    return events
  end
  return core.encode(HISTORY, { events = events }, true)
end

--- Adds a page. Events that are here already are passed over: pages overlap
-- where a task is delivered twice.
-- @tparam string|table events bytes of a temporal.api.history.v1.History, or a list
--   of decoded HistoryEvents
-- @treturn boolean|nil true, or nil
-- @treturn temporal.error of kind `internal` when events are missing, or the bytes
--   are no history
function methods:append(events)
  local bytes, problem = bytes_of(events)
  if not bytes then
    return nil, internal(problem)
  end
  local last, kinds, count = self.last_id, self.kinds, self.count
  local page, last_id, all_kinds = new_page(bytes, last, kinds, count)
  if not page then
    for i = kinds and #kinds or 0, count + 1, -1 do
      kinds[i] = nil
    end
    return nil, internal(last_id)
  end
  self.kinds = all_kinds
  if last_id > last then
    if self.page then
      self.pages = self.pages or { { self.page, 0, self.count } }
      self.pages[#self.pages + 1] = { page, count, count + last_id - last }
    else
      self.page, self.page_first, self.page_last = page, 0, last_id - last
    end
    self.count, self.last_id = count + last_id - last, last_id
  end
  return true
end

-- Makes the page current that holds a place.
local function turn(self, i)
  for _, each in next, self.pages do
    if i > each[2] and i <= each[3] then
      self.page, self.page_first, self.page_last = each[1], each[2], each[3]
      return
    end
  end
end

-- The page of an event, and its place there.
local function find(self, i)
  local first = self.page_first
  if i > self.page_last or i <= first then
    turn(self, i)
    first = self.page_first
  end
  return self.page, i - first
end

--- Forgets all events: they have been applied.
function methods:clear()
  self.kinds, self.kept, self.pages, self.page, self.count = nil, nil, nil, nil, 0
end

function methods:id(i)
  return self.last_id - self.count + i
end

--- The type's short name, such as `"timer_fired"`, or the number of a type that
-- this package does not know; nil behind the last event. `kinds` has those of all.
function methods:kind(i)
  return self.kinds[i]
end

--- Seconds since the epoch; 0 without a time.
function methods:time(i)
  return core.history_time(find(self, i))
end

--- The event's attributes, as a sparse table: what is absent reads as its default.
-- @treturn table an empty one when the event has none; nil for a type that is not
--   known
-- @raise kind `internal` when they cannot be read
function methods:attributes(i)
  local kept, kind, first = self.kept, self.kinds[i], self.page_first
  if kept and kept[i] then
    return kept[i]
  elseif i > self.page_last or i <= first then
    turn(self, i)
    first = self.page_first
  end
  local attributes, problem = decode(self.page, i - first, kind, wanted_of[kind])
  if problem then
    error(internal(("event %d of the history cannot be read: %s"):format(self:id(i), problem)), 0)
  end
  return attributes
end

--- Has an event of a frequent kind anything that the engine reads? Makes no table.
-- @treturn boolean
function methods:says_something(i)
  local page, place = find(self, i)
  return core.history_has(page, place, wanted_of[self.kinds[i]])
end

-- Attributes that are decoded when somebody first asks for one.
local late = {}

function late.__index(self, name)
  local decoded, problem = core.decode(self[2], self[1], nil, true)
  if not decoded then
    error(internal("attributes of the history cannot be read: " .. problem), 0)
  end
  self[1], self[2] = nil, nil
  for field, value in next, decoded do
    self[field] = value
  end
  return setmetatable(self, getmetatable(decoded))[name]
end

--- All attributes of an event but its `input`: for who keeps them, and may never ask.
-- @treturn table
function methods:late_attributes(i)
  local kind, page, place = self.kinds[i], find(self, i)
  local message, input = event.message_of(kind), event.input_of(kind)
  local bytes = core.history_rest(page, place, kind, input)
  return bytes and setmetatable({ bytes, message }, late) or self:attributes(i)
end

--- The same, for who asks first of two.
function methods:keep_attributes(i)
  local attributes = self:attributes(i)
  self.kept = self.kept or {}
  self.kept[i] = attributes
  return attributes
end

--- The server says that a worker which does not know this type may go on.
function methods:may_be_ignored(i)
  return core.history_may_be_ignored(find(self, i))
end

--- A history that begins behind the event of this id; 0 for all of it.
local function new(last_id)
  return setmetatable({ count = 0, last_id = last_id or 0 }, metatable)
end

--- The id of the first event of a page.
-- @tparam string|table|nil events as for `append`
-- @treturn integer|nil nil without one
local function first_id(events)
  if type(events) == "string" then
    return core.history_first_id(events)
  end
  return events and events[1] and tonumber(events[1].event_id)
end

return { new = new, first_id = first_id }

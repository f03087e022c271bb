--- When a schedule acts: calendars, intervals, cron strings and what bounds
-- them.
-- @module temporal.schedule.spec

local calendar = require "temporal.schedule.calendar"
local change = require "temporal.schedule.change"
local duration = require "temporal.base.duration"
local options = require "temporal.base.options"
local timestamp = require "temporal.base.timestamp"

local concat = table.concat
local next, type = next, type

local spec = {}

local function append(message, field, value)
  local list = message[field] or {}
  list[#list + 1] = value
  message[field] = list
end

--- A handler for an option that is a point in time, stored as a Timestamp.
-- @tparam string field
-- @treturn function
function spec.time(field)
  return function(target, value, definition, name)
    local message, why = timestamp.message(value)
    if not message then
      return options.fail(definition, name, why, options.show(value))
    end
    target[field] = message
  end
end

-- What the lists of a description stand for, by the same index.

local function parts_of(...)
  local names = { ... }
  return function(context, name)
    local parts = {}
    for _, field in ipairs(names) do
      for _, part in ipairs(context.raw[field] or {}) do
        parts[#parts + 1] = part
      end
    end
    return context.known[name] or {}, parts
  end
end

local function calendars(structured, text)
  return change.list(function(message, element, definition, place, original)
    local part, is_text = original, original and type(original.hour) == "string"
    if not original then
      part, is_text = calendar.encode(element, definition, place)
    end
    append(message, is_text and text or structured, part)
  end, parts_of(structured, text))
end

local INTERVAL = options.define("schedule option", {
  every = options.duration("interval"),
  offset = options.duration("phase"),
})

local function interval(message, element, definition, place, original)
  if not original then
    if type(element) ~= "table" then
      options.fail(definition, place, 'must be a table {every=, offset=}',
        options.kind_of(element))
    end
    local at = change.at(INTERVAL, definition.prefix .. place .. ".")
    original = options.apply(at, element, {})
    if not original.interval then
      options.fail(at, "every", "is missing")
    elseif duration.from_message(original.interval) < 1 then
      options.fail(at, "every", "must be at least 1 s", options.show(element.every))
    end
  end
  append(message, "interval", original)
end

local function cron(message, element, definition, place)
  if type(element) ~= "string" or element == "" then
    options.fail(definition, place, 'must be a string such as "0 12 * * MON-FRI" or "@daily"',
      options.show(element))
  end
  append(message, "cron_string", element)
end

local SPEC = {
  options = options.define("schedule option", {
    calendars = calendars("structured_calendar", "calendar"),
    intervals = change.list(interval, parts_of("interval")),
    cron = change.list(cron, parts_of("cron_string")),
    skip = calendars("exclude_structured_calendar", "exclude_calendar"),
    start_at = spec.time("start_time"),
    end_at = spec.time("end_time"),
    jitter = options.duration("jitter"),
    timezone = options.string("timezone_name"),
  }, "spec"),
  fields = {
    calendars = { "structured_calendar", "calendar" },
    intervals = { "interval" },
    cron = { "cron_string" },
    skip = { "exclude_structured_calendar", "exclude_calendar" },
    start_at = { "start_time" },
    end_at = { "end_time" },
    jitter = { "jitter" },
    timezone = { "timezone_name", "timezone_data" },
  },
}

-- The calendars and intervals of descriptions: list -> a copy, as it was
-- described. The server stores cron strings as these.
local standing = setmetatable({}, { __mode = "k" })

local STORED_AS = { "calendars", "intervals" }

local function describes(list)
  standing[list] = change.copy(list)
  return list
end

-- A cron string beside the description of what stands would be one time more,
-- though it reads like another time: the caller has to say which he means.
local function check_cron(given, known)
  local wanted = given.cron
  if type(wanted) ~= "table" or next(wanted) == nil or change.same(wanted, known.cron) then
    return
  end
  local names, fixes = {}, {}
  for _, name in ipairs(STORED_AS) do
    local list = given[name]
    local as_described = list ~= nil and standing[list]
    if as_described and #as_described > 0 and change.same(list, as_described) then
      names[#names + 1] = ("%d in spec.%s"):format(#list, name)
      fixes[#fixes + 1] = ("spec.%s = {}"):format(name)
    end
  end
  if #names > 0 then
    options.fail(SPEC.options, "cron", ("would add to the times that stand (%s): the server "
      .. "stores cron strings as calendars and intervals, and cannot tell them apart. To replace "
      .. "those, set %s too; to keep them, assign a new table that has them, or write the cron "
      .. "string as one more calendar"):format(concat(names, ", "), concat(fixes, " and ")))
  end
end

--- The message of a spec.
-- @tparam table given the option `spec`
-- @tparam table known what describes `raw`
-- @tparam table raw a ScheduleSpec that it changes
-- @treturn table a ScheduleSpec
-- @raise on misuse
function spec.encode(given, known, raw)
  check_cron(given, known)
  local message = change.apply(SPEC, given, known, change.copy(raw), { known = known, raw = raw })
  local first, last = message.start_time, message.end_time
  if first and last and timestamp.from_message(last) < timestamp.from_message(first) then
    options.fail(SPEC.options, "end_at", "must not be before start_at")
  end
  return message
end

local function decode_calendars(structured, texts)
  local list = {}
  for i, message in ipairs(structured) do
    list[i] = calendar.decode(message)
  end
  for _, message in ipairs(texts) do
    list[#list + 1] = calendar.decode_text(message)
  end
  return list
end

--- The option `spec` that describes a message.
-- @tparam table|nil message a ScheduleSpec
-- @treturn table|nil durations in seconds, times in epoch seconds
function spec.decode(message)
  if not message then
    return nil
  end
  local intervals = {}
  for i, each in ipairs(message.interval) do
    intervals[i] = {
      every = duration.from_message(each.interval),
      offset = duration.from_message(each.phase) or 0,
    }
  end
  return {
    calendars = describes(decode_calendars(message.structured_calendar, message.calendar)),
    intervals = describes(intervals),
    cron = change.copy(message.cron_string),
    skip = decode_calendars(message.exclude_structured_calendar, message.exclude_calendar),
    start_at = timestamp.from_message(message.start_time),
    end_at = timestamp.from_message(message.end_time),
    jitter = duration.from_message(message.jitter),
    timezone = message.timezone_name ~= "" and message.timezone_name or nil,
  }
end

return spec

--- Calendars: which seconds, minutes, hours and days a schedule acts at.
--
-- Every field of a calendar is a number, a range `{start=, ["end"]=, step=}`,
-- `"*"`, a name (`"march"`, `"mon"`), an expression (`"*/15"`, `"mon-fri"`,
-- `"1,15"`), or a list of these. Expressions are compiled by the server; a
-- calendar that has one is sent as text (CalendarSpec), every other as ranges
-- (StructuredCalendarSpec), which is also how the server describes them.
-- @module temporal.schedule.calendar

local options = require "temporal.base.options"

local floor = math.floor
local concat = table.concat
local next, type, rawget = next, type, rawget

local calendar = {}

local MONTHS = {
  "january", "february", "march", "april", "may", "june", "july", "august", "september",
  "october", "november", "december",
}
local DAYS = { "sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday" }
local SHORTEST_NAME = 3
local SUNDAY_TOO = 7

-- What each field may be, and what it is when it is not given.
local FIELDS = {
  { name = "second", min = 0, max = 59, default = 0 },
  { name = "minute", min = 0, max = 59, default = 0 },
  { name = "hour", min = 0, max = 23, default = 0 },
  { name = "day_of_month", min = 1, max = 31, default = "*" },
  { name = "month", min = 1, max = 12, default = "*", names = MONTHS, first = 1 },
  { name = "year", min = 2000, max = 2100, default = "*" },
  { name = "day_of_week", min = 0, max = 6, default = "*", names = DAYS, first = 0 },
}

local RANGE = { start = true, ["end"] = true, step = true }

local FORMS = 'must be a number, a range {start=, ["end"]=, step=}, "*", a name, an expression '
  .. 'such as "*/15", or a list of these'

-- The number a name stands for: its first three letters or more are enough.
local function number_of(field, name)
  local wanted = name:lower()
  for i, full in ipairs(field.names or {}) do
    if #wanted >= SHORTEST_NAME and full:sub(1, #wanted) == wanted then
      return field.first + i - 1
    end
  end
  return nil
end

local function check_number(field, value, spec, place)
  local number = value
  if type(value) == "string" then
    number = number_of(field, value)
  end
  local max = field.names == DAYS and SUNDAY_TOO or field.max
  if type(number) ~= "number" or number ~= floor(number) or number < field.min
    or number > max then
    return options.fail(spec, place, ("must be a whole number from %d to %d%s"):format(field.min,
      field.max, field.names and " or a name" or ""), options.show(value))
  end
  return floor(number)
end

-- Ranges from one number to another; Sunday as 7 ends a week.
local function add_range(ranges, field, first, last, step)
  if last <= field.max then
    ranges[#ranges + 1] = { start = first, ["end"] = last, step = step }
    return
  end
  for number = first, last, step do
    local day = number % SUNDAY_TOO
    ranges[#ranges + 1] = { start = day, ["end"] = day, step = 1 }
  end
end

local function read_range(ranges, field, range, spec, place)
  for key in next, range do
    if not RANGE[key] then
      return options.fail(spec, place, FORMS, "a table with the key " .. options.show(key))
    end
  end
  local first = check_number(field, range.start, spec, place .. ".start")
  local last, step = first, 1
  if range["end"] ~= nil then
    last = check_number(field, range["end"], spec, place .. ".end")
  end
  -- "sat" to "sun": the week goes on.
  if field.names == DAYS and last == 0 and first > 0 then
    last = SUNDAY_TOO
  end
  if last < first then
    return options.fail(spec, place, "must not end before it starts")
  end
  if range.step ~= nil then
    step = range.step
    if type(step) ~= "number" or step ~= floor(step) or step < 1 then
      return options.fail(spec, place .. ".step", "must be a whole number of at least 1",
        options.show(step))
    end
  end
  return add_range(ranges, field, first, last, floor(step))
end

-- A word: every value, a name, or an expression, which is returned.
local function read_word(ranges, field, word, spec, place)
  if word == "*" then
    add_range(ranges, field, field.min, field.max, 1)
    return nil
  elseif word:find("[%d*/,-]") then
    return word
  end
  local number = number_of(field, word)
  if not number then
    local suggestion = field.names and options.nearest(word, field.names)
    return options.fail(spec, place, suggestion and ('%s (did you mean "%s"?)'):format(FORMS,
      suggestion) or FORMS, options.show(word))
  end
  return add_range(ranges, field, number, number, 1)
end

-- Adds the ranges of one value; returns an expression's text.
local function read_value(ranges, field, value, spec, place)
  if type(value) == "string" then
    return read_word(ranges, field, value, spec, place)
  elseif type(value) == "number" then
    local number = check_number(field, value, spec, place)
    return add_range(ranges, field, number, number, 1)
  elseif type(value) == "table" and rawget(value, "start") ~= nil then
    return read_range(ranges, field, value, spec, place)
  end
  return options.fail(spec, place, FORMS, options.kind_of(value))
end

local function check_items(list, spec, place)
  local count = 0
  for _ in next, list do
    count = count + 1
    if rawget(list, count) == nil then
      return options.fail(spec, place, FORMS, "a table that is neither")
    end
  end
  return list
end

-- The ranges of a field, and the texts of its expressions.
local function read_field(field, value, spec, place)
  local ranges, texts = {}, {}
  if value == "*" and field.name == "year" then
    return ranges, texts -- no range at all is every year
  elseif type(value) ~= "table" or rawget(value, "start") ~= nil then
    texts[1] = read_value(ranges, field, value, spec, place)
    return ranges, texts
  end
  if next(value) == nil and field.name ~= "year" then
    return options.fail(spec, place, "must not be an empty list: nothing would ever match")
  end
  for i, item in ipairs(check_items(value, spec, place)) do
    texts[#texts + 1] = read_value(ranges, field, item, spec, ("%s[%d]"):format(place, i))
  end
  return ranges, texts
end

local function as_text(ranges, texts)
  local parts = {}
  for i, range in ipairs(ranges) do
    parts[i] = ("%d-%d/%d"):format(range.start, range["end"], range.step)
  end
  for _, text in ipairs(texts) do
    parts[#parts + 1] = text
  end
  return #parts > 0 and concat(parts, ",") or nil
end

local function check_names(value, spec, place)
  local names = { "comment" }
  for i, field in ipairs(FIELDS) do
    names[i + 1] = field.name
  end
  table.sort(names)
  local known = {}
  for _, name in ipairs(names) do
    known[name] = true
  end
  for name in next, value do
    if not known[name] then
      local suggestion = type(name) == "string" and options.nearest(name, names)
      options.fail(spec, place, ("has no field %s; %s"):format(options.show(name),
        suggestion and ('did you mean "%s"?'):format(suggestion)
          or "known are: " .. concat(names, ", ")))
    end
  end
end

--- The message of a calendar.
-- @tparam table value `second minute hour day_of_month month year
--   day_of_week comment`
-- @tparam table spec of the option, for messages
-- @tparam string place of the calendar, for messages
-- @treturn table a StructuredCalendarSpec, or a CalendarSpec
-- @treturn boolean is it the second?
-- @raise on misuse
function calendar.encode(value, spec, place)
  if type(value) ~= "table" then
    options.fail(spec, place, "must be a table such as {hour = 9, day_of_week = \"mon-fri\"}",
      options.kind_of(value))
  end
  check_names(value, spec, place)
  local structured, text, is_text = {}, {}, false
  for _, field in ipairs(FIELDS) do
    local given = value[field.name]
    if given == nil then
      given = field.default
    end
    local ranges, texts = read_field(field, given, spec, place .. "." .. field.name)
    structured[field.name] = ranges
    text[field.name] = as_text(ranges, texts)
    is_text = is_text or #texts > 0
  end
  local comment = value.comment
  if comment ~= nil and type(comment) ~= "string" then
    options.fail(spec, place .. ".comment", "must be a string", options.kind_of(comment))
  end
  local message = is_text and text or structured
  message.comment = comment
  return message, is_text
end

--- A calendar as the server describes it: every field a list of ranges
-- `{start=, ["end"]=, step=}`, all three set; an empty list of years is every
-- year, of anything else never.
-- @tparam table message a StructuredCalendarSpec
-- @treturn table
function calendar.decode(message)
  local value = {}
  for _, field in ipairs(FIELDS) do
    local ranges = {}
    for i, range in ipairs(message[field.name]) do
      local first, last, step = range.start, range["end"], range.step
      ranges[i] = {
        start = first,
        ["end"] = last < first and first or last,
        step = step < 1 and 1 or step,
      }
    end
    value[field.name] = ranges
  end
  if #value.year == 0 then
    value.year = "*"
  end
  value.comment = message.comment ~= "" and message.comment or nil
  return value
end

--- A calendar in text, from a server that does not compile it.
-- @tparam table message a CalendarSpec
-- @treturn table its fields that are not empty
function calendar.decode_text(message)
  local value = {}
  for _, field in ipairs(FIELDS) do
    local text = message[field.name]
    value[field.name] = text ~= "" and text or nil
  end
  value.comment = message.comment ~= "" and message.comment or nil
  return value
end

return calendar

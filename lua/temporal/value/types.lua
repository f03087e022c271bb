--- Values that plain Lua cannot tell apart: bytes from text, lists from
-- objects, null from nothing, and the types of search attributes.
-- @module temporal.types

local core = require "temporal.core"
local decimal = require "temporal.base.decimal"
local misuse = require "temporal.base.misuse"
local timestamp = require "temporal.base.lazy" "temporal.base.timestamp"

local floor, huge = math.floor, math.huge
local math_type = rawget(math, "type") -- where integers are a type
local type, next, tostring = type, next, tostring
local value_kind, utf8_offset = core.value_kind, core.utf8_offset

-- LuaJIT's exact integers are the FFI's, which C can neither make nor read.
if core.int64_hooks and rawget(_G, "jit") then
  local found, ffi = pcall(require, "ffi")
  if found then
    local int64 = ffi.typeof("int64_t")
    local uint64 = ffi.typeof("uint64_t")
    core.int64_hooks(function(digits)
      local sign, value = 1, int64(0)
      if digits:sub(1, 1) == "-" then
        sign, digits = -1, digits:sub(2)
      end
      for digit in digits:gmatch("%d") do
        value = value * 10 + sign * tonumber(digit)
      end
      return value
    end, function(value)
      if ffi.istype(int64, value) or ffi.istype(uint64, value) then
        return (tostring(value):match("^%-?%d+"))
      end
      return nil
    end)
  end
end

-- The metatables are made in C, which knows them by their address.
local bytes_metatable = getmetatable(core.bytes(""))
local raw_metatable = getmetatable(core.raw({}))

function bytes_metatable.__tostring(self)
  return ("temporal.bytes (%d bytes)"):format(#self.data)
end

function raw_metatable.__tostring(self)
  local metadata = self.metadata
  return ("temporal.raw (%s, %d bytes)"):format(
    tostring(metadata and metadata.encoding or "no encoding"), #(self.data or ""))
end

local function got(value)
  return value_kind(value) or type(value)
end

--- Binary data: becomes a `binary/plain` payload, which decodes to a string.
-- @tparam string s any bytes
-- @return the value to pass; `.data` is `s`
-- @raise when `s` is not a string
local function bytes(s)
  if type(s) ~= "string" then
    return misuse.raisef("temporal.bytes: expected a string, got %s", got(s))
  end
  return core.bytes(s)
end

--- Marks a table as a list, so that it is a JSON array even when empty.
-- Lists that come from JSON carry the mark already.
-- @tparam[opt={}] table t items 1..n; changed in place
-- @treturn table `t`
-- @raise when `t` is not a table, or has a metatable of its own
local function array(t)
  if t == nil then
    t = {}
  elseif type(t) ~= "table" then
    return misuse.raisef("temporal.array: expected a table, got %s", got(t))
  elseif getmetatable(t) ~= nil and value_kind(t) ~= "array" then
    return misuse.raise(
      "temporal.array: the table has a metatable of its own; copy its items into a new table")
  end
  return core.array(t)
end

local function check_metadata(metadata)
  if metadata == nil then
    return {}
  elseif type(metadata) ~= "table" then
    return misuse.raisef("temporal.raw: metadata must be a table of strings by name, got %s",
      got(metadata))
  end
  local copy = {}
  for name, value in next, metadata do
    if type(name) ~= "string" or type(value) ~= "string" then
      return misuse.raisef("temporal.raw: metadata[%s] must be a string by name, got %s",
        type(name) == "string" and ("%q"):format(name) or tostring(name), got(value))
    end
    copy[name] = value
  end
  return copy
end

--- A whole payload, taken as it is: no converter touches it.
-- @tparam table payload `{metadata={encoding=..., ...}, data=string}`
-- @return the value to pass
-- @raise when it is not of that form
local function raw(payload)
  if type(payload) ~= "table" then
    return misuse.raisef("temporal.raw: expected a table {metadata=, data=}, got %s",
      got(payload))
  end
  local copy = {}
  for name, value in next, payload do
    -- The other fields of a received payload are sent on untouched.
    if name ~= "metadata" and name ~= "data" and name ~= "external_payloads"
      and name ~= "_unknown" then
      return misuse.raisef("temporal.raw: unknown field %q; it takes metadata and data",
        tostring(name))
    end
    copy[name] = value
  end
  copy.metadata = check_metadata(payload.metadata)
  if copy.data ~= nil and type(copy.data) ~= "string" then
    return misuse.raisef("temporal.raw: data must be a string, got %s", got(copy.data))
  end
  return core.raw(copy)
end

-- An exact integer of this VM, the plain kind when there is a choice.
local function exact(n)
  if not math_type and type(n) == "number" and n == floor(n) and n >= -2 ^ 53 and n <= 2 ^ 53 then
    return n
  end
  return core.int64(n)
end

--- An exact 64-bit integer on every VM: an integer where Lua has them,
-- `int64_t` on LuaJIT, on plain 5.1 and 5.2 a userdata (`tostring`, `==`).
-- @tparam number|string n an integral number or decimal digits
-- @return the integer
-- @raise when it is not an integer within int64
local function int64(n)
  local value, problem = core.int64(n)
  if value == nil then
    return misuse.raisef("temporal.int64: %s, got %s", problem,
      type(n) == "table" and got(n) or decimal.text(n))
  end
  return value
end

local function attribute(type_name, value)
  return core.search_attribute { type = type_name, value = value }
end

local function check_text(what, value, index)
  local place = index and ("%s: item %d"):format(what, index) or what
  if type(value) ~= "string" then
    return misuse.raisef("%s: expected a string, got %s", place, got(value))
  end
  local offset = utf8_offset(value)
  if offset then
    return misuse.raisef("%s: the string is not valid UTF-8 at byte offset %d", place, offset)
  end
  return value
end

--- A search attribute of type Keyword.
-- @tparam string s UTF-8
-- @return the value for `search_attributes`
-- @raise when `s` is not that
local function keyword(s)
  return attribute("Keyword", check_text("temporal.keyword", s))
end

--- A search attribute of type Text.
-- @tparam string s UTF-8
-- @return the value for `search_attributes`
-- @raise when `s` is not that
local function text(s)
  return attribute("Text", check_text("temporal.text", s))
end

--- A search attribute of type Int.
-- @tparam number n integral, within int64; also `temporal.int64` or digits
-- @return the value for `search_attributes`
-- @raise when `n` is not that
local function int(n)
  local value, problem = exact(n)
  if value == nil then
    return misuse.raisef("temporal.int: %s, got %s", problem,
      type(n) == "table" and got(n) or decimal.text(n))
  end
  return attribute("Int", value)
end

--- A search attribute of type Double.
-- @tparam number n finite
-- @return the value for `search_attributes`
-- @raise when `n` is not that
local function double(n)
  if type(n) ~= "number" or n ~= n or n == huge or n == -huge then
    return misuse.raisef("temporal.double: expected a finite number, got %s",
      type(n) == "number" and decimal.text(n) or got(n))
  end
  return attribute("Double", n + 0.0)
end

--- A search attribute of type Bool.
-- @tparam boolean b
-- @return the value for `search_attributes`
-- @raise when `b` is not a boolean
local function bool(b)
  if type(b) ~= "boolean" then
    return misuse.raisef("temporal.bool: expected a boolean, got %s", got(b))
  end
  return attribute("Bool", b)
end

-- The calendar date of a day counted from 1970-01-01; years begin in March
-- here, so that the leap day is the last of its year.
local function date_of(days)
  days = days + 719468
  local era = floor(days / 146097)
  local day_of_era = days - era * 146097
  local year_of_era = floor((day_of_era - floor(day_of_era / 1460) + floor(day_of_era / 36524)
    - floor(day_of_era / 146096)) / 365)
  local day_of_year = day_of_era
    - (365 * year_of_era + floor(year_of_era / 4) - floor(year_of_era / 100))
  local shifted = floor((5 * day_of_year + 2) / 153)
  local month = shifted < 10 and shifted + 3 or shifted - 9
  local year = year_of_era + era * 400
  return month <= 2 and year + 1 or year, month,
    day_of_year - floor((153 * shifted + 2) / 5) + 1
end

local function rfc3339(seconds, nanos)
  local days = floor(seconds / 86400)
  local second_of_day = seconds - days * 86400
  local year, month, day = date_of(days)
  return ("%04d-%02d-%02dT%02d:%02d:%02d.%06dZ"):format(year, month, day,
    floor(second_of_day / 3600), floor(second_of_day / 60) % 60, second_of_day % 60,
    floor(nanos / 1000))
end

--- A search attribute of type Datetime. Sent in UTC with microseconds; finer
-- digits of a string are cut off.
-- @tparam number|string t epoch seconds, or RFC 3339 text
-- @return the value for `search_attributes`
-- @raise when `t` is not that
local function datetime(t)
  local message, problem = timestamp.message(t)
  if not message then
    return misuse.raisef("temporal.datetime: %s, got %s", problem,
      (type(t) == "string" or type(t) == "number") and decimal.text(t) or got(t))
  end
  return attribute("Datetime", rfc3339(message.seconds, message.nanos))
end

--- A search attribute of type KeywordList.
-- @tparam table list strings 1..n, UTF-8
-- @return the value for `search_attributes`
-- @raise when `list` is not that
local function keyword_list(list)
  if type(list) ~= "table" then
    return misuse.raisef("temporal.keyword_list: expected a list of strings, got %s", got(list))
  end
  local copy, count = {}, 0
  for index in next, list do
    if type(index) ~= "number" then
      return misuse.raisef("temporal.keyword_list: expected a list of strings, got the key %s",
        type(index) == "string" and ("%q"):format(index) or tostring(index))
    end
    count = count + 1
  end
  for index = 1, count do
    copy[index] = check_text("temporal.keyword_list", rawget(list, index), index)
  end
  return attribute("KeywordList", core.array(copy))
end

-- Stands for all names that have no handler or definition of their own.
local any = setmetatable({}, {
  __name = "temporal.any",
  __tostring = function()
    return "temporal.any"
  end,
})

return {
  bytes = bytes,
  array = array,
  raw = raw,
  null = core.null,
  any = any,
  int64 = int64,
  keyword = keyword,
  text = text,
  int = int,
  double = double,
  bool = bool,
  datetime = datetime,
  keyword_list = keyword_list,
}

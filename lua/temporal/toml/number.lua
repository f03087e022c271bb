--- The values of TOML that are one word: numbers, dates and times, true and false.
-- @module temporal.toml.number

local decimal = require "temporal.base.decimal"
local types = require "temporal.value.types"

local find, format, gsub = string.find, string.format, string.gsub
local match, sub = string.match, string.sub
local floor, huge = math.floor, math.huge

local WORDS = { ["true"] = true, ["false"] = false }
local SPECIAL = { inf = huge, ["+inf"] = huge, ["-inf"] = -huge,
  nan = 0 / 0, ["+nan"] = 0 / 0, ["-nan"] = 0 / 0 }

local BASES = { ["0x"] = 16, ["0o"] = 8, ["0b"] = 2 }
local DIGITS = { ["0x"] = "^[0-9A-Fa-f]+$", ["0o"] = "^[0-7]+$", ["0b"] = "^[01]+$" }

local INT64_MAX, INT64_MIN = "9223372036854775807", "9223372036854775808"
local LIMB = 1000000000
-- So many decimal digits every VM's numbers hold exactly.
local EXACT_DIGITS = 15

local DAYS = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }

-- Digits without their underscores, which stand between two digits; or nil.
local function without_underscores(text)
  if find(text, "^_") or find(text, "_$") or find(text, "__", 1, true) then
    return nil
  end
  return (text:gsub("_", ""))
end

-- The integer that a sign and decimal digits are; nil beyond int64.
local function integer_of(sign, digits)
  if #digits <= EXACT_DIGITS then
    return tonumber(sign .. digits)
  end
  local limit = sign == "-" and INT64_MIN or INT64_MAX
  if #digits > #limit or #digits == #limit and digits > limit then
    return nil
  end
  return types.int64(sign .. digits)
end

-- Digits of another base as decimal digits; nil for far too many.
local function to_decimal(digits, base)
  local high, low = 0, 0
  for i = 1, #digits do
    low = low * base + tonumber(sub(digits, i, i), 16)
    local carry = floor(low / LIMB)
    low, high = low - carry * LIMB, high * base + carry
    if high > 10 * LIMB then
      return nil
    end
  end
  return high == 0 and format("%.0f", low) or format("%.0f%09.0f", high, low)
end

local OUT_OF_RANGE = "the integer is outside of 64 bits"

local function read_based(word)
  local prefix = sub(word, 1, 2)
  local digits = BASES[prefix] and without_underscores(sub(word, 3))
  if not digits or not find(digits, DIGITS[prefix]) then
    return nil
  end
  local converted = to_decimal(digits, BASES[prefix])
  local value = converted and integer_of("", converted)
  return value, value == nil and OUT_OF_RANGE or nil
end

local function read_decimal(word)
  local sign, digits = match(word, "^([+-]?)([0-9_]+)$")
  digits = digits and without_underscores(digits)
  if not digits or find(digits, "^0.") then
    return nil
  end
  local value = integer_of(sign == "-" and "-" or "", digits)
  return value, value == nil and OUT_OF_RANGE or nil
end

local function read_float(word)
  local whole, rest = match(word, "^[+-]?([0-9_]+)(.*)$")
  whole = whole and without_underscores(whole)
  if not whole or find(whole, "^0.") then
    return nil
  end
  local fraction = match(rest, "^%.([0-9_]+)")
  local exponent = sub(rest, fraction and #fraction + 2 or 1)
  local exponent_digits = match(exponent, "^[eE][+-]?([0-9_]+)$")
  if not fraction and not exponent_digits or exponent ~= "" and not exponent_digits
    or fraction and not without_underscores(fraction)
    or exponent_digits and not without_underscores(exponent_digits) then
    return nil
  end
  return decimal.read((gsub(word, "_", "")))
end

-- Dates and times: RFC 3339, checked and left as they are.

local function is_date(text)
  local year, month, day = match(text, "^([0-9][0-9][0-9][0-9])%-([0-9][0-9])%-([0-9][0-9])$")
  if not year then
    return false
  end
  year, month, day = tonumber(year), tonumber(month), tonumber(day)
  local leap = year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0)
  local last = month == 2 and leap and 29 or DAYS[month]
  return last ~= nil and day >= 1 and day <= last
end

-- Second 60 is a leap second. 1.1 may leave the seconds out.
local function is_time(text, version)
  local hour, minute, rest = match(text, "^([0-9][0-9]):([0-9][0-9])(.*)$")
  if not hour or tonumber(hour) > 23 or tonumber(minute) > 59 then
    return false
  end
  local second, fraction = match(rest, "^:([0-9][0-9])(.*)$")
  if not second then
    return rest == "" and version == "1.1"
  end
  return tonumber(second) <= 60 and (fraction == "" or find(fraction, "^%.[0-9]+$") ~= nil)
end

local function is_offset(text)
  if text == "Z" or text == "z" then
    return true
  end
  local hour, minute = match(text, "^[+-]([0-9][0-9]):([0-9][0-9])$")
  return hour ~= nil and tonumber(hour) <= 23 and tonumber(minute) <= 59
end

local function date_type(word, version)
  if is_date(word) then
    return "local date"
  elseif is_time(word, version) then
    return "local time"
  end
  local date, time = match(word, "^(..........)[Tt ](.*)$")
  if not date or not is_date(date) then
    return nil
  elseif is_time(time, version) then
    return "local date-time"
  end
  local clock, offset = match(time, "^([0-9:.]+)(.+)$")
  if clock and is_time(clock, version) and is_offset(offset) then
    return "offset date-time"
  end
  return nil
end

local function classify(word, version)
  if WORDS[word] ~= nil then
    return WORDS[word], "boolean"
  elseif SPECIAL[word] then
    return SPECIAL[word], "float"
  elseif find(word, "^[0-9][0-9]:") or find(word, "^[0-9][0-9][0-9][0-9]%-") then
    return word, date_type(word, version), "no date or time"
  end
  local value, problem = read_based(word)
  if value == nil and not problem then
    value, problem = read_decimal(word)
  end
  if value ~= nil or problem then
    return value, value ~= nil and "integer" or nil, problem
  end
  value = read_float(word)
  return value, value and "float"
end

--- Reads the word at the reader's place.
-- @tparam table reader of temporal.toml
-- @return the value
-- @treturn string its type
local function read(reader)
  local start = reader.at
  local word = match(reader.text, "^[A-Za-z0-9_+.:-]+", start)
  if not word then
    reader:fail(start, "expected a value")
  end
  -- A space may stand between date and time, but not after a date alone.
  if find(word, "^[0-9-]+$") and #word == 10 then
    local time = match(reader.text, "^ [0-9][0-9]:[A-Za-z0-9_+.:-]*", start + #word)
    word = word .. (time or "")
  end
  local value, type_name, problem = classify(word, reader.version)
  if not type_name then
    reader:fail(start, "%s", problem or "no number, date, true or false; strings are in quotes")
  end
  reader.at = start + #word
  return value, type_name
end

return {
  read = read,
}

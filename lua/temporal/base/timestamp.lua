--- Points in time: epoch seconds or RFC 3339 text in, epoch seconds out.
-- @module temporal.timestamp

local floor = math.floor
local huge = math.huge

local NANOS = 1000000000
-- google.protobuf.Timestamp covers the years 1 to 9999.
local MIN_SECONDS, MAX_SECONDS = -62135596800, 253402300799

local PATTERN = "^(%d%d%d%d)%-(%d%d)%-(%d%d)[Tt ](%d%d):(%d%d):(%d%d)(%.?%d*)(.*)$"
local EXPECTED = 'must be epoch seconds or RFC 3339 text such as "2026-11-22T21:06:08Z"'

local MONTH_DAYS = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }

local function days_in_month(year, month)
  if month == 2 and year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0) then
    return 29
  end
  return MONTH_DAYS[month]
end

-- Days from 1970-01-01 in the proleptic Gregorian calendar; the year is
-- taken to begin in March so that the leap day comes last.
local function days_from_epoch(year, month, day)
  if month <= 2 then
    year = year - 1
  end
  local era = floor(year / 400)
  local year_of_era = year - era * 400
  local shifted = (month + 9) % 12
  local day_of_year = floor((153 * shifted + 2) / 5) + day - 1
  local day_of_era = year_of_era * 365 + floor(year_of_era / 4)
    - floor(year_of_era / 100) + day_of_year
  return era * 146097 + day_of_era - 719468
end

local function zone_offset(zone)
  if zone == "Z" or zone == "z" then
    return 0
  end
  local sign, hours, minutes = zone:match("^([+-])(%d%d):(%d%d)$")
  if not sign then
    return nil
  end
  hours, minutes = tonumber(hours), tonumber(minutes)
  if hours > 23 or minutes > 59 then
    return nil
  end
  local offset = hours * 3600 + minutes * 60
  return sign == "-" and -offset or offset
end

local function fraction_nanos(fraction)
  if fraction == "" then
    return 0
  end
  local digits = fraction:match("^%.(%d+)$")
  if not digits then
    return nil
  end
  return tonumber((digits .. "000000000"):sub(1, 9))
end

local function parse(text)
  local year, month, day, hour, minute, second, fraction, zone = text:match(PATTERN)
  if not year then
    return nil
  end
  year, month, day = tonumber(year), tonumber(month), tonumber(day)
  hour, minute, second = tonumber(hour), tonumber(minute), tonumber(second)
  local nanos, offset = fraction_nanos(fraction), zone_offset(zone)
  if not nanos or not offset or month < 1 or month > 12 or day < 1
    or day > days_in_month(year, month) or hour > 23 or minute > 59 or second > 60 then
    return nil
  end
  local days = days_from_epoch(year, month, day)
  return days * 86400 + hour * 3600 + minute * 60 + second - offset, nanos
end

--- A point in time as the table of a google.protobuf.Timestamp.
-- @tparam number|string value epoch seconds, or RFC 3339 text
-- @treturn table `{seconds=, nanos=}`, or nil
-- @treturn string the message: what the value must be
local function message_of(value)
  local seconds, nanos
  if type(value) == "number" and value == value and value ~= huge and value ~= -huge then
    seconds = floor(value)
    -- A double holds today's epoch to a quarter of a microsecond.
    nanos = floor((value - seconds) * 1000000 + 0.5) * 1000
    if nanos >= NANOS then
      seconds, nanos = seconds + 1, nanos - NANOS
    end
  elseif type(value) == "string" then
    seconds, nanos = parse(value)
  end
  if not seconds then
    return nil, EXPECTED
  end
  if seconds < MIN_SECONDS or seconds > MAX_SECONDS then
    return nil, "must be between the years 1 and 9999"
  end
  return { seconds = seconds, nanos = nanos }
end

--- A point in time as epoch seconds.
-- @tparam number|string value epoch seconds, or RFC 3339 text
-- @treturn number seconds, or nil
-- @treturn string the message: what the value must be
local function seconds_of(value)
  local message, why = message_of(value)
  if not message then
    return nil, why
  end
  if type(value) == "number" then
    return value
  end
  return message.seconds + message.nanos / NANOS
end

--- Epoch seconds from the table of a google.protobuf.Timestamp;
-- microseconds survive.
-- @tparam table|nil message `{seconds=, nanos=}`
-- @treturn number|nil seconds; nil for nil
local function from_message(message)
  if not message then
    return nil
  end
  return tonumber(message.seconds or 0) + (message.nanos or 0) / NANOS
end

return {
  message = message_of,
  seconds = seconds_of,
  from_message = from_message,
}

--- Durations as users write them: seconds as a number, or a string such as
-- `"90s"`, `"1h30m"`, `"7d"`, `"250ms"`.
-- @module temporal.duration

local decimal = require "temporal.base.decimal"

local floor = math.floor
local huge = math.huge

-- google.protobuf.Duration ends here (10,000 years).
local MAX_SECONDS = 315576000000
local NANOS = 1000000000

-- Each unit as whole seconds, or as nanoseconds below a second.
local UNIT_SECONDS = { d = 86400, h = 3600, m = 60, s = 1 }
local UNIT_NANOS = { ms = 1000000, us = 1000, ns = 1 }

local EXPECTED = 'must be a number of seconds or a string such as "90s", "1h30m", "7d" or "250ms"'

local function carry(seconds, nanos)
  local over = floor(nanos / NANOS)
  return floor(seconds + over), floor(nanos - over * NANOS)
end

local function add_component(seconds, nanos, whole, fraction, unit)
  local in_seconds, in_nanos = UNIT_SECONDS[unit], UNIT_NANOS[unit]
  if not in_seconds and not in_nanos then
    return nil
  end
  local part = fraction == "" and 0 or decimal.read("0." .. fraction)
  if in_seconds then
    seconds = seconds + tonumber(whole) * in_seconds
    nanos = nanos + floor(part * in_seconds * NANOS + 0.5)
    return carry(seconds, nanos)
  end
  local count = tonumber(whole)
  local per_second = NANOS / in_nanos
  local full = floor(count / per_second)
  seconds = seconds + full
  nanos = nanos + (count - full * per_second) * in_nanos + floor(part * in_nanos + 0.5)
  return carry(seconds, nanos)
end

local function parse(text)
  local seconds, nanos = 0, 0
  local position = 1
  repeat
    local from, to, whole, fraction, unit = text:find("^(%d+)%.?(%d*)(%a+)", position)
    if not from then
      return nil
    end
    seconds, nanos = add_component(seconds, nanos, whole, fraction, unit)
    if not seconds then
      return nil
    end
    position = to + 1
  until position > #text
  return seconds, nanos
end

local function split(value)
  local whole = floor(value)
  if whole == value then
    return whole, 0
  end
  return carry(whole, floor((value - whole) * NANOS + 0.5))
end

-- A duration as whole seconds and nanoseconds, exactly: `"250ms"` is
-- 0, 250000000. Or nil and the message: what the value must be.
local function parts(value)
  local seconds, nanos
  local kind = type(value)
  if kind == "number" then
    if value ~= value or value == huge or value == -huge then
      return nil, "must be a finite number of seconds"
    end
    if value < 0 then
      return nil, "must not be negative"
    end
    seconds, nanos = split(value)
  elseif kind == "string" then
    if value:find("^%s*%-") then
      return nil, "must not be negative"
    end
    seconds, nanos = parse(value)
  end
  if not seconds then
    return nil, EXPECTED
  end
  if seconds > MAX_SECONDS then
    return nil, "must be at most 10,000 years"
  end
  return seconds, nanos
end

--- A duration in seconds.
-- @tparam number|string value
-- @treturn number seconds, or nil
-- @treturn string the message: what the value must be
local function seconds_of(value)
  if type(value) == "number" and value >= 0 and value <= MAX_SECONDS then
    return value
  end
  local seconds, nanos = parts(value)
  if not seconds then
    return nil, nanos
  end
  return seconds + nanos / NANOS
end

--- A duration as the table of a google.protobuf.Duration, exactly: `"250ms"` has
-- 0 seconds and 250000000 nanos.
-- @tparam number|string value
-- @treturn table `{seconds=, nanos=}`, or nil
-- @treturn string the message: what the value must be
local function message_of(value)
  local seconds, nanos = parts(value)
  if not seconds then
    return nil, nanos
  end
  return { seconds = seconds, nanos = nanos }
end

--- The seconds in the table of a google.protobuf.Duration or Timestamp.
-- @tparam table|nil message `{seconds=, nanos=}`
-- @treturn number|nil seconds; nil for nil
local function from_message(message)
  if not message then
    return nil
  end
  return tonumber(message.seconds or 0) + (message.nanos or 0) / NANOS
end

--- A number of seconds for a message: `2 s`, `0.25 s`.
-- @tparam number seconds
-- @treturn string
local function text(seconds)
  return decimal.text(floor(seconds * 1000000 + 0.5) / 1000000) .. " s"
end

return {
  seconds = seconds_of,
  message = message_of,
  from_message = from_message,
  text = text,
}

--- The short names of enum values: `RETRY_STATE_IN_PROGRESS` of a decoded
-- message is `"in_progress"` for a user.
-- @module temporal.enum

local cache = {}

local function shorten(prefix, name)
  if name:sub(1, #prefix) == prefix then
    name = name:sub(#prefix + 1)
  end
  if name == "UNSPECIFIED" then
    return false
  end
  return name:lower()
end

--- The short name of an enum value of a decoded message.
-- @tparam string prefix what all names of the enum begin with, with its
--   trailing underscore
-- @tparam string|integer|nil value the full name; a number when this
--   package does not know the value
-- @treturn string|integer|nil the short name; nil when unspecified; a
--   number other than 0 as it is
local function short(prefix, value)
  if type(value) ~= "string" then
    if value == 0 then
      return nil
    end
    return value
  end
  local names = cache[prefix]
  if not names then
    names = {}
    cache[prefix] = names
  end
  local name = names[value]
  if name == nil then
    name = shorten(prefix, value)
    names[value] = name
  end
  return name or nil
end

return { short = short }

--- Numbers as text for machines and people alike, with a decimal point in every
-- locale: Lua's tonumber, tostring and string.format go by the one that the
-- program has set.
-- @module temporal.decimal

local core = require "temporal.core"

local write = core.write_decimal
local tostring, type = tostring, type

--- A number in its shortest form; what is none as tostring shows it.
-- @param value
-- @treturn string
local function text(value)
  return type(value) == "number" and write(value) or tostring(value)
end

return {
  --- The number that digits, with a fraction and an exponent at most, are.
  -- @function read
  -- @tparam string text
  -- @treturn number|nil nil when it is none; infinite beyond the largest
  read = core.read_decimal,
  text = text,
}

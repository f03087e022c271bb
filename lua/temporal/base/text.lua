--- Values of the program's as text, for messages: whatever they are, it does not raise.
-- @module temporal.text

local decimal = require "temporal.base.decimal"

local pcall, type = pcall, type
local show = decimal.text

local text = {}

--- As tostring; what raises there is told in the text.
-- @param value
-- @treturn string
function text.of(value)
  local ok, shown = pcall(show, value)
  if ok then
    return shown
  end
  return ("a %s whose __tostring raises%s"):format(type(value),
    type(shown) == "string" and ": " .. shown or "")
end

return text

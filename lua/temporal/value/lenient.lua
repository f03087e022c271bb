--- A decoder that reads more than JSON:
-- `temporal.client{converter = {temporal.converter.lenient}}`.
--
-- What the JSON writers of other languages make of values that JSON has no
-- form for, and that the built-in conversion refuses to read: half a surrogate
-- pair (a text cut within an emoji) and bytes that are no UTF-8 become U+FFFD,
-- as in Go; NaN, Infinity and -Infinity are floats, as in Python; and there
-- may be 1000 levels of nesting, not 100. What is sent is JSON all the same.
-- @module temporal.converter.lenient

local core = require "temporal.core"

local json_decode, null = core.json_decode, core.null

local function decode(payload)
  local value, problem = json_decode(payload.data or "", true)
  if problem then
    return nil, "the payload's JSON cannot be read: " .. problem
  elseif value == null then
    return nil
  end
  return value
end

return {
  encoding = "json/plain",
  decode = decode,
}

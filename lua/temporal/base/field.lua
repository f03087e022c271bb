--- Fields of decoded messages, where protobuf has 0 and "" for nothing.
-- @module temporal.field

local duration = require "temporal.base.duration"

local field = {}

--- What a field has.
-- @tparam string|number|nil value
-- @treturn string|number|nil nil for the empty string and 0
function field.filled(value)
  if value ~= "" and value ~= 0 then
    return value
  end
  return nil
end

--- A timeout, of which 0 is none.
-- @tparam table|nil message a decoded google.protobuf.Duration
-- @treturn number|nil seconds
function field.seconds(message)
  return field.filled(duration.from_message(message))
end

return field

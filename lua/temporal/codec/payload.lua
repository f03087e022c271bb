--- A payload's bytes, for codecs.
-- @module temporal.codec.payload

local core = require "temporal.core"

local PAYLOAD = "temporal.api.common.v1.Payload"

local payload = {}

--- A payload's protobuf bytes, which is what codecs of all SDKs compress,
-- encrypt or sign.
-- @tparam table given `{metadata={name=string}, data=string}`
-- @treturn string|nil the serialized temporal.api.common.v1.Payload, or nil
-- @treturn string what is wrong with it
function payload.serialize(given)
  return core.encode(PAYLOAD, given)
end

--- The payload of its protobuf bytes.
-- @tparam string bytes of a temporal.api.common.v1.Payload
-- @treturn table|nil the payload, or nil
-- @treturn string why it cannot be read
function payload.parse(bytes)
  return core.decode(PAYLOAD, bytes)
end

return payload

--- What codecs are made of: the codecs of this package, each loaded when it
-- is first named, and a payload's bytes, for codecs of one's own.
--
-- - `temporal.codec.zlib` compresses (temporal.codec.zlib);
-- - `temporal.codec.remote{endpoint=}` has a codec server do the work
--   (temporal.codec.remote).
-- @module temporal.codec

local core = require "temporal.core"

local PAYLOAD = "temporal.api.common.v1.Payload"

local codec = {}

--- A payload's protobuf bytes, which is what codecs of all SDKs compress,
-- encrypt or sign.
-- @tparam table payload `{metadata={name=string}, data=string}`
-- @treturn string|nil the serialized temporal.api.common.v1.Payload, or nil
-- @treturn string what is wrong with it
function codec.serialize(payload)
  return core.encode(PAYLOAD, payload)
end

--- The payload of its protobuf bytes.
-- @tparam string bytes of a temporal.api.common.v1.Payload
-- @treturn table|nil the payload, or nil
-- @treturn string why it cannot be read
function codec.parse(bytes)
  return core.decode(PAYLOAD, bytes)
end

local MODULES = {
  zlib = "temporal.codec.zlib",
  remote = "temporal.codec.remote",
}

return setmetatable(codec, {
  __name = "temporal.codec",
  __index = function(self, name)
    local module = MODULES[name] and require(MODULES[name])
    self[name] = module
    return module
  end,
})

--- What codecs are made of: the codecs of this package, each loaded when it
-- is first named, and a payload's bytes, for codecs of one's own.
--
-- - `temporal.codec.zlib` compresses (temporal.codec.zlib);
-- - `temporal.codec.remote{endpoint=}` has a codec server do the work
--   (temporal.codec.remote).
-- @module temporal.codec

local payload = require "temporal.codec.payload"

local codec = { serialize = payload.serialize, parse = payload.parse }

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

--- A codec that compresses: `codecs = { temporal.codec.zlib }`, or
-- `temporal.codec.zlib{ min_size = 1024 }` with options.
--
-- Its form is the Go SDK's: encoding `binary/zlib`, the data a zlib stream of
-- the serialized payload; what would not become smaller stays as it is.
-- @module temporal.codec.zlib

local core = require "temporal.core"
local misuse = require "temporal.base.misuse"
local options = require "temporal.base.options"
local protobuf = require "temporal.codec.payload"

local compress, decompress = core.zlib_compress, core.zlib_decompress

local ENCODING = "binary/zlib"
local MAX_SIZE = 128 * 1024 * 1024

local ZLIB = options.define("option of temporal.codec.zlib", {
  always = options.boolean("always"),
  level = options.number("level", { integer = true, min = 1, max = 9 }),
  max_size = options.number("max_size", { integer = true, min = 1, max = 2147483647 }),
  min_size = options.number("min_size", { integer = true, min = 0 }),
})

local function compressed(payload, settings)
  local bytes, problem = protobuf.serialize(payload)
  if not bytes then
    return nil, problem
  elseif #bytes < settings.min_size and not settings.always then
    return payload
  end
  local data = compress(bytes, settings.level)
  if #data >= #bytes and not settings.always then
    return payload
  end
  return { metadata = { encoding = ENCODING }, data = data }
end

local function decompressed(payload, settings, size)
  if payload.metadata.encoding ~= ENCODING then
    return payload, nil, size
  end
  local bytes, problem = decompress(payload.data, settings.max_size - size)
  if not bytes then
    return nil, size == 0 and problem
      or ("%s: with those before it, more than max_size (%d)"):format(problem, settings.max_size)
  end
  local parsed
  parsed, problem = protobuf.parse(bytes)
  return parsed, problem, size + #bytes
end

-- `change` for each payload of a list; `size` is what it adds up to.
local function each(change, settings)
  return function(payloads)
    local list, size = {}, 0
    for i = 1, #payloads do
      local payload, problem, more = change(payloads[i], settings, size)
      if not payload then
        return nil, ("zlib, payload %d: %s"):format(i, problem)
      end
      list[i], size = payload, more
    end
    return list
  end
end

local function make(settings)
  settings.min_size = settings.min_size or 0
  settings.max_size = settings.max_size or MAX_SIZE
  return { encode = each(compressed, settings), decode = each(decompressed, settings) }
end

--- The codec with options.
-- @param _ the codec without: this is what calling it does
-- @tparam table given `min_size` (bytes below which nothing is tried; 0),
--   `always` (compress what grows, too; false), `level` (1 fast to 9 small;
--   zlib's own choice), `max_size` (of what the payloads of one list become,
--   together; 128 MiB)
-- @treturn table a codec
-- @raise on a wrong or unknown option
local function configure(_, given)
  if type(given) ~= "table" then
    return misuse.raisef("temporal.codec.zlib takes a table of options, got %s",
      options.kind_of(given))
  end
  return make(options.apply(ZLIB, given, {}))
end

return setmetatable(make {}, { __name = "temporal.codec.zlib", __call = configure })

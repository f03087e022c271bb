--- An encoder that has lua-cjson write and read `json/plain`:
-- `temporal.client{converter = {temporal.converter.cjson}}`.
--
-- For programs that want lua-cjson's own behaviour. It loses what the built-in
-- conversion keeps: digits of large integers and of doubles, the sign of -0.0,
-- and (without `array_mt`) empty lists. What lua-cjson refuses, and text that
-- is not UTF-8, goes to the built-in conversion, whose message has the path.
-- @module temporal.converter.cjson

local core = require "temporal.core"

local found, cjson = pcall(require, "cjson")
if not found then
  error("temporal.converter.cjson needs lua-cjson (Debian: lua-cjson; LuaRocks: lua-cjson): "
    .. tostring(cjson), 0)
end

local MAX_DEPTH = 100

-- An instance of our own: the program's settings and ours do not meet.
local json = cjson.new()
json.encode_invalid_numbers(false)
json.decode_invalid_numbers(false)
json.encode_max_depth(MAX_DEPTH)
json.decode_max_depth(MAX_DEPTH)
if not pcall(json.encode_number_precision, 16) then
  json.encode_number_precision(14) -- the most that lua-cjson 2.1.0 takes
end
if json.decode_array_with_array_mt then
  json.decode_array_with_array_mt(true)
end

local TAKEN = { boolean = true, number = true, string = true, table = true }

local function encode(v)
  local kind = core.value_kind(v)
  if not TAKEN[type(v)] or (kind and kind ~= "array") then
    return nil
  end
  local good, text = pcall(json.encode, v)
  if not good or core.utf8_offset(text) then
    return nil
  end
  return { metadata = { encoding = "json/plain" }, data = text }
end

local function decode(payload)
  local good, value = pcall(json.decode, payload.data or "")
  if not good then
    return nil, "lua-cjson cannot read the payload: " .. tostring(value)
  end
  if value == json.null then
    return nil
  end
  return value
end

return {
  encoding = "json/plain",
  encode = encode,
  decode = decode,
}

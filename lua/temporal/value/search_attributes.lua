--- Search attributes: Lua values to the SearchAttributes message and back.
-- They never pass through the user's converter or codecs: the server reads
-- them.
-- @module temporal.search_attributes

local core = require "temporal.core"
local timestamp = require "temporal.base.timestamp"

local floor = math.floor
local math_type = rawget(math, "type") -- where integers are a type
local type, next = type, next
local value_kind, json_encode, payload_value = core.value_kind, core.json_encode, core.payload_value

local EXPECTED = "expected a string, a number, a boolean, a list of strings, temporal.null,"
  .. " or one of temporal.keyword, text, int, double, bool, datetime, keyword_list"

local function is_integer(n)
  if math_type then
    return math_type(n) == "integer"
  end
  return n == floor(n) and n >= -2 ^ 53 and n <= 2 ^ 53
end

local function is_string_list(value)
  local count = 0
  for _ in next, value do
    count = count + 1
  end
  for index = 1, count do
    if type(rawget(value, index)) ~= "string" then
      return false
    end
  end
  -- A bare {} is an object, which no attribute is.
  return count > 0 or value_kind(value) == "array"
end

-- The type that a plain value has, or nil.
local function infer(value)
  local kind = type(value)
  if kind == "string" then
    return "Keyword"
  elseif kind == "number" then
    return is_integer(value) and "Int" or "Double"
  elseif kind == "boolean" then
    return "Bool"
  elseif value_kind(value) == "int64" then
    return "Int"
  elseif kind == "table" and is_string_list(value) then
    return "KeywordList"
  end
  return nil
end

local function encode_one(place, value)
  local type_name
  local kind = value_kind(value)
  if kind == "null" then
    -- Unset: a null payload without a type.
    return { metadata = { encoding = "binary/null" }, data = "" }
  elseif kind == "search_attribute" then
    type_name, value = value.type, value.value
  else
    type_name = infer(value)
  end
  if not type_name then
    return nil, ("%s: %s; got %s"):format(place, EXPECTED, kind or type(value))
  end
  local data, problem = json_encode(value, place)
  if not data then
    -- Binary data has no way into an attribute.
    return nil, (problem:gsub("; use temporal%.bytes.*$", ""))
  end
  return { metadata = { encoding = "json/plain", type = type_name }, data = data }
end

--- The message for a table of search attributes.
-- Plain values infer their type: string Keyword, integer Int, other number
-- Double, boolean Bool, list of strings KeywordList; `temporal.null` unsets.
-- @tparam table attributes values by attribute name
-- @treturn table `{indexed_fields={name=payload}}`, or nil
-- @treturn string what was wrong, beginning with `search_attributes.<name>`
local function encode(attributes)
  local fields = {}
  for name, value in next, attributes do
    if type(name) ~= "string" or name == "" then
      return nil, ("search_attributes: the names must be strings, got %s"):format(
        name == "" and "an empty one" or type(name) == "number" and tostring(name) or type(name))
    end
    local payload, problem = encode_one("search_attributes." .. name, value)
    if not payload then
      return nil, problem
    end
    fields[name] = payload
  end
  return { indexed_fields = fields }
end

-- "KeywordList" and "INDEXED_VALUE_TYPE_KEYWORD_LIST" name the same type.
local function plain_type(name)
  return name and name:gsub("^INDEXED_VALUE_TYPE_", ""):gsub("_", ""):lower() or ""
end

-- Types whose values are no lists.
local SCALAR = { keyword = true, text = true, int = true, double = true, bool = true,
  datetime = true }

-- Calls of other SDKs without types set a list of one for any type. Where the
-- server does not say the type, a list of strings may be a KeywordList.
local function element_of(list, type_name)
  local element = list[1]
  if #list > 1 or not SCALAR[type_name] and (element == nil or type(element) == "string") then
    return list
  elseif element == core.null then
    return nil
  end
  return element
end

local function decode_one(payload)
  local value, problem = payload_value(payload)
  if problem then
    return core.raw {
      metadata = payload.metadata,
      data = payload.data,
      external_payloads = payload.external_payloads,
      _unknown = payload._unknown,
    }
  end
  local type_name = plain_type(payload.metadata.type)
  if value_kind(value) == "array" then
    value = element_of(value, type_name)
  end
  if type_name == "datetime" and type(value) == "string" then
    return timestamp.seconds(value) or value
  elseif type_name == "double" and type(value) == "number" then
    return value + 0.0
  end
  return value
end

--- Plain Lua values from a SearchAttributes message. A Datetime becomes epoch
-- seconds, a KeywordList a list; what is unset is absent, and what cannot be
-- read stays a `temporal.raw`.
-- @tparam table|nil message `{indexed_fields={name=payload}}`
-- @treturn table values by attribute name
local function decode(message)
  local attributes = {}
  if message then
    for name, payload in next, message.indexed_fields or {} do
      attributes[name] = decode_one(payload)
    end
  end
  return attributes
end

return {
  encode = encode,
  decode = decode,
}

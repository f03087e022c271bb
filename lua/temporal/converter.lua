--- Lua values to payloads and back: the user's encoders, tried in order, then
-- the built-in conversion, which is in C.
--
-- An encoder is a table `{encoding=, encode=, decode=}`, of which `encode` or
-- `decode` may be missing:
--
-- - `encode(v)` returns `{metadata=, data=}` (metadata.encoding defaults to
--   `encoding`), or nil to pass to the next, or `nil, message` to refuse;
-- - `decode(payload)` is called for payloads of that `encoding`, in place of a
--   built-in decoder too; it returns the value, or `nil, message`.
--
-- `temporal.raw` values pass all of them by. What these functions raise goes
-- to the caller unchanged.
-- @module temporal.converter

local core = require "temporal.core"

local select, type, next = select, type, next
local core_payload, core_payloads, core_value = core.payload, core.payloads, core.payload_value
local value_kind = core.value_kind

local converter_methods = {}
local converter_metatable = {
  __name = "temporal.converter",
  __index = converter_methods,
}

-- What a user's encode returned, as a payload of our own, or nil, message.
local function check_payload(encoder, payload)
  local wrong
  if type(payload) ~= "table" then
    wrong = "a " .. type(payload)
  elseif payload.data ~= nil and type(payload.data) ~= "string" then
    wrong = "data of type " .. type(payload.data)
  elseif payload.metadata ~= nil and type(payload.metadata) ~= "table" then
    wrong = "metadata of type " .. type(payload.metadata)
  end
  local metadata = { encoding = encoder.encoding }
  if not wrong then
    for name, value in next, payload.metadata or {} do
      if type(name) ~= "string" or type(value) ~= "string" then
        wrong = ("metadata[%s] of type %s"):format(tostring(name), type(value))
        break
      end
      metadata[name] = value
    end
  end
  if wrong then
    return nil, ("the converter for %q returned %s; encode must return"
      .. " {metadata={name=string}, data=string}, or nil to pass"):format(encoder.encoding, wrong)
  end
  return { metadata = metadata, data = payload.data or "" }
end

--- One value as a payload.
-- @param v any value
-- @tparam[opt="value"] string name how messages call the value
-- @treturn string|table serialized Payload bytes or a payload table, or nil
-- @treturn string what was wrong, beginning with `name` and the path
function converter_methods:payload(v, name)
  local encoders = self.encoders
  if #encoders == 0 or value_kind(v) == "raw" then
    return core_payload(v, name)
  end
  for i = 1, #encoders do
    local encoder = encoders[i]
    local payload, problem = encoder.encode(v)
    if payload ~= nil then
      payload, problem = check_payload(encoder, payload)
    end
    if payload then
      return payload
    elseif problem ~= nil then
      return nil, ("%s: %s"):format(name or "value", tostring(problem))
    end
  end
  return core_payload(v, name)
end

--- Arguments as the value of a Payloads field.
-- @tparam integer n how many there are, nil ones included
-- @param ... the arguments
-- @treturn string|table serialized Payloads bytes or `{payloads={...}}`, or nil
-- @treturn string what was wrong, beginning with `argument N`
function converter_methods:payloads(n, ...)
  if #self.encoders == 0 then
    return core_payloads(n, ...)
  end
  local list = {}
  for i = 1, n do
    local payload, problem = self:payload((select(i, ...)), "argument " .. i)
    if not payload then
      return nil, problem
    end
    list[i] = payload
  end
  return { payloads = list }
end

--- The value of one payload.
-- @tparam table|nil payload `{metadata=, data=}`, as decoded from the message
-- @return the value, nil being one, or nil and
-- @treturn table `{kind="conversion", message=, encoding=, raw=payload}`
function converter_methods:value(payload)
  if payload == nil then
    return nil
  end
  local metadata = payload.metadata
  local decoder = self.decoders[metadata and metadata.encoding]
  local value, problem, encoding
  if decoder then
    value, problem = decoder.decode(payload)
    encoding = decoder.encoding
    if value ~= nil then
      problem = nil
    end
  else
    value, problem, encoding = core_value(payload)
  end
  if problem ~= nil then
    return nil, {
      kind = "conversion", message = tostring(problem), encoding = encoding, raw = payload,
    }
  end
  return value
end

--- The values of a Payloads message, in order, with their number in `n`.
-- @tparam table|nil payloads `{payloads={...}}`; nil is none
-- @treturn table the values, or nil when one cannot be read, and
-- @treturn table its error record, as of `value`, with its place in `index`
function converter_methods:values(payloads)
  local source = payloads and payloads.payloads or {}
  local list = { n = #source }
  for i = 1, #source do
    local value, problem = self:value(source[i])
    if problem then
      problem.index = i
      return nil, problem
    end
    list[i] = value
  end
  return list
end

local function check_encoder(encoder, index)
  local place = ("encoder %d"):format(index)
  if type(encoder) ~= "table" then
    return ("%s must be a table {encoding=, encode=, decode=}, got %s"):format(place, type(encoder))
  elseif type(encoder.encoding) ~= "string" or encoder.encoding == "" then
    return place .. ' has no encoding; it must be a name such as "json/plain"'
  elseif encoder.encode == nil and encoder.decode == nil then
    return ("%s (%q) has neither encode nor decode"):format(place, encoder.encoding)
  end
  for _, name in next, { "encode", "decode" } do
    if encoder[name] ~= nil and type(encoder[name]) ~= "function" then
      return ("%s (%q): %s must be a function, got %s"):format(place, encoder.encoding, name,
        type(encoder[name]))
    end
  end
  return nil
end

--- A converter.
-- @tparam[opt] table list encoders, tried in order; of two with the same
--   `encoding` the first decodes
-- @treturn temporal.converter the object, or nil
-- @treturn string what is wrong with the list
local function new(list)
  local encoders, decoders = {}, {}
  if list ~= nil and type(list) ~= "table" then
    return nil, "must be a list of encoders {encoding=, encode=, decode=}, got " .. type(list)
  end
  for i = 1, #(list or encoders) do
    local encoder = list[i]
    local problem = check_encoder(encoder, i)
    if problem then
      return nil, problem
    end
    if encoder.encode then
      encoders[#encoders + 1] = { encoding = encoder.encoding, encode = encoder.encode }
    end
    if encoder.decode and not decoders[encoder.encoding] then
      decoders[encoder.encoding] = { encoding = encoder.encoding, decode = encoder.decode }
    end
  end
  return setmetatable({ encoders = encoders, decoders = decoders }, converter_metatable)
end

local converter = {
  new = new,
}

-- Encoders that need a library of their own are loaded when they are named.
return setmetatable(converter, {
  __name = "temporal.converter",
  __index = function(self, name)
    if name ~= "cjson" then
      return nil
    end
    local encoder = require "temporal.converter.cjson"
    self.cjson = encoder
    return encoder
  end,
})

--- Lua values to payloads and back: the user's encoders, tried in order, then
-- the built-in conversion, which is in C; then the client's codecs.
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

local codec_chain = require "temporal.base.lazy" "temporal.value.codec_chain"
local core = require "temporal.core"
local payload_list = require("temporal.base.payloads").list

local PAYLOAD = "temporal.api.common.v1.Payload"
local PAYLOADS = "temporal.api.common.v1.Payloads"

local select, type, next = select, type, next
local core_payload, core_payloads = core.payload, core.payloads
local core_value, core_values = core.payload_value, core.payload_values
local value_kind = core.value_kind

local converter_methods = {}
local converter_metatable = {
  __name = "temporal.converter",
  __index = converter_methods,
}

-- What a user's encode returned, as a payload of our own, or nil, message.
local function check_payload(encoder, payload)
  local copy, wrong = codec_chain.copy_payload(payload)
  if not copy then
    return nil, ("the converter for %q returned %s; encode must return"
      .. " {metadata={name=string}, data=string}, or nil to pass"):format(encoder.encoding, wrong)
  end
  copy.metadata.encoding = copy.metadata.encoding or encoder.encoding
  return copy
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
-- @treturn table `{kind="conversion", message=, encoding=, raw=payload}`; of
--   kind `message_too_large`, with `limit`, when it is more than may be decoded
function converter_methods:value(payload)
  if payload == nil then
    return nil
  end
  local metadata = payload.metadata
  local decoder = self.decoders[metadata and metadata.encoding]
  local value, problem, encoding, too_much
  if decoder then
    value, problem = decoder.decode(payload)
    encoding = decoder.encoding
    if value ~= nil then
      problem = nil
    end
  else
    value, problem, encoding, too_much = core_value(payload, self.max_decoded)
  end
  if problem ~= nil then
    return nil, {
      kind = too_much and "message_too_large" or "conversion", message = tostring(problem),
      encoding = encoding, raw = payload, limit = too_much and self.max_decoded or nil,
    }
  end
  return value
end

--- The values of a Payloads message, in order, with their number in `n`.
-- @tparam table|string|nil payloads `{payloads={...}}`, or its bytes; nil is none
-- @treturn table the values, or nil when one cannot be read, and
-- @treturn table its error record, as of `value`, with its place in `index`
function converter_methods:values(payloads)
  local list = type(payloads) == "string" and self.built_in
    and core_values(payloads, self.max_decoded)
  if list then
    return list
  end
  local source, unreadable = payload_list(payloads)
  if not source then
    return nil, unreadable
  end
  list = { n = #source }
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

--- Payloads as they are sent: through the codecs, of which there are none.
-- @tparam table list payload tables
-- @treturn table the list
function converter_methods:encode(list) -- luacheck: ignore 212
  return list
end

--- Received payloads as an encoder made them: through the codecs, of which
-- there are none.
-- @tparam table list payload tables
-- @treturn table the list
function converter_methods:decode(list) -- luacheck: ignore 212
  return list
end

--- The converter for values of one purpose: this one.
-- @treturn temporal.converter
function converter_methods:bind()
  return self
end

-- The same with codecs, for values of one purpose: the plain converter, the
-- chain, and the context that the codecs are told.
local coded_methods = {}
local coded_metatable = {
  __name = "temporal.converter",
  __index = coded_methods,
}

-- A payload as the plain converter returns it, as a table.
local function payload_table(payload)
  if type(payload) == "string" then
    return assert(core.decode(PAYLOAD, payload))
  end
  return payload
end

--- Payloads as they are sent: through the codecs, first to last.
-- @tparam table list payload tables
-- @treturn table|nil a list of as many, or nil
-- @treturn temporal.error of kind `codec`
-- @raise what a codec raises
function coded_methods:encode(list)
  return codec_chain.encode(self.chain, list, self.context)
end

--- Received payloads as an encoder made them: through the codecs, last to
-- first.
-- @tparam table list payload tables
-- @treturn table|nil a list of as many, or nil
-- @treturn temporal.error of kind `codec`
-- @raise what a codec raises
function coded_methods:decode(list)
  return codec_chain.decode(self.chain, list, self.context)
end

function coded_methods:payload(v, name)
  local payload, problem = self.plain:payload(v, name)
  if not payload then
    return nil, problem
  end
  local list, err = self:encode { payload_table(payload) }
  return list and list[1], err
end

function coded_methods:payloads(n, ...)
  local payloads, problem = self.plain:payloads(n, ...)
  if not payloads or n == 0 then
    return payloads, problem
  end
  local list
  if type(payloads) == "string" then
    list = assert(core.decode(PAYLOADS, payloads)).payloads
  else
    list = payloads.payloads
    for i = 1, n do
      list[i] = payload_table(list[i])
    end
  end
  local encoded, err = self:encode(list)
  return encoded and { payloads = encoded }, err
end

function coded_methods:value(payload)
  if payload == nil then
    return nil
  end
  local list, err = self:decode { payload }
  if not list then
    err.raw, err.encoding = payload, payload.metadata and payload.metadata.encoding
    return nil, err
  end
  return self.plain:value(list[1])
end

function coded_methods:values(payloads)
  local list, problem = payload_list(payloads)
  if list and #list > 0 then
    list, problem = self:decode(list)
  end
  if not list then
    return nil, problem
  end
  return self.plain:values { payloads = list }
end

-- What a client with codecs has: no value is converted without being bound,
-- so none can miss the codecs by mistake.
local codec_methods = {}
local codec_metatable = {
  __name = "temporal.converter",
  __index = codec_methods,
}

--- The converter for values of one purpose.
-- @tparam string kind `"arguments" "result" "memo" "details" "failure"
--   "header" "summary"`; headers pass the codecs by unless `codec_headers`
-- @tparam[opt] string namespace the client's own when absent
-- @tparam[opt] string workflow_id
-- @tparam[opt] string activity_id
-- @treturn temporal.converter
function codec_methods:bind(kind, namespace, workflow_id, activity_id)
  if kind == "header" and not self.codec_headers then
    return self.plain
  end
  return setmetatable({
    plain = self.plain,
    chain = self.chain,
    context = {
      namespace = namespace or self.namespace, workflow_id = workflow_id,
      activity_id = activity_id, kind = kind,
    },
    encode_common_attributes = self.encode_common_attributes,
  }, coded_metatable)
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

-- The user's encoders, and what decodes each encoding, or nil, message.
local function read_encoders(list)
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
  return encoders, decoders
end

--- A converter.
-- @tparam[opt] table list encoders, tried in order; of two with the same
--   `encoding` the first decodes
-- @tparam[opt] table settings of the client: `codecs` (list), `codec_headers`
--   (false), `namespace`, `failure_converter` (of temporal.failure_converter),
--   `max_decoded`
-- @treturn temporal.converter the object, or nil. With codecs it has only
--   `bind`, whose result has the methods
-- @treturn string what is wrong with one of the lists
local function new(list, settings)
  local encoders, decoders = read_encoders(list)
  if not encoders then
    return nil, decoders
  end
  settings = settings or {}
  local failures = settings.failure_converter
  local plain = setmetatable({
    encoders = encoders,
    decoders = decoders,
    built_in = next(decoders) == nil, -- no decoder but those in C
    max_decoded = settings.max_decoded,
    encode_common_attributes = failures ~= nil and failures.encode_common_attributes or false,
  }, converter_metatable)
  local codecs = settings.codecs
  if codecs == nil then
    return plain
  end
  local good, problem = codec_chain.check(codecs)
  if not good then
    return nil, problem
  elseif #codecs == 0 then
    return plain
  end
  return setmetatable({
    plain = plain,
    chain = codec_chain.new(codecs),
    codec_headers = settings.codec_headers,
    namespace = settings.namespace,
    encode_common_attributes = plain.encode_common_attributes,
  }, codec_metatable)
end

local converter = {
  new = new,
  check_codecs = function(list)
    return codec_chain.check(list)
  end,
}

-- Encoders that not every program needs are loaded when they are named.
local READY = { cjson = "temporal.value.cjson", lenient = "temporal.value.lenient" }

return setmetatable(converter, {
  __name = "temporal.converter",
  __index = function(self, name)
    if not READY[name] then
      return nil
    end
    local encoder = require(READY[name])
    self[name] = encoder
    return encoder
  end,
})

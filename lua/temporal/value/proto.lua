--- Protobuf messages as values: arguments and results that workers in other
-- languages declare as messages.
--
-- The types are those of Temporal's API and the parts of google.protobuf and
-- google.rpc it uses. Payloads with such a message decode to tables in the
-- form of `client:call`'s responses; those with a type unknown here to
-- `temporal.raw`. Messages of your own types pass as
-- `temporal.raw{metadata={encoding="binary/protobuf", messageType="my.Type"},
-- data=bytes}`, with the bytes from a protobuf library.
-- @module temporal.proto

local core = require "temporal.core"
local misuse = require "temporal.base.misuse"

local type, next, tostring = type, next, tostring

-- How each encoding is written; both name the type in `messageType`.
local encoders = {
  ["json/protobuf"] = core.protojson_encode,
  ["binary/protobuf"] = core.encode,
}

local function check_options(options)
  if options == nil then
    return "json/protobuf"
  elseif type(options) ~= "table" then
    return misuse.raisef("temporal.proto: options must be a table {encoding=}, got %s",
      type(options))
  end
  for name in next, options do
    if name ~= "encoding" then
      return misuse.raisef("temporal.proto: unknown option %q; it takes encoding", tostring(name))
    end
  end
  local encoding = options.encoding
  if encoding == nil then
    return "json/protobuf"
  elseif not encoders[encoding] then
    return misuse.raisef(
      'temporal.proto: encoding must be "json/protobuf" or "binary/protobuf", got %s',
      type(encoding) == "string" and ("%q"):format(encoding) or type(encoding))
  end
  return encoding
end

--- A message as a value: `temporal.proto("temporal.api.common.v1.WorkflowExecution",
-- {workflow_id = "order-1"})`. The table is converted now; later changes to it
-- do not show.
-- @tparam string type_name full name of the type
-- @tparam table message its fields by their protobuf names; enums as full or
--   short names, Timestamp and Duration as `{seconds=, nanos=}`
-- @tparam[opt] table options `encoding`: `"json/protobuf"` (ProtoJSON, the
--   default, what the other SDKs send) or `"binary/protobuf"`
-- @return the value to pass, a `temporal.raw`
-- @raise when the type is unknown or the message does not fit it, with the
--   field's path
local function new(type_name, message, options)
  if type(type_name) ~= "string" then
    return misuse.raisef("temporal.proto: expected a message type's full name, got %s",
      type(type_name))
  elseif type(message) ~= "table" then
    return misuse.raisef("temporal.proto: expected %s as a table, got %s", type_name,
      type(message))
  end
  local encoding = check_options(options)
  local data, problem = encoders[encoding](type_name, message)
  if not data then
    return misuse.raisef("temporal.proto: %s", problem)
  end
  return core.raw {
    metadata = { encoding = encoding, messageType = type_name },
    data = data,
  }
end

return {
  new = new,
}

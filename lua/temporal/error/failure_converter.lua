--- What is hidden of failures: the client option `failure_converter`.
-- @module temporal.failure_converter

local misuse = require "temporal.base.misuse"
local options = require "temporal.base.options"

local metatable = { __name = "temporal.failure_converter" }

local SPEC = options.define("option of temporal.failure_converter", {
  encode_common_attributes = options.boolean("encode_common_attributes"),
})

--- A failure converter.
--
-- With `encode_common_attributes` the message and the stack trace of every
-- failure that is sent are a payload, so that codecs hide them too; the
-- message that the server sees is "Encoded failure". Such failures are read
-- without any option.
-- @tparam[opt] table given `encode_common_attributes` (false)
-- @treturn temporal.failure_converter for the client option
-- @raise on a wrong or unknown option
local function new(given)
  if given ~= nil and type(given) ~= "table" then
    return misuse.raisef("temporal.failure_converter takes a table of options, got %s",
      options.kind_of(given))
  end
  local self = options.apply(SPEC, given or {}, { encode_common_attributes = false })
  return setmetatable(self, metatable)
end

--- Is a value a failure converter?
-- @param value anything
-- @treturn boolean
local function is(value)
  return type(value) == "table" and getmetatable(value) == metatable
end

return {
  new = new,
  is = is,
}

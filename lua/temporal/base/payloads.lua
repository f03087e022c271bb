--- A Payloads message in either of its forms: a decoded table, or, as in sparse
-- messages, its bytes.
-- @module temporal.base.payloads

local core = require "temporal.core"

local PAYLOADS = "temporal.api.common.v1.Payloads"

local type = type

local NONE = {}

local payloads = {}

--- Its payloads as tables.
-- @tparam table|string|nil message nil is none
-- @treturn table|nil the list, not to be changed, or nil
-- @treturn table `{kind="conversion", message=}`: the bytes cannot be read
function payloads.list(message)
  if type(message) == "string" then
    local decoded, problem = core.decode(PAYLOADS, message)
    if not decoded then
      return nil, { kind = "conversion", message = problem }
    end
    message = decoded
  end
  return message and message.payloads or NONE
end

return payloads

--- Reads the values of a schedule's description. What no converter can read
-- stays a `temporal.raw`; a codec that fails makes the description fail, which
-- is asked for at the end.
-- @module temporal.schedule.reader

local errors = require "temporal.error.error"
local types = require "temporal.value.types"

local next = next

local methods = {}
local metatable = { __index = methods }

--- The value of a payload.
-- @tparam string kind of value, for the codecs
-- @tparam table|nil payload
-- @tparam[opt] string workflow_id
-- @return the value
function methods:value(kind, payload, workflow_id)
  local value, problem = self.session:values(kind, workflow_id):value(payload)
  if problem == nil then
    return value
  elseif problem.kind == "conversion" then
    return types.raw(payload)
  end
  self.problem = self.problem or problem
  return nil
end

--- The values of a Payloads message, with their number in `n`.
-- @tparam string kind
-- @tparam table|nil payloads
-- @tparam[opt] string workflow_id
-- @treturn table
function methods:list(kind, payloads, workflow_id)
  local source = payloads and payloads.payloads or {}
  local list = { n = #source }
  for i = 1, #source do
    list[i] = self:value(kind, source[i], workflow_id)
  end
  return list
end

--- The values of a Memo or Header message, by name; nil is `temporal.null`.
-- @tparam string kind
-- @tparam table|nil message
-- @tparam[opt] string workflow_id
-- @treturn table
function methods:map(kind, message, workflow_id)
  local map = {}
  for name, payload in next, message and message.fields or {} do
    local value = self:value(kind, payload, workflow_id)
    if value == nil then
      value = types.null -- a table cannot hold nil
    end
    map[name] = value
  end
  return map
end

--- The error of the codec that failed, if one did.
-- @treturn temporal.error|nil
function methods:failure()
  local problem = self.problem
  if problem == nil or errors.is_error(problem) then
    return problem
  end
  return errors.new(problem)
end

local reader = {}

--- A reader.
-- @tparam temporal.session session
-- @treturn table
function reader.new(session)
  return setmetatable({ session = session }, metatable)
end

return reader

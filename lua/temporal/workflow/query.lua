--- Queries: what a run says of itself, without changing anything.
-- @module temporal.workflow.query

local arguments = require "temporal.value.arguments"
local core = require "temporal.core"
local failure = require "temporal.error.failure"
local fiber = require "temporal.workflow.fiber"
local message = require "temporal.workflow.message"
local metadata = require "temporal.workflow.metadata"

local max = math.max
local pcall, tostring = pcall, tostring
local unpack = table.unpack or unpack -- luacheck: ignore 113 143

local function refuse(run, problem)
  local proto = failure.from_error(failure.of_raised(problem), run.converter)
  return nil, proto, proto.message
end

local function call(run, handler, values)
  local replaying = run.replaying or nil
  run.replaying = nil
  local ok, value, problem = fiber.within(run, fiber.look, "a query", handler.fn,
    unpack(values, 1, values.n))
  run.replaying = replaying
  if not ok then
    return nil, value == nil and "nil" or value
  end
  return value, value == nil and problem or nil
end

--- Answers a query.
-- @tparam run run
-- @tparam string name
-- @tparam table|nil input a Payloads message
-- @treturn string|table|nil the result, for a Payloads field, or nil
-- @treturn table a temporal.api.failure.v1.Failure
-- @treturn string why, in words
local function answer(run, name, input)
  local builtin = metadata.find(name)
  if builtin then
    local ok, value = pcall(builtin, run)
    if not ok then -- a text that is no UTF-8
      return refuse(run, value)
    end
    return core.payloads(1, value)
  end
  local handler, any_name = message.find(run.query_handlers, name)
  if not handler or any_name and name:find "^__" then
    return refuse(run, ("unknown query %q; known are: %s"):format(name,
      metadata.names_of(run.query_handlers)))
  end
  local values, unreadable = arguments.read(handler.args, run.converter, input)
  if not values then
    return refuse(run, ("the arguments of query %q cannot be read: %s"):format(name,
      unreadable.message))
  end
  local takes = handler.takes
  if takes and any_name then
    takes = max(0, takes - 1)
  end
  if takes and values.n > takes then
    return refuse(run, ("query %q takes %d argument%s, got %d"):format(name, takes,
      takes == 1 and "" or "s", values.n))
  end
  local value, problem = call(run, handler, message.with_name(values, any_name))
  if problem ~= nil then
    return refuse(run, problem)
  end
  local payloads
  payloads, problem = run.converter:payloads(1, value)
  if not payloads then
    return refuse(run, ("the result of query %q: %s"):format(name, tostring(problem)))
  end
  return payloads
end

return { answer = answer }

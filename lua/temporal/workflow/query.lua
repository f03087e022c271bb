--- Queries: what a run says of itself, without changing anything.
-- @module temporal.workflow.query

local current = require "temporal.workflow.current"
local errors = require "temporal.error.error"
local failure = require "temporal.error.failure"

local pcall = pcall
local unpack = table.unpack or unpack -- luacheck: ignore 113 143

local function names_of(handlers)
  local names = {}
  for name in next, handlers do
    names[#names + 1] = name
  end
  table.sort(names)
  return #names > 0 and table.concat(names, ", ") or "none"
end

local function refuse(run, problem)
  if not errors.is_error(problem) then
    problem = errors.new { kind = "application", type = "LuaError", message = tostring(problem) }
  end
  return nil, (failure.from_error(problem, run.converter)), problem.message
end

local function call(run, handler, values)
  current.run, current.fiber, current.read_only = run, nil, "a query"
  local ok, value, problem = pcall(handler, unpack(values, 1, values.n))
  current.run, current.read_only = nil, nil
  if not ok then
    return nil, value
  elseif value == nil and problem ~= nil then
    return nil, problem
  end
  return value
end

--- Answers a query.
-- @tparam run run
-- @tparam string name
-- @tparam table|nil input a Payloads message
-- @treturn string|table|nil the result, for a Payloads field, or nil
-- @treturn table a temporal.api.failure.v1.Failure
-- @treturn string why, in words
local function answer(run, name, input)
  local handler = run.query_handlers[name]
  local any_name
  if not handler then
    handler, any_name = run.any_query, name
  end
  if not handler then
    return refuse(run, ("unknown query %q; known are: %s"):format(name,
      names_of(run.query_handlers)))
  end
  local values, unreadable = run.converter:values(input)
  if not values then
    return refuse(run, ("the arguments of query %q cannot be read: %s"):format(name,
      unreadable.message))
  end
  if any_name then
    table.insert(values, 1, any_name)
    values.n = values.n + 1
  end
  local value, problem = call(run, handler.fn, values)
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

--- The function of an activity, from the call to what becomes of it: the same for
-- the tasks of the server and for local activities.
-- @module temporal.activity.call

local activity = require "temporal.activity.api"
local arguments = require "temporal.value.arguments"
local context = require "temporal.activity.context"
local debug = require "temporal.base.debug"
local definition = require "temporal.activity.definition"
local errors = require "temporal.error.error"
local failure = require "temporal.error.failure"
local options = require "temporal.base.options"
local protect = require "temporal.base.protect"
local tasks = require "temporal.wait.task"
local types = require "temporal.value.types"

local next, tostring, type, xpcall = next, tostring, type, xpcall
local traceback = debug.traceback
local unpack = table.unpack or unpack -- luacheck: ignore 113 143

local call = {}

--- The function of an activity type.
-- @tparam table activities by type; that of `temporal.any` is for all others, and
--   gets the type as its first argument
-- @tparam string name
-- @treturn function|nil
-- @treturn temporal.error|boolean that names those there are; true: it is that of
--   `temporal.any`
function call.find(activities, name)
  local fn = activities[name]
  if fn then
    return fn
  end
  fn = activities[types.any]
  if fn then
    return fn, true
  end
  return nil, errors.received {
    kind = "application", type = "NotFoundError",
    message = ("no activity %q is known to this worker; known are: %s"):format(name,
      options.names_of(activities)),
  }
end

--- The arguments of a task, of the types that the definition says.
-- @tparam function fn
-- @param converter
-- @tparam table|nil payloads
-- @treturn table|nil the values, with their number in `n`, or nil
-- @treturn temporal.error what fails the attempt
function call.arguments(fn, converter, payloads)
  local wanted = definition.arguments_of(fn)
  local values, problem = arguments.read(wanted, converter, payloads)
  if values then
    return values
  end
  -- What no converter reads has its payload: a deploy can mend that.
  local of_another_type = problem.kind == "conversion" and problem.raw == nil
  return nil, errors.received {
    kind = "application", type = problem.kind, non_retryable = of_another_type,
    message = "its arguments cannot be read: " .. problem.message,
  }
end

--- The arguments of the function of `temporal.any`, which gets the type first.
-- @tparam table values
-- @tparam string name
-- @treturn table
function call.prepend(values, name)
  local all = { name, n = values.n + 1 }
  for i = 1, values.n do
    all[i + 1] = values[i]
  end
  return all
end

-- Where what was raised last comes from: read as soon as xpcall has returned.
local trace

local function on_error(problem)
  trace = traceback("", 2):gsub("\n%s*%[C%]: in function 'xpcall'.*", ""):gsub("^\n", "")
  return problem
end

-- What the function came to: true and two values, or false, what it raised, and
-- where.
local function ended(of, ok, first, second)
  context.leave(of)
  if not ok then
    return false, first, trace
  end
  return true, first, second
end

local function body(of, fn, values)
  context.enter(of)
  if protect ~= pcall then -- no wait would pass through it; the task keeps the error
    return ended(of, true, fn(unpack(values, 1, values.n)))
  end
  return ended(of, xpcall(fn, on_error, unpack(values, 1, values.n)))
end

--- Begins an activity, as a task of its own.
-- @tparam temporal.activity of
-- @tparam function fn
-- @tparam table values its arguments, with their number in `n`
-- @treturn task
function call.begin(of, fn, values)
  return tasks.spawn(body, of, fn, values)
end

--- Waits for its end.
-- @tparam task running
-- @param converter
-- @tparam[opt] boolean may_pend it may be completed later: then the result is
--   `activity.pending`
-- @treturn string|table|nil the result, for a Payloads field, or nil
-- @return what it raised or returned as its failure
-- @treturn string|nil where it raised that
function call.outcome(running, converter, may_pend)
  local ok, first, second = running:get()
  if not ok then -- it raised; without ok on PUC 5.1
    local where = ok == false and second or nil
    first = tasks.raised(first)
    return nil, first == nil and "nil" or first, where
  elseif first == nil and second ~= nil then
    return nil, second
  elseif first == activity.pending then
    if may_pend then
      return first
    end
    return nil, "activity.pending: a local activity cannot be completed later"
  end
  local written, result, unwritable = protect(converter.payloads, converter, 1, first)
  if not written then -- a codec has raised
    return nil, result
  elseif not result then
    return nil, "the result of the activity: " .. tostring(unwritable)
  end
  return result
end

local function size_of(payloads)
  if type(payloads) == "string" then
    return #payloads
  end
  local size = 0
  for _, payload in next, payloads.payloads or {} do
    size = size + #(payload.data or "")
    for name, value in next, payload.metadata or {} do
      size = size + #name + #value
    end
  end
  return size
end

--- The server would fail an activity with such a result without a word.
-- @tparam string|table result as `outcome` gives it
-- @tparam integer|nil limit of the namespace, in bytes
-- @treturn temporal.error|nil what the attempt fails with
function call.too_large(result, limit)
  local size = size_of(result)
  if not limit or size <= limit then
    return nil
  end
  return errors.received {
    kind = "application", type = "PayloadTooLarge", non_retryable = true,
    message = ("the result of the activity takes %d bytes; this namespace allows %d"):format(size,
      limit),
  }
end

local function wrap(err)
  return errors.received { kind = "application", type = err.kind, message = err.message,
    cause = err, non_retryable = err.non_retryable }
end

-- The same with the place where it was raised; the error itself is the program's.
local function at(err, where)
  if not where or err.stack_trace or err.raw ~= nil then
    return err
  end
  local copy = {}
  for name, value in next, err do
    copy[name] = value
  end
  copy.stack_trace = where
  return errors.received(copy)
end

-- Only an application failure may stand on top.
local function as_application(problem, where)
  local err = failure.of_raised(problem, where)
  return at(err.kind == "application" and err or wrap(err), where)
end

--- The failure of an attempt.
-- @param problem what it raised or returned
-- @param converter
-- @tparam[opt] string where it raised that
-- @treturn table a temporal.api.failure.v1.Failure
-- @treturn temporal.error what it was made of, of kind `application`
function call.failure(problem, converter, where)
  local err = as_application(problem, where)
  local proto, unwritable = failure.from_error(err, converter)
  if not proto then
    err = as_application(tostring(unwritable))
    -- When it is a codec that does not work, without codecs.
    proto = failure.from_error(err, converter.plain or converter)
  elseif not proto.application_failure_info then
    err = wrap(err)
    proto = failure.from_error(err, converter)
  end
  return proto, err
end

return call

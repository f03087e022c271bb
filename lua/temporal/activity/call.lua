--- The function of an activity, from the call to what becomes of it: the same for
-- the tasks of the server and for local activities.
-- @module temporal.activity.call

local activity = require "temporal.activity"
local errors = require "temporal.error.error"
local failure = require "temporal.error.failure"
local options = require "temporal.base.options"
local spawn = require("temporal.wait.task").spawn

local tostring = tostring
local unpack = table.unpack or unpack -- luacheck: ignore 113 143

local call = {}

--- The function of an activity type.
-- @tparam table activities by type
-- @tparam string name
-- @treturn function|nil
-- @treturn temporal.error that names those there are
function call.find(activities, name)
  local fn = activities[name]
  if fn then
    return fn
  end
  return nil, errors.received {
    kind = "application", type = "NotFoundError",
    message = ("no activity %q is known to this worker; known are: %s"):format(name,
      options.names_of(activities)),
  }
end

--- Begins an activity, as a task of its own: it may wait, on PUC 5.1 too, where no
-- wait passes through a pcall.
-- @tparam table context of the activity, for `activity.enter`
-- @tparam function fn
-- @tparam table values its arguments, with their number in `n`
-- @treturn task
function call.begin(context, fn, values)
  return spawn(function()
    activity.enter(context)
    return fn(unpack(values, 1, values.n))
  end)
end

--- Waits for its end.
-- @tparam task running
-- @param converter
-- @treturn string|table|nil the result, for a Payloads field, or nil
-- @return what it raised or returned as its failure
function call.outcome(running, converter)
  local first, problem = running:get()
  if first == nil and errors.is_error(problem) and problem.kind == "task_failed" then
    problem = problem.raw == nil and "nil" or problem.raw -- as it was raised
  end
  if first == nil and problem ~= nil then
    return nil, problem
  end
  local result, unwritable = converter:payloads(1, first)
  if not result then
    return nil, "the result of the activity: " .. tostring(unwritable)
  end
  return result
end

-- Only an application failure may stand on top.
local function as_application(problem)
  local err = failure.of_raised(problem)
  if err.kind == "application" then
    return err
  end
  return errors.received { kind = "application", type = err.kind, message = err.message,
    cause = err }
end

--- The failure of an attempt.
-- @param problem what it raised or returned
-- @param converter
-- @treturn table a temporal.api.failure.v1.Failure
-- @treturn temporal.error what it was made of, of kind `application`
function call.failure(problem, converter)
  local err = as_application(problem)
  local proto, unwritable = failure.from_error(err, converter)
  if not proto then
    err = as_application(tostring(unwritable))
    proto = failure.from_error(err, converter)
  end
  return proto, err
end

return call

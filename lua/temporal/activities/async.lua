--- Activities that are finished from outside the worker that began them: by
-- their task token, or by their ids.
--
--     local activity = client:async_activity{ workflow_id = "order-42", activity_id = "approve" }
--     local _, err = activity:heartbeat("waiting for the manager")
--     if err and err.kind == "activity_canceled" then
--       activity:report_canceled()
--     else
--       activity:complete{ approved = true }
--     end
--
-- Every method is retried as any call is. Where an attempt may have reached
-- the server and a later one says `not_found` (the activity is finished), the
-- error has `outcome = "unknown"`: it may be this very call that finished it.
-- @module temporal.async_activity

local call_options = require "temporal.call.call_options"
local errors = require "temporal.error.error"
local failure = require "temporal.error.failure"
local logger = require "temporal.observe.logger"
local misuse = require "temporal.base.misuse"
local operation = require "temporal.call.operation"
local options = require "temporal.base.options"
local sessions = require "temporal.call.session"

local select, type = select, type
local unpack = table.unpack or unpack -- luacheck: ignore 113 143

local activity = {}
local metatable = { __name = "temporal.async_activity", __index = activity }

local WHICH = call_options.define("option of client:async_activity", {
  task_token = options.string("task_token"),
  workflow_id = options.string("workflow_id"),
  run_id = options.string("run_id"),
  activity_id = options.string("activity_id"),
})

local FORMS = "client:async_activity takes {task_token=}, {workflow_id=, run_id=, activity_id=}, "
  .. "or {activity_id=, run_id=} of a standalone activity; "

local function check_which(given)
  if given.task_token then
    if given.workflow_id or given.run_id or given.activity_id then
      misuse.raise(FORMS .. "got a task_token and ids: the token says it all")
    end
  elseif not given.activity_id then
    misuse.raise(FORMS .. "activity_id is missing")
  end
end

--- An activity to be finished. Asks the server for nothing yet.
-- @param self a client
-- @tparam table given `task_token` (a string of bytes, as the worker got it),
--   or `activity_id` with `workflow_id` and optionally `run_id` (the latest run
--   of the workflow else); without `workflow_id` a standalone activity;
--   `timeout` and `metadata` for each call of its methods
-- @treturn temporal.async_activity
-- @raise on misuse
local function async_activity(self, given)
  if type(given) ~= "table" then
    misuse.raise(FORMS .. "got " .. options.kind_of(given))
  end
  local which = options.apply(WHICH, given, {})
  check_which(which)
  return setmetatable({ _client = self, _which = which }, metatable)
end

--- The activity by its ids or its token.
function metatable.__tostring(self)
  local which = self._which
  if which.task_token then
    return ("temporal.async_activity (a task token of %d bytes)"):format(#which.task_token)
  end
  return ("temporal.async_activity (%s%s)"):format(
    which.workflow_id and which.workflow_id .. ", " or "", which.activity_id)
end

-- Runs an operation. `input` has `args`, the values of the user, and `options`
-- of this call; it gets what the object says about all calls.
local function run(self, name, input, perform)
  options.check_self(self, metatable, "activity")
  local which, given = self._which, input.options or {}
  given.timeout = given.timeout or which.timeout
  given.metadata = given.metadata or which.metadata
  input.client, input.activity, input.options = self._client, self, given
  input.task_token, input.activity_id = which.task_token, which.activity_id
  input.id, input.run_id = which.workflow_id, which.run_id
  input.deadline = call_options.deadline(given)
  return sessions.run(name, input, perform)
end

-- The request with what names the activity in it, to the method for tokens or
-- the one for ids.
local function send(input, method, request)
  if input.task_token then
    request.task_token = input.task_token
  else
    method = method .. "ById"
    request.workflow_id, request.run_id = input.id, input.run_id
    request.activity_id = input.activity_id
    -- A hint for routers on the way, as the service's own annotations have it.
    request.resource_id = input.id and "workflow:" .. input.id
      or "activity:" .. input.activity_id
  end
  local response, err = operation.call(input, method, request)
  if err then
    err.workflow_id = err.workflow_id or input.id
    err.activity_id = err.activity_id or input.activity_id
  end
  return response, err
end

local function values_for(input, kind)
  return sessions.of(input.client):values(kind, input.id, input.activity_id)
end

-- A list as the value of a Payloads field; nil of none.
local function payloads_of(input, kind, list)
  local count = list and (list.n or #list) or 0
  if count == 0 then
    return nil
  end
  return values_for(input, kind):payloads(count, unpack(list, 1, count))
end

-- Sends the arguments of a method and returns the response.
local function send_values(input, method, kind, field, where)
  local payloads, problem = payloads_of(input, kind, input.args)
  if problem then
    return call_options.refuse(problem, where)
  end
  return send(input, method, { [field] = payloads })
end

local function complete(input)
  local response, err = send_values(input, "RespondActivityTaskCompleted", "result", "result",
    "async_activity:complete")
  return response and true or nil, err
end

--- Completes the activity.
-- @param ... its result: usually one value; none is no result
-- @treturn boolean|nil true, or nil
-- @treturn temporal.error
-- @raise on a value that cannot be converted
function activity:complete(...)
  return run(self, "complete_activity", { args = { n = select("#", ...), ... } }, complete)
end

local FAIL = call_options.define("option of async_activity:fail", {
  last_heartbeat_details = function(given, value, spec, name)
    if type(value) ~= "table" then
      return options.fail(spec, name, "must be a list of values", options.kind_of(value))
    end
    given.last_heartbeat_details = value
  end,
})

-- The server took the request, and failed the activity for reasons of its own.
local function log_replaced(input, failures)
  for i = 1, #failures do
    logger.log(sessions.of(input.client).logger, "warn",
      ("the server did not take the failure as it was: %s"):format(failures[i].message),
      { workflow_id = input.id, activity_id = input.activity_id, method = "fail_activity" })
  end
end

-- The failure to send. The server takes application failures only: any other
-- goes as the cause of one.
local function failure_of(err, values)
  local message, problem = failure.from_error(err, values)
  if not message or message.application_failure_info then
    return message, problem
  end
  return failure.from_error(errors.new {
    kind = "application", message = err.message, non_retryable = err.non_retryable, cause = err,
    type = err.kind ~= "application" and err.kind or nil,
  }, values)
end

local function fail(input)
  local where = "async_activity:fail"
  local message, problem = failure_of(input.err, values_for(input, "failure"))
  if not message then
    return call_options.refuse(problem, where)
  end
  local details
  details, problem = payloads_of(input, "details", input.options.last_heartbeat_details)
  if problem then
    return call_options.refuse(problem, where)
  end
  local response, err = send(input, "RespondActivityTaskFailed",
    { failure = message, last_heartbeat_details = details })
  if not response then
    return nil, err
  end
  log_replaced(input, response.failures)
  return true
end

--- Fails the activity. Whether it is tried again is its retry policy's and the
-- error's affair (`non_retryable`, `type`, `next_retry_delay` of
-- `temporal.application_error`).
--
-- An error that came from the server goes back as the same Failure, byte for
-- byte, with its causes; the server takes application failures only, so one of
-- another form is the cause of an application failure whose type is its kind.
-- Any other error of this package becomes such a failure itself; another value
-- one with its tostring, and the value itself as a detail where it converts.
-- @param err why: a string, an error of this package, or any value but nil
-- @tparam[opt] table given `last_heartbeat_details` (a list; `n` counts nils),
--   `timeout`, `metadata`
-- @treturn boolean|nil true, or nil
-- @treturn temporal.error
-- @raise on misuse
function activity:fail(err, given)
  options.check_self(self, metatable, "activity")
  if err == nil then
    misuse.raise("async_activity:fail takes the error: a string, an error of this package, "
      .. "or any other value; got nothing")
  end
  given = call_options.trailing(FAIL, given, "async_activity:fail")
  return run(self, "fail_activity", { err = err, options = given }, fail)
end

-- What the server wants of the activity, the weightiest first.
local FLAGS = {
  { "cancel_requested", "activity_canceled",
    "the activity is to end: its cancellation was requested, or it is over for the server" },
  { "activity_reset", "activity_reset",
    "the activity was reset: this attempt is to end, and another begins" },
  { "activity_paused", "activity_paused",
    "the activity was paused: this attempt may end, and another begins when it is unpaused" },
}

local function heartbeat(input)
  local response, err = send_values(input, "RecordActivityTaskHeartbeat", "details", "details",
    "async_activity:heartbeat")
  if not response then
    return nil, err
  end
  for i = 1, #FLAGS do
    local flag = FLAGS[i]
    if response[flag[1]] then
      return nil, errors.new {
        kind = flag[2], message = flag[3], raw = response,
        workflow_id = input.id, run_id = input.run_id, activity_id = input.activity_id,
      }
    end
  end
  return true
end

--- Tells the server that the activity is alive, and how far it is.
-- @param ... details, which the next attempt and `describe` can see
-- @treturn boolean|nil true when it is to go on, or nil
-- @treturn temporal.error the heartbeat was taken, but: kind
--   `activity_canceled` (end with `report_canceled`), `activity_reset` or
--   `activity_paused` (end, or go on: complete and fail still work); of
--   several the first of these. Or why it was not taken
-- @raise on a value that cannot be converted
function activity:heartbeat(...)
  return run(self, "heartbeat_activity", { args = { n = select("#", ...), ... } }, heartbeat)
end

local function report_canceled(input)
  local response, err = send_values(input, "RespondActivityTaskCanceled", "details", "details",
    "async_activity:report_canceled")
  return response and true or nil, err
end

--- Ends the activity as canceled. The server takes it only when a cancellation
-- was requested; else the error is `invalid_argument`.
-- @param ... details
-- @treturn boolean|nil true, or nil
-- @treturn temporal.error
-- @raise on a value that cannot be converted
function activity:report_canceled(...)
  return run(self, "report_canceled_activity", { args = { n = select("#", ...), ... } },
    report_canceled)
end

return { async_activity = async_activity }

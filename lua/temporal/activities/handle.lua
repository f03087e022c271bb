--- Standalone activities: activities that no workflow runs, seen from outside.
--
--     local charge = client:execute_activity({ id = "charge-42", task_queue = "orders",
--       start_to_close_timeout = 10 }, "Charge", { amount = 3 })
--     local receipt, err = charge:get()
-- @module temporal.standalone_activity

local activity_description = require "temporal.activities.description"
local call_options = require "temporal.call.call_options"
local core = require "temporal.core"
local misuse = require "temporal.base.misuse"
local operation = require "temporal.call.operation"
local not_a_value = require "temporal.base.not_a_value"
local options = require "temporal.base.options"
local sessions = require "temporal.call.session"
local waiting = require "temporal.activities.waiting"

local type = type

--- A standalone activity: the future of its result, and its handle.
--
-- Fields: `id`, `run_id` (the run the server named at the start, or the one
-- the handle was made for), `request_id` and `activity_type` (of those started
-- here), `namespace`, `attached` (true when `id_conflict_policy` found it
-- running), `result_run_id` (the run that produced the result), `raw_result`
-- (all result payloads, after `get`).
-- @type activity
local activity = {}
local metatable = {
  __name = "temporal.activity", __index = activity, __temporal_await = waiting.pending,
}

local function check_activity(self)
  return options.check_self(self, metatable, "activity")
end

--- Waits until the server has acknowledged the start.
-- @tparam[opt] number|string|table timeout a duration or `{timeout=}`; nil for
--   ever, 0 to look only
-- @treturn boolean|nil true, or nil
-- @treturn temporal.error the start's error, with `outcome`; of kind `timeout`
--   when the time ran out: the start goes on
function activity:started(timeout)
  check_activity(self)
  return waiting.started(self, options.timeout(timeout, "activity:started"))
end

local GET = options.define("option of activity:get", {
  timeout = options.seconds("timeout"),
  raw = options.boolean("raw"),
})

local function perform_get(input)
  return waiting.result(input.activity, input.options)
end

local function intercepted(self, name, given, perform)
  return sessions.run(name, {
    client = self._client, activity = self, id = self.id, run_id = self.run_id,
    options = given, deadline = call_options.deadline(given),
  }, perform)
end

--- Waits for the result.
-- @tparam[opt] number|string|table get_options a timeout (duration), or
--   `{timeout=, raw=false}`; `raw=true` for the payload as it came
-- @return the value (nil and false are values), or nil
-- @treturn temporal.error why there is none: of kind `activity_failed` when
--   the activity did not complete; of kind `timeout` when the time ran out:
--   nothing is lost, call again
function activity:get(get_options)
  check_activity(self)
  return intercepted(self, "get_activity_result",
    options.get(GET, get_options, "activity:get"), perform_get)
end

--- Would `get` return without waiting for the server? Asking starts the wait
-- for the result in the background. Never blocks.
-- @treturn boolean
function activity:ready()
  check_activity(self)
  return waiting.pending(self, true) == nil
end

--- Waits for the result without taking it.
-- @tparam[opt] number|string|table timeout a duration or `{timeout=}`
-- @treturn boolean|nil true; false when the time ran out; nil where waiting is
--   not possible
-- @treturn temporal.error|nil of kind `cannot_wait`
function activity:wait(timeout)
  check_activity(self)
  timeout = options.timeout(timeout, "activity:wait")
  local ready, problem = waiting.until_ready(self, timeout and core.now() + timeout)
  if not ready and problem.kind == "timeout" then
    return false
  end
  return ready, problem
end

-- What else a handle does.

-- Runs an operation once the server knows the activity.
local function operate(self, name, given, perform)
  local deadline = call_options.deadline(given)
  local known, err = waiting.started(self, given.timeout)
  if not known then
    return nil, err
  end
  return intercepted(self, name, given, function(input)
    input.deadline = deadline
    local value, problem = perform(input)
    return value, problem and waiting.identify(self, problem)
  end)
end

local function acknowledge(method)
  return function(input)
    local response, err = operation.call(input, method, {
      activity_id = input.id, run_id = input.run_id, reason = input.options.reason,
    })
    return response and true or nil, err
  end
end

local DESCRIBE = call_options.define("option of activity:describe")

local function describe(input)
  local response, err = operation.call(input, "DescribeActivityExecution", {
    activity_id = input.id, run_id = input.run_id,
    include_heartbeat_details = true, include_last_failure = true,
  })
  if not response then
    return nil, err
  end
  return activity_description.read(sessions.of(input.client), response)
end

--- What the server knows of the activity now.
-- @tparam[opt] table given `timeout`, `metadata`
-- @treturn table|nil the fields of `temporal.activity_description.read`, or nil
-- @treturn temporal.error
function activity:describe(given)
  check_activity(self)
  given = call_options.trailing(DESCRIBE, given, "activity:describe")
  return operate(self, "describe_activity", given, describe)
end

local REASON = { reason = call_options.REASON }
local CANCEL = call_options.define("option of activity:cancel", REASON)
local request_cancel = acknowledge("RequestCancelActivityExecution")

--- Asks the activity to end: its next heartbeat says so. One that no worker
-- has begun ends at once.
-- @tparam[opt] string|table reason or `{reason=, timeout=, metadata=}`
-- @tparam[opt] table given `timeout`, `metadata`
-- @treturn boolean|nil true once the server has taken it, or nil
-- @treturn temporal.error `failed_precondition` when the activity is closed or
--   somebody else has asked already
function activity:cancel(reason, given)
  check_activity(self)
  given = call_options.with_reason(CANCEL, reason, given, "activity:cancel")
  return operate(self, "cancel_activity", given, request_cancel)
end

local TERMINATE = call_options.define("option of activity:terminate", REASON)
local terminate = acknowledge("TerminateActivityExecution")

--- Ends the activity at once, whatever its worker does.
-- @tparam[opt] string|table reason or `{reason=, timeout=, metadata=}`
-- @tparam[opt] table given `timeout`, `metadata`
-- @treturn boolean|nil true, or nil
-- @treturn temporal.error with `outcome = "unknown"` where an attempt before
--   may have done it
function activity:terminate(reason, given)
  check_activity(self)
  given = call_options.with_reason(TERMINATE, reason, given, "activity:terminate")
  return operate(self, "terminate_activity", given, terminate)
end

local DELETE = call_options.define("option of activity:delete")
local delete = acknowledge("DeleteActivityExecution")

--- Deletes what the server keeps of the activity; one that runs is terminated.
-- The server does it later.
-- @tparam[opt] table given `timeout`, `metadata`
-- @treturn boolean|nil true, or nil
-- @treturn temporal.error
function activity:delete(given)
  check_activity(self)
  given = call_options.trailing(DELETE, given, "activity:delete")
  return operate(self, "delete_activity", given, delete)
end

--- Stops our interest in the result: not the activity, and not a start on its
-- way. Whoever waits gets an error of kind `call_canceled`.
function activity:abandon()
  check_activity(self)
  if self._poll then
    self._poll:abandon()
  end
end

not_a_value(metatable)

function metatable.__tostring(self)
  return ("temporal.activity (%s, %s)"):format(self.id, waiting.state(self))
end

--- Makes a future.
-- @tparam table fields of it
-- @treturn activity
local function new(fields)
  return setmetatable(fields, metatable)
end

local HANDLE = options.define("option of client:activity", { run_id = options.string("run_id") })

--- The handle of a standalone activity started elsewhere. Asks the server for
-- nothing yet.
-- @param self a client
-- @tparam string id the activity's id
-- @tparam[opt] string|table run a run id, or `{run_id=}`; nil for the latest run
-- @treturn activity
-- @raise on misuse
local function get_handle(self, id, run)
  if type(id) ~= "string" or id == "" then
    misuse.raisef("client:activity: the activity id must be a string that is not empty, got %s",
      options.show(id))
  end
  local chosen = {}
  if run ~= nil then
    options.apply(HANDLE, type(run) == "table" and run or { run_id = run }, chosen)
  end
  return new { id = id, run_id = chosen.run_id, namespace = self.namespace, _client = self }
end

return { new = new, activity = get_handle }

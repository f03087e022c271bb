--- Standalone activities: activities that no workflow runs.
--
--     local charge = client:execute_activity({ id = "charge-42", task_queue = "orders",
--       start_to_close_timeout = 10 }, "Charge", { amount = 3 })
--     local receipt, err = charge:get()
-- @module temporal.standalone_activity

local activity_description = require "temporal.activities.description"
local activity_visibility = require "temporal.activities.visibility"
local call_options = require "temporal.call.call_options"
local core = require "temporal.core"
local duration = require "temporal.base.duration"
local enum = require "temporal.base.enum"
local errors = require "temporal.error.error"
local failure = require "temporal.error.failure"
local message = require "temporal.run.message"
local misuse = require "temporal.base.misuse"
local operation = require "temporal.call.operation"
local options = require "temporal.base.options"
local service = require "temporal.call.service"
local sessions = require "temporal.call.session"
local start = require "temporal.run.start"
local types = require "temporal.value.types"
local wait = require "temporal.wait.wait"

local select, type = select, type
local unpack = table.unpack or unpack -- luacheck: ignore 113 143

local MAX_ID = 1000
local REUSE = { allow_duplicate = 1, allow_duplicate_failed_only = 2, reject_duplicate = 3 }
local CONFLICT = { fail = 1, use_existing = 2 }

-- The outcome of PollActivityExecutionResponse; without it the server was only
-- asked for too long, and the engine asks again.
local UNTIL_OUTCOME = { present = 2 }

--- A standalone activity: the future of its result, and its handle.
--
-- Fields: `id`, `run_id` (the run the server named at the start, or the one
-- the handle was made for), `request_id` and `activity_type` (of those started
-- here), `namespace`, `attached` (true when `id_conflict_policy` found it
-- running), `result_run_id` (the run that produced the result), `raw_result`
-- (all result payloads, after `get`).
-- @type activity
local activity = {}
local metatable = { __name = "temporal.activity", __index = activity }

local function check_activity(self)
  return options.check_self(self, metatable, "activity")
end

-- Inside: `_start` is the RPC future of a start not yet taken, `_refused` the
-- error of one that failed; `_poll` the RPC future of the result, `_problem`
-- why it could not be asked for; `_outcome` is the result once it is known.

local function identify(self, err)
  err.activity_id, err.activity_type = self.id, self.activity_type
  err.run_id = err.run_id or self.run_id
  return err
end

-- Starting.

local shared = start.options.handlers

local START = call_options.define("start option", {
  id = options.string("activity_id", { max = MAX_ID }),
  task_queue = shared.task_queue,
  schedule_to_close_timeout = options.duration("schedule_to_close_timeout"),
  schedule_to_start_timeout = options.duration("schedule_to_start_timeout"),
  start_to_close_timeout = options.duration("start_to_close_timeout"),
  heartbeat_timeout = options.duration("heartbeat_timeout"),
  start_delay = options.duration("start_delay"),
  retry_policy = shared.retry_policy,
  id_reuse_policy = options.choice("id_reuse_policy", REUSE),
  id_conflict_policy = options.choice("id_conflict_policy", CONFLICT),
  search_attributes = shared.search_attributes,
  static_summary = shared.static_summary,
  static_details = shared.static_details,
  priority = shared.priority,
  header = message.header_option,
  request_id = options.string("request_id", { max = MAX_ID }),
})

local METHOD = "client:execute_activity"

local function check_together(request)
  if not request.task_queue then
    misuse.raise('start option "task_queue" is missing: say which task queue the '
      .. "activity's worker polls")
  elseif not (request.schedule_to_close_timeout or request.start_to_close_timeout) then
    misuse.raise('start option "start_to_close_timeout" is missing: an activity needs it (how '
      .. 'long one attempt may take), or "schedule_to_close_timeout" (how long all may)')
  end
end

-- The request, or nil and the error of a codec.
local function build(session, input, request)
  local args = input.args
  local count = args.n or #args
  request.activity_id = input.id
  request.activity_type = { name = input.name }
  if count > 0 then
    local values = session:values("arguments", nil, input.id)
    local payloads, problem = values:payloads(count, unpack(args, 1, count))
    if not payloads then
      return call_options.refuse(problem, METHOD)
    end
    request.input = payloads
  end
  local problem
  request.header, problem = message.header(session, nil, input.header, METHOD)
  if problem then
    return nil, problem
  end
  return request
end

local function execute(input)
  local client = input.client
  local session = sessions.of(client)
  local request = options.apply(START, input.options, {}, session)
  check_together(request)
  local timeout, metadata = request.timeout, request.metadata
  request.timeout, request.metadata = nil, nil
  request.request_id = request.request_id or core.uuid()
  local self = setmetatable({
    id = input.id, request_id = request.request_id, activity_type = input.name,
    namespace = client.namespace,
    _client = client, _metadata = metadata,
    _may_attach = request.id_conflict_policy == CONFLICT.use_existing,
  }, metatable)
  local built, problem = build(session, input, request)
  if built then
    self._start, problem = service.start(session, "StartActivityExecution", built,
      { timeout = timeout, metadata = metadata })
  end
  if problem then
    problem.outcome, problem.request_id = "not_started", self.request_id
    self._refused = identify(self, problem)
  end
  return self
end

local function copy(given)
  local fields = {}
  for name, value in next, given do
    fields[name] = value
  end
  return fields
end

--- Starts a standalone activity without waiting for the server.
-- @param self a client
-- @tparam table given `id` (a UUID when absent), `task_queue` (required),
--   `start_to_close_timeout` or `schedule_to_close_timeout` (one of them
--   required), `schedule_to_start_timeout`, `heartbeat_timeout`, `start_delay`,
--   `retry_policy`, `id_reuse_policy` (`allow_duplicate`,
--   `allow_duplicate_failed_only`, `reject_duplicate`), `id_conflict_policy`
--   (`fail`, `use_existing`), `search_attributes`, `static_summary`,
--   `static_details`, `priority`, `header`, `request_id`: each as for a
--   workflow; `timeout` bounds the start with its retries; `metadata`
-- @tparam string name the activity's type
-- @param ... arguments of the activity
-- @treturn activity a future; every error but misuse is the future's
-- @raise on misuse
local function execute_activity(self, given, name, ...)
  if type(given) ~= "table" then
    misuse.raisef("%s: the start options must be a table, got %s", METHOD, options.kind_of(given))
  elseif type(name) ~= "string" or name == "" then
    misuse.raisef("%s: the activity must be its type name, a string that is not empty; got %s",
      METHOD, name == "" and "an empty one" or options.kind_of(name))
  end
  local header = given.header
  return sessions.run("execute_activity", {
    client = self,
    id = given.id == nil and core.uuid() or given.id,
    name = name,
    args = { n = select("#", ...), ... },
    header = type(header) == "table" and copy(header) or {},
    options = copy(given),
  }, execute)
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
  return setmetatable({
    id = id, run_id = chosen.run_id, namespace = self.namespace, _client = self,
  }, metatable)
end

-- The answer to the start; false when it has to be waited for again, because
-- the server refused the key and there is another one.
local function take_start(self)
  local response, err = self._start:get(0)
  if not response and err.kind == "timeout" then
    return false
  end
  self._start = nil
  if response then
    self.run_id = response.run_id
    -- A start of ours that was sent twice is not `started` either.
    self.attached = self._may_attach and not response.started
  else
    err.request_id = self.request_id
    self._refused = identify(self, err)
  end
  return true
end

-- Goes on as far as it can without waiting. The future of the engine to wait
-- for next, or nil when the result, or an error, is there.
local function pending(self)
  if self._start then
    if not self._start:ready() or not take_start(self) then
      return self._start
    end
  end
  if self._refused or self._outcome or self._problem then
    return nil
  end
  if not self._poll then
    self._poll, self._problem = service.start(sessions.of(self._client), "PollActivityExecution",
      { activity_id = self.id, run_id = self.run_id },
      { again = UNTIL_OUTCOME, metadata = self._metadata })
  end
  if not self._poll or self._poll:ready() then
    return nil
  end
  return self._poll
end

metatable.__temporal_await = pending

-- A wait that ended early: what it was for, and whether the server has it.
local function unfinished(self, err, timeout, goal)
  if err.kind == "timeout" then
    err.acknowledged = self._start == nil
    err.message = ("no %s after %s; %s"):format(goal, duration.text(timeout),
      err.acknowledged and "the activity goes on" or "the start goes on")
  end
  err.request_id = self.request_id
  return identify(self, err)
end

--- Waits until the server has acknowledged the start.
-- @tparam[opt] number|string|table timeout a duration or `{timeout=}`; nil for
--   ever, 0 to look only
-- @treturn boolean|nil true, or nil
-- @treturn temporal.error the start's error, with `outcome`; of kind `timeout`
--   when the time ran out: the start goes on
function activity:started(timeout)
  check_activity(self)
  timeout = options.timeout(timeout, "activity:started")
  local deadline = timeout and core.now() + timeout
  -- Another waiter may take it meanwhile.
  while self._start do
    local ready, problem = wait.one(self._start, "result",
      deadline and math.max(0, deadline - core.now()))
    if not ready then
      return nil, unfinished(self, problem, timeout, "acknowledgement")
    elseif self._start then
      take_start(self)
    end
  end
  if self._refused then
    return nil, self._refused
  end
  return true
end

-- The result.

local ENDS = {
  canceled = "was canceled", terminated = "was terminated", timed_out = "timed out",
}

-- What the last poll said; its error is for one caller, the next asks again.
-- With another key it may have to be waited for again: for so many seconds.
local function take_outcome(self, left)
  if self._poll then
    local response, err = self._poll:get(left)
    if not response and err.kind == "timeout" then
      return err
    end
    self._poll = nil
    if response then
      self._outcome = response.outcome
      self.result_run_id = response.run_id
    else
      self._problem = err
    end
  end
  local problem = self._problem
  self._problem = nil
  return problem and identify(self, problem)
end

-- The error of an activity that did not complete; kept.
local function failed(self, outcome)
  if not outcome.err then
    local cause = failure.to_error(outcome.failure,
      sessions.of(self._client):values("failure", nil, self.id))
    outcome.err = identify(self, errors.new {
      kind = "activity_failed",
      message = "activity execution " .. (ENDS[cause.kind] or "failed"),
      cause = cause,
      run_id = self.result_run_id,
      retry_state = enum.short("RETRY_STATE_", outcome.retry_state),
      raw = outcome,
    })
  end
  return outcome.err
end

-- The value of an activity that completed; kept. What a user's converter raises
-- passes, and the next call decodes again.
local function value_of(self, outcome, raw)
  self.raw_result = outcome.result and outcome.result.payloads or {}
  local payload = self.raw_result[1]
  if raw then
    return payload and types.raw(payload)
  end
  if payload and not outcome.decoded then
    local value, problem = sessions.of(self._client):values("result", nil, self.id):value(payload)
    if problem then
      return nil, identify(self, errors.new(problem))
    end
    outcome.value, outcome.decoded = value, true
  end
  return outcome.value
end

local GET = options.define("option of activity:get", {
  timeout = options.seconds("timeout"),
  raw = options.boolean("raw"),
})

local function get(input)
  local self, given = input.activity, input.options
  local deadline = call_options.deadline(given)
  local future = pending(self)
  while future do
    local left = deadline and math.max(0, deadline - core.now())
    local ready, problem = wait.one(future, "result", left)
    if not ready then
      return nil, unfinished(self, problem, given.timeout, "result")
    end
    future = pending(self)
  end
  local err = self._refused
    or take_outcome(self, deadline and math.max(0, deadline - core.now()))
  if err then
    return nil, err.kind == "timeout" and unfinished(self, err, given.timeout, "result") or err
  elseif self._outcome.failure then
    return nil, failed(self, self._outcome)
  end
  return value_of(self, self._outcome, given.raw)
end

local function run(self, name, given, perform)
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
  return run(self, "get_activity_result", options.get(GET, get_options, "activity:get"), get)
end

--- Would `get` return without waiting for the server? Asking starts the wait
-- for the result in the background. Never blocks.
-- @treturn boolean
function activity:ready()
  check_activity(self)
  return pending(self) == nil
end

--- Waits for the result without taking it.
-- @tparam[opt] number|string|table timeout a duration or `{timeout=}`
-- @treturn boolean|nil true; false when the time ran out; nil where waiting is
--   not possible
-- @treturn temporal.error|nil of kind `cannot_wait`
function activity:wait(timeout)
  check_activity(self)
  timeout = options.timeout(timeout, "activity:wait")
  local deadline = timeout and core.now() + timeout
  local future = pending(self)
  while future do
    local ready, problem = wait.one(future, "result",
      deadline and math.max(0, deadline - core.now()))
    if not ready and problem.kind == "timeout" then
      return false
    elseif not ready then
      return nil, problem
    end
    future = pending(self)
  end
  return true
end

-- What else a handle does.

-- Runs an operation once the server knows the activity.
local function operate(self, name, given, perform)
  local deadline = call_options.deadline(given)
  local known, err = activity.started(self, given.timeout)
  if not known then
    return nil, err
  end
  return run(self, name, given, function(input)
    input.deadline = deadline
    local value, problem = perform(input)
    return value, problem and identify(self, problem)
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

local function state(self)
  if self._start then
    return "starting"
  elseif self._refused then
    return "not started"
  elseif not self._outcome then
    return self._poll and "running" or self.request_id and "started" or "state not asked for"
  elseif not self._outcome.failure then
    return "completed"
  end
  local kind = failed(self, self._outcome).cause.kind
  return ENDS[kind] and kind:gsub("_", " ") or "failed"
end

function metatable.__tostring(self)
  return ("temporal.activity (%s, %s)"):format(self.id, state(self))
end

return {
  execute_activity = execute_activity,
  activity = get_handle,
  list_activities = activity_visibility.list_activities,
  count_activities = activity_visibility.count_activities,
}

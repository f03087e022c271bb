--- The client: options, connection, and everything that begins with one.
-- @module temporal.client

local converter = require "temporal.converter"
local core = require "temporal.core"
local errors = require "temporal.error"
local logger = require "temporal.logger"
local misuse = require "temporal.misuse"
local options = require "temporal.options"
local service = require "temporal.lazy" "temporal.service"
local start = require "temporal.start"
local state = require "temporal.state"
local target = require "temporal.target"
local wait = require "temporal.wait"

local select = select
local report = wait.report

local MAX_BYTES = 2147483647

local DEFAULTS = {
  target = "localhost:7233",
  namespace = "default",
  connect_timeout = 5,
  rpc_timeout = 10,
  shutdown_timeout = 5,
  max_message = 128 * 1024 * 1024,
  max_pending = 10000,
}
local DEFAULT_RETRY = { initial = 0.1, factor = 1.7, max = 5, attempts = 10, jitter = 0.2 }
local NO_RETRY = { initial = 0.1, factor = 1.7, max = 5, attempts = 1, jitter = 0.2 }
local DEFAULT_KEEPALIVE = { interval = 30, timeout = 15 }
local NO_KEEPALIVE = { interval = 0, timeout = 15 }

local client = {}
local metatable = { __name = "temporal.client", __index = client }

-- All clients of this Lua state that are still open, for temporal.shutdown.
local open_clients = state.open_clients

-- Options.

local function with_defaults(defaults)
  return function(given)
    for name, value in next, defaults do
      if given[name] == nil then
        given[name] = value
      end
    end
  end
end

-- A group of options, or false for none of it.
local function group_or_false(field, spec, defaults, none)
  local set_group = options.group(field, spec, with_defaults(defaults))
  return function(settings, value, parent, name)
    if value == false then
      settings[field] = none
    elseif value == true then
      settings[field] = defaults
    elseif type(value) ~= "table" then
      options.fail(parent, name, "must be a table, or false for none", options.kind_of(value))
    else
      set_group(settings, value, parent, name)
    end
  end
end

local RETRY = options.define("client option", {
  initial = options.seconds("initial", { above = 0 }),
  factor = options.number("factor", { min = 1 }),
  max = options.seconds("max", { above = 0 }),
  attempts = options.number("attempts", { integer = true, min = 1, max = MAX_BYTES }),
  jitter = options.number("jitter", { min = 0, max = 1 }),
}, "retry")

local KEEPALIVE = options.define("client option", {
  interval = function(settings, value, spec, name)
    options.seconds("interval")(settings, value, spec, name)
    if settings.interval < 10 then
      options.fail(spec, name, "must be at least 10 s: the server hangs up on clients that "
        .. "ping more often", options.show(value))
    end
  end,
  timeout = options.seconds("timeout", { above = 0 }),
}, "keepalive")

local function set_target(settings, value, spec, name)
  local parsed, problem = target.parse(value)
  if not parsed then
    options.fail(spec, name, problem)
  end
  settings.target, settings.address = value, parsed
end

local function is_encoder(value)
  return type(value) == "table"
end

local set_converter = options.list("converter", is_encoder,
  "must be a table {encoding=, encode=, decode=}")

local CLIENT = options.define("client option", {
  target = set_target,
  namespace = options.string("namespace"),
  identity = options.string("identity"),
  metadata = function(settings, value)
    settings.metadata = target.metadata_list(value, 'client option "metadata"')
  end,
  connect_timeout = options.seconds("connect_timeout", { above = 0 }),
  rpc_timeout = options.seconds("rpc_timeout", { above = 0 }),
  shutdown_timeout = options.seconds("shutdown_timeout"),
  retry = group_or_false("retry", RETRY, DEFAULT_RETRY, NO_RETRY),
  keepalive = group_or_false("keepalive", KEEPALIVE, DEFAULT_KEEPALIVE, NO_KEEPALIVE),
  max_message = options.number("max_message", { integer = true, min = 1, max = MAX_BYTES }),
  max_pending = options.number("max_pending", { integer = true, min = 1, max = MAX_BYTES }),
  converter = set_converter,
  logger = options.func("logger"),
})

local function open_channel(settings)
  local retry, keepalive, address = settings.retry, settings.keepalive, settings.address
  return core.channel {
    host = address.host,
    port = address.port,
    authority = address.authority,
    connect_timeout = settings.connect_timeout,
    rpc_timeout = settings.rpc_timeout,
    shutdown_timeout = settings.shutdown_timeout,
    keepalive_interval = keepalive.interval,
    keepalive_timeout = keepalive.timeout,
    max_message = settings.max_message,
    max_pending = settings.max_pending,
    retry_initial = retry.initial,
    retry_factor = retry.factor,
    retry_max = retry.max,
    retry_attempts = retry.attempts,
    retry_jitter = retry.jitter,
    metadata = settings.metadata,
  }
end

--- Makes a client. Nothing is dialled, and no thread started, until its first
-- call or `connect`.
-- @tparam[opt] table given client options: `target` ("localhost:7233"),
--   `namespace` ("default"), `identity` (pid@host), `metadata` ({}),
--   `connect_timeout` (5 s), `rpc_timeout` (10 s), `retry`
--   ({initial=0.1, factor=1.7, max=5, attempts=10, jitter=0.2}, or false),
--   `keepalive` ({interval=30, timeout=15}, or false), `max_message` (128 MiB),
--   `max_pending` (10,000), `converter` (list), `logger` (stderr at warn),
--   `shutdown_timeout` (5 s). Without arguments: all defaults.
-- @treturn temporal.client
-- @raise on a wrong or unknown option
local function new(...)
  local given = ...
  if select("#", ...) == 0 then
    given = {}
  elseif type(given) ~= "table" then
    misuse.raisef("temporal.client takes a table of options, got %s", options.kind_of(given))
  end
  local settings = options.apply(CLIENT, given, {})
  with_defaults(DEFAULTS)(settings)
  if not settings.address then
    set_target(settings, settings.target, CLIENT, "target")
  end
  settings.retry = settings.retry or DEFAULT_RETRY
  settings.keepalive = settings.keepalive or DEFAULT_KEEPALIVE
  local values, problem = converter.new(settings.converter)
  if not values then
    misuse.raisef('client option "converter": %s', problem)
  end
  local self = setmetatable({
    target = settings.target,
    namespace = settings.namespace,
    identity = settings.identity,
    _settings = settings,
    _converter = values,
    _builtin = settings.converter == nil,
    _logger = settings.logger or logger.default,
    _shutdown_timeout = settings.shutdown_timeout,
  }, metatable)
  open_clients[self] = true
  return self
end

-- Who we are to the server. Computed by the first submission, so that clients
-- made before a fork tell the processes apart.
function client:_identify()
  local identity = self.identity
  if not identity then
    identity = ("%d@%s"):format(core.pid(), core.hostname())
    self.identity = identity
  end
  return identity
end

local function check_open(self)
  if getmetatable(self) ~= metatable then
    misuse.raisef("this method belongs to a client: write client:method(...), got %s",
      options.kind_of(self))
  end
  if self._closed then
    misuse.raise("attempt to use a closed client")
  end
  -- Made by the first call: a client that has made none works after a fork.
  if not self._channel then
    self._channel = assert(open_channel(self._settings))
  end
  report(self._logger)
end

-- Workflows.

--- Starts a workflow without waiting for the server.
-- @tparam table start_options `id` (a UUID when absent), `task_queue`
--   (required), and the others of the manual's table
-- @tparam string|function workflow the type name, or the definition
-- @param ... arguments of the workflow
-- @return a future; every error but misuse is the future's
-- @raise on misuse
function client:execute_workflow(start_options, workflow, ...)
  check_open(self)
  return start.submit(self, start_options, workflow, select("#", ...), ...)
end

--- Starts a workflow and waits until the server has acknowledged it.
-- @tparam table start_options as for `execute_workflow`; `timeout` bounds the
--   start with its retries
-- @tparam string|function workflow the type name, or the definition
-- @param ... arguments of the workflow
-- @return the future, or nil
-- @treturn temporal.error why it was not started; where waiting is not
--   possible nothing is submitted
-- @raise on misuse
function client:start_workflow(start_options, workflow, ...)
  check_open(self)
  local may_wait, problem = wait.check()
  if not may_wait then
    return nil, problem
  end
  local future = start.submit(self, start_options, workflow, select("#", ...), ...)
  local started, err = future:started()
  if not started then
    return nil, err
  end
  return future
end

local RUN = options.define("option of client:workflow", {
  run_id = options.string("run_id"),
  first_execution_run_id = options.string("first_execution_run_id"),
})

--- The handle of a workflow execution started elsewhere. Asks the server for
-- nothing yet.
-- @tparam string id the workflow id
-- @tparam[opt] string|table run a run id, or
--   `{run_id=, first_execution_run_id=}`; nil for the latest run
-- @return a future
-- @raise on misuse
function client:workflow(id, run)
  check_open(self)
  if type(id) ~= "string" or id == "" then
    misuse.raisef("client:workflow: the workflow id must be a string that is not empty, got %s",
      options.show(id))
  end
  local chosen
  if run == nil then
    chosen = {}
  elseif type(run) == "table" then
    chosen = options.apply(RUN, run, {})
  else
    chosen = options.apply(RUN, { run_id = run }, {})
  end
  local future, problem = self._channel:run(self.namespace, id, chosen.run_id,
    chosen.first_execution_run_id)
  if not future then
    misuse.raise(problem)
  end
  core.set_owner(future, self)
  return future
end

-- Raw calls.

--- Calls any RPC of WorkflowService, OperatorService or Health and waits for
-- the answer.
-- @tparam string method such as `"DescribeNamespace"`, or
--   `"temporal.api.operatorservice.v1.OperatorService/ListSearchAttributes"`
-- @tparam[opt] table request with the protobuf's own field names; `namespace`,
--   `identity` and `request_id` are filled in when absent
-- @tparam[opt] table call_options `timeout`, `metadata`, `retry` (true)
-- @treturn table|nil the response, or nil
-- @treturn temporal.error
-- @raise on an unknown method, field or option
function client:call(method, request, call_options)
  check_open(self)
  local may_wait, problem = wait.check()
  if not may_wait then
    return nil, problem
  end
  return service.submit(self, method, request, call_options):get()
end

--- Calls any RPC without waiting for the answer.
-- @tparam string method as for `call`
-- @tparam[opt] table request
-- @tparam[opt] table call_options `timeout`, `metadata`, `retry` (true)
-- @return a future: `get`, `ready`, `wait`, `abandon`
-- @raise on an unknown method, field or option
function client:submit(method, request, call_options)
  check_open(self)
  return service.submit(self, method, request, call_options)
end

local CONNECT = options.define("option of client:connect", {
  timeout = options.seconds("timeout"),
  metadata = function(settings, value)
    settings.metadata = value
  end,
})

--- Connects, and asks the server what it can do.
-- @tparam[opt] number|string|table connect_options a timeout (duration; nil for
--   the client's `rpc_timeout`, 0 to begin only), or `{timeout=, metadata=}`
-- @treturn boolean|nil true, or nil
-- @treturn temporal.error
function client:connect(connect_options)
  check_open(self)
  local given = {}
  if type(connect_options) == "table" then
    options.apply(CONNECT, connect_options, given)
  else
    given.timeout = options.timeout(connect_options, "client:connect")
  end
  local may_wait, problem = wait.check()
  if not may_wait then
    return nil, problem
  end
  local wait_for
  if given.timeout == 0 then
    wait_for, given.timeout = 0, nil
  end
  local response, err = service.submit(self, "GetSystemInfo", {}, given):get(wait_for)
  -- A server too old to tell is a server.
  if response or (err.kind == "unimplemented" and not err.http_status) then
    return true
  end
  return nil, err
end

-- Closing.

local function unacknowledged_error(list)
  local details = {}
  for i, entry in ipairs(list) do
    details[i] = {
      workflow_id = entry.workflow_id, request_id = entry.request_id, method = entry.method,
      cause = entry.cause,
    }
  end
  return errors.new {
    kind = "unacknowledged",
    message = ("closed while the server had not acknowledged %d submission%s")
      :format(#list, #list == 1 and "" or "s"),
    details = details,
  }
end

--- Closes the client: waits until everything submitted is acknowledged, then
-- ends what is still waiting with kind `closed`. Closing twice is fine.
-- @tparam[opt] number|string|table timeout a duration or `{timeout=}`; the
--   client's `shutdown_timeout` when absent
-- @treturn boolean|nil true, or nil
-- @treturn temporal.error of kind `unacknowledged`, its `details` a list of
--   `{workflow_id=, request_id=, cause=}`; these go on in the background until
--   their deadline or `shutdown_timeout`
function client:close(timeout)
  if self._finished then
    return true
  end
  timeout = options.timeout(timeout, "client:close") or self._shutdown_timeout
  self._closed = true
  open_clients[self] = nil
  report(self._logger)
  local channel = self._channel
  if not channel then
    self._finished = true
    return true
  end
  -- Ctrl-C may end this wait: a second close then does the rest.
  local drained = channel:close()
  -- None in a forked child: the parent's submissions are none of ours.
  if drained and timeout > 0 and wait.check() then
    wait.one(drained, "result", timeout)
  end
  local list = channel:unacknowledged()
  channel:finish()
  self._finished = true
  report(self._logger)
  if #list > 0 then
    return nil, unacknowledged_error(list)
  end
  return true
end

function metatable.__close(self)
  return self:close()
end

function metatable.__tostring(self)
  return ("temporal.client (%s, %s%s)"):format(self.target, self.namespace,
    self._closed and ", closed" or "")
end

--- Closes every client of this Lua state and ends its thread. New clients may
-- be made afterwards.
-- @tparam[opt] number|string|table timeout a duration or `{timeout=}` for all
--   of them together; each client's `shutdown_timeout` when absent
-- @treturn boolean|nil true, or nil
-- @treturn temporal.error of kind `unacknowledged`
local function shutdown(timeout)
  timeout = options.timeout(timeout, "temporal.shutdown")
  local deadline = timeout and core.now() + timeout
  local list = {}
  for each in next, open_clients do
    list[#list + 1] = each
  end
  local details = {}
  for _, each in ipairs(list) do
    local left = deadline and math.max(0, deadline - core.now())
    local ok, err = each:close(left)
    for _, entry in ipairs(not ok and err.details or {}) do
      details[#details + 1] = entry
    end
  end
  core.shutdown()
  if #details > 0 then
    return nil, unacknowledged_error(details)
  end
  return true
end

return {
  new = new,
  shutdown = shutdown,
}

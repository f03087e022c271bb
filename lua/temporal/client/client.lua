--- The client: options, connection, and everything that begins with one.
-- @module temporal.client

local client_options = require "temporal.client.client_options"
local config = require "temporal.base.lazy" "temporal.config.config"
local connection = require "temporal.connection.connection"
local converter = require "temporal.value.converter"
local core = require "temporal.core"
local credentials = require "temporal.connection.credentials"
local errors = require "temporal.error.error"
local foreign = require "temporal.base.lazy" "temporal.base.foreign"
local lazy = require "temporal.base.lazy"
local logger = require "temporal.observe.logger"
local metrics = require "temporal.base.lazy" "temporal.observe.metrics"
local misuse = require "temporal.base.misuse"
local options = require "temporal.base.options"
local report = require "temporal.wait.report"
local service = require "temporal.base.lazy" "temporal.call.service"
local sessions = require "temporal.call.session"
local start = require "temporal.base.lazy" "temporal.run.start"
local state = require "temporal.base.state"
local tickets = require "temporal.wait.ticket"
local wait = require "temporal.wait.wait"

local select = select

-- How long temporal.shutdown waits until the server knows that a worker goes.
local DISMISSAL = 2

local client = {}
local metatable = { __name = "temporal.client" }

-- Before every method.
local function check_open(self)
  if getmetatable(self) ~= metatable then
    misuse.raisef("this method belongs to a client: write client:method(...), got %s",
      options.kind_of(self))
  end
  local session = self._session
  if session.closed then
    misuse.raise("attempt to use a closed client")
  end
  if not session.channel or session.may_fork then
    session:open()
  end
  report.all(session.logger)
  return session
end

-- Methods that live with their nouns: the module is loaded by the first use.
local ELSEWHERE = {
  workflow = "temporal.run.future",
  signal_with_start = "temporal.run.signal",
  update_with_start = "temporal.run.update_with_start",
  list_workflows = "temporal.run.visibility",
  list_workflows_page = "temporal.run.visibility",
  count_workflows = "temporal.run.visibility",
  create_schedule = "temporal.schedule.schedule",
  schedule = "temporal.schedule.schedule",
  list_schedules = "temporal.schedule.schedule",
  count_schedules = "temporal.schedule.schedule",
  async_activity = "temporal.activities.async",
  execute_activity = "temporal.activities.start",
  activity = "temporal.activities.handle",
  list_activities = "temporal.activities.visibility",
  count_activities = "temporal.activities.visibility",
  describe_task_queue = "temporal.client.server",
  describe_namespace = "temporal.client.server",
  system_info = "temporal.client.server",
  decode = "temporal.client.decode",
  check_health = "temporal.client.server",
}

metatable.__index = setmetatable(client, { __index = function(_, name)
  if ELSEWHERE[name] then
    local found = lazy(ELSEWHERE[name])[name]
    local function method(self, ...)
      check_open(self)
      return found(self, ...)
    end
    client[name] = method
    return method
  end
  return foreign.member("client", name)
end })

-- All clients of this Lua state that are still open, for temporal.shutdown.
local open_clients = state.open_clients

-- The part of a client that its own settings make.
local function build(settings, shared)
  local values, problem = converter.new(settings.converter, {
    codecs = settings.codecs,
    codec_headers = settings.codec_headers,
    failure_converter = settings.failure_converter,
    max_decoded = settings.max_decoded,
  })
  if not values then
    misuse.raisef('client option "converter": %s', problem)
  end
  local self = setmetatable({
    target = settings.target,
    namespace = settings.namespace,
    identity = settings.identity,
    _settings = settings,
  }, metatable)
  self._session = sessions.new(self, {
    connection = shared,
    namespace = settings.namespace,
    identity = settings.identity,
    converter = values,
    builtin = settings.converter == nil and not settings.codecs,
    metadata = settings.metadata,
    timeout = settings.own_timeout,
    query_timeout = settings.query_timeout,
    max_decoded = settings.max_decoded,
    logger = settings.logger or logger.default,
    interceptors = settings.interceptors,
    diagnose_after = settings.diagnose_after or nil,
    payload_warning = settings.payload_warning,
  })
  open_clients[self] = true
  return self
end

--- Makes a client. Nothing is dialled, and no thread started, until its first
-- call or `connect`.
-- @tparam[opt] table given client options: `target` ("localhost:7233"),
--   `authority` (string, the `:authority` of requests; the target's by default),
--   `namespace` ("default"), `identity` (pid@host), `tls` (true, false, or a
--   table; on when `api_key` is set), `api_key` (string, `{file=}` or
--   function), `metadata` (table or function), `proxy` (URL, or false; by
--   default HTTPS_PROXY and NO_PROXY), `connect_timeout` (5 s), `rpc_timeout`
--   (10 s; queries have 30 s where it is not given), `retry` ({initial=0.1,
--   factor=1.7, max=5, attempts=10, jitter=0.2}, or false), `keepalive`
--   ({interval=30, timeout=15}, or false), `max_message` (128 MiB),
--   `max_decoded` (6,000,000 tables and elements of one answer),
--   `max_pending` (10,000), `converter` (list), `codecs` (list),
--   `codec_headers` (false), `failure_converter`, `interceptors` (list),
--   `logger` (stderr at warn), `diagnose_after` (10 s; how long the wait for a
--   result lasts before the logger is told why there is none; false: never),
--   `payload_warning` (512 KiB, in bytes; from which size of arguments on the
--   logger is told; false: never), `shutdown_timeout` (5 s). Without arguments
--   everything comes from the environment, as `temporal.config.load` reads it.
-- @treturn temporal.client|nil nil when the environment is broken (also its
--   HTTPS_PROXY), and
-- @treturn temporal.error of kind `config`
-- @raise on a wrong or unknown option
local function new(...)
  local given = ...
  options.check_dot(given, "temporal.client")
  if select("#", ...) == 0 then
    local problem
    given, problem = config.load()
    if not given then
      return nil, problem
    end
  elseif type(given) ~= "table" then
    misuse.raisef("temporal.client takes a table of options, got %s", options.kind_of(given))
  end
  local settings = client_options.check(given)
  local shared, broken = connection.new(settings)
  if not shared then
    return nil, broken
  end
  local self = build(settings, shared)
  if settings.tls and settings.tls.verify == false then
    logger.log(self._session.logger, "warn", "tls.verify is off: whoever is on the way to the "
      .. "server can read and change everything", { target = self.target })
  end
  return self
end

--- A second client on the same connection, which is closed with the last of
-- them.
-- @tparam table given options that differ: `namespace`, `identity`, `metadata`
--   (added to what the connection sends; the same keys replaced),
--   `rpc_timeout`, `shutdown_timeout`, `converter`, `codecs`, `codec_headers`,
--   `failure_converter`, `interceptors`, `logger`, `diagnose_after`,
--   `payload_warning`
-- @treturn temporal.client
-- @raise on a wrong option, or one of the connection
function client:with(given)
  local session = check_open(self)
  if type(given) ~= "table" then
    misuse.raisef("client:with takes a table of options, got %s", options.kind_of(given))
  end
  local other = build(client_options.derive(self._settings, given), session.connection)
  -- Counted from now on: this one may be closed first.
  check_open(other)
  return other
end

--- Another API key for every later attempt, of this client and of all that
-- share its connection.
-- @tparam string|table|function key as the client option `api_key`
-- @raise when it is none of these
function client:set_api_key(key)
  local shared = check_open(self).connection
  shared.credentials:set(credentials.check(key, "client:set_api_key: the key"))
  for each in next, open_clients do
    if each._session.connection == shared then
      each._session:key_changed()
    end
  end
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
  local session = check_open(self)
  if session.interceptors then
    return sessions.run("execute_workflow",
      start.input(self, start_options, workflow, select("#", ...), ...), start.perform)
  end
  return start.submit(session, start_options, workflow, select("#", ...), ...)
end

local function when_started(future, err)
  if future == nil then
    return nil, err
  end
  local started
  started, err = future:started()
  if not started then
    return nil, err
  end
  return future
end

local function perform_start(input)
  return when_started(sessions.run("execute_workflow", input, start.perform))
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
  local session = check_open(self)
  local may_wait, problem = wait.check()
  if not may_wait then
    return nil, problem
  end
  if session.interceptors then
    return sessions.run("start_workflow",
      start.input(self, start_options, workflow, select("#", ...), ...), perform_start)
  end
  return when_started(start.submit(session, start_options, workflow, select("#", ...), ...))
end

-- Raw calls.

local function perform_submit(input)
  return service.submit(sessions.of(input.client), input.method, input.request, input.options)
end

local function perform_call(input)
  return perform_submit(input):get()
end

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
  local session = check_open(self)
  local may_wait, problem = wait.check()
  if not may_wait then
    return nil, problem
  elseif not session.interceptors then
    return service.submit(session, method, request, call_options):get()
  end
  return sessions.run("call", {
    client = self, method = method, request = request, options = call_options,
  }, perform_call)
end

--- Calls any RPC without waiting for the answer.
-- @tparam string method as for `call`
-- @tparam[opt] table request
-- @tparam[opt] table call_options `timeout`, `metadata`, `retry` (true)
-- @return a future: `get`, `ready`, `wait`, `abandon`
-- @raise on an unknown method, field or option
function client:submit(method, request, call_options)
  local session = check_open(self)
  if not session.interceptors then
    return service.submit(session, method, request, call_options)
  end
  return sessions.run("submit", {
    client = self, method = method, request = request, options = call_options,
  }, perform_submit)
end

local CONNECT = options.define("option of client:connect", {
  timeout = options.seconds("timeout"),
  metadata = function(settings, value)
    settings.metadata = value
  end,
})

local function perform_connect(input)
  local given, wait_for = input.options, nil
  if given.timeout == 0 then
    wait_for, given.timeout = 0, nil
  end
  local future = service.submit(sessions.of(input.client), "GetSystemInfo", {}, given)
  local response, err = future:get(wait_for)
  -- A server too old to tell is a server.
  if response or (err.kind == "unimplemented" and not err.http_status) then
    return true
  end
  return nil, err
end

--- Connects, and asks the server what it can do.
-- @tparam[opt] number|string|table connect_options a timeout (duration; nil for
--   the client's `rpc_timeout`, 0 to begin only), or `{timeout=, metadata=}`
-- @treturn boolean|nil true, or nil
-- @treturn temporal.error
function client:connect(connect_options)
  check_open(self)
  local given = options.get(CONNECT, connect_options, "client:connect")
  local may_wait, problem = wait.check()
  if not may_wait then
    return nil, problem
  end
  return sessions.run("connect", { client = self, options = given }, perform_connect)
end

--- What this client's connection has counted so far, and what workflows and
-- activities count with their `metrics()`.
--
-- Without options a table: by metric name, a list of samples, each with its
-- tags `operation` (such as `"StartWorkflowExecution"`), `namespace`, and
-- `status_code` (`"NOT_FOUND"`) or `cause` (`"RpsLimit"`), and either `value`,
-- or, for a latency, `count`, `sum` (seconds) and `buckets`, a list of
-- `{le=seconds, count=}`, each counting all up to `le`.
-- @tparam[opt] table given `format="prometheus"`: text for a scrape (version
--   0.0.4); with it `tags` (a table, put on every sample; in nginx `pid` is
--   there by itself), and, named and meant as in the Python SDK's
--   PrometheusConfig, `counters_total_suffix`, `unit_suffix` and
--   `durations_as_seconds` (false; else latencies are in milliseconds)
-- @treturn table|string|nil the snapshot, the text, or nil
-- @treturn temporal.error of kind `fork`, in a child of the process that
--   connected
-- @raise on a wrong or unknown option
function client:metrics(given)
  local session = check_open(self)
  return metrics.read(session.channel, given, session.connection.meter)
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

-- The workers that run, of one client or of all.
local function workers_of(self)
  local list = {}
  for each in next, state.workers do
    if not self or each.client == self then
      list[#list + 1] = each
    end
  end
  return list
end

-- An activity cannot wait for its own end, and its answer needs the client.
local function check_not_in_activity(self)
  for _, each in ipairs(workers_of(self)) do
    if each:runs_caller() then
      misuse.raise("client:close in an activity of the client's own worker, whose answer it would "
        .. "lose: call worker:stop(), and close the client where worker:run() returns")
    end
  end
end

-- What they have in hand goes to the server by this client.
local function stop_workers(self, timeout)
  local deadline = core.now() + timeout
  for _, each in ipairs(workers_of(self)) do
    each:stop(wait.left(deadline))
  end
  return wait.left(deadline)
end

local function perform_close(input)
  local self, timeout = input.client, input.options.timeout
  local session = self._session
  if next(state.workers) and not session.closed then
    timeout = stop_workers(self, timeout)
  end
  session.closed = true
  open_clients[self] = nil
  report.all(session.logger)
  local channel = session.channel
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
  report.all(session.logger)
  if #list > 0 then
    return nil, unacknowledged_error(list)
  end
  return true
end

--- Closes the client: stops its workers, waits until everything submitted is
-- acknowledged, then ends what is still waiting with kind `closed`. Closing twice
-- is fine.
-- @tparam[opt] number|string|table timeout a duration or `{timeout=}`; the
--   client's `shutdown_timeout` when absent
-- @treturn boolean|nil true, or nil
-- @treturn temporal.error of kind `unacknowledged`, its `details` a list of
--   `{workflow_id=, request_id=, cause=}`; these go on in the background until
--   their deadline or `shutdown_timeout`
-- @raise in an activity of one of its workers
function client:close(timeout)
  options.check_self(self, metatable, "client")
  if self._finished then
    return true
  end
  check_not_in_activity(self)
  timeout = options.timeout(timeout, "client:close") or self._settings.shutdown_timeout
  return sessions.run("close", { client = self, options = { timeout = timeout } }, perform_close)
end

function metatable.__close(self)
  return self:close()
end

function metatable.__tostring(self)
  return ("temporal.client (%s, %s%s)"):format(self.target, self.namespace,
    self._session.closed and ", closed" or "")
end

-- Closes all clients there are now, until a deadline. Notes in `details` what is
-- unacknowledged.
local function close_all(deadline, details)
  local list = {}
  for each in next, open_clients do
    list[#list + 1] = each
  end
  for _, each in ipairs(list) do
    local ok, err = each:close(wait.left(deadline))
    for _, entry in ipairs(not ok and err.details or {}) do
      details[#details + 1] = entry
    end
  end
end

-- The server hears that workers go; nobody waits for what they have in hand.
local function dismiss_workers(deadline)
  local list = workers_of()
  for _, each in ipairs(list) do
    each:begin_stop()
  end
  for _, each in ipairs(list) do
    each.told:wait(math.min(wait.left(deadline) or DISMISSAL, DISMISSAL))
  end
end

--- Closes every client of this Lua state and ends its thread. New clients may
-- be made afterwards. Workers stop polling, but are not waited for.
-- @tparam[opt] number|string|table timeout a duration or `{timeout=}` for all
--   of them together; each client's `shutdown_timeout` when absent
-- @treturn boolean|nil true, or nil
-- @treturn temporal.error of kind `unacknowledged`
local function shutdown(timeout)
  timeout = options.timeout(timeout, "temporal.shutdown")
  local details = {}
  local deadline = timeout and core.now() + timeout
  dismiss_workers(deadline)
  close_all(deadline, details)
  -- Made meanwhile, by coroutines that ran while the others were waited for.
  close_all(core.now(), details)
  tickets.shutdown()
  if #details > 0 then
    return nil, unacknowledged_error(details)
  end
  return true
end

return {
  new = new,
  shutdown = shutdown,
}

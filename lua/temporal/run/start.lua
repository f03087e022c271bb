--- Starting a workflow: the start options, and the request they make.
-- @module temporal.start

local core = require "temporal.core"
local definition = require "temporal.run.definition"
local duration = require "temporal.base.duration"
local errors = require "temporal.error.error"
local execution_options = require "temporal.call.execution_options"
local interceptor = require "temporal.base.lazy" "temporal.observe.interceptor"
local large = require "temporal.base.lazy" "temporal.call.large"
local misuse = require "temporal.base.misuse"
local options = require "temporal.base.options"
local search_attributes = require "temporal.base.lazy" "temporal.value.search_attributes"
local sessions = require "temporal.call.session"
local state = require "temporal.base.state"
local target = require "temporal.connection.target"

-- Gives the futures of workflows their methods.
require "temporal.run.future"

local type, next = type, next
local unpack = table.unpack or unpack -- luacheck: ignore 113 143
local encode, uuid, core_payloads = core.encode, core.uuid, core.payloads

local MAX_ID = 1000
local SERVICE = "/temporal.api.workflowservice.v1.WorkflowService/"
local START_PATH = SERVICE .. "StartWorkflowExecution"
local SIGNAL_PATH = SERVICE .. "SignalWithStartWorkflowExecution"

local REUSE = { allow_duplicate = 1, allow_duplicate_failed_only = 2, reject_duplicate = 3 }
local CONFLICT = { fail = 1, use_existing = 2, terminate_existing = 3 }
local ALREADY_STARTED = { error = false, attach = true }

-- Task queues and workflow types recur: their messages are encoded once.
-- Bounded, for programs that make names up.
local MAX_CACHED = 256

local function encoded_name_cache(message_type, what)
  local cache, count = {}, 0
  return function(name)
    local bytes = cache[name]
    if bytes then
      return bytes
    end
    local problem
    bytes, problem = encode(message_type, { name = name })
    if not bytes then
      return misuse.raisef("%s: %s", what, problem)
    end
    if count >= MAX_CACHED then
      cache, count = {}, 0
    end
    cache[name], count = bytes, count + 1
    return bytes
  end
end

local encoded_task_queue =
  encoded_name_cache("temporal.api.taskqueue.v1.TaskQueue", 'start option "task_queue"')
local encoded_workflow_type =
  encoded_name_cache("temporal.api.common.v1.WorkflowType", "the workflow type")

-- A converter's problem: a string is misuse; an error, of a codec, makes the
-- future one that has failed before anything was sent.
local function refuse(request, problem, where)
  if not errors.is_error(problem) then
    return misuse.raisef("%s%s", where, problem)
  end
  request.refusal = request.refusal or problem
end

-- Values by name, each converted by itself: memo and header.
local function value_map(field)
  return function(request, given, spec, name, session)
    if type(given) ~= "table" then
      return options.fail(spec, name, "must be a table of values by name",
        options.kind_of(given))
    end
    local values = session:values(field, request.workflow_id)
    local fields = {}
    for key, value in next, given do
      if type(key) ~= "string" then
        return options.fail(spec, name, "must have strings as keys", options.show(key))
      end
      local payload, problem = values:payload(value, name .. "." .. key)
      if not payload then
        return refuse(request, problem, ('%s "%s": '):format(spec.label, name))
      end
      fields[key] = payload
    end
    request[field] = { fields = fields }
  end
end

-- Text for people, shown by the Web UI: the built-in conversion, since that is
-- all a UI reads, behind the client's codecs.
local function summary(field)
  return function(request, value, spec, name, session)
    if type(value) ~= "string" then
      return options.fail(spec, name, "must be a string", options.kind_of(value))
    end
    local bad = core.utf8_offset(value)
    if bad then
      return options.fail(spec, name, "must be UTF-8 text", ("an invalid byte at offset %d")
        :format(bad))
    end
    local payload = { metadata = { encoding = "json/plain" }, data = core.json_encode(value) }
    local coded, problem = session:values("summary", request.workflow_id):encode { payload }
    if not coded then
      return refuse(request, problem, ('%s "%s": '):format(spec.label, name))
    end
    local metadata = request.user_metadata or {}
    metadata[field] = coded[1]
    request.user_metadata = metadata
  end
end

local function is_string(value)
  return type(value) == "string"
end

local function is_table(value)
  return type(value) == "table"
end

local RETRY_POLICY = options.define("start option", {
  initial_interval = options.duration("initial_interval"),
  backoff_coefficient = options.number("backoff_coefficient", { min = 1 }),
  maximum_interval = options.duration("maximum_interval"),
  maximum_attempts = options.number("maximum_attempts",
    { integer = true, min = 0, max = 2147483647 }),
  non_retryable_error_types = options.list("non_retryable_error_types", is_string,
    "must be a string"),
}, "retry_policy")

local function finish_retry_policy(policy, spec)
  policy.initial_interval = policy.initial_interval or { seconds = 1, nanos = 0 }
  policy.backoff_coefficient = policy.backoff_coefficient or 2
  local maximum = duration.from_message(policy.maximum_interval)
  if maximum and maximum < duration.from_message(policy.initial_interval) then
    options.fail(spec, "maximum_interval", "must not be below initial_interval (default 1 s)")
  end
end

local set_reuse = options.choice("workflow_id_reuse_policy", REUSE)

local function id_reuse_policy(request, value, spec, name)
  if value == "terminate_if_running" then
    return options.fail(spec, name,
      'no longer has "terminate_if_running"; use id_conflict_policy = "terminate_existing"')
  end
  return set_reuse(request, value, spec, name)
end

local function task_queue(request, value, spec, name)
  if type(value) ~= "string" or value == "" then
    return options.fail(spec, name, "must be a string that is not empty",
      value == "" and "an empty one" or options.kind_of(value))
  end
  request.task_queue = encoded_task_queue(value)
end

local function encode_search_attributes(request, value, spec, name)
  if type(value) ~= "table" then
    return options.fail(spec, name, "must be a table of values by name", options.kind_of(value))
  end
  local encoded, problem = search_attributes.encode(value)
  if not encoded then
    return misuse.raisef('%s "%s": %s', spec.label, name, problem)
  end
  request.search_attributes = encoded
end

-- These say how to submit, not what; `send` reads them itself.
local check = {
  request_eager_start = options.boolean("request_eager_start"),
  timeout = options.seconds("timeout", { above = 0 }),
  on_already_started = options.choice("on_already_started", ALREADY_STARTED),
}
local scratch = {}

local function check_eager_start(_, value, spec, name)
  return check.request_eager_start(scratch, value, spec, name)
end

local function check_timeout(_, value, spec, name)
  return check.timeout(scratch, value, spec, name)
end

local function check_already_started(_, value, spec, name)
  return check.on_already_started(scratch, value, spec, name)
end

local function check_metadata(_, value, spec, name)
  target.metadata_list(value, ('%s "%s"'):format(spec.label, name))
end

local START = options.define("start option", {
  id = options.string("workflow_id", { max = MAX_ID }),
  task_queue = task_queue,
  execution_timeout = options.duration("workflow_execution_timeout"),
  run_timeout = options.duration("workflow_run_timeout"),
  task_timeout = options.duration("workflow_task_timeout"),
  id_reuse_policy = id_reuse_policy,
  id_conflict_policy = options.choice("workflow_id_conflict_policy", CONFLICT),
  retry_policy = options.group("retry_policy", RETRY_POLICY, finish_retry_policy),
  cron_schedule = options.string("cron_schedule"),
  memo = value_map("memo"),
  search_attributes = encode_search_attributes,
  start_delay = options.duration("workflow_start_delay"),
  static_summary = summary("summary"),
  static_details = summary("details"),
  priority = execution_options.priority_option("start option"),
  versioning_override = execution_options.versioning_option("start option"),
  request_eager_start = check_eager_start,
  on_already_started = check_already_started,
  timeout = check_timeout,
  metadata = check_metadata,
  header = value_map("header"),
  links = options.list("links", is_table, "must be a table (temporal.api.common.v1.Link)"),
  callbacks = options.list("completion_callbacks", is_table,
    "must be a table (temporal.api.common.v1.Callback)"),
  request_id = options.string("request_id", { max = MAX_ID }),
})

local function check_together(request)
  if not request.task_queue then
    misuse.raise('start option "task_queue" is missing: say which task queue the '
      .. "workflow's worker polls")
  end
  if request.cron_schedule and request.workflow_start_delay then
    misuse.raise('start options "cron_schedule" and "start_delay" exclude each other: '
      .. "the schedule says when the first run begins")
  end
  if request.workflow_id_conflict_policy == CONFLICT.terminate_existing
    and request.workflow_id_reuse_policy == REUSE.reject_duplicate then
    misuse.raise('start options id_reuse_policy = "reject_duplicate" and id_conflict_policy = '
      .. '"terminate_existing" exclude each other: the new run would reuse the id; use '
      .. '"allow_duplicate", or id_conflict_policy = "fail"')
  end
end

local function encode_input(session, request, count, ...)
  local input, problem
  if session.builtin then
    input, problem = core_payloads(count, ...)
  else
    input, problem = session:values("arguments", request.workflow_id):payloads(count, ...)
  end
  if not input then
    refuse(request, problem, "")
  end
  request.input = input
end

local function check_first(given)
  if type(given) ~= "table" then
    misuse.raisef("the start options must be a table, got %s: they come first, before the "
      .. "workflow", options.kind_of(given))
  end
end

--- The request of a start.
-- @tparam temporal.session session
-- @tparam table given start options
-- @tparam string workflow_type
-- @tparam integer count of the arguments
-- @param ... arguments
-- @treturn table a StartWorkflowExecutionRequest, parts of it encoded; with
--   `refusal`, the error of a codec, it is not to be sent
-- @raise on misuse
local function build(session, given, workflow_type, count, ...)
  check_first(given)
  local request = {
    namespace = session.namespace,
    identity = session.identity or session:identify(),
    workflow_type = encoded_workflow_type(workflow_type),
    -- First of all: codecs are told.
    workflow_id = given.id == nil and uuid() or given.id,
    task_queue = nil, request_id = nil, input = nil, refusal = nil,
  }
  options.apply(START, given, request, session)
  check_together(request)
  request.request_id = request.request_id or uuid()
  if count > 0 then
    encode_input(session, request, count, ...)
  end
  return request
end

-- A future that has failed before anything was sent.
local function refused(session, request, workflow_type, err)
  err.outcome = "not_started"
  local future, problem = session.channel:refused(request.namespace, request.workflow_id,
    request.request_id, workflow_type, err.kind, err.message)
  if not future then
    return misuse.raise(problem)
  end
  core.set_owner(future, session.client)
  state.refusals[future] = err
  return future
end

-- The worker of this client that takes the workflow's first task with the answer
-- to the start, if one can.
local function worker_for(session, given, workflow_type)
  for worker in next, state.workers do
    if worker.client == session.client and worker.task_queue == given.task_queue then
      return worker:reserve_start(workflow_type) and worker or nil
    end
  end
  return nil
end

--- The server gives no first task with what another operation starts.
-- @tparam table given start options
-- @tparam string what the operation, for messages
-- @raise when they ask for it
local function check_not_eager(given, what)
  if given.request_eager_start then
    misuse.raisef('start option "request_eager_start" is not possible with %s: the server gives no '
      .. "task with its answer", what)
  end
end

--- Sends the request of a start.
-- @tparam temporal.session session
-- @tparam table request of `build`
-- @tparam table given start options: `timeout`, `metadata`,
--   `on_already_started`, `request_eager_start`
-- @tparam string workflow_type
-- @tparam[opt] boolean signals it is a SignalWithStartWorkflowExecutionRequest
-- @return the future
-- @raise on misuse
local function send(session, request, given, workflow_type, signals)
  local timeout, metadata = given.timeout, given.metadata
  local err, hooked = request.refusal, nil
  if not err and session.hooks then
    metadata, hooked = interceptor.before(session, signals and SIGNAL_PATH or START_PATH, request,
      request.namespace, metadata, timeout)
  end
  if not err and (metadata or not session.unchanging) then
    metadata, err = session:prepare(metadata)
  end
  if err then
    local future = refused(session, request, workflow_type, err)
    if hooked then
      interceptor.submitted(future, hooked)
    end
    return future
  end
  local worker = given.request_eager_start and worker_for(session, given, workflow_type)
  if worker then
    request.request_eager_execution = true
    request.eager_worker_deployment_options = worker.deployment
  end
  -- Or the problem.
  local future, size = session.channel:start(request, request.namespace, request.workflow_id,
    request.request_id, workflow_type, timeout and duration.seconds(timeout) or session.timeout,
    metadata, given.on_already_started == "attach", signals, worker)
  if future then
    core.set_owner(future, session.client)
  end
  if worker then
    worker:expect_start(future)
  end
  if not future then
    return misuse.raise(size)
  end
  if size > session.large then
    large.request(session, future, request, signals and "SignalWithStartWorkflowExecution"
      or "StartWorkflowExecution", request.workflow_id)
  end
  if given.metadata and type(session.metadata) == "function" then
    state.metadata[future] = given.metadata
  end
  if hooked then
    interceptor.submitted(future, hooked)
  end
  return future
end

--- Starts what an interceptor's input describes.
-- @tparam table input `client options type args header`
-- @return the future
-- @raise on misuse
local function perform(input)
  local given, header = input.options, nil
  if next(input.header) ~= nil then
    header = input.header
  end
  if header or type(given.header) == "table" then
    given = {}
    for name, value in next, input.options do
      given[name] = value
    end
    given.header = header
  end
  local session, args = sessions.of(input.client), input.args
  local request = build(session, given, input.type, args.n, unpack(args, 1, args.n))
  return send(session, request, given, input.type)
end

--- What interceptors see of a start; the options are a copy, theirs to change.
-- @param client
-- @tparam table given start options
-- @tparam string|function workflow type name or definition
-- @tparam integer count of the arguments
-- @param ... arguments
-- @treturn table `client options type args header id`
-- @raise on misuse
local function new_input(client, given, workflow, count, ...)
  check_first(given)
  local copy, header = {}, {}
  for option, value in next, given do
    copy[option] = value
  end
  for key, value in next, type(given.header) == "table" and given.header or header do
    header[key] = value
  end
  return {
    client = client, options = copy, type = definition.resolve(workflow, count),
    args = { n = count, ... }, header = header, id = given.id,
  }
end

--- Submits a start.
-- @tparam temporal.session session
-- @tparam table given start options
-- @tparam string|function workflow type name or definition
-- @tparam integer count of the arguments
-- @param ... arguments
-- @return the future
-- @raise on misuse
local function submit(session, given, workflow, count, ...)
  check_first(given)
  local workflow_type = definition.resolve(workflow, count)
  if session.builtin and session.unchanging and not session.hooks then
    local future, size = session.channel:start_plain(session.client, given, session.namespace,
      session.identity or session:identify(), session.timeout, workflow_type, ...)
    if future then
      if size > session.large then
        large.arguments(session, future, "StartWorkflowExecution", ...)
      end
      return future
    end
  end
  local request = build(session, given, workflow_type, count, ...)
  return send(session, request, given, workflow_type)
end

return {
  build = build,
  check_not_eager = check_not_eager,
  input = new_input,
  perform = perform,
  submit = submit,
  send = send,
  options = START,
}

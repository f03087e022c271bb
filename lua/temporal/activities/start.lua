--- Starting a standalone activity: its options, and the request they make.
-- @module temporal.activity_start

local call_options = require "temporal.call.call_options"
local core = require "temporal.core"
local handle = require "temporal.activities.handle"
local message = require "temporal.run.message"
local misuse = require "temporal.base.misuse"
local options = require "temporal.base.options"
local service = require "temporal.call.service"
local sessions = require "temporal.call.session"
local start = require "temporal.run.start"
local waiting = require "temporal.activities.waiting"

local next, select, type = next, select, type
local unpack = table.unpack or unpack -- luacheck: ignore 113 143

local MAX_ID = 1000
local REUSE = { allow_duplicate = 1, allow_duplicate_failed_only = 2, reject_duplicate = 3 }
local CONFLICT = { fail = 1, use_existing = 2 }

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
  local self = handle.new {
    id = input.id, request_id = request.request_id, activity_type = input.name,
    namespace = client.namespace,
    _client = client, _metadata = metadata,
    _may_attach = request.id_conflict_policy == CONFLICT.use_existing,
  }
  local built, problem = build(session, input, request)
  if built then
    self._start, problem = service.start(session, "StartActivityExecution", built,
      { timeout = timeout, metadata = metadata })
  end
  if problem then
    problem.outcome, problem.request_id = "not_started", self.request_id
    self._refused = waiting.identify(self, problem)
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

return { execute_activity = execute_activity }

--- What the server says of itself: task queues, namespaces, what it can do,
-- and whether it is well.
--
-- Times are seconds since the epoch, durations seconds, enums short names;
-- what is not set is nil. `raw` is the response.
-- @module temporal.server

local call_options = require "temporal.call.call_options"
local duration = require "temporal.base.duration"
local enum = require "temporal.base.enum"
local execution_options = require "temporal.call.execution_options"
local field = require "temporal.base.field"
local operation = require "temporal.call.operation"
local options = require "temporal.base.options"
local poller = require "temporal.call.poller"
local sessions = require "temporal.call.session"
local timestamp = require "temporal.base.timestamp"

local filled = field.filled

local SERVICE = "temporal.api.workflowservice.v1.WorkflowService"

local server = {}

local function run(client, name, given, perform)
  return sessions.run(name, {
    client = client, name = given.name, options = given,
    deadline = call_options.deadline(given),
  }, perform)
end

-- A name, with a trailing table of options or that table in its place;
-- without a name the default, where there is one.
local function read_name(spec, name, given, method, default)
  local read
  if type(name) == "table" and given == nil then
    read = call_options.trailing(spec, name, method)
  else
    read = call_options.trailing(spec, given, method)
    if name ~= nil then
      read.name = call_options.named(spec, name, method).name
    end
  end
  read.name = read.name or default
  if not read.name then
    return call_options.named(spec, name, method)
  end
  return read
end

-- Task queues.

local TASK_QUEUE = call_options.define("option of client:describe_task_queue", {
  name = options.string("name"),
  type = options.choice("type", { workflow = 1, activity = 2, nexus = 3 }),
  stats = options.boolean("stats"),
})

local function statistics(message)
  return message and {
    backlog_count = message.approximate_backlog_count,
    backlog_age = duration.from_message(message.approximate_backlog_age) or 0,
    add_rate = message.tasks_add_rate,
    dispatch_rate = message.tasks_dispatch_rate,
  }
end

local function task_queue_versioning(message)
  return message and {
    current = execution_options.version(message.current_deployment_version),
    ramping = execution_options.version(message.ramping_deployment_version),
    ramping_percentage = message.ramping_version_percentage,
    update_time = timestamp.from_message(message.update_time),
  }
end

local function describe_task_queue(input)
  local given = input.options
  local response, err = operation.call(input, "DescribeTaskQueue", {
    task_queue = { name = input.name },
    task_queue_type = given.type or 1,
    report_stats = given.stats ~= false,
  })
  if not response then
    return nil, err
  end
  return {
    name = input.name,
    pollers = poller.list(response),
    stats = statistics(response.stats),
    versioning = task_queue_versioning(response.versioning_info),
    raw = response,
  }
end

--- Who polls a task queue, and what waits there.
-- @param self a client
-- @tparam string|table name of the task queue, or the options with `name`
-- @tparam[opt] table given `type` (`"workflow"`, `"activity"` or `"nexus"`;
--   workflow), `stats` (true), `timeout`, `metadata`
-- @treturn table|nil `name`, `pollers` (list of `{identity=,
--   last_access_time=, rate_per_second=, deployment=}`, those of the last
--   minutes), `stats` (`{backlog_count=, backlog_age=, add_rate=,
--   dispatch_rate=}`, approximate, per second), `versioning` (`{current=,
--   ramping=, ramping_percentage=, update_time=}`), `raw`; or nil. A queue
--   nobody has used is one without pollers
-- @treturn temporal.error
-- @raise on misuse
function server.describe_task_queue(self, name, given)
  given = read_name(TASK_QUEUE, name, given, "client:describe_task_queue")
  return run(self, "describe_task_queue", given, describe_task_queue)
end

-- Namespaces.

local NAMESPACE = call_options.define("option of client:describe_namespace", {
  name = options.string("name"),
})

-- The fields of a message of flags or numbers alone.
local function plain_fields(message)
  local fields = {}
  for name, value in next, message or {} do
    if type(value) ~= "table" and name ~= "_unknown" then
      fields[name] = value
    end
  end
  return fields
end

local function describe_namespace(input)
  local response, err = operation.call(input, "DescribeNamespace", { namespace = input.name })
  if not response then
    return nil, err
  end
  local info, config = response.namespace_info or {}, response.config or {}
  local replication = response.replication_config or {}
  local clusters = {}
  for i, cluster in ipairs(replication.clusters or {}) do
    clusters[i] = cluster.cluster_name
  end
  return {
    name = info.name,
    id = info.id,
    state = enum.short("NAMESPACE_STATE_", info.state),
    description = filled(info.description),
    owner_email = filled(info.owner_email),
    data = info.data or {},
    retention = duration.from_message(config.workflow_execution_retention_ttl),
    history_archival = enum.short("ARCHIVAL_STATE_", config.history_archival_state),
    visibility_archival = enum.short("ARCHIVAL_STATE_", config.visibility_archival_state),
    search_attribute_aliases = config.custom_search_attribute_aliases or {},
    is_global = response.is_global_namespace,
    active_cluster = filled(replication.active_cluster_name),
    clusters = clusters,
    capabilities = plain_fields(info.capabilities),
    limits = plain_fields(info.limits),
    raw = response,
  }
end

--- What a namespace is, keeps and can do.
-- @param self a client
-- @tparam[opt] string|table name the client's own when absent; or the options
--   with `name`
-- @tparam[opt] table given `timeout`, `metadata`
-- @treturn table|nil `name`, `id`, `state` (`"registered"`, `"deprecated"`,
--   `"deleted"`), `description`, `owner_email`, `data`, `retention`,
--   `history_archival`, `visibility_archival` (`"enabled"`, `"disabled"`),
--   `search_attribute_aliases` (alias by field), `is_global`,
--   `active_cluster`, `clusters`, `capabilities` (booleans by name), `limits`
--   (`blob_size_limit_error`, `memo_size_limit_error`, ...: bytes), `raw`; or
--   nil
-- @treturn temporal.error of kind `namespace_not_found` when there is none
-- @raise on misuse
function server.describe_namespace(self, name, given)
  given = read_name(NAMESPACE, name, given, "client:describe_namespace", self.namespace)
  return run(self, "describe_namespace", given, describe_namespace)
end

-- The server.

local SYSTEM = call_options.define("option of client:system_info")

local function system_info(input)
  local response, err = operation.call(input, "GetSystemInfo", {})
  if not response then
    return nil, err
  end
  return {
    server_version = response.server_version,
    capabilities = plain_fields(response.capabilities),
    raw = response,
  }
end

--- What the server is and can do.
-- @param self a client
-- @tparam[opt] table given `timeout`, `metadata`
-- @treturn table|nil `server_version`, `capabilities` (booleans by name:
--   `nexus`, `supports_schedules`, ...), `raw`; or nil
-- @treturn temporal.error
-- @raise on misuse
function server.system_info(self, given)
  given = call_options.trailing(SYSTEM, given, "client:system_info")
  return run(self, "system_info", given, system_info)
end

local HEALTH = call_options.define("option of client:check_health", {
  name = options.string("name"),
})

local function check_health(input)
  local response, err = operation.call(input, "grpc.health.v1.Health/Check",
    { service = input.name })
  if not response then
    return nil, err
  end
  return response.status == "SERVING"
end

--- Is a service of the server serving? (The gRPC health protocol.)
-- @param self a client
-- @tparam[opt] string|table service its full name; the workflow service when
--   absent; or the options with `name`
-- @tparam[opt] table given `timeout`, `metadata`
-- @treturn boolean|nil true, false when the server says that it is not
--   serving, or nil
-- @treturn temporal.error of kind `not_found` for a service it does not know
-- @raise on misuse
function server.check_health(self, service, given)
  given = read_name(HEALTH, service, given, "client:check_health", SERVICE)
  return run(self, "check_health", given, check_health)
end

return server

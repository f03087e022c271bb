--- The options of a worker.
-- @module temporal.worker.options

local core = require "temporal.core"
local definition = require "temporal.run.definition"
local definitions = require "temporal.worker.definitions"
local deployment = require "temporal.worker.deployment"
local misuse = require "temporal.base.misuse"
local options = require "temporal.base.options"

local next, type = next, type

local worker_options = {}

local function count(field, min)
  return options.number(field, { integer = true, min = min })
end

local function client(target, value, spec, name)
  local meta = getmetatable(value)
  if type(meta) ~= "table" or rawget(meta, "__name") ~= "temporal.client" then
    return options.fail(spec, name, "must be a client, made by temporal.client",
      options.kind_of(value))
  end
  target.client = value
end

local limit = options.seconds("deadlock_timeout", { above = 0 })

local function deadlock_timeout(target, value, spec, name)
  if value == false then
    target.deadlock_timeout = false
    return nil
  end
  return limit(target, value, spec, name)
end

local function is_module(value)
  return type(value) == "string" and value ~= ""
end

local passthrough = options.list("passthrough", is_module, "must be names of modules")

local OPTIONS = options.define("worker option", {
  client = client,
  deadlock_timeout = deadlock_timeout,
  fail_workflow_on = definition.fail_workflow_on,
  task_queue = options.string("task_queue"),
  workflows = definitions.option "workflows",
  activities = definitions.option "activities",
  passthrough = passthrough,
  max_cached_workflows = count("max_cached_workflows", 0),
  sticky_timeout = options.seconds("sticky_timeout", { above = 0 }),
  identity = options.string("identity"),
  logger = options.func("logger"),
  poll_budget = options.seconds("poll_budget", { above = 0 }),
  graceful_shutdown_timeout = options.seconds("graceful_shutdown_timeout"),
  max_heartbeat_throttle_interval =
    options.seconds("max_heartbeat_throttle_interval", { above = 0 }),
  default_heartbeat_throttle_interval =
    options.seconds("default_heartbeat_throttle_interval", { above = 0 }),
  deployment = deployment.option,
  eager_activities = count("eager_activities", 0),
  max_activities_per_second = options.number("max_activities_per_second", { above = 0 }),
  max_task_queue_activities_per_second =
    options.number("max_task_queue_activities_per_second", { above = 0 }),
  local_activities_only = options.boolean("local_activities_only"),
  slots = options.group("slots", options.define("worker option", {
    workflow = count("workflow", 1),
    activity = count("activity", 1),
    local_activity = count("local_activity", 1),
  }, "slots")),
  pollers = options.group("pollers", options.define("worker option", {
    workflow = count("workflow", 1),
    activity = count("activity", 1),
  }, "pollers")),
})

local DEFAULTS = {
  max_cached_workflows = 1000, sticky_timeout = 10, graceful_shutdown_timeout = 0,
  deadlock_timeout = 2,
  max_heartbeat_throttle_interval = 60, default_heartbeat_throttle_interval = 30,
}
local SLOTS = { workflow = 100, activity = 100, local_activity = 100 }
-- In a plain script the thread runs one task at a time anyway.
local POLLERS = { workflow = 5, activity = 5 }
local PLAIN_POLLERS = { workflow = 2, activity = 1 }

local function with_defaults(given, defaults)
  given = given or {}
  for name, value in next, defaults do
    if given[name] == nil then
      given[name] = value
    end
  end
  return given
end

-- PUC 5.1 cannot yield through pcall, which workflow code must be able to.
function worker_options.check_lua(what)
  if _VERSION == "Lua 5.1" and not rawget(_G, "jit") then
    misuse.raisef('%s option "workflows": PUC Lua 5.1 cannot run workflows, since a wait '
      .. "cannot pass through its pcall; use Lua 5.2 or later, or LuaJIT. Activities run on 5.1",
      what)
  end
end

--- The limit that holds: none where a debugger stands in the code for minutes.
-- @tparam number|boolean seconds or false
function worker_options.limit(seconds)
  return core.getenv "TEMPORAL_DEBUG" ~= "1" and seconds
end

-- A worker that keeps runs asks two queues: its own and everybody's.
local function check_two(settings)
  if settings.max_cached_workflows == 0 then
    return
  end
  for _, name in next, { "slots", "pollers" } do
    if settings[name] and settings[name].workflow == 1 then
      misuse.raisef('worker option "%s.workflow" must be at least 2, got 1: a worker that keeps '
        .. "runs asks its own queue and everybody's (one with max_cached_workflows = 0 keeps none)",
        name)
    end
  end
end

--- Checks the options of a worker.
-- @tparam table given
-- @treturn table `client task_queue workflows activities max_cached_workflows
--   sticky_timeout slots pollers deadlock_timeout`
-- @raise on misuse
function worker_options.check(given)
  if type(given) ~= "table" then
    misuse.raisef("temporal.worker takes a table of options, got %s", options.kind_of(given))
  end
  local settings = options.apply(OPTIONS, given, {})
  for _, name in next, { "client", "task_queue" } do
    if settings[name] == nil then
      misuse.raisef('worker option "%s" is missing', name)
    end
  end
  if settings.task_queue:find("^__temporal_") then
    misuse.raise('worker option "task_queue" must not begin with "__temporal_": those are the '
      .. "server's own")
  elseif next(settings.workflows or {}) == nil and next(settings.activities or {}) == nil then
    misuse.raise('worker options "workflows" and "activities" are both missing or empty: there is '
      .. "nothing to run")
  end
  if settings.workflows then
    worker_options.check_lua "worker"
  end
  settings.workflows, settings.activities = settings.workflows or {}, settings.activities or {}
  settings.slots = with_defaults(settings.slots, SLOTS)
  settings = with_defaults(settings, DEFAULTS)
  check_two(settings)
  settings.deadlock_timeout = worker_options.limit(settings.deadlock_timeout)
  return settings
end

worker_options.workflows = definitions.option "workflows"
worker_options.passthrough = passthrough
worker_options.fail_workflow_on = definition.fail_workflow_on
worker_options.deadlock_timeout = deadlock_timeout

--- How many polls of each kind.
-- @tparam table|nil given by the user
-- @tparam boolean plain the host is a plain script
function worker_options.pollers(given, plain)
  return with_defaults(given, plain and PLAIN_POLLERS or POLLERS)
end

--- The session a worker makes its requests in: its client's, but for what the
-- worker has of its own.
-- @tparam temporal.session session
-- @tparam table settings of the worker
function worker_options.session(session, settings)
  if not settings.identity and not settings.logger then
    return session
  end
  return setmetatable({ identity = settings.identity, logger = settings.logger },
    { __index = session })
end

return worker_options

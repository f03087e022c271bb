--- An activity in a test, without a server: what it asks is answered by the test.
--
--     local testing = temporal.testing.activity(Charge, { last_heartbeat = { 3 } })
--     assert(testing:run(order) == "receipt")
-- @module temporal.testing.activity

local call = require "temporal.activity.call"
local context = require "temporal.activity.context"
local definition = require "temporal.activity.definition"
local misuse = require "temporal.base.misuse"
local options = require "temporal.base.options"
local tasks = require "temporal.wait.task"

local error, next, select, setmetatable, type = error, next, select, setmetatable, type
local unpack = table.unpack or unpack -- luacheck: ignore 113 143

local methods = {}
local metatable = { __name = "temporal.testing.activity", __index = methods }

local function a_table(field)
  return function(target, value, spec, name)
    if type(value) ~= "table" then
      return options.fail(spec, name, "must be a table", options.kind_of(value))
    end
    target[field] = value
  end
end

local KNOWN = {}
for name in ("id type task_queue workflow_id run_id workflow_type namespace attempt is_local "
  .. "scheduled_time started_time deadline schedule_to_close_timeout start_to_close_timeout "
  .. "heartbeat_timeout retry_policy priority task_token activity_run_id"):gmatch "%S+" do
  KNOWN[name] = true
end

local function info(target, value, spec, name)
  a_table(name)(target, value, spec, name)
  for each in next, value do
    if not KNOWN[each] then
      options.fail(spec, name, ("has a field %s that activity.info() has not; it has: %s"):format(
        options.show(each), options.names_of(KNOWN)))
    end
  end
end

local OPTIONS = options.define("option of temporal.testing.activity", {
  info = info,
  last_heartbeat = a_table "last_heartbeat",
  on_heartbeat = options.func "on_heartbeat",
  client = function(target, value)
    target.client = value
  end,
  logger = options.func "logger",
})

-- What `activity.info()` says, but for what the test says.
local INFO = {
  id = "test", task_queue = "test", namespace = "default", workflow_id = "test", run_id = "test",
  workflow_type = "test", attempt = 1, is_local = false, start_to_close_timeout = 10,
}

local SOURCE = {}

function SOURCE.heartbeat(activity, _, ...)
  local on_heartbeat = activity.owner.on_heartbeat
  if on_heartbeat then
    on_heartbeat(...)
  end
end

function SOURCE.last_heartbeat(activity)
  local list = activity.owner.last_heartbeat or {}
  return { n = list.n or #list, unpack(list, 1, list.n or #list) }
end

--- An activity to be tested.
-- @tparam function fn
-- @tparam[opt] table given `info` (fields of `activity.info()`), `last_heartbeat` (a
--   list of values; `n` counts nils), `on_heartbeat` (`fn(...)` gets the details;
--   may cancel), `client` and `logger` (for `activity.client()` and `activity.log`)
-- @treturn temporal.testing.activity with `run` and `cancel`
-- @raise on misuse
local function new(fn, given)
  if type(fn) ~= "function" then
    misuse.raisef("temporal.testing.activity takes a function, got %s", options.kind_of(fn))
  elseif given ~= nil and type(given) ~= "table" then
    misuse.raisef("temporal.testing.activity: the options must be a table, got %s",
      options.kind_of(given))
  end
  local settings = options.apply(OPTIONS, given or {}, {})
  local known = { type = definition.name_of(fn) or "test" }
  for name, value in next, INFO do
    known[name] = value
  end
  for name, value in next, settings.info or {} do
    known[name] = value
  end
  return setmetatable({ fn = fn, owner = settings, info = known, reason = nil, running = nil },
    metatable)
end

local function apply(self, reason)
  if reason == "worker_stopping" then
    context.worker_stops(self.running)
  end
  context.cancel(self.running, reason)
end

--- Runs it as its worker would, and waits for its end.
-- @param ... arguments
-- @return its result; or nil and why it failed, where it returned so
-- @raise what it raised; kind `canceled` where it is canceled and waits
function methods:run(...)
  options.check_self(self, metatable, "activity")
  if self.running then
    misuse.raise "testing.activity:run: it is running already"
  end
  self.running = context.new(SOURCE, { owner = self.owner, known = self.info })
  if self.reason then
    apply(self, self.reason)
  end
  local ok, first, second = call.begin(self.running, self.fn, { n = select("#", ...), ... }):get()
  self.running = nil
  if ok then
    return first, second
  end
  error(tasks.raised(first), 0)
end

local REASONS = {
  requested = true, paused = true, reset = true, timed_out = true, not_found = true,
  worker_stopping = true,
}

--- Cancels it: now, where it runs, else when it is run.
-- @tparam[opt] string reason `"requested"` (the default), `"paused"`, `"reset"`,
--   `"timed_out"`, `"not_found"`, `"worker_stopping"`
-- @raise on another reason
function methods:cancel(reason)
  options.check_self(self, metatable, "activity")
  reason = reason == nil and "requested" or reason
  if not REASONS[reason] then
    misuse.raisef("testing.activity:cancel: the reason must be one of %s, got %s",
      options.names_of(REASONS), options.show(reason))
  end
  if self.running then
    apply(self, reason)
  else
    self.reason = reason
  end
end

return new

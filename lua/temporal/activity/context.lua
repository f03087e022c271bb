--- One activity, as its code sees it: what it is, its heartbeats, and whether it
-- is to end. `temporal.activity` finds the running one; `activity.current()` gives
-- it to callbacks that run in coroutines of their own.
-- @module temporal.activity_context

local errors = require "temporal.error.error"
local logger = require "temporal.observe.logger"
local meter = require "temporal.base.lazy" "temporal.observe.meter"
local misuse = require "temporal.base.misuse"
local not_a_value = require "temporal.base.not_a_value"
local options = require "temporal.base.options"
local promise = require "temporal.wait.promise"
local protect = require "temporal.base.protect"
local tasks = require "temporal.wait.task"

local error, next, select, setmetatable, type = error, next, select, setmetatable, type
local running = coroutine.running
local unpack = table.unpack or unpack -- luacheck: ignore 113 143

local methods = {}
local metatable = { __name = "temporal.activity", __index = methods }
not_a_value(metatable)

local context = {}

-- The activities that are running, by their coroutines.
local current = setmetatable({}, { __mode = "k" })

-- After these the server takes nothing of the attempt any more.
local OVER = { timed_out = true, not_found = true }

local WHY = {
  requested = "its cancellation was requested",
  paused = "it was paused",
  reset = "it was reset: another attempt begins",
  timed_out = "its time is over",
  not_found = "the server knows no such attempt any more",
  worker_stopping = "its worker is stopping",
}

local function canceled_error(self)
  return errors.new {
    kind = "canceled", reason = self._reason,
    message = "the activity is canceled: " .. WHY[self._reason],
  }
end

-- Who is running: a task, or a coroutine that is none. An activity knows its task, not
-- its coroutine: where weak tables have no ephemerons it would keep that, and so itself.
local function who()
  return tasks.current() or running() or false
end

-- Is one, of those that do the activity's work, shielded?
local function is_shielded(self, one)
  local shields = self._shields
  return shields ~= nil and (shields[one] or 0) > 0
end

-- The waits of its own coroutine raise, unless it is shielded or over.
local function set_interrupt(self)
  local raised
  local own = self._task
  if self._reason and not self._ended and not is_shielded(self, own) then
    raised = function()
      return canceled_error(self)
    end
  end
  if own then
    tasks.interrupt(own, raised)
  end
end

--- Where an activity that no server knows of gets what it asks for.
context.LOCAL = {
  heartbeat = function() end,
  last_heartbeat = function()
    return { n = 0 }
  end,
}

--- Makes an activity.
-- @tparam table source `heartbeat(context, n, ...)`, `last_heartbeat(context)`
--   (values with `n`), and where it has them `info(context)`, `wanted(context)` (a
--   reason or nil) and `slow(context, seconds)`: it has kept all else waiting
-- @tparam table fields `owner` (with `client` and `logger`, or a `session` that has
--   one), `known` (what `info()` returns, unless the source says it), and whatever
--   the source wants; becomes the activity
-- @treturn temporal.activity
function context.new(source, fields)
  fields.source = source
  return setmetatable(fields, metatable)
end

--- The running coroutine is the activity's.
-- @tparam temporal.activity self
function context.enter(self)
  current[running() or false] = self
  self._task = tasks.current()
  if self.source.slow and self._task then
    tasks.watch(self._task, self.source.slow, self)
  end
  if self._reason then
    set_interrupt(self)
  end
end

--- Its function has ended.
-- @tparam temporal.activity self
function context.leave(self)
  self._ended = true
  if self._reason then
    set_interrupt(self)
  end
end

--- The activity whose coroutine is running.
-- @treturn temporal.activity|nil
function context.current()
  return current[running() or false]
end

--- Is the running coroutine that of an activity of this worker?
-- @tparam worker worker
-- @treturn boolean
function context.is_of(worker)
  local found = context.current()
  return found ~= nil and found.owner == worker
end

--- The activity is to end.
-- @tparam temporal.activity self
-- @tparam string reason `"requested" "paused" "reset" "timed_out" "not_found"
--   "worker_stopping"`; what the server wants outweighs what only this worker does
function context.cancel(self, reason)
  local before = self._reason
  if before == reason or OVER[before]
    or before and reason ~= "requested" and not OVER[reason] then
    return
  end
  self._reason = reason
  if not before then
    if self._cancellation then
      self._cancellation:finish()
    end
    set_interrupt(self)
  end
end

--- Its worker is being stopped, and lets it run on for a while.
-- @tparam temporal.activity self
function context.worker_stops(self)
  self._stopping = true
  if self._stop then
    self._stop:finish()
  end
end

-- Why it is to end, also where that has not been told yet: a loop that never
-- waits hears of it here.
local function reason_of(self)
  local source = self.source
  local wanted = source.wanted and source.wanted(self)
  if wanted then
    context.cancel(self, wanted)
  end
  return self._reason
end

--- Why the activity is to end, as its worker asks it.
-- @tparam temporal.activity self
-- @treturn string|nil
-- @treturn boolean the server takes nothing of it any more
function context.reason(self)
  local reason = reason_of(self)
  return reason, OVER[reason] or false
end

-- What activities call.

--- What is known of the activity.
-- @treturn table `id type task_queue workflow_id run_id workflow_type namespace
--   attempt is_local scheduled_time started_time deadline` (seconds since the epoch;
--   the deadline is this attempt's) `schedule_to_close_timeout
--   start_to_close_timeout heartbeat_timeout` (seconds, nil: none) `retry_policy
--   priority task_token activity_run_id`; a workflow's fields are nil where none
--   asked for it
function methods:info()
  local known = self.known
  if not known then
    known = self.source.info(self)
    self.known = known
  end
  return known
end

--- Tells the server that the activity is alive, and how far it is: the newest
-- details are sent every 0.8 of its `heartbeat_timeout` (at most
-- `max_heartbeat_throttle_interval`, without a timeout
-- `default_heartbeat_throttle_interval`), also while Lua is busy.
-- @param ... details, for `describe` and the next attempt
-- @raise kind `canceled` once the activity is to end, unless it is shielded; when a
--   detail cannot be converted
function methods:heartbeat(...)
  if self._ended then
    misuse.raise "activity.heartbeat: the activity has ended"
  end
  self.source.heartbeat(self, select("#", ...), ...)
  if reason_of(self) and not is_shielded(self, who()) then
    error(canceled_error(self), 0)
  end
end

--- The details of the last heartbeat of the attempt before this one.
-- @return as many values as that had
function methods:last_heartbeat()
  local values = self.source.last_heartbeat(self)
  return unpack(values, 1, values.n)
end

--- Is the activity to end?
-- @treturn string|nil why: `"requested"` by whoever began it, `"paused"`, `"reset"`,
--   `"timed_out"`, `"not_found"` (it is over for the server), `"worker_stopping"`
function methods:canceled()
  return (reason_of(self))
end

--- Is its worker being stopped?
-- @treturn boolean
function methods:worker_stopping()
  return self._stopping or false
end

-- Of who is running.
local function add_shield(self, more)
  local one = who()
  self._shields = self._shields or setmetatable({}, { __mode = "k" })
  self._shields[one] = (self._shields[one] or 0) + more
  if one == self._task then
    set_interrupt(self)
  end
end

local function shield(self)
  add_shield(self, 1)
end

local function unshield(self)
  add_shield(self, -1)
end

-- Waits for a promise, canceled or not.
local function wait_for(self, awaited, timeout)
  shield(self)
  local ready, problem = awaited:wait(timeout)
  unshield(self)
  if problem then
    error(problem, 0)
  end
  return ready
end

local function cancellation(self)
  self._cancellation = self._cancellation or promise.new()
  return self._cancellation
end

--- Waits so long.
-- @tparam number|string duration
-- @raise kind `canceled` when the activity is to end, at once; not in `shield`
function methods:sleep(duration)
  if duration == nil then
    misuse.raise "activity.sleep takes a duration, got nil"
  end
  local seconds = options.timeout(duration, "activity.sleep")
  if is_shielded(self, who()) then
    return promise.pause(seconds)
  elseif reason_of(self) or wait_for(self, cancellation(self), seconds) then
    error(canceled_error(self), 0)
  end
end

--- Waits until the activity is to end. Does not raise.
-- @tparam[opt] number|string timeout
-- @treturn string|nil why, as `canceled`; nil when the time ran out
function methods:wait_canceled(timeout)
  timeout = options.timeout(timeout, "activity.wait_canceled")
  if not reason_of(self) then
    wait_for(self, cancellation(self), timeout)
  end
  return self._reason
end

--- Waits until the worker of the activity is being stopped. Does not raise.
-- @tparam[opt] number|string timeout
-- @treturn boolean false when the time ran out
function methods:wait_worker_stopping(timeout)
  timeout = options.timeout(timeout, "activity.wait_worker_stopping")
  if self._stopping then
    return true
  end
  self._stop = self._stop or promise.new()
  return wait_for(self, self._stop, timeout)
end

local function unshielded(self, ok, ...)
  unshield(self)
  if not ok then
    error((...), 0)
  end
  return ...
end

-- What a task returned, or raised.
local function outcome(first, problem, ...)
  if first == nil and errors.is_error(problem) and problem.kind == "task_failed" then
    return false, tasks.raised(problem)
  end
  return true, first, problem, ...
end

-- On PUC 5.1 no wait passes through a pcall, but a task keeps its errors.
local function call(self, fn, ...)
  if protect == pcall then
    return pcall(fn, ...)
  end
  return outcome(tasks.spawn(function(...)
    current[running() or false] = self
    shield(self)
    return fn(...)
  end, ...):get())
end

--- Calls a function in which waits do not raise although the activity is canceled:
-- for what has to be cleaned up.
-- @tparam function fn
-- @param ... its arguments
-- @return what it returned
-- @raise what it raised
function methods:shield(fn, ...)
  if type(fn) ~= "function" then
    misuse.raisef("activity.shield takes a function, got %s", options.kind_of(fn))
  end
  shield(self)
  return unshielded(self, call(self, fn, ...))
end

--- The client of the worker.
-- @treturn temporal.client
function methods:client()
  return self.owner.client
end

local LEVELS = { debug = true, info = true, warn = true, error = true }

--- Says something to the worker's logger; with what the activity is.
-- @tparam string level `"debug" "info" "warn" "error"`
-- @tparam string message
-- @tparam[opt] table fields
function methods:log(level, message, fields)
  if not LEVELS[level] then
    misuse.raisef('activity.log: the level must be "debug", "info", "warn" or "error", got %s',
      options.show(level))
  elseif fields ~= nil and type(fields) ~= "table" then
    misuse.raisef("activity.log: the fields must be a table, got %s", options.kind_of(fields))
  end
  local info = self:info()
  local all = {
    activity_id = info.id, activity_type = info.type, attempt = info.attempt,
    workflow_id = info.workflow_id, run_id = info.run_id, workflow_type = info.workflow_type,
  }
  for name, value in next, fields or {} do
    all[name] = value
  end
  local owner = self.owner
  logger.log(owner.logger or owner.session and owner.session.logger or logger.default, level,
    message, all)
end

--- Metrics of the program's own, in `client:metrics()`. They have the tags
-- `namespace`, `task_queue`, `activity_type`.
-- @treturn temporal.meter `counter(name[, tags]):add([n])`,
--   `gauge(name[, tags]):set(value)`, `histogram(name[, tags]):record(value)`
function methods:metrics()
  local info, session = self:info(), self.owner.session
  return meter.new(session and meter.registry_of(session) or {}, {
    namespace = info.namespace, task_queue = info.task_queue, activity_type = info.type,
  })
end

function metatable.__tostring(self)
  local info = self:info()
  return ("temporal.activity (%s, %s)"):format(tostring(info.type), tostring(info.id))
end

for name, method in next, methods do
  methods[name] = function(self, ...)
    options.check_self(self, metatable, "activity")
    return method(self, ...)
  end
end

context.methods = methods

return context

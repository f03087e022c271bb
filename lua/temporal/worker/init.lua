--- A worker: polls a task queue, and runs the program's workflows and activities.
--
--     local worker = temporal.worker{ client = client, task_queue = "orders",
--       workflows = { Order = Order }, activities = { Charge = Charge } }
--     temporal.assert(worker:run())
-- @module temporal.worker

local attempt = require "temporal.base.lazy" "temporal.worker.attempt"
local cache = require "temporal.worker.cache"
local code = require "temporal.worker.code"
local context = require "temporal.base.lazy" "temporal.activity.context"
local core = require "temporal.core"
local crew = require "temporal.wait.crew"
local definitions = require "temporal.worker.definitions"
local deployment = require "temporal.worker.deployment"
local eager_start = require "temporal.base.lazy" "temporal.worker.eager_start"
local errors = require "temporal.error.error"
local farewell = require "temporal.worker.farewell"
local field = require "temporal.base.field"
local host = require "temporal.wait.host"
local local_activity = require "temporal.base.lazy" "temporal.worker.local_activity"
local logger = require "temporal.observe.logger"
local misuse = require "temporal.base.misuse"
local options = require "temporal.base.options"
local payloads = require "temporal.base.lazy" "temporal.worker.payloads"
local polls = require "temporal.worker.polls"
local promise = require "temporal.wait.promise"
local protect = require "temporal.base.protect"
local service = require "temporal.call.service"
local sessions = require "temporal.call.session"
local signals = require "temporal.worker.signals"
local slots = require "temporal.worker.slots"
local tasks = require "temporal.wait.task"
local state = require "temporal.base.state"
local wait = require "temporal.wait.wait"
local worker_options = require "temporal.worker.options"

local error, next, tostring, type = error, next, tostring, type
local min = math.min
local unpack = table.unpack or unpack -- luacheck: ignore 113 143

local RUN = options.define("option of worker:run", { signals = signals.option })
local NO_SIGNALS = { signals = false }

local worker = {}
local metatable = { __name = "temporal.worker", __index = worker }

-- A run is forgotten that has local activities.
local function drop(run)
  return local_activity.drop(run)
end

-- Runs that have a task under way are kept, and in a cache without room those whose next
-- task goes on with what they have begun.
local function new_cache(limit, busy)
  return cache.new(limit, function(run)
    return busy[run.run_id] ~= nil or limit == 0 and run.awaits_task
  end, drop)
end

--- Makes a worker. Dials nothing.
-- @tparam table given `client` and `task_queue` (required); `workflows`, `activities`
--   (at least one of the two: functions or names of modules, in a list or by their
--   names; `[temporal.any] = fn` gets all other names, as its first argument);
--   `passthrough` (names of modules that all runs share); `slots` (`{workflow=100, activity=100,
--   local_activity=100}`: tasks at the same time), `pollers` (`{workflow=2, activity=1}`:
--   open polls),
--   `max_cached_workflows` (1000; 0: each task replays the whole history),
--   `sticky_timeout` (10 s: how long a task waits for the worker that has its run),
--   `deadlock_timeout` (2 s: the time that the code of a workflow may run without
--   waiting; past it the task fails. `false`: no limit, as where the environment has
--   TEMPORAL_DEBUG=1); `graceful_shutdown_timeout` (0 s: how long activities run on once
--   the worker stops), `eager_activities` (3, in a plain script 1: of a workflow task, that
--   come with the answer to it), `max_activities_per_second` (that this worker begins),
--   `max_task_queue_activities_per_second` (of the whole queue, kept by the server),
--   `local_activities_only` (false), `max_heartbeat_throttle_interval` (60 s),
--   `default_heartbeat_throttle_interval` (30 s: of activities without a heartbeat timeout),
--   `deployment` (`{name=, build_id=, versioned=true, default_behavior=}`: the version of
--   this code; `"pinned"` or `"auto_upgrade"`. `build_id` alone is only told)
-- @treturn temporal.worker
-- @raise on misuse
local function new(given)
  local settings = worker_options.check(given)
  local defined = definitions.activities(settings.activities, 'worker option "activities"')
  local workflows = code.new(settings, "worker")
  deployment.check(settings.deployment, workflows.entries)
  local busy = {}
  return setmetatable({
    client = settings.client, task_queue = settings.task_queue,
    deployment = settings.deployment and settings.deployment.message,
    code = workflows, workflows = workflows.workflows, activities = defined,
    cache = new_cache(settings.max_cached_workflows, busy), settings = settings,
    slots = {
      workflow = slots.new(settings.slots.workflow), activity = slots.new(settings.slots.activity),
      local_activity = slots.new(settings.slots.local_activity),
    },
    -- Runs that have a task under way, by run id: true, or what others wait for.
    busy = busy,
    -- When open polls began, by their futures; kinds of calls, by their methods; answers
    -- to tasks that are under way, and when the last of them ended; tasks and pollers that
    -- have not ended; the activities that run.
    polls = {}, calls = {}, answering = 0, answered_at = 0, tasks = 0, pollers = 0,
    attempts = {}, eager_limit = 0,
    crew = crew.new(),
    -- It is about to end; the server knows that; no poll is open; it has ended.
    leaving = promise.new(), told = promise.new(), polls_ended = promise.new(),
    stopped = promise.new(), state = "new",
    -- Warnings of polls: how many have failed, when the next is due. For how many
    -- seconds the server may refuse them in a row.
    failed_polls = 0, warn_at = 0, fatal_after = 60,
  }, metatable)
end

-- Two would take each other's tasks.
local function check_alone(self)
  for other in next, state.workers do
    if other.client == self.client and other.task_queue == self.task_queue then
      misuse.raisef("a worker of this client for the task queue %q is running already: stop that "
        .. "one first, or give one worker all workflows and activities", self.task_queue)
    end
  end
end

-- Where would its tasks run?
local function check_host()
  local refuses = host.current().refuses_worker
  local why = refuses and refuses()
  if why then
    misuse.raise("attempt to start a worker " .. why)
  end
end

-- What the server knows of the namespace: how its polls end, and that it is there.
local function ask_namespace(self)
  local namespace, err = service.call(self.session, "DescribeNamespace",
    { namespace = self.session.namespace })
  if not namespace then
    return nil, err
  end
  self.namespace = namespace
  local limits = namespace.namespace_info and namespace.namespace_info.limits
  self.blob_limit = limits and field.filled(tonumber(limits.blob_size_limit_error))
  self.memo_limit = limits and field.filled(tonumber(limits.memo_size_limit_error))
  local capabilities = namespace.namespace_info and namespace.namespace_info.capabilities
  self.polls_end_by_themselves = capabilities
    and capabilities.worker_poll_complete_on_shutdown or false
  return true
end

-- The least that a running worker asks for bounds `temporal.poll`.
local function enter(self, running)
  local least
  state.workers[self] = running or nil
  for each in next, state.workers do
    local budget = each.settings.poll_budget
    least = budget and min(budget, least or budget) or least
  end
  state.poll_budget = least
end

local function give_up_start(self, err)
  enter(self, false)
  return nil, err
end

local TRANSIENT = { unavailable = true, deadline_exceeded = true, resource_exhausted = true }
local START_PAUSE, LONGEST_START_PAUSE = 0.2, 10

-- Where `start` could not wait: the worker runs, as far as anybody can see.
local function start_later(self)
  local pause = START_PAUSE
  while self.state == "running" do
    local known, err = ask_namespace(self)
    if known and self.state == "running" then
      polls.begin(self)
    elseif not known and not TRANSIENT[err.kind] then
      self:fail(err)
    elseif not known then
      logger.log(self.session.logger, "warn", "a worker cannot start yet: " .. tostring(err),
        { task_queue = self.task_queue })
      self.leaving:wait(pause)
      pause = min(2 * pause, LONGEST_START_PAUSE)
    end
    if known then
      break
    end
  end
  self.tasks = self.tasks - 1
  self:task_ended()
end

-- `about_to_poll`: called when nothing can go wrong any more.
local function start(self, about_to_poll)
  options.check_self(self, metatable, "worker")
  if self.state ~= "new" or state.workers[self] then
    misuse.raisef("this worker was started before: it is %s; make another one",
      state.workers[self] and self.state == "new" and "starting" or self.state)
  end
  check_alone(self)
  check_host()
  self.code:check_locale()
  local session = sessions.of(self.client)
  if session.closed then
    misuse.raise("attempt to start a worker of a closed client")
  end
  session:open()
  self.session = worker_options.session(session, self.settings)
  local converter = self.session.converter
  self.converter = converter.plain or converter
  self.payloads = converter.plain and payloads.new(converter, self.session.namespace)
  self.instance_key = core.uuid()
  enter(self, true)
  farewell.watch_end()
  if not wait.check() then
    self.state, self.tasks = "running", self.tasks + 1
    tasks.spawn(start_later, self)
    return true
  end
  local known, err = ask_namespace(self)
  if not known then
    return give_up_start(self, err)
  elseif self.state ~= "new" then
    return give_up_start(self, errors.new {
      kind = "call_canceled", message = "the worker was stopped before it had started",
    })
  end
  self.state = "running"
  if about_to_poll then
    about_to_poll()
  end
  polls.begin(self)
  return true
end

--- Checks the namespace and begins polling. Where waiting is impossible it returns
-- at once: what goes wrong then is logged, and in `status`.
-- @treturn boolean|nil true, or nil
-- @treturn temporal.error
-- @raise when it was started before, another worker of this client polls this task
--   queue, or in a request of nginx
function worker:start()
  return start(self)
end

--- Takes a slot for the first task of a workflow that the client is about to start.
-- @tparam string workflow_type
-- @treturn boolean false: it has no such workflow, or no room now
function worker:reserve_start(workflow_type)
  return eager_start.reserve(self, workflow_type)
end

--- The start is on its way, with that slot.
-- @param future of the start; nil: it is not, after all
function worker:expect_start(future)
  eager_start.expect(self, future)
end

--- A task or a poller has ended: is the worker at its end, too?
function worker:task_ended()
  if self.leaving:ready() and self.pollers == 0 and self.tasks == 0 then
    if self.state == "stopping" then
      self.state = "stopped"
    end
    self.crew:dismiss()
    self.stopped:finish()
  end
end

-- The end begins: no poll any more, and whoever pauses goes on.
local function leave(self, how)
  self.state = how
  enter(self, false)
  farewell.begin(self)
  self.leaving:finish()
  attempt.stop(self, self.settings.graceful_shutdown_timeout)
end

--- It cannot go on: `run` and `wait` return that error.
-- @tparam temporal.error err
function worker:fail(err)
  if self.state == "running" then
    logger.log(self.session.logger, "error", "the worker stops: " .. tostring(err),
      { task_queue = self.task_queue })
    self.error = err
    leave(self, "failed")
  end
end

--- Begins the shutdown, and waits for nothing.
function worker:begin_stop()
  if self.state == "new" then
    self.state = "stopped"
    self.stopped:finish()
  elseif self.state == "running" then
    leave(self, "stopping")
  end
end

--- Is it one of its activities that calls?
-- @treturn boolean
function worker:runs_caller()
  return context.is_of(self)
end

--- Begins the shutdown, and waits for its end: no new polls, tasks finish.
-- Activities see `activity.worker_stopping()` at once, and are canceled after
-- `graceful_shutdown_timeout`. Called in one of this worker it returns at once.
-- @tparam[opt] number|string timeout a duration
-- @treturn boolean|nil true, or nil
-- @treturn temporal.error of kind `timeout`: the rest goes on; or why the worker
--   has failed
function worker:stop(timeout)
  options.check_self(self, metatable, "worker")
  timeout = options.timeout(timeout, "worker:stop")
  self:begin_stop()
  if self:runs_caller() then
    return true
  end
  return self:wait(timeout)
end

--- Waits until the worker has stopped.
-- @tparam[opt] number|string timeout a duration
-- @treturn boolean|nil true, or nil
-- @treturn temporal.error of kind `timeout`, or why the worker has failed
function worker:wait(timeout)
  options.check_self(self, metatable, "worker")
  local ended, err = self.stopped:get(options.timeout(timeout, "worker:wait"))
  if not ended then
    return nil, err
  elseif self.error then
    return nil, self.error
  end
  return true
end

local function pack(...)
  return { n = select("#", ...), ... }
end

--- Starts, and waits until the worker is stopped. In a plain script SIGINT and
-- SIGTERM begin the stop meanwhile; the second of them does what it did before.
-- With a function: runs it as a task beside the worker, and stops when it ends.
-- @tparam[opt] function|table how fn, or `signals` (`{"INT", "TERM"}`; false:
--   none are caught)
-- @return true, or what fn returned; or nil
-- @treturn temporal.error
-- @raise what fn raised
function worker:run(how)
  options.check_self(self, metatable, "worker")
  local fn, given = nil, how
  if type(how) == "function" then
    fn, given = how, NO_SIGNALS
  end
  local settings = options.apply(RUN, given or {}, {})
  local ok, err = wait.check()
  local caught -- before a task can come that a signal would end
  if ok then
    ok, err = start(self, not fn and function() caught = signals.catch(settings.signals) end)
  end
  if not ok then
    return nil, err
  elseif not fn then
    return signals.wait(self, caught)
  end
  local results = pack(tasks.spawn(protect, fn):get())
  self:stop()
  if results[1] then
    return unpack(results, 2, results.n)
  end
  return error(results[1] == nil and tasks.raised(results[2]) or results[2], 0)
end

--- How it is doing.
-- @treturn table `state` (`"new" "running" "stopping" "stopped" "failed"`), `slots`
--   (those taken, by kind), `cached` (runs), `error` (why it has failed)
function worker:status()
  options.check_self(self, metatable, "worker")
  return {
    state = self.state, cached = self.cache.count, error = self.error,
    slots = {
      workflow = self.slots.workflow:used(), activity = self.slots.activity:used(),
      local_activity = self.slots.local_activity:used(),
    },
  }
end

function metatable.__tostring(self)
  return ("temporal.worker (%s, %s)"):format(self.task_queue, self.state)
end

return { new = new }

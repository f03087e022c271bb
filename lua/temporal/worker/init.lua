--- A worker: polls a task queue, and runs the program's workflows and activities.
--
--     local worker = temporal.worker{ client = client, task_queue = "orders",
--       workflows = { Order = Order }, activities = { Charge = Charge } }
--     temporal.assert(worker:run())
-- @module temporal.worker

local activities = require "temporal.activity.definition"
local activity_task = require "temporal.worker.activity_task"
local cache = require "temporal.worker.cache"
local core = require "temporal.core"
local crew = require "temporal.wait.crew"
local definition = require "temporal.run.definition"
local misuse = require "temporal.base.misuse"
local options = require "temporal.base.options"
local poller = require "temporal.worker.poller"
local promise = require "temporal.wait.promise"
local service = require "temporal.call.service"
local sessions = require "temporal.call.session"
local slots = require "temporal.worker.slots"
local spawn = require("temporal.wait.task").spawn
local workflow_task = require "temporal.worker.workflow_task"
local worker_options = require "temporal.worker.options"

local error, floor, max, next = error, math.floor, math.max, next
local unpack = table.unpack or unpack -- luacheck: ignore 113 143

-- Of five polls for workflow tasks one stays on the normal queue.
local NORMAL_SHARE = 5

local worker = {}
local metatable = { __name = "temporal.worker", __index = worker }

--- Makes a worker. Dials nothing.
-- @tparam table given `client` and `task_queue` (required); `workflows`, `activities`
--   (`Name = fn`, at least one of the two); `slots` (`{workflow=100, activity=100}`:
--   tasks at the same time), `pollers` (`{workflow=2, activity=1}`: open polls),
--   `max_cached_workflows` (1000; 0: each task replays the whole history),
--   `sticky_timeout` (10 s: how long a task waits for the worker that has its run)
-- @treturn temporal.worker
-- @raise on misuse
local function new(given)
  local settings = worker_options.check(given)
  for name, fn in next, settings.activities do
    activities.define(name, fn)
  end
  for name, fn in next, settings.workflows do
    definition.define(name, fn)
  end
  return setmetatable({
    client = settings.client, task_queue = settings.task_queue,
    workflows = settings.workflows, activities = settings.activities,
    cache = cache.new(settings.max_cached_workflows), settings = settings,
    slots = {
      workflow = slots.new(settings.slots.workflow), activity = slots.new(settings.slots.activity),
    },
    -- Open polls, by their futures; tasks and pollers that have not ended.
    polls = {}, tasks = 0, pollers = 0, crew = crew.new(),
    state = "new", stopped = promise.new(),
  }, metatable)
end

-- The polls of a workflow's two queues: this worker's own, where the server sends
-- the tasks of runs that are in its cache, and everybody's.
local function poll_workflows(self, normal)
  local count = self.settings.pollers.workflow
  if self.cache.limit > 0 then
    local sticky = {
      name = ("%s:%s"):format(self.task_queue, self.instance_key),
      kind = "TASK_QUEUE_KIND_STICKY", normal_name = self.task_queue,
    }
    self.sticky = { worker_task_queue = sticky, schedule_to_start_timeout = {
      seconds = floor(self.settings.sticky_timeout),
      nanos = floor(self.settings.sticky_timeout % 1 * 1000000000),
    } }
    local share = max(1, floor(count / NORMAL_SHARE))
    poller.begin(self, count - share, "PollWorkflowTaskQueue", sticky, self.slots.workflow,
      workflow_task.run)
    count = share
  end
  poller.begin(self, count, "PollWorkflowTaskQueue", normal, self.slots.workflow, workflow_task.run)
end

--- Checks the namespace and begins polling.
-- @treturn boolean|nil true, or nil
-- @treturn temporal.error
-- @raise when it was started before
function worker:start()
  options.check_self(self, metatable, "worker")
  if self.state ~= "new" then
    misuse.raisef("this worker was started before: it is %s; make another one", self.state)
  end
  local session = sessions.of(self.client)
  session:open()
  self.session, self.converter = session, session.converter
  local namespace, err = service.call(session, "DescribeNamespace",
    { namespace = session.namespace })
  if not namespace then
    return nil, err
  end
  local capabilities = namespace.namespace_info and namespace.namespace_info.capabilities
  self.polls_end_by_themselves = capabilities
    and capabilities.worker_poll_complete_on_shutdown or false
  self.instance_key, self.state = core.uuid(), "running"
  local normal = { name = self.task_queue, kind = "TASK_QUEUE_KIND_NORMAL" }
  if next(self.workflows) then
    poll_workflows(self, normal)
  end
  if next(self.activities) then
    poller.begin(self, self.settings.pollers.activity, "PollActivityTaskQueue", normal,
      self.slots.activity, activity_task.run)
  end
  return true
end

--- A task or a poller has ended: is the worker at its end, too?
function worker:task_ended()
  if self.state == "stopping" and self.pollers == 0 and self.tasks == 0 then
    self.state = "stopped"
    self.crew:dismiss()
    self.stopped:finish()
  end
end

-- The server ends the polls of this worker, and sends its sticky tasks elsewhere.
local function say_goodbye(self)
  service.call(self.session, "ShutdownWorker", {
    task_queue = self.task_queue, worker_instance_key = self.instance_key,
    sticky_task_queue = self.sticky and self.sticky.worker_task_queue.name or nil,
    reason = "the worker is stopped",
  }, { timeout = 2, retry = false })
  if not self.polls_end_by_themselves then
    for future in next, self.polls do
      core.end_poll(future, true)
    end
  end
end

--- Begins the shutdown, and waits for its end: no new polls, tasks finish.
-- @tparam[opt] number|string timeout a duration
-- @treturn boolean|nil true, or nil
-- @treturn temporal.error of kind `timeout`: the rest goes on
function worker:stop(timeout)
  options.check_self(self, metatable, "worker")
  if self.state == "new" then
    self.state = "stopped"
    self.stopped:finish()
  elseif self.state == "running" then
    self.state = "stopping"
    say_goodbye(self)
    self:task_ended()
  end
  return self:wait(timeout)
end

--- Waits until the worker has stopped.
-- @tparam[opt] number|string timeout a duration
-- @treturn boolean|nil true, or nil
-- @treturn temporal.error of kind `timeout`
function worker:wait(timeout)
  options.check_self(self, metatable, "worker")
  return self.stopped:get(options.timeout(timeout, "worker:wait"))
end

local function pack(...)
  return { n = select("#", ...), ... }
end

--- Starts, and waits until the worker is stopped. With a function: runs it as a
-- task beside the worker, and stops when it ends.
-- @tparam[opt] function fn
-- @return true, or what fn returned; or nil
-- @treturn temporal.error
-- @raise what fn raised
function worker:run(fn)
  local started, err = self:start()
  if not started then
    return nil, err
  elseif not fn then
    return self:wait()
  end
  local results = pack(spawn(fn):get())
  self:stop()
  local problem = results[2]
  if results[1] == nil and type(problem) == "table" and problem.kind == "task_failed" then
    error(problem.raw, 0)
  end
  return unpack(results, 1, results.n)
end

--- How it is doing.
-- @treturn table `state` (`"new" "running" "stopping" "stopped"`), `slots` (those
--   taken, by kind), `cached` (runs)
function worker:status()
  options.check_self(self, metatable, "worker")
  return {
    state = self.state, cached = self.cache.count,
    slots = { workflow = self.slots.workflow:used(), activity = self.slots.activity:used() },
  }
end

function metatable.__tostring(self)
  return ("temporal.worker (%s, %s)"):format(self.task_queue, self.state)
end

return { new = new }

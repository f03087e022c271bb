--- The features (spec/features): which there are, and running one of them on the real server.

local assert = require "luassert"
local env = require "spec.support.environment"
local lfs = require "lfs"
local promise = require "temporal.wait.promise"
local temporal = require "temporal"
local workers = require "spec.support.worker"

local unpack = table.unpack or unpack -- luacheck: ignore

local HUNG = 60

local features = {}

--- The names of all features, sorted: AREA/NAME.
function features.names()
  local names = {}
  for area in lfs.dir "spec/features" do
    if not area:find(".", 1, true) then
      for file in lfs.dir("spec/features/" .. area) do
        local name = file:match "^([%w_]+)%.lua$"
        if name then names[#names + 1] = area .. "/" .. name end
      end
    end
  end
  table.sort(names)
  return names
end

function features.load(name)
  return require("spec.features." .. name:gsub("/", "."))
end

--- What the worker of a feature needs of it.
function features.worker_options(feature, client, queue, options)
  local given = { client = client, task_queue = queue, workflows = feature.workflows,
    activities = feature.activities, passthrough = feature.passthrough }
  local own = feature.worker or {}
  if type(own) == "function" then own = own(queue) end
  for _, more in ipairs { own, options or {} } do
    for name, value in pairs(more) do given[name] = value end
  end
  return workers.options(given)
end

--- A client with the options of the feature, which logs to `log`, a list.
-- @param interceptor another one, outermost
function features.client(feature, address, namespace, log, interceptor)
  local given = { target = address, namespace = namespace,
    logger = log and function(level, message) log[#log + 1] = level .. ": " .. message end }
  for name, value in pairs(feature.client or {}) do given[name] = value end
  if interceptor then given.interceptors = { interceptor, unpack(given.interceptors or {}) } end
  return temporal.client(given)
end

-- What a feature's `start` and `check` are given.
local context = {}
context.__index = context

--- The options of a start, with what all have.
function context:options(options)
  local given = { task_queue = self.queue, task_timeout = self.task_timeout }
  for _, more in ipairs { self.feature.options or {}, options or {} } do
    for name, value in pairs(more) do given[name] = value end
  end
  return given
end

--- Starts a workflow: its history is replayed when all is done.
function context:start(options, name, ...)
  local run = temporal.assert(self.client:start_workflow(self:options(options),
    name or "Workflow", ...))
  return self:began(run)
end

--- A run that was started otherwise.
function context:began(run)
  self.runs[#self.runs + 1] = run
  return run
end

--- The result of a run; raises when it has failed.
function context.result(_, run)
  return temporal.assert(run:get(HUNG))
end

--- The error of a run that fails.
function context.failure(_, run)
  local value, err = run:get(HUNG)
  assert.is_nil(value)
  assert.is_truthy(err)
  return err
end

--- Waits, while everything else goes on, until `condition` returns a true value, and returns it.
function context.wait_until(_, what, condition)
  local last = env.now() + HUNG
  while true do
    local value = condition()
    if value then return value end
    if env.now() > last then error("waited in vain for " .. what) end
    promise.pause(0.02)
  end
end

function context.equal(_, want, got) assert.equal(want, got) end
function context.same(_, want, got) assert.same(want, got) end
function context.matches(_, pattern, text) assert.matches(pattern, text) end

function context.sleep(_, seconds) promise.pause(seconds) end

--- The attributes of all events of a type in the history of a run: "TIMER_STARTED".
function context:attributes(run, kind)
  local list = {}
  for event in self.client:workflow(run.id, run.run_id):history() do
    if event.event_type == "EVENT_TYPE_" .. kind then
      list[#list + 1] = event[kind:lower() .. "_event_attributes"]
    end
  end
  return list
end

--- The ids of all events of a type.
function context:event_ids(run, kind)
  local list = {}
  for event in self.client:workflow(run.id, run.run_id):history() do
    if event.event_type == "EVENT_TYPE_" .. kind then list[#list + 1] = event.event_id end
  end
  return list
end

--- The payloads of a run's first argument and of its result.
function context:payloads(run)
  local started = self:attributes(run, "WORKFLOW_EXECUTION_STARTED")[1]
  local completed = self:attributes(run, "WORKFLOW_EXECUTION_COMPLETED")[1]
  return started.input.payloads[1], completed.result.payloads[1]
end

function context:start_worker()
  self.worker = temporal.worker(features.worker_options(self.feature, self.client, self.queue,
    self.worker_options))
  temporal.assert(self.worker:start())
end

--- Another worker of the queue, with a client of its own, that stops when all is done.
function context:start_beside(options)
  for name, value in pairs(self.worker_options or {}) do options[name] = value end
  local client = features.client(self.feature, env.address, self.namespace, self.log)
  local worker = temporal.worker(features.worker_options(self.feature, client, self.queue, options))
  self.beside[#self.beside + 1] = client
  temporal.assert(worker:start())
end

function context:stop_worker()
  if self.worker then
    local worker = self.worker
    self.worker = nil
    temporal.assert(worker:stop(HUNG))
  end
end

-- Replays the history of a run, of those that went on from it, and of its children.
function context:replay(id, run_id)
  if self.replayed[run_id] then return end
  self.replayed[run_id] = true
  local feature, client = self.feature, self.feature.client or {}
  local history = temporal.assert(self.client:workflow(id, run_id):fetch_history())
  local replayed, err = temporal.replayer({ workflows = feature.workflows,
    passthrough = feature.passthrough, converter = client.converter, codecs = client.codecs,
    namespace = self.namespace }):replay(history)
  if not replayed then error("a replay: " .. tostring(err)) end
  for _, event in ipairs(history.events) do
    local child = event.child_workflow_execution_started_event_attributes
    local next_run = event.workflow_execution_continued_as_new_event_attributes
      or event.workflow_execution_completed_event_attributes
      or event.workflow_execution_failed_event_attributes
    if child then
      self:replay(child.workflow_execution.workflow_id, child.workflow_execution.run_id)
    elseif next_run and next_run.new_execution_run_id ~= "" then
      self:replay(id, next_run.new_execution_run_id)
    end
  end
end

function context:check_events()
  local counts = {}
  for event in self.client:workflow(self.runs[1].id, self.runs[1].run_id):history() do
    local kind = event.event_type:gsub("^EVENT_TYPE_", "")
    counts[kind] = (counts[kind] or 0) + 1
  end
  for kind, count in pairs(self.feature.events) do
    assert.message(kind).equal(count, counts[kind] or 0)
  end
end

local function scenario(self)
  local feature = self.feature
  self.runs, self.replayed = {}, {}
  local run
  if feature.start then
    run = feature.start(self)
  else
    run = self:start(nil, "Workflow", unpack(feature.arguments or {}))
  end
  if feature.check then
    feature.check(self, run)
  else
    assert.same(feature.result, self:result(run))
  end
  if feature.events then self:check_events() end
  for _, each in ipairs(self.runs) do
    self:replay(each.id, each.run_id)
  end
end

local function traced(problem)
  return debug.traceback(tostring(problem), 2)
end

-- Workflow tasks that time out fail updates, which are then sent again.
local function try_again(input, next)
  local last = env.now() + HUNG
  while true do
    local update, err = next(input)
    if not (err and err.kind == "failed_precondition" and env.now() < last) then
      return update, err
    end
    promise.pause(0.2)
  end
end

local function new(name, queue, options, interceptor)
  local feature, log = features.load(name), {}
  return setmetatable({ feature = feature, queue = queue, worker_options = options, log = log,
    beside = {}, namespace = env.namespace,
    client = features.client(feature, env.address, env.namespace, log, interceptor),
  }, context)
end

-- What went wrong, with what was logged until then.
local function raise(self, problem)
  error(("%s\nlogged:\n  %s"):format(tostring(problem), table.concat(self.log, "\n  ")), 0)
end

--- Runs a feature beside a worker of its own.
-- @param options of the worker
function features.run(name, options)
  local self = new(name, "lua-" .. env.uuid(), options)
  self:start_worker()
  local ok, problem = xpcall(scenario, traced, self)
  self:stop_worker()
  for _, client in ipairs(self.beside) do client:close(HUNG) end -- stops its worker, too
  self.client:close(0)
  if not ok then raise(self, problem) end
end

--- Runs a feature over and over, beside a worker in a program of its own
-- (spec/support/features_worker.lua), until `over` says so.
-- @return how often
function features.repeated(name, queue, over)
  local self = new(name, queue .. "/" .. name, {},
    { update = try_again, start_update = try_again })
  self.task_timeout = 2
  local times = 0
  local ok, problem = xpcall(function()
    repeat
      scenario(self)
      times = times + 1
    until over()
  end, traced)
  self.client:close(0)
  if not ok then raise(self, problem) end
  return times
end

return features

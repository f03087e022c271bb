--- A server for one run of a workflow, in memory: it takes the commands of each task, writes the
-- history a real one would write, and says what happened next when the test says so.
--
--     local sim = simulation.new(Order, { amount = 3 })
--     sim:task()                                  -- the first task, and its commands
--     sim:signal("approve", "ann")
--     sim:task()
--     sim:complete("1", "receipt")                -- the activity of this id
--     sim:task()
--     assert.equal("receipt", sim:result())
--     sim:verify()
--
-- `verify` replays what was written in three ways, and compares every command that is made again.

local definitions = require "temporal.run.definition"
local core = require "temporal.core"
local guard = require "temporal.workflow.sandbox.guard"
local histories = require "temporal.workflow.history"
local instances = require "temporal.workflow.sandbox.instance"
local luassert = require "luassert"
local query = require "temporal.workflow.query"
local runs = require "temporal.workflow.run"
local snapshots = require "temporal.workflow.sandbox.snapshot"
local temporal = require "temporal"
local verdict = require "temporal.workflow.verdict"

local COMMAND = "temporal.api.command.v1.Command"
local EVENT = "temporal.api.history.v1.HistoryEvent"

local converter = temporal.converter.new()

local function payload(value) return assert(core.decode("temporal.api.common.v1.Payload",
  (assert(converter:payload(value))))) end

local function payloads(...)
  local list = {}
  for i = 1, select("#", ...) do list[i] = payload((select(i, ...))) end
  return { payloads = list }
end

-- What a command becomes in history: the event's type and its attributes.
local RECORD = {
  schedule_activity_task = function(_, attributes)
    return "activity_task_scheduled", { activity_id = attributes.activity_id,
      activity_type = attributes.activity_type, input = attributes.input }
  end,
  request_cancel_activity_task = function(_, attributes)
    return "activity_task_cancel_requested", attributes
  end,
  start_timer = function(_, attributes) return "timer_started", attributes end,
  cancel_timer = function(self, attributes)
    return "timer_canceled",
      { timer_id = attributes.timer_id, started_event_id = self.timers[attributes.timer_id] }
  end,
  complete_workflow_execution = function(_, attributes)
    return "workflow_execution_completed", attributes
  end,
  fail_workflow_execution = function(_, attributes)
    return "workflow_execution_failed", attributes
  end,
  cancel_workflow_execution = function(_, attributes)
    return "workflow_execution_canceled", attributes
  end,
  continue_as_new_workflow_execution = function(_, attributes)
    return "workflow_execution_continued_as_new", { workflow_type = attributes.workflow_type,
      task_queue = attributes.task_queue, input = attributes.input }
  end,
  record_marker = function(_, attributes) return "marker_recorded", attributes end,
  upsert_workflow_search_attributes = function(_, attributes)
    return "upsert_workflow_search_attributes", attributes
  end,
  modify_workflow_properties = function(_, attributes)
    return "workflow_properties_modified", attributes
  end,
  start_child_workflow_execution = function(_, attributes)
    return "start_child_workflow_execution_initiated", { workflow_id = attributes.workflow_id,
      workflow_type = attributes.workflow_type, input = attributes.input }
  end,
  signal_external_workflow_execution = function(_, attributes)
    return "signal_external_workflow_execution_initiated", {
      workflow_execution = attributes.execution, signal_name = attributes.signal_name,
      input = attributes.input, child_workflow_only = attributes.child_workflow_only }
  end,
  request_cancel_external_workflow_execution = function(_, attributes)
    return "request_cancel_external_workflow_execution_initiated", {
      workflow_execution = { workflow_id = attributes.workflow_id, run_id = attributes.run_id },
      child_workflow_only = attributes.child_workflow_only }
  end,
  protocol_message = function(self, attributes)
    local message = self.said[attributes.message_id]
    local body = assert(core.decode(message.body.type_url:match "([^/]*)$", message.body.value))
    if body.outcome then
      return "workflow_execution_update_completed", { meta = body.meta, outcome = body.outcome }
    end
    return "workflow_execution_update_accepted", {
      protocol_instance_id = message.protocol_instance_id, accepted_request = body.accepted_request,
      accepted_request_message_id = body.accepted_request_message_id,
      accepted_request_sequencing_event_id = body.accepted_request_sequencing_event_id,
    }
  end,
}

local methods = {}
local metatable = { __index = methods }

-- Functions of which runs get no copies.
local watched = setmetatable({}, { __mode = "k" })

-- What a run begins with: its copy of the function, as a worker makes it.
local function copied(fn)
  if type(fn) ~= "function" or watched[fn] then return fn end
  local snapshot = snapshots.new({ luassert }, guard.values())
  local shared, node, problem = snapshot:root(fn, "Simulated")
  assert(not problem, problem)
  local code = { snapshot = snapshot, modules = {}, sources = {}, path = package.path,
    module_loaded = function() end }
  return { instance = function(_, run)
    run.instance = instances.new(run, code)
    return node and run.instance:copy_of(node) or shared
  end }
end

local function new_run(self)
  return runs.new {
    definition = copied(self.definition), settings = self.settings,
    fail_on = verdict.set(self.settings.fail_workflow_on), converter = converter,
    namespace = "default",
    workflow_id = "simulated", run_id = "11111111-1111-4111-8111-111111111111",
    log = function(_, level, text) self.log[#self.log + 1] = level .. ": " .. text end,
  }
end

-- Adds an event, through the wire, so that it is what a poll would bring.
function methods:event(kind, attributes)
  local id = #self.events + 1
  self.events[id] = assert(core.decode(EVENT, (assert(core.encode(EVENT, {
    event_id = id, event_type = "EVENT_TYPE_" .. kind:upper(), event_time = { seconds = 1e9 + id },
    [kind .. "_event_attributes"] = attributes or {},
  })))))
  return id
end

-- Writes down what a task was answered with.
local function record(self, commands)
  self:event "workflow_task_completed"
  for _, bytes in ipairs(commands) do
    local command = assert(core.decode(COMMAND, bytes))
    local name = command.command_type:gsub("^COMMAND_TYPE_", ""):lower()
    local attributes = command[name .. "_command_attributes"]
    local kind, recorded = RECORD[name](self, attributes)
    local id = self:event(kind, recorded)
    self.initiated[#self.initiated + 1] = { kind = kind, id = id, attributes = recorded }
    if kind == "timer_started" then self.timers[attributes.timer_id] = id end
    if kind == "activity_task_scheduled" then self.activities[attributes.activity_id] = id end
  end
end

local function encoded(commands)
  local list = {}
  for i, command in ipairs(commands) do list[i] = assert(core.encode(COMMAND, command, true)) end
  return list
end

local function copy(told)
  local same = {}
  for name, value in pairs(told) do same[name] = value end
  return same
end

-- What a run comes to that has applied an answered task: its local activities end as they did.
local function again(run, answer, commands, messages)
  for _, told in ipairs(commands == false and answer.locals or {}) do
    commands, messages = run:local_done(copy(told))
  end
  if commands == false then commands, messages = run:answer() end
  return commands, messages
end

-- Has a run apply the events behind those it knows, up to `last`, in pages of a size; `given`: the
-- messages that come with the task.
local function apply(run, events, known, last, page, given)
  local history = histories.new(known)
  for from = known + 1, last, page do
    local part = {}
    for i = from, math.min(from + page - 1, last) do part[#part + 1] = events[i] end
    assert(history:append(part))
  end
  return run:apply(history, last, given)
end

local REQUEST = "temporal.api.update.v1.Request"

-- The updates that nobody has answered yet, as they come with a task.
local function messages_of(self, last)
  local list = {}
  for i, update in ipairs(self.updates) do
    list[i] = {
      id = update.meta.update_id .. "/request", protocol_instance_id = update.meta.update_id,
      event_id = last - 1, body = { type_url = "type.googleapis.com/" .. REQUEST,
        value = assert(core.encode(REQUEST, update)) },
    }
  end
  self.updates = {}
  return list
end

-- A task is answered: writes that down, and returns the types of the commands.
local function finish(self, task, commands, messages)
  self.open, self.said = nil, {}
  for _, message in ipairs(messages) do self.said[message.id] = message end
  task.commands, task.messages = encoded(commands), messages
  self.answers[#self.answers + 1] = task
  record(self, task.commands)
  local names = {}
  for i, bytes in ipairs(task.commands) do
    names[i] = core.decode(COMMAND, bytes).command_type:gsub("^COMMAND_TYPE_", ""):lower()
  end
  return table.concat(names, " ")
end

--- A workflow task: returns the types of the commands it was answered with; `false`, which local
-- activities must end first; or nil and why it failed.
function methods:task()
  self:event "workflow_task_scheduled"
  local last = self:event "workflow_task_started"
  local given = messages_of(self, last)
  local commands, messages = apply(self.run, self.events, self.known, last, 1000, given)
  self.known = last
  if commands == nil then return nil, messages end
  local task = { last = last, given = given, locals = {} }
  if commands == false then
    self.open = task
    return false
  end
  return finish(self, task, commands, messages)
end

--- A local activity of the open task has ended, by its number: returns what `task` does. Fields of
-- `how`: `value`, or `failure` (a message), `timed_out` (a type), `canceled`; `backoff` and
-- `runtime` in seconds, `attempt`.
function methods:local_done(seq, how)
  local told = { seq = seq, attempt = how.attempt or 1,
    complete_time = { seconds = math.floor(self.run.now + (how.runtime or 1)), nanos = 5e8 },
    original_schedule_time = { seconds = 1000000000, nanos = 0 },
    backoff = how.backoff and { seconds = how.backoff, nanos = 0 } }
  local failure
  if how.failure then
    failure = { message = how.failure, application_failure_info = { type = "Broken" } }
  elseif how.timed_out then
    failure = { message = "too late", timeout_failure_info = {
      timeout_type = "TIMEOUT_TYPE_" .. how.timed_out:upper() } }
  elseif how.canceled then
    failure = { message = "canceled", canceled_failure_info = {} }
  end
  if failure then
    told.failure = assert(core.encode("temporal.api.failure.v1.Failure", failure))
  else
    told.result = assert(converter:payloads(1, how.value))
  end
  local task = self.open
  task.locals[#task.locals + 1] = told
  local commands, messages = self.run:local_done(copy(told))
  if commands then return finish(self, task, commands, messages) end
  return commands, messages
end

--- The open task is answered with what there is; the next one follows.
function methods:heartbeat()
  return finish(self, self.open, self.run:answer())
end

--- Another worker has the open task: it knows the history alone. Returns what `task` does.
function methods:restart()
  self.run, self.open.locals = new_run(self), {}
  return apply(self.run, self.events, 0, self.open.last, 1000, self.open.given)
end

--- Asks a query: its value, or nil and why there is none.
function methods:query(name, ...)
  local answer, _, why = query.answer(self.run, name, payloads(...))
  if not answer then return nil, why end
  return converter:value(core.decode("temporal.api.common.v1.Payloads", answer).payloads[1])
end

function methods:signal(name, ...)
  self:event("workflow_execution_signaled", { signal_name = name, input = payloads(...) })
end

function methods:cancel(reason)
  self:event("workflow_execution_cancel_requested", { cause = reason })
end

--- An update that comes with the next task.
function methods:update(id, name, ...)
  self.updates[#self.updates + 1] = { meta = { update_id = id },
    input = { name = name, args = payloads(...) } }
end

--- What the last task answered to an update: `"accept"`, `"complete"`, `"reject"`, those there are,
-- and the value, or the failure's message.
function methods:answered(id)
  local words, result = {}, nil
  for _, suffix in ipairs { "accept", "complete", "reject" } do
    local message = self.said[id .. "/request/" .. suffix]
    if message then
      words[#words + 1] = suffix
      local body = assert(core.decode(message.body.type_url:match "([^/]*)$", message.body.value))
      local failed = body.failure or body.outcome and body.outcome.failure
      if failed then
        result = failed.message
      elseif body.outcome then
        result = converter:value(body.outcome.success.payloads[1])
      end
    end
  end
  return table.concat(words, " "), result
end

function methods:fire(id)
  self:event("timer_fired", { timer_id = id, started_event_id = assert(self.timers[id], id) })
end

local function end_activity(self, id, how, attributes)
  attributes.scheduled_event_id = assert(self.activities[id], id)
  self:event("activity_task_started", { scheduled_event_id = attributes.scheduled_event_id })
  self:event("activity_task_" .. how, attributes)
end

function methods:complete(id, ...)
  end_activity(self, id, "completed", { result = payloads(...) })
end

function methods:fail(id, message)
  end_activity(self, id, "failed", { failure = { message = message,
    application_failure_info = { type = "Broken" } } })
end

function methods:canceled(id) end_activity(self, id, "canceled", {}) end

-- What happens to the latest operation whose event is of this type.
local function happen(self, initiated, kind, attributes)
  for i = #self.initiated, 1, -1 do
    if self.initiated[i].kind == initiated then
      attributes = attributes or {}
      attributes.initiated_event_id = self.initiated[i].id
      return self:event(kind, attributes)
    end
  end
  error("there is no " .. initiated, 3)
end

--- What becomes of the latest child: `"started"`, `"completed"` with values, `"failed"` with a
-- message, `"canceled"`, `"terminated"`, `"timed_out"`.
function methods:child(how, value)
  local attributes = {}
  if how == "completed" then attributes.result = payloads(value) end
  if how == "started" then
    attributes.workflow_execution = { workflow_id = "child", run_id = "run of the child" }
  end
  if how == "failed" then
    attributes.failure = { message = value, application_failure_info = { type = "Broken" } }
  end
  happen(self, "start_child_workflow_execution_initiated", "child_workflow_execution_" .. how,
    attributes)
end

--- The latest child could not be started, since its id was taken.
function methods:child_exists()
  happen(self, "start_child_workflow_execution_initiated", "start_child_workflow_execution_failed",
    { cause = "START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_WORKFLOW_ALREADY_EXISTS" })
end

--- The latest signal to another workflow has come there, or failed.
function methods:signaled(cause)
  local initiated = "signal_external_workflow_execution_initiated"
  if cause then
    return happen(self, initiated, "signal_external_workflow_execution_failed", {
      cause = "SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_" .. cause })
  end
  return happen(self, initiated, "external_workflow_execution_signaled")
end

--- The latest request to cancel another workflow has come there, or failed.
function methods:cancel_requested(cause)
  local initiated = "request_cancel_external_workflow_execution_initiated"
  if cause then
    return happen(self, initiated, "request_cancel_external_workflow_execution_failed", {
      cause = "CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_" .. cause })
  end
  return happen(self, initiated, "external_workflow_execution_cancel_requested")
end

-- The close event's attributes of one kind.
local function closed(self, kind)
  local last = self.events[#self.events]
  return last["workflow_execution_" .. kind .. "_event_attributes"]
    or error("the last event is " .. last.event_type, 3)
end

--- The result of a run that has completed.
function methods:result()
  return converter:value(closed(self, "completed").result.payloads[1])
end

--- The failure of a run that has failed.
function methods:failure() return closed(self, "failed").failure end
function methods:was_canceled() return closed(self, "canceled") ~= nil end

--- The attributes of the event that another run follows this one.
function methods:continued() return closed(self, "continued_as_new") end

--- Replays the whole history, task by task with the commands compared, and from every task on as a
-- worker does that has just started, in pages of one, two and three.
function methods:verify()
  local fresh = new_run(self)
  local ok, problem = apply(fresh, self.events, 0, #self.events, 1000)
  assert(ok ~= nil, "a replay of the whole failed: " .. tostring(problem))
  local stepwise, known = new_run(self), 0
  for _, answer in ipairs(self.answers) do
    local commands, messages = again(stepwise, answer,
      apply(stepwise, self.events, known, answer.last, 1, answer.given))
    luassert.same(answer.commands, encoded(assert(commands, messages)))
    luassert.same(answer.messages, messages)
    known = answer.last
    for page = 1, 3 do
      local one = new_run(self)
      commands, messages = again(one, answer,
        apply(one, self.events, 0, answer.last, page, answer.given))
      luassert.same(answer.commands, encoded(assert(commands, messages)))
      luassert.same(answer.messages, messages)
    end
  end
end

--- Replays with another definition: nil and the error, or the commands.
function methods:replay(definition)
  local run = runs.new {
    definition = copied(definition), converter = converter, namespace = "default",
    workflow_id = "simulated", run_id = "11111111-1111-4111-8111-111111111111",
  }
  return apply(run, self.events, 0, #self.events, 1000)
end

--- A definition that all runs share with the test, which sees what it does to upvalues.
local function watch(fn)
  watched[fn] = true
  return fn
end

-- A run that has begun; its definition may have options of `temporal.define_workflow`. `started`:
-- fields of its first event that are not as usual.
local function begin(definition, started, ...)
  local self = setmetatable({
    definition = definition, settings = definitions.settings_of(definition), events = {},
    answers = {}, known = 0, timers = {}, activities = {},
    log = {}, updates = {}, initiated = {},
  }, metatable)
  self.run = new_run(self)
  local attributes = {
    workflow_type = { name = "Simulated" }, task_queue = { name = "queue" },
    input = payloads(...), workflow_task_timeout = { seconds = 10 }, attempt = 1,
    original_execution_run_id = "22222222-2222-4222-8222-222222222222",
  }
  for name, value in pairs(started) do attributes[name] = value end
  self:event("workflow_execution_started", attributes)
  return self
end

local function new(definition, ...) return begin(definition, {}, ...) end

-- On PUC 5.1 no wait passes through a pcall: a worker takes no workflows there. Says so as the only
-- test of a file, and returns true.
local function impossible(describe, it)
  if _VERSION ~= "Lua 5.1" or rawget(_G, "jit") then return false end
  describe("workflows on PUC Lua 5.1", function()
    it("are refused", function()
      local client = temporal.client()
      local ok, problem = pcall(temporal.worker, { client = client, task_queue = "q",
        workflows = { W = function() end } })
      client:close()
      luassert.is_false(ok)
      luassert.matches("PUC Lua 5.1 cannot run workflows", problem, 1, true)
    end)
  end)
  return true
end

return { new = new, begin = begin, watch = watch, impossible = impossible }

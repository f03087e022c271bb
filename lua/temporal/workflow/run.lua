--- One run of a workflow: events in, commands out. No I/O, no host: what a run
-- does follows from its history and its code alone.
--
-- `run:apply(history, ...)` goes through the events step by step. For each step
-- it takes the events' facts in, runs all fibers until each waits, and keeps the
-- commands they made: those of the last step are the answer to the task, those
-- of earlier ones must be in history already, one event for each.
-- @module temporal.workflow.run

local chunk = require "temporal.workflow.chunk"
local condition = require "temporal.workflow.condition"
local current = require "temporal.workflow.current"
local duration = require "temporal.base.duration"
local errors = require "temporal.error.error"
local event = require "temporal.workflow.event"
local failure = require "temporal.error.failure"
local fiber = require "temporal.workflow.fiber"
local message = require "temporal.workflow.message"
local scope = require "temporal.workflow.scope"
local tasks = require "temporal.workflow.task"
local terminal = require "temporal.workflow.op.terminal"

local setmetatable, tonumber, tostring = setmetatable, tonumber, tostring

local CLOSES, IGNORED, KEY, OF_COMMAND = event.CLOSES, event.IGNORED, event.KEY, event.OF_COMMAND

-- Tag of the documentation that all SDKs share.
local NONDETERMINISM = "[TMPRL1100] "

local methods = {}
local metatable = { __index = methods }

--- A run that has applied nothing yet.
-- @tparam table fields `definition` (a function), `converter` (without codecs),
--   `namespace`, `workflow_id`, `run_id`, `log` (`fn(run, level, message, fields)`)
-- @treturn run
local function new(fields)
  local root = scope.new(nil)
  return setmetatable({
    definition = fields.definition, converter = fields.converter,
    namespace = fields.namespace, workflow_id = fields.workflow_id, run_id = fields.run_id,
    logger = fields.log,
    root = root, info = nil, now = 0, history_length = 0,
    -- Fibers that are ready, first in, first out; all that have not ended.
    ready = {}, ready_first = 1, ready_last = 0, alive = {},
    conditions = {},
    -- Commands of this step; those without an event yet; operations by the id
    -- of their command's event.
    commands = {}, sent = {}, sent_first = 1, sent_last = 0, by_event = {},
    activities = 0, timers = 0,
    signal_handlers = {}, query_handlers = {}, waiting_signals = {}, handlers_running = 0,
    unseen = {},
    replaying = false, in_block = false,
  }, metatable)
end

-- Failing.

function methods:log(level, text, fields)
  if self.logger and not self.replaying then
    self.logger(self, level, text, fields)
  end
end

--- The task has failed: the first reason counts.
function methods:fail_task(problem, traceback)
  self.failure = self.failure or { error = problem, traceback = traceback }
end

local function nondeterminism(id, expected, actual)
  return errors.new {
    kind = "nondeterminism", event_id = id, expected = expected, actual = actual,
    message = ("%sevent %d of the history is %s, but the workflow's code made %s"):format(
      NONDETERMINISM, id, expected, actual),
  }
end

--- The error for what no converter reads: it fails the task unless it is caught.
function methods:unreadable(problem, what) -- luacheck: ignore 212
  if errors.is_error(problem) then
    return problem
  end
  problem.message = ("%s cannot be read: %s"):format(what, problem.message)
  return errors.new(problem)
end

-- Matching commands with their events.

local function describe_event(kind, attributes)
  return kind:gsub("_", " ") .. (attributes.activity_id and (" of activity %q"):format(
    attributes.activity_id) or "")
end

function methods:match(kind, attributes, id)
  local first = self.sent_first
  local operation = self.sent[first]
  if not operation then
    return nondeterminism(id, describe_event(kind, attributes), "no command for it")
  elseif operation.event ~= kind then
    return nondeterminism(id, describe_event(kind, attributes), operation:shows())
  elseif not operation:matches(attributes) then
    return nondeterminism(id, operation.shows_event(attributes), operation:shows())
  end
  self.sent[first] = nil
  self.sent_first = first + 1
  operation.event_id = id
  if operation.happens then
    self.by_event[id] = operation
  end
  return nil
end

-- Behind the last event of a block nothing may be left.
function methods:end_block(id, kind)
  self.in_block = false
  local operation = self.sent[self.sent_first]
  if operation then
    return nondeterminism(id, kind:gsub("_", " "), operation:shows())
  end
  self.sent_first, self.sent_last = 1, 0
  return nil
end

-- The commands of the step wait for their events. Returns the messages of those
-- that are to be sent, when they are.
function methods:seal(live)
  local commands, messages = self.commands, live and {} or nil
  local last = self.sent_last
  for i = 1, #commands do
    local operation = commands[i]
    commands[i] = nil
    if not operation.dropped then
      last = last + 1
      self.sent[last] = operation
      operation.sent = true
      if live then
        messages[#messages + 1] = operation:command(self)
      end
    end
  end
  self.sent_last = last
  return messages
end

-- Beginning.

local function info_of(self, attributes)
  local parent = attributes.parent_workflow_execution
  return {
    id = self.workflow_id,
    run_id = self.run_id,
    first_execution_run_id = attributes.first_execution_run_id,
    workflow_type = attributes.workflow_type.name,
    task_queue = attributes.task_queue and attributes.task_queue.name,
    namespace = self.namespace,
    attempt = attributes.attempt,
    execution_timeout = duration.from_message(attributes.workflow_execution_timeout),
    run_timeout = duration.from_message(attributes.workflow_run_timeout),
    task_timeout = duration.from_message(attributes.workflow_task_timeout),
    cron_schedule = attributes.cron_schedule ~= "" and attributes.cron_schedule or nil,
    parent = parent and { id = parent.workflow_id, run_id = parent.run_id } or nil,
  }
end

local function main_ended(self, _, ok, first, second)
  self:before_step()
  if not ok then
    self:fail_with(first, false)
  elseif first == nil and second ~= nil then
    self:fail_with(second, true)
  else
    local result, problem = self.converter:payloads(1, first)
    if not result then
      return self:fail_task("the result of the workflow: " .. tostring(problem))
    end
    self.outcome = self.outcome or terminal.new("complete", { result = result })
  end
end

function methods:begin(attributes)
  local values, problem = self.converter:values(attributes.input)
  self.info = info_of(self, attributes)
  if not values then
    return self:unreadable(problem, "an argument of the workflow")
  end
  self.main = fiber.new(self, self.root, main_ended, self.definition, values)
  return nil
end

--- Is this error a cancellation, or was it caused by one?
local function is_canceled(err)
  if err.kind == "activity" or err.kind == "child_workflow" or err.kind == "nexus_operation" then
    err = err.cause
  end
  return errors.is_error(err) and err.kind == "canceled"
end

-- Errors that a deploy can mend: they fail the task.
local OF_TASK = { conversion = true, codec = true, nondeterminism = true }

--- The main function, or a signal's handler, has failed.
-- @param problem what it raised or returned
-- @tparam boolean returned `nil, problem` is the workflow's own failure
function methods:fail_with(problem, returned)
  if errors.is_error(problem) then
    if OF_TASK[problem.kind] then
      return self:fail_task(problem)
    elseif self.root.reason and is_canceled(problem) then
      self.outcome = self.outcome or terminal.new("cancel", {})
      return nil
    end
  elseif not returned then
    return self:fail_task(problem, self.main and debug.traceback(self.main.thread))
  end
  local proto, unwritable = failure.from_error(problem, self.converter)
  if not proto then
    return self:fail_task(unwritable)
  end
  self.outcome = self.outcome or terminal.new("fail", { failure = proto })
  return nil
end

-- Steps.

--- Before the main function's first command or wait, and at its end: the
-- messages that came before its first step are handled, one after the other.
function methods:before_step()
  local early = self.early
  if early then
    self.early = nil
    for i = 1, #early do
      message.signal(self, early[i], true)
    end
  end
end

function methods:drain()
  repeat
    while self.ready_first <= self.ready_last do
      local first = self.ready_first
      local each = self.ready[first]
      self.ready[first] = nil
      self.ready_first = first + 1
      fiber.resume(self, each)
      if self.failure then
        return
      end
    end
    self.ready_first, self.ready_last = 1, 0
    local woken, problem = condition.try(self)
    if problem ~= nil then
      return self:fail_task(problem)
    end
  until not woken
end

function methods:step(signals, jobs)
  current.run = self
  if self.main and not self.begun then
    self.begun = true
    self.early = signals
    fiber.enqueue(self, self.main)
  else
    for i = 1, #signals do
      message.signal(self, signals[i], false)
    end
  end
  for i = 1, #jobs, 3 do
    local operation, kind, attributes = jobs[i], jobs[i + 1], jobs[i + 2]
    if operation == self then
      self.root:cancel(attributes.cause or "")
    elseif operation.happens[kind](operation, attributes) then
      self.by_event[operation.event_id] = nil
    end
  end
  self:drain()
  current.run, current.fiber = nil, nil
end

-- Events.

local function unknown(kind, id)
  return errors.new {
    kind = "internal",
    message = ("event %d has the type %s, which this package does not know"):format(id,
      tostring(kind)),
  }
end

function methods:resolve(kind, attributes, id, jobs)
  local operation = self.by_event[tonumber(attributes[KEY[kind]])]
  if not operation or not operation.happens[kind] then
    return nondeterminism(id, describe_event(kind, attributes), "nothing that it could belong to")
  end
  jobs[#jobs + 1], jobs[#jobs + 2], jobs[#jobs + 3] = operation, kind, attributes
  return nil
end

local function task_started(self, history, i)
  local attributes = history:attributes(i) or {}
  local time = history:time(i)
  if time > self.now then
    self.now = time
  end
  self.history_length = history:id(i)
  self.history_size = tonumber(attributes.history_size_bytes)
  self.continue_as_new_suggested = attributes.suggest_continue_as_new
end

function methods:take_event(history, i, signals, jobs)
  local kind = history:kind(i)
  local attributes = history:attributes(i)
  local id = history:id(i)
  if OF_COMMAND[kind] then
    return self:match(kind, attributes, id)
  end
  if self.in_block then
    local problem = self:end_block(id, kind)
    if problem then
      return problem
    end
  end
  if kind == "workflow_task_completed" then
    self.in_block = true
  elseif IGNORED[kind] or kind == "workflow_task_started" or kind == "workflow_task_failed" then
    return nil
  elseif KEY[kind] then
    return self:resolve(kind, attributes, id, jobs)
  elseif kind == "workflow_execution_signaled" then
    signals[#signals + 1] = attributes
  elseif kind == "workflow_execution_cancel_requested" then
    jobs[#jobs + 1], jobs[#jobs + 2], jobs[#jobs + 3] = self, kind, attributes
  elseif kind == "workflow_execution_started" then
    self.now = history:time(i)
    return self:begin(attributes)
  elseif not CLOSES[kind] and not history:may_be_ignored(i) then
    return unknown(kind, id)
  end
  return nil
end

-- One step: events from..last.
function methods:apply_chunk(history, from, last)
  local signals, jobs = {}, {}
  for i = from, last do
    local problem = self:take_event(history, i, signals, jobs)
    if problem then
      return problem
    end
  end
  if history:kind(last) == "workflow_task_started" then
    task_started(self, history, last)
    self:step(signals, jobs)
  end
  return self.failure and self.failure.error
end

--- Applies all events of a history.
-- @tparam history history
-- @tparam integer started_id of the task to be done; 0 for one that only asks a
--   query, and for a replay
-- @treturn table|nil the commands to send, or nil
-- @treturn temporal.error|string what failed the task
function methods:apply(history, started_id)
  local from, commands = 1, {}
  while from <= history.count do
    local last = chunk.ends(history, from, true)
    local live = last == history.count and history:id(last) == started_id
    self.replaying = not live
    local problem = self:apply_chunk(history, from, last)
    if problem then
      self:fail_task(problem)
      return nil, problem
    end
    if self.outcome and not self.closed then
      self.closed = true
      tasks.say_unseen(self)
      self.commands[#self.commands + 1] = self.outcome
    end
    commands = self:seal(live)
    from = last + 1
  end
  history:drop(history.count)
  return commands or {}
end

return { new = new, is_canceled = is_canceled }

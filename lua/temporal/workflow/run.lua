--- One run of a workflow: events in, commands out. No I/O, no host: what a run
-- does follows from its history and its code alone.
--
-- `run:apply(history, ...)` goes through the events step by step. For each step
-- it takes the events' facts in, runs all fibers until each waits, and keeps the
-- commands they made: those of the last step are the answer to the task, those
-- of earlier ones must be in history already, one event for each.
-- @module temporal.workflow.run

local arguments = require "temporal.value.arguments"
local block = require "temporal.workflow.block"
local chunk = require "temporal.workflow.chunk"
local core = require "temporal.core"
local condition = require "temporal.workflow.condition"
local debug = require "temporal.base.debug"
local errors = require "temporal.error.error"
local event = require "temporal.workflow.event"
local fiber = require "temporal.workflow.fiber"
local filled = require("temporal.base.field").filled
local future = require "temporal.workflow.future"
local habit = require "temporal.workflow.habit"
local info = require "temporal.workflow.info"
local local_activity = require "temporal.workflow.op.local_activity"
local local_result = require "temporal.workflow.local_result"
local lookahead = require "temporal.workflow.lookahead"
local message = require "temporal.workflow.message"
local operations = require "temporal.workflow.operation"
local scope = require "temporal.workflow.scope"
local terminal = require "temporal.workflow.op.terminal"
local update = require "temporal.workflow.op.update"
local verdict = require "temporal.workflow.verdict"

local insert = table.insert
local error, next, pcall, setmetatable, type = error, next, pcall, setmetatable, type
local tonumber, tostring = tonumber, tostring
local trace = debug.traceback

local CLOSES, IGNORED, KEY, OF_COMMAND = event.CLOSES, event.IGNORED, event.KEY, event.OF_COMMAND

-- From here on the run goes another way than the one it was copied from.
local RESET = "WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW"

local methods = {
  -- What a run counts, until it does.
  activities = 0, timers = 0, handlers_running = 0, effect_count = 0,
  replaying = false, in_block = false, sent_first = 1,
}

--- What the runs of one definition have in common.
-- @tparam table fields `definition` (a function, or an object with a method
--   `instance(run)` that returns the run's own), `settings` (those of its
--   definition, perhaps), `fail_on` (of verdict.set), `converter` (without codecs),
--   `namespace`, `log` (`fn(run, level, message, fields)`), `deadlock_timeout`
--   (seconds of one step; nil: no limit), and what the worker wants to find there
-- @treturn kind
local function new_kind(fields)
  local common = {}
  for name, value in next, methods do
    common[name] = value
  end
  for name, value in next, fields do
    common[name] = value
  end
  common.settings = fields.settings or {}
  common.log, common.logger = methods.log, fields.log
  return { __index = common }
end

--- A run that has applied nothing yet.
-- @tparam kind kind
-- @tparam string workflow_id
-- @tparam string run_id
-- @treturn run
local function begin(kind, workflow_id, run_id)
  return setmetatable({
    workflow_id = workflow_id, run_id = run_id,
    root = scope.new(nil), now = 0, history_length = 0, start_time = 0,
    -- With room for what every run will have.
    started = nil, main = nil, instance = nil, is_own = nil,
  }, kind)
end

--- A run that has nothing in common with others.
-- @tparam table fields as for `kind`, and `workflow_id`, `run_id`
-- @treturn run
local function new(fields)
  return begin(new_kind(fields), fields.workflow_id, fields.run_id)
end

-- A cache keeps thousands of runs that wait. What few of them need is, until a run has
-- its own, one table that stays empty: commands of this step; those without an event
-- yet; operations by the id of their command's event; messages of this task; fibers
-- that wait for conditions, each with its number; handlers by name; signals that wait
-- for one; updates of a run that was reset, by update id; futures that have failed, until
-- somebody looks; answers given to patches; patches of history, and of this step's block;
-- values of side effects by key, and of those that change.
local NONE = setmetatable({}, { __newindex = function(_, key, value)
  if value ~= nil then
    error("run:own makes the table for " .. tostring(key), 2)
  end
end })
for _, name in next, { "commands", "sent", "by_event", "messages", "conditions",
  "signal_handlers", "query_handlers", "update_handlers", "waiting_signals", "admitted", "unseen",
  "patched", "patches_seen", "patches_here", "effects", "changing" } do
  methods[name] = NONE
end

--- One of those tables, to write to.
function methods:own(name)
  local own = self[name]
  if own == NONE then
    own = {}
    self[name] = own
  end
  return own
end

--- The converter, as the options of a start ask for it.
function methods:values()
  return self.converter
end

-- Failing.

--- Logs, but not in a replay.
function methods:log(level, text, fields)
  if self.logger and not self.replaying then
    self.logger(self, level, text, fields)
  end
end

--- The task has failed: the first reason counts.
function methods:fail_task(problem, traceback)
  self.failure = self.failure or { error = problem or tostring(problem), traceback = traceback }
end

--- The error for what no converter reads: it fails the task unless it is caught.
function methods:unreadable(problem, what) -- luacheck: ignore 212
  if errors.is_error(problem) then
    return problem
  end
  problem.message = ("%s cannot be read: %s"):format(what, problem.message)
  return errors.received(problem)
end

methods.match, methods.end_block = block.match, block.finish
methods.end_history, methods.seal = block.finish_history, block.seal

-- Beginning.

-- The seed of the run's generator: the run that was begun first, so that a run
-- that was reset repeats its past.
local SEED = "temporal-lua/rng/1\0"

--- The generator of the run's random numbers.
function methods:generator()
  if not self.random then
    self.random = core.random(SEED .. (self.seed or self.run_id))
  end
  return self.random
end

--- The main function is over.
function methods:main_ended(main, ok, first, second)
  self:before_step()
  if not ok then
    self:fail_with(first, false, main)
  elseif first == nil and second ~= nil then
    self:fail_with(second, true, main)
  else
    local result, problem = self.converter:payloads(1, first)
    if not result then
      return self:fail_task("the result of the workflow: " .. tostring(problem))
    end
    self.outcome = self.outcome or terminal.new("complete", { result = result })
  end
  return nil
end

-- Sets a field, unless the run's kind has the value.
local function keep(self, name, value)
  if self[name] ~= value then
    self[name] = value
  end
end

function methods:begin(attributes, started)
  local values, problem = arguments.read(self.settings.args, self.converter, attributes.input)
  keep(self, "workflow_type", attributes.workflow_type.name)
  keep(self, "task_queue", attributes.task_queue and attributes.task_queue.name)
  local first = filled(attributes.original_execution_run_id)
  self.seed = first ~= self.run_id and first or nil
  self.started = started
  if not values then
    return self:fail_task(self:unreadable(problem, "an argument of the workflow"))
  end
  local main = self.definition
  if type(main) ~= "function" then
    main = main:instance(self)
  end
  self.main = fiber.main(self.root, main, values)
  return nil
end

-- Errors that a deploy can mend: they fail the task.
local OF_TASK = { conversion = true, codec = true, nondeterminism = true }
methods.OF_TASK = OF_TASK

--- The workflow has failed: the first end of a run counts.
function methods:fail_workflow(problem, traceback)
  local ended, unwritable = verdict.failed(self, problem, traceback)
  if not ended then
    return self:fail_task(unwritable)
  end
  self.outcome = self.outcome or ended
  return nil
end

--- The main function, or a signal's handler, has failed.
-- @param problem what it raised or returned
-- @tparam boolean returned `nil, problem` is the workflow's own failure
-- @tparam fiber which of them
function methods:fail_with(problem, returned, which)
  if errors.is_error(problem) then
    if OF_TASK[problem.kind] then
      return self:fail_task(problem)
    elseif self.root.reason and errors.is_canceled(problem) then
      self.outcome = self.outcome or terminal.new("cancel", {})
      return nil
    end
  elseif not returned then
    return self:fail_task(problem, trace(which.thread))
  end
  return self:fail_workflow(problem)
end

-- Steps.

--- Before the main function's first command or wait, and at its end: the
-- messages that came before its first step are handled, one after the other.
function methods:before_step()
  local early = self.early
  if early then
    self.early = nil
    for i = 1, #early, 2 do
      message.take_early(self, early[i])
    end
    if self.habits and self.habits.phased and #early > 0 then
      self:drain()
    end
    if self.early_cancel then
      habit.cancel(self, self.early_cancel)
    end
  end
end

function methods:drain()
  repeat
    fiber.run_ready(self)
    -- What was rejected leaves no trace: not even a look at the conditions.
    if self.failure or self.only_rejected then
      return
    end
    local woken, problem = condition.try(self)
    if problem ~= nil then
      return self:fail_task(problem)
    end
  until not woken
end

-- Returns the place of the first result of a local activity that is yet to be told.
local function do_step(self, messages, jobs)
  local_activity.begin_step(self)
  if self.new_seed then
    self.seed, self.new_seed = self.new_seed, nil
    if self.random then
      self.random:reseed(SEED .. self.seed)
    end
  end
  local begins = self.main and self.main.args
  local rejects = not begins and #jobs == 0 and #messages > 0
  for i = 1, #messages, 2 do
    rejects = rejects and not messages[i].signal_name
  end
  self.only_rejected = rejects or nil
  if begins then
    self.early = messages
    fiber.enqueue(self.main)
  else
    for i = 1, #messages, 2 do
      message.take(self, messages[i], false)
    end
    if #messages > 0 and self.habits and self.habits.phased then
      self:drain()
    end
  end
  for i = 1, #jobs, 3 do
    local operation, kind, attributes = jobs[i], jobs[i + 1], jobs[i + 2]
    if self.habits then
      habit.happen(self, operation, kind, attributes)
    elseif operation == self then
      self.root:cancel(attributes.cause or "")
    elseif operation.happens[kind](operation, attributes) then
      self.by_event[operation.event_id] = nil
    end
  end
  local results = self.local_results
  local place = results and local_result.with_step(self, results)
  self:drain()
  return place
end

function methods:step(messages, jobs)
  local results = self.local_results
  local place = fiber.within(self, do_step, self, messages, jobs)
  if results and place then
    local_result.replay(self, results, place)
  end
end

-- Events.

local function unknown(kind, id)
  return errors.received {
    kind = "internal",
    message = ("event %d has the type %s, which this package does not know"):format(id,
      tostring(kind)),
  }
end

local function newer(flag, id)
  return errors.received {
    kind = "internal",
    message = ("event %d has flag %d: the history was made by a newer version of this package")
      :format(id, flag),
  }
end

function methods:resolve(kind, attributes, id, jobs)
  local operation = self.by_event[tonumber(attributes[KEY[kind]])]
  if not operation or operation.ended or not operation.happens[kind] then
    return block.nondeterminism(id, operations.describe(kind, attributes),
      "nothing it could belong to")
  end
  -- From here on the server refuses to cancel it, though the code is still to hear.
  operation.ended = kind ~= "child_workflow_execution_started"
  local count = #jobs
  jobs[count + 1], jobs[count + 2], jobs[count + 3] = operation, kind, attributes
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
  self.task = (attributes.suggest_continue_as_new
    or attributes.target_worker_deployment_version_changed) and attributes or nil
  if self.version then -- of this worker, or of that which did the task
    self.deployment = self.version
    if self.replaying then
      self.deployment = info.version_of(history, i + 1)
    end
  end
end

function methods:take_event(history, i, kind, messages, jobs)
  local id = history:id(i)
  if OF_COMMAND[kind] then
    return self:match(kind, history:attributes(i), id)
  end
  if self.in_block then
    local problem = self:end_block(id, kind)
    if problem then
      return problem
    end
  end
  if kind == "workflow_task_completed" then
    self.in_block = true
    local flag = (self.replaying or not self.is_own) and history:says_something(i)
      and habit.unknown(self, history:attributes(i).sdk_metadata)
    return flag and newer(flag, id)
  elseif IGNORED[kind] then
    return nil
  end
  local attributes = history:attributes(i)
  if kind == "workflow_task_failed" then
    if attributes.cause == RESET then
      self.new_seed = attributes.new_run_id
    end
  elseif KEY[kind] then
    return self:resolve(kind, attributes, id, jobs)
  elseif kind == "workflow_execution_signaled" then
    local count = #messages
    messages[count + 1], messages[count + 2] = attributes, id
  elseif kind == "workflow_execution_update_admitted" then
    self:own "admitted"[attributes.request.meta.update_id] = update.of_admission(attributes, id)
  elseif kind == "workflow_execution_cancel_requested" then
    jobs[#jobs + 1], jobs[#jobs + 2], jobs[#jobs + 3] = self, kind, attributes
  elseif kind == "workflow_execution_started" then
    self.now = history:time(i)
    self.start_time = self.now
    return self:begin(attributes, history:late_attributes(i))
  elseif not CLOSES[kind] and not history:may_be_ignored(i) then
    return unknown(kind, id)
  end
  return nil
end

-- Messages in the order of history, each with the event it came behind. For an update
-- that is the one its `event_id` names; those of one event stay in the order they came in.
local function merge(self, messages, updates)
  for i = 1, #updates do
    local record, place = updates[i], #messages
    while place > 0 and messages[place] > record.event_id do
      place = place - 2
    end
    insert(messages, place + 1, record)
    insert(messages, place + 2, record.event_id)
    self:own "admitted"[record.update_id] = nil
  end
end

-- Those of the task to be done now: what it brought, and what a reset left.
-- `merge` puts them in order.
local function updates_of_task(self, given)
  if #given == 0 and self.admitted == NONE then
    return NONE
  end
  local records, taken = {}, {}
  for i = 1, #given do
    local record, problem = update.of_message(given[i])
    if not record then
      return nil, errors.received { kind = "internal", message = problem }
    end
    records[i], taken[record.update_id] = record, true
  end
  for id, record in next, self.admitted do
    if not taken[id] then
      records[#records + 1] = record
    end
  end
  return records
end

-- What came with a step, before its code runs.
local function take_events(self, history, from, last, messages, jobs, given)
  local kinds = history.kinds
  for i = from, last do
    local kind = kinds[i]
    if self.in_block or not IGNORED[kind] then
      local problem = self:take_event(history, i, kind, messages, jobs)
      if problem then
        return problem
      end
    end
  end
  if given then
    self.local_results = nil
    local updates, problem = updates_of_task(self, given)
    return problem, updates
  end
  return nil, lookahead.load(self, history, last)
end

-- Events that are not what this package knows of them.
local function unusable(history, from, last, problem)
  if errors.is_error(problem) then
    return problem
  end
  return errors.received {
    kind = "internal",
    message = ("events %d to %d of the history are not what they should be: %s"):format(
      history:id(from), history:id(last), tostring(problem)),
  }
end

-- After a step: what fails the task, unless it is the workflow that it fails.
function methods:judge()
  local failed = self.failure
  if failed and verdict.moves(self, failed.error, true) then
    self.failure = nil
    self:fail_workflow(failed.error, failed.traceback)
  end
  return self.failure and self.failure.error
end

-- One step: events from..last; `given`, the messages of a task to be done now.
function methods:apply_chunk(history, from, last, given)
  local messages, jobs = {}, { nil, nil, nil } -- with room for one
  local ok, problem, updates = pcall(take_events, self, history, from, last, messages, jobs, given)
  if not ok then
    problem = unusable(history, from, last, problem)
  end
  if problem then
    return problem
  end
  if history.kinds[last] == "workflow_task_started" then
    merge(self, messages, updates)
    task_started(self, history, last)
    if not self.failure then
      self:step(messages, jobs)
    end
  end
  return self:judge()
end

function methods:close_step(live)
  if self.outcome and not self.closed then
    self.closed = true
    message.say_unfinished(self)
    future.say_unseen(self)
    local commands = self:own "commands"
    commands[#commands + 1] = self.outcome
  end
  return self:seal(live)
end

--- Must local activities end before the task is done?
function methods:awaits()
  return not self.outcome and local_activity.awaited(self)
end

--- What there is to answer to the task, local activities or not.
-- @treturn table commands
-- @treturn table messages
function methods:answer()
  return self:close_step(true), self.messages
end

--- A local activity of the task has ended.
-- @tparam table told `seq`, `attempt`, `result` (Payloads) or `failure` (Failure, both
--   encoded), `complete_time`, `backoff`, `original_schedule_time`
-- @return as `apply`
function methods:local_done(told)
  local_result.round(self, { told }, 1, 1)
  local problem = self:judge()
  if problem then
    return nil, problem
  elseif self:awaits() then
    return false
  end
  return self:answer()
end

--- Applies all events of a history.
-- @tparam history history
-- @tparam integer started_id of the task to be done; 0 for one that only asks a
--   query, and for a replay
-- @tparam[opt] table given temporal.api.protocol.v1.Messages of that task
-- @treturn table|boolean|nil the commands to send; false: local activities must end
--   before the task has an answer (`local_done`); nil
-- @treturn table|temporal.error|string the messages to send; what failed the task
function methods:apply(history, started_id, given)
  local from, commands = 1, {}
  self.messages = nil
  local merged = self.habits and self.habits.merged
  while from <= history.count do
    local last = chunk.ends(history, from, true, merged)
    local live = last == history.count and history:id(last) == started_id
    self.replaying = not live or nil
    local problem = self:apply_chunk(history, from, last, live and (given or {}) or nil)
    if problem then
      self:fail_task(problem)
      return nil, problem
    end
    if live and self:awaits() then
      history:clear()
      return false
    end
    commands = self:close_step(live)
    from = last + 1
  end
  local problem = self.in_block and self:end_history(history)
  if problem then
    self:fail_task(problem)
    return nil, problem
  end
  history:clear()
  return commands or {}, self.messages
end

return { kind = new_kind, begin = begin, new = new }

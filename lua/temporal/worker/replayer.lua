--- Replays recorded histories with the code of today: does it still do what it did?
-- Sends nothing, needs no server.
--
--     local replayer = temporal.replayer{ workflows = { Order = Order } }
--     temporal.assert(replayer:replay{ file = "histories/order.json" })
-- @module temporal.replayer

local code = require "temporal.worker.code"
local converters = require "temporal.value.converter"
local core = require "temporal.core"
local errors = require "temporal.error.error"
local habit = require "temporal.workflow.habit"
local histories = require "temporal.workflow.history"
local misuse = require "temporal.base.misuse"
local options = require "temporal.base.options"
local payloads = require "temporal.worker.payloads"
local recorded = require "temporal.worker.recorded"
local text_of = require("temporal.base.text").of
local worker_options = require "temporal.worker.options"

local setmetatable, type = setmetatable, type

local HISTORY = "temporal.api.history.v1.History"

local replayer = {}
local metatable = { __name = "temporal.replayer", __index = replayer }

local function is_table(value)
  return type(value) == "table"
end

local OPTIONS = options.define("replayer option", {
  workflows = worker_options.workflows,
  passthrough = worker_options.passthrough,
  deadlock_timeout = worker_options.deadlock_timeout,
  fail_workflow_on = worker_options.fail_workflow_on,
  converter = options.list("converter", is_table, "must be a table {encoding=, encode=, decode=}"),
  codecs = function(target, value)
    local ok, problem = converters.check_codecs(value)
    if not ok then
      misuse.raisef('replayer option "codecs": %s', problem)
    end
    target.codecs = value
  end,
  namespace = options.string("namespace"),
})

--- Makes a replayer.
-- @tparam table given `workflows` (required), `converter`, `codecs` as for a worker and
--   its client, `namespace` (`"default"`), `passthrough`, `deadlock_timeout`,
--   `fail_workflow_on` as for a worker
-- @treturn temporal.replayer
-- @raise on misuse
local function new(given)
  if type(given) ~= "table" then
    misuse.raisef("temporal.replayer takes a table of options, got %s", options.kind_of(given))
  end
  local settings = options.apply(OPTIONS, given, {})
  if not settings.workflows then
    misuse.raise 'replayer option "workflows" is missing'
  end
  worker_options.check_lua "replayer"
  if settings.deadlock_timeout == nil then
    settings.deadlock_timeout = 2
  end
  settings.deadlock_timeout = worker_options.limit(settings.deadlock_timeout)
  local plain, problem = converters.new(settings.converter)
  if not plain then
    misuse.raisef('replayer option "converter": %s', problem)
  end
  local namespace = settings.namespace or "default"
  return setmetatable({
    code = code.new(settings, "replayer"), namespace = namespace,
    codecs = settings.codecs and converters.new(nil, { codecs = settings.codecs }),
    shared = { converter = plain, namespace = namespace }, -- by all runs
  }, metatable)
end

local function failed(fields)
  fields.kind = "task_failed"
  return errors.new(fields)
end

local KEPT = { nondeterminism = true, conversion = true, codec = true }

-- What ended a replay, as the caller gets it.
local function problem_of(problem, traceback)
  if errors.is_error(problem) and KEPT[problem.kind] then
    return problem
  end
  local is_error = errors.is_error(problem)
  return failed {
    message = is_error and problem.message or text_of(problem),
    cause = is_error and problem or nil, raw = problem, stack_trace = traceback,
  }
end

local function read_events(history)
  local read = histories.new(0)
  local ok, gap = read:append(history.bytes or history.events)
  if not ok then
    return nil, errors.new { kind = "conversion", message = gap.message }
  elseif read:kind(1) ~= "workflow_execution_started" then
    return nil, errors.new { kind = "conversion",
      message = "the history does not begin with the start of a workflow" }
  end
  return read
end

-- A task that has no answer yet is done as a worker would do it.
local function last_task(history)
  local last = history.count
  return history:kind(last) == "workflow_task_started" and history:id(last) or 0
end

local function name_run(started, history)
  local id, run_id = history.id or started.workflow_id, history.run_id
  if id == nil or id == "" then
    id = "replayed"
  end
  if run_id == nil or run_id == "" then
    run_id = started.original_execution_run_id
  end
  return id, run_id
end

-- One history; also the ids of its run.
local function replay(self, history, given)
  local read, problem = read_events(history)
  if not read then
    return nil, problem
  end
  local started = read:attributes(1)
  if not (started and started.workflow_type) then
    return nil, errors.new { kind = "conversion",
      message = "the history's first event does not say of which type the workflow is" }
  end
  local id, run_id = name_run(started, history)
  local run, unknown = self.code:run(started.workflow_type.name, self.shared, id, run_id)
  if not run then
    return nil, failed { message = unknown.message }, id, run_id
  end
  run.habits, run.any_ids = habit.of(read), given.match_ids == false
  local commands
  commands, problem = run:apply(read, last_task(read))
  if commands ~= nil then -- false: local activities of an open task have not ended
    return true, nil, id, run_id
  end
  return nil, problem_of(problem, run.failure and run.failure.traceback), id, run_id
end

local function decoded(self, history)
  if self.codecs then
    -- A copy: what was given stays as it is.
    history = assert(core.decode(HISTORY, (assert(core.encode(HISTORY, history)))))
    return payloads.new(self.codecs, self.namespace):decode_tables(history, history.id)
  end
  return history
end

local REPLAY = options.define("option of replayer:replay", {
  match_ids = options.boolean("match_ids"),
})

local function check(self, given, method)
  options.check_self(self, metatable, "replayer")
  if given ~= nil and type(given) ~= "table" then
    misuse.raisef("the options of %s must be a table, got %s", method, options.kind_of(given))
  end
  return options.apply(REPLAY, given or {}, {})
end

--- Replays a history, or each of a list.
-- @tparam string|table history what `fetch_history` returns; JSON text, of one history or
--   of a list; `{file=}`, the path of such a text
-- @tparam[opt] table given `match_ids` (true; false: activities, timers and children may
--   have other ids, as those of SDKs that do not number them have)
-- @treturn boolean|nil true, or nil
-- @treturn temporal.error of the first that fails. Kind `nondeterminism` (`event_id`,
--   `expected`, `actual`): the code does not do what history has; `task_failed`
--   (`cause`, `stack_trace`): it cannot; `conversion`, `codec`: history, or a value in
--   it, cannot be read
-- @raise on misuse
function replayer:replay(history, given)
  local settings = check(self, given, "replayer:replay")
  local list, problem = recorded.read(history, not self.codecs)
  if not list then
    return nil, problem
  end
  for i = 1, #list do
    local one, ok
    one, problem = decoded(self, list[i])
    if one then
      ok, problem = replay(self, one, settings)
    end
    if not ok then
      problem.index = #list > 1 and i or nil
      return nil, problem
    end
  end
  return true
end

--- Replays many histories, and goes on where one fails.
-- @tparam function|table each an iterator, or a list, of what `replay` takes
-- @tparam[opt] table given as for `replay`
-- @treturn table list of `{id=, run_id=, err=}`; without `err` it has replayed
-- @raise on misuse; what the iterator raises
function replayer:replay_all(each, given)
  local settings = check(self, given, "replayer:replay_all")
  if type(each) == "table" then
    local list, place = each, 0
    each = function()
      place = place + 1
      return list[place]
    end
  elseif type(each) ~= "function" then
    misuse.raisef("replayer:replay_all takes an iterator or a list, got %s",
      options.kind_of(each))
  end
  local results = {}
  for history in each do
    local list, problem = recorded.read(history, not self.codecs)
    if not list then
      results[#results + 1] = { err = problem }
    end
    for i = 1, #(list or {}) do
      local one, ok, id, run_id
      one, problem = decoded(self, list[i])
      if one then
        ok, problem, id, run_id = replay(self, one, settings)
      end
      results[#results + 1] = { id = id, run_id = run_id, err = not ok and problem or nil }
    end
  end
  return results
end

function metatable.__tostring(self)
  return ("temporal.replayer (%s)"):format(options.names_of(self.code.workflows))
end

return { new = new }

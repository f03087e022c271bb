--- What workflow code calls. The functions know their run by themselves, at any
-- depth of the user's own coroutines.
--
--     local workflow = require "temporal.workflow"
--
--     local function Order(order)
--       local approved
--       workflow.on_signal("approve", function(who) approved = who end)
--       if not workflow.wait_condition(function() return approved end, "24h") then
--         return nil, "nobody approved"
--       end
--       return workflow.execute_activity({ start_to_close_timeout = 30 }, "Charge", order):get()
--     end
-- @module temporal.workflow

local activity = require "temporal.workflow.op.activity"
local attributes = require "temporal.workflow.op.attributes"
local child = require "temporal.workflow.op.child"
local condition = require "temporal.workflow.condition"
local current = require "temporal.workflow.current"
local duration = require "temporal.base.duration"
local effect = require "temporal.workflow.effect"
local external = require "temporal.workflow.op.external"
local fiber = require "temporal.workflow.fiber"
local future = require "temporal.workflow.future"
local message = require "temporal.workflow.message"
local misuse = require "temporal.base.misuse"
local operation = require "temporal.workflow.operation"
local options = require "temporal.base.options"
local patch = require "temporal.workflow.patch"
local scopes = require "temporal.workflow.scope"
local search_attributes = require "temporal.value.search_attributes"
local start = require "temporal.run.start"
local task = require "temporal.workflow.task"
local timer = require "temporal.workflow.op.timer"
local types = require "temporal.value.types"

local errors = require "temporal.error.error"
local runs = require "temporal.workflow.run"

local error, next, pcall, select, tostring, type = error, next, pcall, select, tostring, type
local to_integer = rawget(math, "tointeger") or function() end

local workflow = {}

local function seconds_of(value, what)
  local seconds, why = duration.seconds(value)
  if not seconds then
    misuse.raisef("the duration of %s %s, got %s", what, why, options.show(value))
  end
  return seconds
end

local function run_of(what)
  local run = current.run
  if not run then
    misuse.raisef("%s can be called in a workflow only", what)
  end
  return run
end

--- Schedules an activity.
-- @tparam table given `start_to_close_timeout` or `schedule_to_close_timeout` (one of
--   them required), `schedule_to_start_timeout`, `heartbeat_timeout` (durations),
--   `retry_policy`, `task_queue` (the workflow's), `id` (the number of the call),
--   `summary`, `priority`, `eager` (true), `cancellation_type` (`"try_cancel"`,
--   `"wait_cancellation_completed"`, `"abandon"`)
-- @param definition the activity's type name, or its function
-- @param ... its arguments
-- @treturn future `get` gives the result, or raises an error of kind `activity`
-- @raise on misuse; kind `canceled` in a canceled scope
function workflow.execute_activity(given, definition, ...)
  return activity.execute(given, definition, select("#", ...), ...)
end

-- Who asks for a patch.
local function asking(id, what)
  fiber.running(what)
  if type(id) ~= "string" or id == "" then
    misuse.raisef("%s: the id must be a string that is not empty, got %s", what, options.show(id))
  end
  current.run:before_step()
  return current.run
end

local TIMER = options.define("option of workflow.timer", {
  summary = options.string("summary", { empty = true }),
})

local function start_timer(what, value, given)
  local seconds = seconds_of(value, what)
  if given ~= nil and type(given) ~= "table" then
    misuse.raisef("the options of %s must be a table, got %s", what, options.kind_of(given))
  end
  local run, caller = operation.begin(what)
  return timer.start(run, caller.scope, seconds, options.apply(TIMER, given or {}, {}).summary)
end

--- Starts a timer.
-- @tparam number|string value a duration; not above 0 counts as 1 ms
-- @tparam[opt] table given `summary` (for the UI)
-- @treturn future
function workflow.timer(value, given)
  return start_timer("workflow.timer", value, given)
end

--- Waits so long.
-- @tparam number|string value a duration; not above 0 counts as 1 ms
-- @tparam[opt] table given `summary` (for the UI)
-- @raise kind `canceled` in a canceled scope
function workflow.sleep(value, given)
  start_timer("workflow.sleep", value, given):get()
end

--- Runs a function beside the rest of the run. It begins in its turn.
-- @tparam function fn
-- @param ... its arguments
-- @treturn future `get` returns what fn returned, or raises what it raised; `cancel`
function workflow.spawn(fn, ...)
  if type(fn) ~= "function" then
    misuse.raisef("workflow.spawn takes a function, got %s", options.kind_of(fn))
  end
  return task.spawn(fn, fiber.pack(...))
end

--- Starts a child workflow.
-- @tparam table given `id` (a `uuid`), `task_queue` (the workflow's),
--   `execution_timeout`, `run_timeout`, `task_timeout`, `id_reuse_policy`, `retry_policy`,
--   `cron_schedule`, `priority`, `static_summary`, `static_details`,
--   `parent_close_policy` (`"terminate"`, `"abandon"`, `"request_cancel"`),
--   `cancellation_type` (`"wait_cancellation_completed"`,
--   `"wait_cancellation_requested"`, `"try_cancel"`, `"abandon"`)
-- @param definition a workflow type, or its function
-- @param ... its arguments
-- @treturn future with `id`, `started([timeout])`, `signal(name, ...)`; `get` gives the
--   result, or raises an error of kind `child_workflow`
-- @raise on misuse; kind `canceled` in a canceled scope
function workflow.execute_child_workflow(given, definition, ...)
  return child.execute(given, definition, select("#", ...), ...)
end

--- The same, and waits until the child has started.
-- @raise an error of kind `child_workflow` when it could not be started
function workflow.start_child_workflow(given, definition, ...)
  local future_of_child = child.execute(given, definition, select("#", ...), ...)
  future_of_child:started()
  return future_of_child
end

--- A workflow that is none of the run's children.
-- @tparam string id
-- @tparam[opt] string run_id the latest run when absent
-- @return a handle: `signal(name, ...)`, `cancel([reason])`
function workflow.external(id, run_id)
  run_of "workflow.external"
  return external.handle(id, run_id)
end

local CONTINUE = options.define("option of workflow.continue_as_new", {
  workflow = function(target, value)
    target.workflow = value
  end,
  task_queue = options.string("task_queue"),
  run_timeout = options.duration("workflow_run_timeout"),
  task_timeout = options.duration("workflow_task_timeout"),
  retry_policy = start.options.handlers.retry_policy,
})

--- Ends this run and goes on in a new one, with a new history. Never returns, and
-- is no error: no pcall sees it.
-- @tparam table|nil given `workflow` (a type or a definition), `task_queue`,
--   `run_timeout`, `task_timeout`, `retry_policy`; what is not given stays as it is
-- @param ... arguments of the new run
function workflow.continue_as_new(given, ...)
  fiber.running "workflow.continue_as_new"
  if given ~= nil and type(given) ~= "table" then
    misuse.raisef("workflow.continue_as_new takes a table of options first, got %s",
      options.kind_of(given))
  end
  local settings = options.apply(CONTINUE, given or {}, {})
  local run = current.run
  run:before_step()
  run:continue_as_new(settings, select("#", ...), ...)
  fiber.stop()
end

--- Is a change of the code in force in this run? True in new runs, which record it,
-- and in those that have recorded it.
-- @tparam string id of the change
-- @treturn boolean the same for the whole run
function workflow.patched(id)
  return patch.ask(asking(id, "workflow.patched"), id, false)
end

--- Says that no run is left without the change: `patched` goes, this stays until no
-- run is left that has recorded it.
-- @tparam string id of the change
function workflow.deprecate_patch(id)
  patch.ask(asking(id, "workflow.deprecate_patch"), id, true)
end

local function check_effect(what, fn)
  if type(fn) ~= "function" then
    misuse.raisef("%s takes a function, got %s", what, options.kind_of(fn))
  end
  local run = operation.begin(what)
  return run
end

--- The value of a function, called once in the life of the run and recorded. For
-- what can fail there are activities.
-- @tparam function fn may not wait
-- @return its value, as each replay has it
function workflow.side_effect(fn)
  return effect.once(check_effect("workflow.side_effect", fn), fn)
end

--- The value of a function that is called each time, and recorded when it has
-- changed.
-- @tparam string id which of them
-- @tparam function fn may not wait
-- @tparam[opt] function equal `equal(before, now)`; `==` when absent
-- @return the value, as each replay has it
function workflow.mutable_side_effect(id, fn, equal)
  return effect.changing(check_effect("workflow.mutable_side_effect", fn), id, fn, equal)
end

local function begin_upsert(what, values)
  if type(values) ~= "table" or next(values) == nil then
    misuse.raisef("%s takes a table of values by name, got %s", what,
      type(values) == "table" and "an empty one" or options.kind_of(values))
  end
  return (operation.begin(what))
end

--- Changes search attributes of the run.
-- @tparam table values by name; `temporal.null` removes one
function workflow.upsert_search_attributes(values)
  local run = begin_upsert("workflow.upsert_search_attributes", values)
  local encoded, problem = search_attributes.encode(values)
  if not encoded then
    misuse.raisef("workflow.upsert_search_attributes: %s", problem)
  end
  attributes.upsert_search_attributes(run, encoded.indexed_fields)
end

--- Changes values of the run's memo.
-- @tparam table values by name; `temporal.null` removes one
function workflow.upsert_memo(values)
  local run = begin_upsert("workflow.upsert_memo", values)
  local fields = {}
  for name, value in next, values do
    local payload, problem = run.converter:payload(value, "memo." .. tostring(name))
    if not payload then
      misuse.raisef("workflow.upsert_memo: %s", tostring(problem))
    end
    fields[name] = payload
  end
  attributes.upsert_memo(run, fields)
end

--- A random number of the run: the same at each replay, as math.random gives it.
-- @tparam[opt] number m
-- @tparam[opt] number n
-- @treturn number
function workflow.random(m, n)
  fiber.running "workflow.random"
  local generator = current.run:generator()
  if m == nil then
    return generator:number()
  end
  local value = n and generator:integer(m, n) or generator:integer(1, m)
  return to_integer(value) or value
end

--- A UUID of the run: the same at each replay.
-- @treturn string
function workflow.uuid()
  fiber.running "workflow.uuid"
  return current.run:generator():uuid()
end

local SCOPE = options.define("option of workflow.scope", {
  timeout = options.seconds("timeout", { above = 0 }),
  shield = options.boolean("shield"),
})

-- What a scope's function has of it.
local handle_methods = {}
local handle_metatable = { __name = "temporal.workflow.scope", __index = handle_methods }

--- Cancels what waits and is under way in the scope.
-- @tparam[opt] string reason
function handle_methods:cancel(reason)
  fiber.running "scope:cancel"
  current.run:before_step()
  self.scope:cancel(reason or "the scope was canceled")
end

-- Cancels a scope when its time is over.
local function limit(inner, seconds)
  local timer_of_scope = timer.start(current.run, nil, seconds)
  function timer_of_scope.fired()
    inner.timed_out = inner.reason == nil
    inner:cancel("the scope's time is over")
  end
  return timer_of_scope
end

local function leave_scope(caller, outer, inner, timeout, clock, ok, ...)
  caller.scope = outer
  if inner.parent then
    outer:leave(inner.place)
  end
  if clock and not clock.done then
    clock:cancel_now()
  end
  if ok then
    return ...
  end
  local problem = ...
  if inner.timed_out and errors.is_error(problem) and runs.is_canceled(problem) then
    problem = errors.new {
      kind = "timeout", cause = problem,
      message = ("not done after %s"):format(duration.text(timeout)),
    }
  end
  return error(problem, 0)
end

--- Runs a function in a scope of its own: what it waits for and begins can be
-- canceled together.
-- @tparam[opt] table given `timeout` (a duration, after which the scope is canceled),
--   `shield` (false; true: a cancellation from outside does not reach into it, for
--   clean-up)
-- @tparam function fn gets the scope, which has a method `cancel([reason])`
-- @return what fn returns
-- @raise what fn raises; kind `timeout` when the time ran out
function workflow.scope(given, fn)
  if fn == nil then
    given, fn = {}, given
  end
  if type(fn) ~= "function" or type(given) ~= "table" then
    misuse.raisef("workflow.scope takes a table of options and a function, got %s and %s",
      options.kind_of(given), options.kind_of(fn))
  end
  local settings = options.apply(SCOPE, given, {})
  local caller = fiber.running "workflow.scope"
  current.run:before_step()
  local outer = caller.scope
  local inner = scopes.new(not settings.shield and outer or nil)
  local clock
  if settings.timeout and not inner.reason then
    clock = limit(inner, settings.timeout)
  end
  caller.scope = inner
  return leave_scope(caller, outer, inner, settings.timeout, clock,
    pcall(fn, setmetatable({ scope = inner }, handle_metatable)))
end

--- Waits until a function returns true.
-- @tparam function fn may only look, not wait; what it raises is raised here
-- @tparam[opt] number|string timeout a duration; no timer is made when fn is true
--   at once
-- @treturn boolean true; false when the time ran out
function workflow.wait_condition(fn, timeout)
  if type(fn) ~= "function" then
    misuse.raisef("workflow.wait_condition takes a function, got %s", options.kind_of(fn))
  end
  timeout = options.timeout(timeout, "workflow.wait_condition")
  local waiting = fiber.running "workflow.wait_condition"
  local run = current.run
  run:before_step()
  return condition.wait(waiting, fn, timeout and function()
    return timer.start(run, waiting.scope, timeout)
  end)
end

workflow.wait = future.any
workflow.wait_all = future.all

local function check_name(what, name)
  if name == types.any then
    return name
  elseif type(name) ~= "string" then
    misuse.raisef("%s: the name must be a string or temporal.any, got %s", what,
      options.kind_of(name))
  elseif name:find "^__temporal_" then
    misuse.raisef('%s: names that begin with "__temporal_" are the SDK\'s own', what)
  end
  return name
end

local function check_handler(what, fn)
  if fn ~= nil and type(fn) ~= "function" then
    misuse.raisef("%s: the handler must be a function, got %s", what, options.kind_of(fn))
  end
end

local UNFINISHED = { warn = "warn", abandon = "abandon" }
local HANDLER = options.define("option of a handler", {
  unfinished = options.choice("unfinished", UNFINISHED),
  description = options.string("description", { empty = true }),
})
local UPDATE = options.define("option of workflow.on_update", {
  validator = options.func("validator"),
  unfinished = options.choice("unfinished", UNFINISHED),
  description = options.string("description", { empty = true }),
})

-- Puts a handler into the run's table of them, under its name or `temporal.any`.
local function register(what, field, name, fn, given, spec)
  local run = run_of(what)
  check_name(what, name)
  check_handler(what, fn)
  if given ~= nil and type(given) ~= "table" then
    misuse.raisef("the options of %s must be a table, got %s", what, options.kind_of(given))
  end
  local handler = options.apply(spec, given or {}, {})
  handler.fn, handler.what = fn, ("%s %s"):format(what:match "_(%w+)$", tostring(name))
  run[field][name] = fn and handler or nil
  return run
end

--- Handles signals of a name: each gets a fiber of its own, in the order in which
-- they came. What has come before waits for the handler.
-- @tparam string|temporal.any name `temporal.any`: all that have no handler of
--   their own; fn gets the name first
-- @tparam function|nil fn gets the signal's arguments; nil: no handler
-- @tparam[opt] table given `unfinished` (`"warn"`; `"abandon"`: nothing is said when
--   the run ends before the handler), `description`
function workflow.on_signal(name, fn, given)
  local run = register("workflow.on_signal", "signal_handlers", name, fn, given, HANDLER)
  if fn then
    message.registered(run)
  end
end

--- Answers queries of a name.
-- @tparam string|temporal.any name as for `on_signal`
-- @tparam function|nil fn gets the query's arguments; may only look
-- @tparam[opt] table given `description`
function workflow.on_query(name, fn, given)
  register("workflow.on_query", "query_handlers", name, fn, given, HANDLER)
end

--- Handles updates of a name: each gets a fiber of its own. What fn returns is
-- the update's result; an error of this package, or `nil, err`, its failure; any
-- other error fails the task, and the update is done again.
-- @tparam string|temporal.any name as for `on_signal`
-- @tparam function|nil fn gets the update's arguments; may wait
-- @tparam[opt] table given `validator` (gets the arguments, may only look; raises,
--   or returns `false[, why]` or `nil, why`, to reject the update), `unfinished` and
--   `description` as for `on_signal`
function workflow.on_update(name, fn, given)
  register("workflow.on_update", "update_handlers", name, fn, given, UPDATE)
end

--- The update whose handler is running.
-- @treturn table|nil `{id=, name=}`; nil outside of handlers of updates
function workflow.update_info()
  run_of "workflow.update_info"
  return current.fiber and current.fiber.update
end

--- Have all handlers of signals and updates ended?
-- @treturn boolean
function workflow.all_handlers_finished()
  return run_of "workflow.all_handlers_finished".handlers_running == 0
end

--- The time of the workflow: when the task began whose events it sees.
-- @treturn number seconds since the epoch
function workflow.now()
  return run_of "workflow.now".now
end

--- What is known of the run.
-- @treturn table `id run_id workflow_type task_queue namespace attempt ...`
function workflow.info()
  local run = run_of "workflow.info"
  local info = run.info
  info.history_length = run.history_length
  info.history_size = run.history_size
  info.continue_as_new_suggested = run.continue_as_new_suggested
  return info
end

--- Was the run asked to cancel itself?
-- @treturn string|nil the reason, `""` without one
function workflow.cancel_requested()
  return run_of "workflow.cancel_requested".root.reason
end

--- Is this code running in a workflow?
-- @treturn boolean
function workflow.in_workflow()
  return current.run ~= nil
end

return workflow

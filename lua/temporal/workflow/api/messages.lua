--- The handlers of a workflow's signals, queries and updates.
-- @submodule temporal.workflow.api

local arguments = require "temporal.value.arguments"
local current = require "temporal.workflow.current"
local debug = require "temporal.base.debug"
local fiber = require "temporal.workflow.fiber"
local message = require "temporal.workflow.message"
local misuse = require "temporal.base.misuse"
local options = require "temporal.base.options"
local types = require "temporal.value.types"

local getinfo = debug.getinfo
local tostring, type = tostring, type

local workflow = {}

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
local SIGNAL = options.define("option of workflow.on_signal", {
  args = arguments.option "args",
  unfinished = options.choice("unfinished", UNFINISHED),
  description = options.string("description", { empty = true }),
})
local QUERY = options.define("option of workflow.on_query", {
  args = arguments.option "args",
  description = options.string("description", { empty = true }),
})
local UPDATE = options.define("option of workflow.on_update", {
  args = arguments.option "args",
  validator = options.func("validator"),
  unfinished = options.choice("unfinished", UNFINISHED),
  description = options.string("description", { empty = true }),
})

-- Puts a handler into the run's table of them, under its name or `temporal.any`.
local function register(what, field, name, fn, given, spec)
  fiber.running(what)
  local run = current.run
  check_name(what, name)
  check_handler(what, fn)
  if given ~= nil and type(given) ~= "table" then
    misuse.raisef("the options of %s must be a table, got %s", what, options.kind_of(given))
  end
  local handler = options.apply(spec, given or {}, {})
  handler.fn, handler.what = fn, ("%s %s"):format(what:match "_(%w+)$", tostring(name))
  run:own(field)[name] = fn and handler or nil
  return run
end

--- Handles signals of a name: each gets a fiber of its own, in the order in which
-- they came. What has come before waits for the handler.
-- @tparam string|temporal.any name `temporal.any`: all that have no handler of
--   their own; fn gets the name first
-- @tparam function|nil fn gets the signal's arguments; nil: no handler
-- @tparam[opt] table given `args` (types of the arguments; a signal with others is
--   logged and dropped), `unfinished` (`"warn"`; `"abandon"`: nothing is said when the
--   run ends before the handler), `description` (for the UI)
function workflow.on_signal(name, fn, given)
  local run = register("workflow.on_signal", "signal_handlers", name, fn, given, SIGNAL)
  if fn then
    message.registered(run)
  end
end

--- Answers queries of a name.
-- @tparam string|temporal.any name as for `on_signal`
-- @tparam function|nil fn gets the query's arguments, of which there may not be more
--   than it takes; may only look
-- @tparam[opt] table given `args` (types of the arguments; others fail the query),
--   `description` (for the UI)
function workflow.on_query(name, fn, given)
  local run = register("workflow.on_query", "query_handlers", name, fn, given, QUERY)
  if fn then
    local info = getinfo(fn, "u")
    run.query_handlers[name].takes = not info.isvararg and info.nparams or nil
  end
end

--- Handles updates of a name: each gets a fiber of its own. What fn returns is
-- the update's result; an error of this package, or `nil, err`, its failure; any
-- other error fails the task, and the update is done again.
-- @tparam string|temporal.any name as for `on_signal`
-- @tparam function|nil fn gets the update's arguments; may wait
-- @tparam[opt] table given `validator` (gets the arguments, may only look; raises,
--   or returns `false[, why]` or `nil, why`, to reject the update), `args` (types of
--   the arguments; an update with others is rejected), `unfinished` and `description`
--   as for `on_signal`
function workflow.on_update(name, fn, given)
  register("workflow.on_update", "update_handlers", name, fn, given, UPDATE)
end

--- The update whose handler is running.
-- @treturn table|nil `{id=, name=}`; nil outside of handlers of updates
function workflow.update_info()
  fiber.run_of "workflow.update_info"
  return current.fiber and current.fiber.update
end

--- Have all handlers of signals and updates ended?
-- @treturn boolean
function workflow.all_handlers_finished()
  return fiber.run_of "workflow.all_handlers_finished".handlers_running == 0
end

return workflow

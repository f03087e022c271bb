--- Interceptors: user functions around every operation of a client, and hooks
-- around every RPC it submits.
--
--     temporal.client{ interceptors = {
--       { signal = function(input, next) return next(input) end },
--       { call = { before = function(input) end,
--                  after = function(input, outcome) end } },
--     } }
--
-- Each operation runs through the functions of its name, first in the list
-- outermost. Values pass unchanged, however many; errors pass, too. `next` may
-- be called several times, or not at all, and may be given another input.
-- @module temporal.interceptor

local core = require "temporal.core"
local debug = require "temporal.base.debug"
local errors = require "temporal.error.error"
local misuse = require "temporal.base.misuse"
local options = require "temporal.base.options"
local state = require "temporal.base.state"

local next, type = next, type
local getinfo = debug.getinfo
local hooked = state.hooked

local interceptor = {}

--- Names of all operations, sorted.
interceptor.names = {
  "backfill_schedule", "call", "cancel", "cancel_activity", "check_health", "close",
  "complete_activity", "connect", "count_activities", "count_schedules", "count_workflows",
  "create_schedule", "delete", "delete_activity", "delete_schedule", "describe",
  "describe_activity", "describe_namespace", "describe_schedule", "describe_task_queue",
  "diagnose", "execute_activity", "execute_workflow", "fail_activity", "fetch_history", "get",
  "get_activity_result", "get_update_result", "heartbeat_activity", "history",
  "list_activities", "list_schedules", "list_workflows", "list_workflows_page",
  "matching_schedule_times", "pause", "pause_schedule", "query", "report_canceled_activity",
  "reset", "signal", "signal_with_start", "start_update", "start_workflow", "submit",
  "system_info", "terminate", "terminate_activity", "trigger_schedule", "unpause",
  "unpause_schedule", "update", "update_options", "update_schedule", "update_with_start",
}

local known = {}
for _, name in ipairs(interceptor.names) do
  known[name] = true
end

-- Checking what the user gave.

local HOOKS = { "after", "before" }

local function unknown(what, where, name, candidates)
  if type(name) ~= "string" then
    return ("%s: %ss are given by name, got the key %s"):format(where, what, options.show(name))
  end
  local suggestion = options.nearest(name, candidates)
  if suggestion then
    return ('%s: unknown %s "%s"; did you mean "%s"?'):format(where, what, name, suggestion)
  end
  return ('%s: unknown %s "%s"; known are: %s')
    :format(where, what, name, table.concat(candidates, ", "))
end

local function not_a_function(where, name, value)
  return ("%s.%s must be a function, got %s"):format(where, name, options.kind_of(value))
end

local function check_hooks(hooks, where)
  for name, value in next, hooks do
    if name ~= "before" and name ~= "after" then
      return unknown("hook", where, name, HOOKS)
    elseif type(value) ~= "function" then
      return not_a_function(where, name, value)
    end
  end
  return nil
end

local function check_one(one, where)
  if type(one) ~= "table" then
    return ("%s must be a table of functions by operation, got %s")
      :format(where, options.kind_of(one))
  end
  for name, value in next, one do
    if not known[name] then
      return unknown("operation", where, name, interceptor.names)
    elseif name == "call" and type(value) == "table" then
      local problem = check_hooks(value, where .. ".call")
      if problem then
        return problem
      end
    elseif type(value) ~= "function" then
      return not_a_function(where, name, value)
    end
  end
  return nil
end

local function check(list)
  if type(list) ~= "table" then
    return "interceptors must be a list of tables, got " .. options.kind_of(list)
  end
  for key in next, list do
    if type(key) ~= "number" or key < 1 or key > #list or key % 1 ~= 0 then
      return ("interceptors must be a list with the keys 1 to n, got the key %s")
        :format(options.show(key))
    end
  end
  for i = 1, #list do
    local problem = check_one(list[i], ("interceptors[%d]"):format(i))
    if problem then
      return problem
    end
  end
  return nil
end

-- Chains.

-- It may return nil for a nil; nothing at all is a forgotten `return`.
local function returned(fn, name, ...)
  if select("#", ...) == 0 then
    local info = getinfo(fn, "S")
    misuse.raisef('interceptor "%s" (%s:%d) returned nothing: return what next(input) returns',
      name, info.short_src, info.linedefined)
  end
  return ...
end

local function link(fn, name, inner)
  return function(input)
    if type(input) ~= "table" then
      misuse.raisef('interceptor "%s": next takes the input, a table, got %s', name,
        options.kind_of(input))
    end
    return returned(fn, name, fn(input, inner))
  end
end

-- The innermost `next` checks what it was given, too.
local function last(name, perform)
  return link(perform, name)
end

local function chain(name, functions)
  return function(input, perform)
    local following = last(name, perform)
    for i = #functions, 1, -1 do
      following = link(functions[i], name, following)
    end
    return following(input)
  end
end

--- Checks a list of interceptors and makes one chain for each operation.
-- @tparam {table,...} list each `{[operation] = function(input, next)}`, and
--   `call = {before=, after=}`: hooks around every RPC. A function as `call`
--   stands around `client:call`
-- @treturn table|nil the chains, for `run`, `before` and `after`; nil, and
-- @treturn string what was wrong
function interceptor.new(list)
  local problem = check(list)
  if problem then
    return nil, problem
  end
  local functions, hooks = {}, {}
  for _, one in ipairs(list) do
    for name, value in next, one do
      if type(value) == "table" then
        hooks[#hooks + 1] = value
      else
        functions[name] = functions[name] or {}
        table.insert(functions[name], value)
      end
    end
  end
  local chains = { hooks = #hooks > 0 and hooks or nil }
  for name, each in next, functions do
    chains[name] = chain(name, each)
  end
  return chains
end

-- The place of an error is where the program called the operation, not where an
-- interceptor called `next`.
local function placed(...)
  local value, err = ...
  if value == nil and errors.is_error(err) then
    err.where = misuse.caller()
  end
  return ...
end

--- Runs an operation through the interceptors that have a function for it.
-- @tparam table chains of `new`
-- @tparam string name of the operation, such as `"signal"`
-- @tparam table input what it is about to do; interceptors may change it
-- @tparam function perform `perform(input)` does it
-- @return what `perform` returned, or an interceptor in its place
-- @raise what an interceptor raises
function interceptor.run(chains, name, input, perform)
  local through = chains[name]
  if not through then
    return perform(input)
  end
  return placed(through(input, perform))
end

-- Hooks around RPCs.

-- Hooks may change it, and the user's own table must not change. What is no
-- table is told its sender later.
local function copy(metadata)
  if metadata ~= nil and type(metadata) ~= "table" then
    return metadata
  end
  local result = {}
  for key, value in next, metadata or {} do
    result[key] = value
  end
  return result
end

--- Runs the `before` hooks of an RPC that is about to be submitted.
-- @tparam table session whose it is: its `client` and `hooks`
-- @tparam string path `"/full.Service/Method"`
-- @tparam table request for looking at; parts may be encoded already
-- @tparam[opt] string namespace of the request
-- @tparam[opt] table metadata of this call, by key
-- @tparam[opt] number timeout in seconds
-- @treturn table|nil metadata as the hooks left it
-- @treturn table their input, for `submitted`
-- @raise what a hook raises: nothing is sent
function interceptor.before(session, path, request, namespace, metadata, timeout)
  local hooks = session.hooks
  local service, method = path:match("^/(.*)/([^/]+)$")
  local input = {
    client = session.client, method = method, service = service, namespace = namespace,
    request = request, metadata = copy(metadata), timeout = timeout,
  }
  for i = 1, #hooks do
    if hooks[i].before then
      hooks[i].before(input)
    end
  end
  return input.metadata, input
end

--- The RPC is on its way: the first call that takes its answer runs `after`.
-- @param future of the RPC, or of the workflow that it starts
-- @tparam table input from `before`
function interceptor.submitted(future, input)
  hooked[future] = input
end

--- Runs the `after` hooks of an RPC, last in the list first; once for each.
-- @tparam table session whose it is: its `hooks`
-- @param future whose answer, or failure, has been taken
-- @tparam temporal.error|nil err why there is no answer
-- @raise what a hook raises; the hooks before it in the list are not run then
function interceptor.after(session, future, err)
  local input = hooked[future]
  if not input then
    return
  end
  hooked[future] = nil
  local outcome = {
    error = err,
    attempts = core.field(future, "attempts"),
    seconds = core.field(future, "seconds"),
  }
  local hooks = session.hooks
  for i = #hooks, 1, -1 do
    if hooks[i].after then
      hooks[i].after(input, outcome)
    end
  end
end

return interceptor

--- Temporal for Lua.
--
--     local temporal = require "temporal"
--     local client = temporal.client{ target = "localhost:7233" }
--     local run = client:execute_workflow({ id = "order-42", task_queue = "orders" },
--       "YourWorkflowDefinition", { amount = 3 })
--     local result, err = run:get()
--
-- Misuse raises a string at the caller's line. What the world can do is
-- `nil, err`, where err is an error of this package; test with `if err`.
-- @module temporal

local VERSION = "0.1.0"

local OTHER_LUA = "temporal: temporal.core was built for another Lua than this one, which is %s; "
  .. 'build it with "make LUA=%s". (Or this program hides the functions of its Lua from modules: '
  .. "link it with -Wl,-E.)\n%s"

-- The system's loader only names the function it misses.
local function load_core()
  local ok, core = pcall(require, "temporal.core")
  if ok then
    return core
  elseif tostring(core):find "undefined symbol: luaL?_" then
    local jit = rawget(_G, "jit")
    core = OTHER_LUA:format(jit and jit.version or _VERSION,
      jit and "jit" or _VERSION:match "%d.%d", core)
  end
  error(core, 0)
end

-- Kept by those who use it: a host may take it away afterwards.
if type(rawget(_G, "debug")) ~= "table" then
  error("temporal needs Lua's library debug while it is loaded: open it before this require", 0)
end

local core = load_core()

if core.version ~= VERSION then
  error(("temporal: the Lua files are version %s, but temporal.core is version %s: "
    .. "install both from the same release"):format(VERSION, tostring(core.version)), 0)
end

require("temporal.base.sources").read()

local client = require "temporal.client.client"
local definition = require "temporal.run.definition"
local errors = require "temporal.error.error"
local failure = require "temporal.base.lazy" "temporal.error.failure"
local foreign = require "temporal.base.lazy" "temporal.base.foreign"
local host = require "temporal.wait.host"
local lazy = require "temporal.base.lazy"
local options = require "temporal.base.options"
local scheduler = require "temporal.wait.scheduler"
local types = require "temporal.value.types"
local wait = require "temporal.wait.wait"

local pollable = {}

--- The descriptor to watch: readable while completions are undrained.
-- @treturn integer
function pollable.pollfd()
  return core.pollfd()
end

--- What to watch the descriptor for.
-- @treturn string `"r"`
function pollable.events()
  return "r"
end

--- When to call `temporal.poll` at the latest: when the first task that waits
-- has waited long enough.
-- @treturn number|nil seconds; nil when only the descriptor says
function pollable.timeout()
  return scheduler.timeout()
end

--- Drains completions and resumes whoever is ready, for a program with a loop
-- of its own. Without a timeout it never waits.
-- @tparam[opt] number|string|table timeout wait at most so long for something
--   to happen; 0
-- @treturn integer the number of unfinished tasks
-- @raise what a host of your own raised, once everybody else was resumed
local function poll(timeout)
  return wait.poll(timeout and options.timeout(timeout, "temporal.poll") or 0)
end

--- What an event loop watches: `pollfd() events() timeout()`. One for each Lua
-- state, readable while completions are undrained.
-- @treturn table
local function get_pollable()
  return pollable
end

-- Seldom needed at the start of a program: loaded by their first use.
local LAZY = {
  codec = function()
    return require "temporal.codec.codec"
  end,
  config = function()
    return require "temporal.config.config"
  end,
  failure_converter = function()
    return lazy("temporal.error.failure_converter").new
  end,
  proto = function()
    return lazy("temporal.value.proto").new
  end,
  define_activity = function()
    return lazy("temporal.activity.definition").define
  end,
  replayer = function()
    return lazy("temporal.worker.replayer").new
  end,
  testing = function()
    return require "temporal.testing"
  end,
  worker = function()
    return lazy("temporal.worker").new
  end,
  spawn = function()
    return lazy("temporal.wait.task").spawn
  end,
  wait = function()
    return lazy("temporal.wait.several").any
  end,
  wait_all = function()
    return lazy("temporal.wait.several").all
  end,
}

local function load_lazy(temporal, name)
  local load = LAZY[name]
  if not load then
    return foreign.member("temporal", name)
  end
  temporal[name] = load()
  return temporal[name]
end

return setmetatable({
  _VERSION = VERSION,
  client = client.new,
  shutdown = client.shutdown,
  define_workflow = definition.define,
  application_error = function(...)
    return failure.application_error(...)
  end,
  assert = errors.assert,
  is_canceled = errors.is_canceled,
  is_error = errors.is_error,
  host = { use = host.use },
  poll = poll,
  pollable = get_pollable,
  converter = require "temporal.value.converter",
  any = types.any,
  array = types.array,
  bool = types.bool,
  bytes = types.bytes,
  datetime = types.datetime,
  double = types.double,
  int = types.int,
  int64 = types.int64,
  keyword = types.keyword,
  keyword_list = types.keyword_list,
  null = types.null,
  raw = types.raw,
  text = types.text,
}, { __index = load_lazy })

--- Hosts: how a wait waits. The wait loop asks for the current host at every
-- wait, so a program may change it at any time.
-- @module temporal.host

local core = require "temporal.core"
local misuse = require "temporal.base.misuse"
local options = require "temporal.base.options"
local plain = require "temporal.wait.host_plain"
local state = require "temporal.base.state"

local host = {}

local rawget, type = rawget, type
local running = coroutine.running
local loaded, tasks = package.loaded, state.tasks

-- Tests and tools have a stand-in for the global ngx, and a thread of
-- ngx.run_worker_thread has a part of it.
local IN_NGINX = core.in_nginx()

local function in_nginx()
  local ngx = rawget(_G, "ngx")
  return IN_NGINX and type(ngx) == "table" and ngx.timer ~= nil
end

-- Loaded when it is first needed, once for each Lua state.
local function load(name)
  local found = state.hosts[name]
  if not found then
    found = require("temporal.wait.host_" .. name)
    state.hosts[name] = found
  end
  return found
end

-- The hosts by name: what gives the adapter of a wait that begins now.
local BUILT_IN = {
  -- Tasks are suspended, all else waits plainly.
  plain = function()
    return tasks[running() or false] and require "temporal.wait.host_loop" or plain
  end,
  nginx = function()
    if not in_nginx() then
      error("this is no nginx", 0)
    end
    return load "nginx"
  end,
  cqueues = function()
    return load("cqueues").current()
  end,
  luv = function()
    return load "luv"
  end,
  loop = function()
    return require "temporal.wait.host_loop"
  end,
}
local NAMES = { "plain", "nginx", "cqueues", "luv", "loop" }

local CUSTOM = options.define("option of temporal.host.use", {
  name = options.string("name"),
  can_wait = options.func("can_wait"),
  park = options.func("park"),
  unpark = options.func("unpark"),
  watch = options.func("watch"),
  unwatch = options.func("unwatch"),
})

local function require_field(adapter, name)
  if adapter[name] == nil then
    misuse.raisef('temporal.host.use: "%s" is missing; a host has name, can_wait, park and '
      .. "unpark, and may have watch and unwatch", name)
  end
end

local function custom(given)
  local adapter = options.apply(CUSTOM, given, {})
  require_field(adapter, "park")
  require_field(adapter, "unpark")
  if (adapter.watch == nil) ~= (adapter.unwatch == nil) then
    misuse.raise("temporal.host.use: watch and unwatch come together")
  end
  adapter.name = adapter.name or "custom"
  adapter.can_wait = adapter.can_wait or plain.can_wait
  return adapter
end

--- Chooses how waits wait from now on.
-- @tparam string|table|nil adapter the name of a built-in host (`"plain"`,
--   `"nginx"`, `"cqueues"`, `"luv"`, `"loop"`), or a host of your own:
--   `{name=, can_wait=, park=, unpark=, watch=, unwatch=}`.
--   `can_wait()` returns true, or false and why not. `park(ticket, seconds)`
--   suspends the caller until `unpark(ticket)`, or for at most so many seconds
--   (nil: no limit); it may return early. `watch(fd, poll)` is to call
--   `poll()` whenever fd is readable, until `unwatch(fd)`. An explicit nil:
--   each wait finds its host again
-- @raise on an unknown name or an incomplete host
function host.use(...)
  local adapter = ...
  if adapter == nil and select("#", ...) > 0 then
    state.host = nil
    return
  elseif type(adapter) == "table" then
    adapter = custom(adapter)
    state.host = function()
      return adapter
    end
    return
  elseif type(adapter) ~= "string" then
    misuse.raisef("temporal.host.use takes a name or a table, got %s", options.kind_of(adapter))
  end
  local built_in = BUILT_IN[adapter]
  if not built_in then
    local suggestion = options.nearest(adapter, NAMES)
    misuse.raisef("temporal.host.use: unknown host %s; known are: %s%s", options.show(adapter),
      table.concat(NAMES, ", "), suggestion and ('; did you mean "' .. suggestion .. '"?') or "")
  end
  local ok, problem = pcall(built_in)
  if not ok then
    misuse.raisef("temporal.host.use: the host %s is not to be had here: %s", options.show(adapter),
      tostring(problem))
  end
  state.host = built_in
end

-- Looks only at what is loaded already.
local function find()
  if in_nginx() then
    return load "nginx"
  end
  local cqueues = loaded.cqueues
  if cqueues and cqueues.running() then
    return BUILT_IN.cqueues()
  end
  local thread, is_main = running()
  if tasks[thread or false] then
    return require "temporal.wait.host_loop"
  end
  return thread and not is_main and plain.of_coroutine or plain
end

--- Does a wait outside of any task stop the whole program? So it is in a plain
-- script.
-- @treturn boolean
function host.is_plain()
  local chosen = state.host
  if chosen then
    return chosen == BUILT_IN.plain
  end
  local cqueues = loaded.cqueues
  return not in_nginx() and not (cqueues and cqueues.running())
end

--- The host of a wait that begins now.
-- @treturn table
function host.current()
  local chosen = state.host
  return chosen and chosen() or find()
end

return host

--- Hosts: how a wait waits. The wait loop asks for the current host at every
-- wait, so a program may change it at any time.
-- @module temporal.host

local misuse = require "temporal.misuse"
local options = require "temporal.options"
local plain = require "temporal.host.plain"
local state = require "temporal.state"

local host = {}

local BUILT_IN = { plain = plain }
local NAMES = { "plain" }

local CUSTOM = options.define("option of temporal.host.use", {
  name = options.string("name"),
  can_wait = options.func("can_wait"),
  park = options.func("park"),
  unpark = options.func("unpark"),
  watch = options.func("watch"),
  unwatch = options.func("unwatch"),
})

local function require_field(given, name)
  if given[name] == nil then
    misuse.raisef('temporal.host.use: "%s" is missing; a host has name, can_wait, park and '
      .. "unpark, and may have watch and unwatch", name)
  end
end

local function custom(given)
  local adapter = options.apply(CUSTOM, given, {})
  require_field(given, "park")
  require_field(given, "unpark")
  if (given.watch == nil) ~= (given.unwatch == nil) then
    misuse.raise("temporal.host.use: watch and unwatch come together")
  end
  adapter.name = adapter.name or "custom"
  adapter.can_wait = adapter.can_wait or plain.can_wait
  return adapter
end

--- Chooses how waits wait from now on.
-- @tparam string|table adapter the name of a built-in host (`"plain"`), or a
--   host of your own: `{name=, can_wait=, park=, unpark=, watch=, unwatch=}`.
--   `can_wait()` returns true, or false and why not. `park(ticket, seconds)`
--   suspends the caller until `unpark(ticket)`, or for at most so many seconds
--   (nil: no limit); it may return early. `watch(fd, poll)` is to call
--   `poll()` whenever fd is readable, until `unwatch(fd)`.
-- @raise on an unknown name or an incomplete host
function host.use(adapter)
  if type(adapter) == "table" then
    state.host = custom(adapter)
    return
  end
  if type(adapter) ~= "string" then
    misuse.raisef("temporal.host.use takes a name or a table, got %s", options.kind_of(adapter))
  end
  if not BUILT_IN[adapter] then
    local suggestion = options.nearest(adapter, NAMES)
    misuse.raisef("temporal.host.use: unknown host %s; known are: %s%s", options.show(adapter),
      table.concat(NAMES, ", "), suggestion and ('; did you mean "' .. suggestion .. '"?') or "")
  end
  state.host = BUILT_IN[adapter]
end

--- The host of a wait that begins now.
-- @treturn table
function host.current()
  return state.host or plain
end

return host

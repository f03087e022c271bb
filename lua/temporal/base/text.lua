--- Values of the program's as text, for messages: whatever they are, it does not raise,
-- and ends.
-- @module temporal.text

local core = require "temporal.core"
local debug = require "temporal.base.debug"
local decimal = require "temporal.base.decimal"

-- nginx's own hand control to its scheduler.
local create = rawget(coroutine, "_create") or coroutine.create
local status = rawget(coroutine, "_status") or coroutine.status
local raw_metatable = debug.getmetatable
local rawget, type = rawget, type
local now, show, step = core.now, decimal.text, core.step

-- How long a `__tostring` may run, in seconds.
local LIMIT = 1
-- A table's content says more than its address, but not at any length.
local LONGEST = 200

local text = {}

local function shown(kind, thread, ok, first)
  if ok and status(thread) == "dead" then
    return first
  elseif ok == false then
    return ("a %s whose __tostring raises%s"):format(kind,
      type(first) == "string" and ": " .. first or "")
  end
  return ("a %s whose __tostring does not end"):format(kind)
end

local function content_of(value)
  local json = type(value) == "table" and core.json_encode(value)
  return json and #json <= LONGEST and json or show(value)
end

--- As tostring; what raises there, waits or runs on is told in the text. A small table
-- without a `__tostring` is shown as JSON.
-- @param value
-- @treturn string
function text.of(value)
  local meta = raw_metatable(value)
  if type(meta) ~= "table" or rawget(meta, "__tostring") == nil then
    return content_of(value)
  end
  local thread = create(show)
  return shown(type(value), thread, step(thread, now() + LIMIT, nil, value))
end

return text

--- Values as text, without their addresses: those differ from process to process. A
-- run numbers its tables and functions instead, in the order in which it shows them.
-- @module temporal.workflow.sandbox.text

local current = require "temporal.workflow.current"
local debug = require "temporal.base.debug"

local error, rawget, select, tostring, type = error, rawget, select, tostring, type
local lua_format = string.format
local raw_metatable = debug.getmetatable
local setmetatable = setmetatable
local unpack = table.unpack or unpack -- luacheck: ignore 113 143

local WEAK = { __mode = "k" }
local ADDRESSED = { table = true, ["function"] = true, thread = true, userdata = true }

local text = {}

-- Of a value that has an address.
local function number_of(value)
  local run = current.run
  local numbers = run.numbers
  if not numbers then
    numbers, run.numbered = setmetatable({}, WEAK), 0
    run.numbers = numbers
  end
  local number = numbers[value]
  if not number then
    number = run.numbered + 1
    numbers[value], run.numbered = number, number
  end
  return number
end

--- As tostring.
-- @param value
-- @treturn string
function text.show(value)
  local kind = type(value)
  if not ADDRESSED[kind] then
    return tostring(value)
  end
  local meta = raw_metatable(value)
  if meta then
    local method = rawget(meta, "__tostring")
    if method ~= nil then
      local shown = method(value)
      if type(shown) ~= "string" then
        error("'__tostring' must return a string", 0)
      end
      return shown
    end
    local name = rawget(meta, "__name")
    kind = type(name) == "string" and name or kind
  end
  if value == nil or kind == "userdata" and tostring(value):find "%(?nil%)?$" then
    return tostring(value)
  end
  return lua_format("%s: %d", kind, number_of(value))
end

local show = text.show

function text.tostring(...)
  if select("#", ...) == 0 then
    error("bad argument #1 to 'tostring' (value expected)", 2)
  end
  return show((...))
end

local function has_address(...)
  for i = 1, select("#", ...) do
    if ADDRESSED[type((select(i, ...)))] then
      return true
    end
  end
  return false
end

--- As string.format.
function text.format(template, ...)
  if type(template) ~= "string" or not (template:find("%p", 1, true) or has_address(...)) then
    return lua_format(template, ...)
  end
  local args, count, place = { ... }, select("#", ...), 0
  template = template:gsub("%%([%-+ #0]*%d*%.?%d*)(.)", function(flags, letter)
    if letter == "%" then
      return nil
    end
    place = place + 1
    local value = args[place]
    if letter == "s" and place <= count then
      args[place] = show(value)
    elseif letter == "p" and place <= count then
      args[place] = ADDRESSED[type(value)] and tostring(number_of(value))
        or type(value) == "string" and "string" or "(null)"
      return "%" .. flags .. "s"
    end
    return nil
  end)
  return lua_format(template, unpack(args, 1, count))
end

return text

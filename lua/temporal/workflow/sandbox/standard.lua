--- What a run has in the place of Lua's own functions: what depends on the process,
-- the machine or the moment gives what history says, or raises.
-- @module temporal.workflow.sandbox.standard

local core = require "temporal.core"
local current = require "temporal.workflow.current"
local debug = require "temporal.base.debug"
local misuse = require "temporal.base.misuse"
local numbers = require "temporal.workflow.numbers"
local routines = require "temporal.workflow.sandbox.routines"
local sort = require "temporal.workflow.sandbox.sort"
local text = require "temporal.workflow.sandbox.text"

local concat, floor = table.concat, math.floor
local error, next, pcall, rawget, rawset = error, next, pcall, rawget, rawset
local require, select, setmetatable, tostring, type = require, select, setmetatable, tostring, type
local get_metatable, lua_set_metatable = getmetatable, setmetatable
local raw_metatable = debug.getmetatable
local lua_load, lua_loadstring = load, rawget(_G, "loadstring")
local setfenv = rawget(_G, "setfenv")
local to_integer = rawget(math, "tointeger") or function(n)
  return n
end
local show = text.show

local traceback = debug.traceback
local JIT = type(rawget(_G, "jit")) == "table"
local jit_off = JIT and require("jit").off or function() end

local standard = {}

-- Are the functions of the process itself allowed here?
local function is_outside()
  return current.read_only == "a side effect"
end

local function refuse(name)
  misuse.raisef("%s in a workflow: use an activity", name)
end

local function refusing(name, real)
  return function(...)
    if is_outside() then
      return real(...)
    end
    return refuse(name)
  end
end

-- Stands in for a table that workflows have nothing of.
local function refusing_table(name, real)
  return setmetatable({}, {
    __index = function(_, key)
      if is_outside() then
        return real[key]
      end
      return refuse(("%s.%s"):format(name, tostring(key)))
    end,
    __newindex = function(_, key)
      return refuse(("%s.%s"):format(name, tostring(key)))
    end,
    __metatable = false,
  })
end

-- Functions by name, with a dot for those of a library.
local OWN = {
  tostring = text.tostring, ["string.format"] = text.format, ["table.sort"] = sort,
  next = core.sorted_next, pairs = core.sorted_pairs,
}

-- Time. Years count as in the proleptic Gregorian calendar.

local function days(year, month, day)
  local months = month - 1
  year, month = year + floor(months / 12), months % 12 + 1
  if month <= 2 then
    year, month = year - 1, month + 12
  end
  return 365 * year + floor(year / 4) - floor(year / 100) + floor(year / 400)
    + floor((153 * (month - 3) + 2) / 5) + day - 719469
end

local function field(given, name, default)
  local value = given[name]
  if value == nil then
    value = default
  end
  local number = type(value) == "string" and tonumber(value) or value
  if value == nil then
    misuse.raisef("field '%s' missing in date table", name)
  elseif type(number) ~= "number" or number ~= floor(number) then
    misuse.raisef("field '%s' is not an integer", name)
  end
  return number
end

local lua_time, lua_date = os.time, os.date

OWN["os.time"] = function(given)
  if is_outside() then
    return lua_time(given)
  elseif given == nil then
    return to_integer(floor(current.run.now))
  elseif type(given) ~= "table" then
    misuse.raisef("bad argument #1 to 'time' (table expected, got %s)", type(given))
  end
  local seconds = days(field(given, "year"), field(given, "month"), field(given, "day")) * 86400
    + field(given, "hour", 12) * 3600 + field(given, "min", 0) * 60 + field(given, "sec", 0)
  return to_integer(seconds)
end

OWN["os.date"] = function(format, time)
  if is_outside() then
    return lua_date(format, time)
  end
  if format ~= nil and type(format) ~= "string" then
    misuse.raisef("bad argument #1 to 'date' (string expected, got %s)", type(format))
  end
  format = (format or "%c"):gsub("^!", "")
  local ok, shown = pcall(lua_date, "!" .. format, time or to_integer(floor(current.run.now)))
  if not ok then
    misuse.raise((shown:gsub("'%?'", "'date'")))
  end
  return shown
end

-- Numbers.

local lua_random = math.random

OWN["math.random"] = function(m, n)
  if is_outside() then
    if n ~= nil then
      return lua_random(m, n)
    end
    return m == nil and lua_random() or lua_random(m)
  elseif current.read_only then
    misuse.raisef("math.random is not possible in %s: it may only look", current.read_only)
  end
  local generator = current.run:generator()
  if m == 0 and n == nil and _VERSION == "Lua 5.4" then -- all bits
    local high = to_integer(generator:integer(0, 4294967295))
    return high * 4294967296 + to_integer(generator:integer(0, 4294967295))
  end
  return numbers.random(generator, m, n)
end

OWN["math.randomseed"] = function()
  misuse.raise("math.randomseed in a workflow: math.random is seeded by the run, so that each "
    .. "replay has the same numbers")
end

-- Tables.

OWN["table.foreach"] = function(t, fn)
  for key, value in core.sorted_pairs(t) do
    local result = fn(key, value)
    if result ~= nil then
      return result
    end
  end
end

-- What of the globals nobody has asked for yet is not in their table.
function OWN.rawget(t, key)
  local value = rawget(t, key)
  if value == nil then
    local meta = raw_metatable(t)
    if meta and meta.instance and meta.instance == current.run.instance then
      return t[key]
    end
  end
  return value
end

function OWN.getmetatable(value)
  if type(value) == "string" then
    return false
  end
  return get_metatable(value)
end

function OWN.setmetatable(t, meta)
  if type(meta) == "table" then
    if rawget(meta, "__gc") ~= nil then
      misuse.raise "setmetatable with __gc in a workflow: what is collected is not in history"
    elseif rawget(meta, "__mode") ~= nil then
      rawset(meta, "__mode", nil)
    end
  end
  return lua_set_metatable(t, meta)
end

function OWN.collectgarbage(what)
  if what == "isrunning" then
    return true
  end
  return 0
end

-- LuaJIT's have addresses of C functions in them; and it gives back a nil that is a message.
OWN["debug.traceback"] = JIT and function(first, ...)
  local shown
  if type(first) == "thread" then
    shown = traceback(first, ...)
  elseif first == nil then
    shown = traceback("", (... or 1) + 1):sub(2)
  else
    shown = traceback(first, (... or 1) + 1)
  end
  return type(shown) == "string" and (shown:gsub("0x%x+", "?")) or shown
end or nil

-- Code.

local function environment()
  return current.run.instance:environment()
end

-- The pieces are read here: no hook ends the reader in LuaJIT's load.
local function read_pieces(reader)
  local pieces = {}
  while true do
    local piece = reader()
    if piece == nil or piece == "" then
      return concat(pieces)
    elseif type(piece) ~= "string" then
      error("reader function must return a string", 0)
    end
    pieces[#pieces + 1] = piece
  end
end

local function compile(chunk, name, env)
  if chunk:sub(1, 1) == "\27" then
    return nil, ("attempt to load a binary chunk (%s): a workflow loads text only"):format(
      tostring(name or "="))
  end
  name = name or chunk
  local fn, problem
  if setfenv then
    fn, problem = lua_loadstring(chunk, name)
    if fn then
      setfenv(fn, env)
      jit_off(fn, true)
    end
  else
    fn, problem = lua_load(chunk, name, "t", env)
  end
  return fn, problem
end

function OWN.load(...)
  local chunk, name, _, env = ...
  if type(chunk) == "function" then
    local ok, read = pcall(read_pieces, chunk)
    if not ok then
      return nil, read
    end
    chunk, name = read, name or "=(load)"
  elseif type(chunk) ~= "string" then
    misuse.raisef("bad argument #1 to 'load' (string expected, got %s)", type(chunk))
  end
  if select("#", ...) < 4 then
    env = environment()
  end
  return compile(chunk, name, env)
end

-- 5.2 has it as another name of load.
OWN.loadstring = lua_loadstring ~= lua_load and function(chunk, name)
  if type(chunk) ~= "string" then
    misuse.raisef("bad argument #1 to 'loadstring' (string expected, got %s)", type(chunk))
  end
  return compile(chunk, name, environment())
end or nil

function OWN.require(name)
  if type(name) ~= "string" then
    misuse.raisef("bad argument #1 to 'require' (string expected, got %s)", type(name))
  end
  return current.run.instance:require(name)
end

-- Output.

local function joined(between, ...)
  local pieces = { ... }
  for i = 1, select("#", ...) do
    pieces[i] = show(pieces[i])
  end
  return concat(pieces, between)
end

function OWN.print(...)
  current.run:log("info", joined("\t", ...))
end

function OWN.warn(...)
  local message = joined("", ...)
  if message:sub(1, 1) ~= "@" then
    current.run:log("warn", message)
  end
end

for name, fn in next, routines do
  OWN["coroutine." .. name] = fn
end

-- Refused, whatever else a library has.
local REFUSED = {
  "dofile", "loadfile", "module", "getfenv", "setfenv", "newproxy", "string.dump", "gcinfo",
}
-- Of these libraries a run has what stands here, and may ask for no more.
local FEW = {
  os = { time = true, date = true, difftime = true }, io = {}, debug = { traceback = true },
}
local WHOLE = { "string", "table", "math", "coroutine", "utf8", "bit", "bit32" }
-- Of these it has nothing.
local NOTHING = { "package", "ffi", "jit", "ngx" }
local BASIC = {
  "assert", "error", "ipairs", "pcall", "rawequal", "rawlen", "rawset", "select", "tonumber",
  "type", "unpack", "xpcall",
}

-- What stands in for a function or a table of the program's own Lua, by what it
-- stands in for.
standard.stands_for = {}
-- The names of libraries that each run has for itself, by the program's.
standard.libraries = {}
-- The fields of those, by their names.
local FIELDS = {}

local stands_for, libraries = standard.stands_for, standard.libraries

local function library_of(name)
  local real = rawget(_G, name)
  if real == nil then
    real = package.loaded[name]
  end
  return type(real) == "table" and real or nil
end

local function add_whole(name)
  local real = library_of(name)
  if not real then
    return
  end
  local fields = {}
  for key, value in next, real do
    if type(value) == "function" then
      value = stands_for[value] or OWN[name .. "." .. tostring(key)] or value
      stands_for[real[key]] = value
    end
    fields[key] = value
  end
  libraries[real], FIELDS[name] = name, fields
end

local function add_few(name, allowed)
  local real = library_of(name)
  if not real then
    return
  end
  local fields = {}
  for key, value in next, real do
    local full = ("%s.%s"):format(name, tostring(key))
    if type(value) == "function" then
      if not allowed[key] then
        fields[key] = refusing(full, value)
      else
        fields[key] = OWN[full] or value
      end
      stands_for[value] = fields[key]
    else
      fields[key] = refusing_table(full, value)
    end
  end
  libraries[real], FIELDS[name] = name, fields
end

local function add_basic()
  for i = 1, #REFUSED do
    local name = REFUSED[i]
    local library, key = name:match "^(%w+)%.(%w+)$"
    local home = library and library_of(library) or _G
    local real = rawget(home, key or name)
    if type(real) == "function" then
      stands_for[real] = refusing(name, real)
    end
  end
  for i = 1, #BASIC do
    local real = rawget(_G, BASIC[i])
    if type(real) == "function" then
      stands_for[real] = real
    end
  end
  for name, own in next, OWN do
    local real = not name:find(".", 1, true) and rawget(_G, name)
    if type(real) == "function" then
      stands_for[real] = own
    end
  end
end

add_basic()
for name, allowed in next, FEW do
  add_few(name, allowed)
end
for i = 1, #WHOLE do
  add_whole(WHOLE[i])
end
for i = 1, #NOTHING do
  local real = library_of(NOTHING[i])
  if real then
    stands_for[real] = refusing_table(NOTHING[i], real)
  end
end

--- A library for one run, which may change it.
-- @tparam string name
-- @treturn table
function standard.library(name)
  local copy = {}
  for key, value in next, FIELDS[name] do
    copy[key] = value
  end
  return copy
end

--- The methods of strings, while code of a run is running that has not asked for
-- `string` itself.
standard.strings = FIELDS.string

--- Makes sure that LuaJIT does not compile a function: no hook is called in compiled
-- code.
standard.interpret = jit_off

standard.refusing, standard.refusing_table = refusing, refusing_table

return standard

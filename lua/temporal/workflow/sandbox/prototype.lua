--- Closures that share their code. Each run has closures of its own, since their
-- upvalues are its own; what they execute is the same for all, and is kept once.
--
-- Lua makes a closure of existing code only where the function around it runs. So one
-- is put around the code, in bytecode: that of the template
-- `local u1, u2 return function() u1, u2 = nil end`, with the code in the place of
-- its inner function, whose list of upvalues stays.
-- @module temporal.workflow.sandbox.prototype

local debug = require "temporal.base.debug"
local standard = require "temporal.workflow.sandbox.standard"

local byte, concat, dump, sub = string.byte, table.concat, string.dump, string.sub
local getinfo, setupvalue = debug.getinfo, debug.setupvalue
local next, pcall, rawget = next, pcall, rawget
local load = rawget(_G, "loadstring") or load

-- Lua allows 200 locals.
local MAX_UPVALUES = 200

local prototype = {}

local function template(count)
  local names = {}
  for i = 1, count do
    names[i] = "u" .. i
  end
  local list = concat(names, ",")
  local text = count == 0 and "return function() end"
    or ("local %s return function() %s = nil end"):format(list, list)
  return load(text, "=template")
end

-- What string.dump of Lua 5.4 writes.

-- Numbers in groups of 7 bits, the first the most significant; the last has bit 7.
local function number54(code, at)
  local n = 0
  repeat
    local each = byte(code, at)
    n, at = n * 128 + each % 128, at + 1
  until each >= 128
  return n, at
end

local function skip_text54(code, at)
  local size
  size, at = number54(code, at)
  return at + (size > 0 and size - 1 or 0)
end

-- Bytes of a constant, by its type: floats and integers; texts have their own length.
local SIZES54 = { [0] = 0, [1] = 0, [17] = 0, [3] = 8, [19] = 8 }

local function skip_constants54(code, at)
  local count
  count, at = number54(code, at)
  for _ = 1, count do
    local size = SIZES54[byte(code, at)]
    at = size and at + 1 + size or skip_text54(code, at + 1)
  end
  return at
end

-- Where the list of upvalues of a function begins, and where it ends.
local function upvalues54(code, at)
  local count, _
  at = skip_text54(code, at)
  _, at = number54(code, at)
  _, at = number54(code, at)
  count, at = number54(code, at + 3)
  at = skip_constants54(code, at + 4 * count)
  count, at = number54(code, at)
  return at, at + 3 * count
end

-- Behind the header and the number of upvalues.
local FIRST54 = 33
-- What a function without its debug information has behind its inner functions.
local TAIL54 = 4

local function enclose54(code, count)
  local around = dump(template(count), true)
  local _, inner = upvalues54(around, FIRST54)
  inner = inner + 1 -- there is one function
  local from, to = upvalues54(around, inner)
  local before, behind = upvalues54(code, FIRST54)
  return sub(around, 1, inner - 1) .. sub(code, FIRST54, before - 1) .. sub(around, from, to - 1)
    .. sub(code, behind) .. sub(around, -TAIL54)
end

-- What LuaJIT's writes. Inner functions stand before those around them.

-- Numbers in groups of 7 bits, the first the least significant; all but the last have
-- bit 7.
local function number_jit(code, at)
  local n, unit = 0, 1
  repeat
    local each = byte(code, at)
    n, at, unit = n + each % 128 * unit, at + 1, unit * 128
  until each < 128
  return n, at
end

-- Where the last function begins, with its length, and where it ends.
local function last_jit(code)
  local size, _
  _, size = number_jit(code, 5)
  local length, at = number_jit(code, size)
  at = at + length
  local last
  repeat
    last = at
    size, at = number_jit(code, at)
    at = at + size
  until byte(code, at) == 0
  return last, at - 1
end

local function upvalues_jit(code, at)
  local size, _
  _, at = number_jit(code, at)
  local count = byte(code, at + 3)
  _, at = number_jit(code, at + 4)
  _, at = number_jit(code, at)
  size, at = number_jit(code, at)
  local debug_size
  debug_size, at = number_jit(code, at)
  if debug_size > 0 then
    _, at = number_jit(code, at)
    _, at = number_jit(code, at)
  end
  at = at + 4 * size
  return at, at + 2 * count
end

-- The function before the last one of two.
local function first_jit(code)
  local _, at = number_jit(code, 5)
  local length
  length, at = number_jit(code, at)
  return at + length
end

local function enclose_jit(code, count)
  local around = dump(template(count))
  local from, to = upvalues_jit(around, first_jit(around))
  local before, behind = upvalues_jit(code, (last_jit(code)))
  return sub(code, 1, before - 1) .. sub(around, from, to - 1) .. sub(code, behind, -2)
    .. sub(around, (last_jit(around)))
end

-- Of 5.4 where instructions have 4 bytes, integers and floats 8.
local HEADER54, HEADER_JIT = "\27Lua\84\0\25\147\r\n\26\n\4\8\8", "\27LJ\2"

-- nil: other versions load the code for each closure.
local function form_of(code)
  return sub(code, 1, #HEADER54) == HEADER54 and enclose54
    or sub(code, 1, #HEADER_JIT) == HEADER_JIT and enclose_jit or nil
end

-- Is it what the code would be when it is loaded?
local function is_like(fn, other)
  local a, b = getinfo(fn, "Su"), getinfo(other, "Su")
  for name, value in next, a do
    if b[name] ~= value then
      return false
    end
  end
  return true
end

local function enclosed(code, loaded)
  local enclose, count = form_of(code), getinfo(loaded, "u").nups
  if not enclose or count > MAX_UPVALUES then
    return nil
  end
  local ok, bytes = pcall(enclose, code, count)
  local around = ok and load(bytes, "=")
  return around and is_like(around(), loaded) and around or nil
end

--- Makes closures of a function's code. Their upvalues are nil, and shared with none.
-- @tparam string code of string.dump
-- @treturn function `make()` returns another closure
function prototype.new(code)
  local loaded = load(code, "=")
  local make = enclosed(code, loaded)
  if make then
    standard.interpret(make, true)
    return make
  end
  return function()
    local fn = load(code, "=")
    setupvalue(fn, 1, nil) -- some versions put the globals there
    standard.interpret(fn, true)
    return fn
  end
end

return prototype

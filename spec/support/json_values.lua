--- Values for the specs of JSON: a form to compare them by that does not go
-- through JSON, random ones, and the files exchanged with json_peer.py.

local core = require "temporal.core"
local types = require "temporal.value.types"

local floor, huge = math.floor, math.huge
local math_type = rawget(math, "type")

local values = {}

-- A finite number above 0 as mantissa * 2^(exponent - 52), by exact steps.
local function split(x)
  local exponent = 0
  if x < 1 then
    x, exponent = x * 2 ^ 1000, -1000
    if x < 1 then
      x, exponent = x * 2 ^ 100, exponent - 100
    end
  end
  for k = 9, 0, -1 do
    local step = 2 ^ k
    if x >= 2 ^ step then
      x, exponent = x / 2 ^ step, exponent + step
    end
  end
  return x * 2 ^ 52, exponent
end

local function number_form(x)
  if math_type then
    if math_type(x) == "integer" then
      return ("i%d;"):format(x)
    end
  elseif x == floor(x) and x >= -2 ^ 53 and x <= 2 ^ 53 and (x ~= 0 or 1 / x > 0) then
    return ("i%.0f;"):format(x)
  end
  if x ~= x or x == huge or x == -huge then
    return "not finite"
  end
  local sign = (x < 0 or (x == 0 and 1 / x < 0)) and "-" or "+"
  if x == 0 then
    return "d" .. sign .. "0p0;"
  end
  return ("d%s%.0fp%.0f;"):format(sign, split(x < 0 and -x or x))
end

local HEX = {}
for byte = 0, 255 do
  HEX[string.char(byte)] = ("%02x"):format(byte)
end

local function hex(s)
  return (s:gsub(".", HEX))
end

--- A value spelt without JSON (see json_peer.py); lists are told from objects
-- by their mark or their first key.
local function form(v)
  local kind = type(v)
  if v == core.null then
    return "n"
  elseif kind == "boolean" then
    return v and "t" or "f"
  elseif kind == "number" then
    return number_form(v)
  elseif kind == "string" then
    return "s" .. hex(v) .. ";"
  elseif kind ~= "table" then
    return "i" .. tostring(v):match("^-?%d+") .. ";"
  end
  local parts = {}
  if core.value_kind(v) == "array" or type((next(v))) == "number" then
    for i = 1, #v do
      parts[i] = form(v[i])
    end
    return "[" .. table.concat(parts) .. "]"
  end
  for key, item in next, v do
    parts[#parts + 1] = form(key) .. "\0" .. form(item)
  end
  table.sort(parts)
  return "{" .. table.concat(parts):gsub("%z", "") .. "}"
end

--- UTF-8 of one code point.
local function character(c)
  if c < 0x80 then
    return string.char(c)
  elseif c < 0x800 then
    return string.char(0xC0 + floor(c / 64), 0x80 + c % 64)
  elseif c < 0x10000 then
    return string.char(0xE0 + floor(c / 4096), 0x80 + floor(c / 64) % 64, 0x80 + c % 64)
  end
  return string.char(0xF0 + floor(c / 262144), 0x80 + floor(c / 4096) % 64,
    0x80 + floor(c / 64) % 64, 0x80 + c % 64)
end

--- A source of random numbers that is the same on every VM.
local function random(seed)
  local state = seed % 2147483646 + 1
  return function(low, high)
    state = state * 16807 % 2147483647
    return low + state % (high - low + 1)
  end
end

local EXTREMES = {
  "0", "-1", "9223372036854775807", "-9223372036854775808", "9007199254740992",
  "9007199254740993", "-9007199254740993", "1000000000000000000",
}

local function random_integer(pick)
  if pick(1, 10) == 1 then
    return types.int64(EXTREMES[pick(1, #EXTREMES)])
  end
  local digits = pick(1, 2) == 1 and "-" or ""
  for _ = 1, pick(1, 18) do
    digits = digits .. pick(0, 9)
  end
  return types.int64(digits)
end

local FLOATS = {
  0.0, -1 / huge, 1.0, 0.1, 0.1 + 0.2, 1e22, 1e23, 5e-324, 2.2250738585072014e-308,
  1.7976931348623157e308, 123456789012345680.0, 9007199254740993.0, 1e16, 1e17, 1e18, 1e-4, 1e-5,
  1e-6, 100.0, 2.0 ^ -44,
}

local function random_float(pick)
  local kind = pick(1, 5)
  local x
  if kind == 1 then
    x = FLOATS[pick(1, #FLOATS)]
  elseif kind == 2 then
    x = pick(0, 1000000) / 100
  elseif kind == 3 then
    x = 2.0 ^ pick(-1074, 1023)
  else -- any mantissa, any exponent; subnormal ones round
    x = (2.0 ^ 52 + pick(0, 2 ^ 26) * 2.0 ^ 26 + pick(0, 2 ^ 26 - 1)) * 2.0 ^ -52
    x = x * 2.0 ^ pick(kind == 4 and -1074 or -60, kind == 4 and 1022 or 60)
  end
  return pick(1, 2) == 1 and x or -x
end

local POOLS = { { 0x20, 0x7E }, { 0, 0x1F }, { 0x80, 0x7FF }, { 0x800, 0xD7FF },
  { 0xE000, 0xFFFF }, { 0x10000, 0x10FFFF } }

local function random_string(pick)
  local pool, parts = POOLS[pick(1, #POOLS)], {}
  for i = 1, pick(0, 3) * pick(0, 10) do
    parts[i] = character(pick(pool[1], pool[2]))
  end
  return table.concat(parts)
end

local function random_value(pick, depth)
  local kind = pick(1, depth > 0 and 9 or 7)
  if kind == 1 then
    local scalars = { core.null, true, false }
    return scalars[pick(1, 3)]
  elseif kind <= 3 then
    return random_integer(pick)
  elseif kind <= 5 then
    return random_float(pick)
  elseif kind <= 7 then
    return random_string(pick)
  end
  local t = {}
  for i = 1, pick(0, 5) do
    t[kind == 8 and i or random_string(pick)] = random_value(pick, depth - 1)
  end
  return kind == 8 and (next(t) == nil or pick(1, 2) == 1) and types.array(t) or t
end

--- Bit-exact equality.
local function same(a, b)
  return form(a) == form(b)
end

local function write_frame(file, text, spelt)
  file:write(#text, " ", #spelt, "\n", text, "\n", spelt, "\n")
end

-- Calls visit(text, canonical) for each frame; returns how many there were.
local function read_frames(path, visit)
  local file = assert(io.open(path, "rb"))
  local count = 0
  for header in function() return file:read("*l") end do
    local text_size, form_size = header:match("^(%d+) (%d+)$")
    local text = file:read(tonumber(text_size)) or ""
    file:read(1)
    local spelt = file:read(tonumber(form_size)) or ""
    file:read(1)
    count = count + 1
    visit(text, spelt)
  end
  file:close()
  return count
end

local function peer(...)
  local python = os.getenv("TEMPORAL_TEST_PYTHON") or os.getenv("TEMPORAL_LUA_PYTHON")
    or ".deps/venv/bin/python"
  local command = { python, "spec/support/json_peer.py", ... }
  if not math_type then
    command[#command + 1] = "--no-integers"
  end
  -- A sanitizer that is preloaded into Lua has no business in Python.
  local pipe = assert(io.popen("LD_PRELOAD= '" .. table.concat(command, "' '") .. "' 2>&1"))
  local output = pipe:read("*a")
  pipe:close()
  return tonumber(output:match("^ok (%d+)\n$")), output
end

--- Random values that Lua writes and Python reads. Raises what differs.
-- @return how many
function values.to_python(seed, count)
  local pick, path = random(seed), os.tmpname()
  local file = assert(io.open(path, "wb"))
  for _ = 1, count do
    local value = random_value(pick, 5)
    write_frame(file, assert(core.json_encode(value)), form(value))
  end
  for start = 0, 0x10FFFF, 8192 do -- every character
    local parts = {}
    for c = start, start + 8191 do
      if c < 0xD800 or c > 0xDFFF then
        parts[#parts + 1] = character(c)
      end
    end
    local text = table.concat(parts)
    write_frame(file, assert(core.json_encode(text)), form(text))
  end
  file:close()
  local checked, output = peer("check", path)
  os.remove(path)
  assert(checked, ("seed %d: %s"):format(seed, output))
  return checked
end

--- Random values that Python writes and Lua reads, then writes and reads
-- again. Raises what differs.
-- @return how many
function values.from_python(seed, count)
  local path = os.tmpname()
  local generated, output = peer("generate", seed, count, path)
  assert(generated == count, output)
  local seen = read_frames(path, function(text, spelt)
    local value, problem = core.json_decode(text)
    if problem or form(value) ~= spelt then
      error(("seed %d: %s\nmeans %s\nto Lua it is %s"):format(seed, text:sub(1, 2000),
        spelt:sub(1, 2000), (problem or form(value)):sub(1, 2000)), 0)
    end
    local again = assert(core.json_encode(value))
    if form(core.json_decode(again)) ~= spelt then
      error(("seed %d: %s\nwritten by Lua is %s"):format(seed, text:sub(1, 2000), again), 0)
    end
  end)
  os.remove(path)
  return seen
end

values.form = form
values.same = same
values.character = character
return values

--- A locale whose decimal point is a comma, made for the test: machines need not have one.

local locale = {}

local function bytes_of(n)
  local bytes = ""
  for _ = 1, 4 do
    bytes = bytes .. string.char(n % 256)
    n = math.floor(n / 256)
  end
  return bytes
end

-- In glibc's format, below `directory` (to be named by LOCPATH). Returns the locale's name.
local function make(directory)
  local name = "xx_XX.UTF-8"
  assert(os.execute(("mkdir -p '%s/%s'"):format(directory, name)))
  -- Point, separator, grouping, the two again as numbers, character set.
  local fields = { ",\0", ".\0", "\3\0", bytes_of(44), bytes_of(46), "UTF-8\0" }
  local offsets, data = {}, ""
  for i = 1, #fields do
    data = data .. ("\0"):rep(-#data % 4)
    offsets[i] = bytes_of(8 + 4 * #fields + #data)
    data = data .. fields[i]
  end
  local file = assert(io.open(directory .. "/" .. name .. "/LC_NUMERIC", "wb"))
  file:write(bytes_of(0x20031114), bytes_of(#fields), table.concat(offsets), data)
  file:close()
  return name
end

--- Runs a Lua program that calls `set` with its first argument: a program of its own, because
-- LOCPATH is read once.
-- @return all that it wrote
function locale.run(program, argument)
  local directory = os.tmpname()
  os.remove(directory)
  local name = make(directory)
  local pipe = io.popen(("LOCPATH='%s' LUA_PATH='%s' LUA_CPATH='%s' %s %s %s %s 2>&1"):format(
    directory, package.path, package.cpath, os.getenv("TEMPORAL_TEST_LUA") or "lua5.4", program,
    name, argument or ""))
  local output = pipe:read("*a")
  pipe:close()
  os.execute(("rm -r '%s'"):format(directory))
  return output
end

--- Sets the locale that `run` has named.
-- @return what the C library makes of 1.5: "1,5"
function locale.set(name)
  if not os.setlocale(name, "numeric") then
    -- Not glibc, or a strict one: an installed locale does as well.
    for _, installed in ipairs { "de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE" } do
      if os.setlocale(installed, "numeric") then break end
    end
  end
  local shown = ("%.1f"):format(1.5)
  if rawget(_G, "jit") then -- LuaJIT formats numbers itself: ask the C library
    local ffi = require "ffi"
    ffi.cdef "int snprintf(char *, size_t, const char *, ...);"
    local buffer = ffi.new("char[8]")
    ffi.C.snprintf(buffer, 8, "%.1f", 1.5)
    shown = ffi.string(buffer)
  end
  assert(shown == "1,5", "no locale with a decimal comma could be set: 1.5 is written " .. shown)
  return shown
end

return locale

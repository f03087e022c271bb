-- A part of the JSON property test under a locale whose decimal point is a comma; a program of its
-- own, because LOCPATH is read once. usage: LOCPATH=DIR lua json_locale.lua NAME SEED
local name, seed = arg[1], tonumber(arg[2])
local core = require "temporal.core"
local values = require "spec.support.json_values"

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

assert(core.json_encode({ 1.5, 0.1, 1e300, 2.0 ^ -44 }) == "[1.5,0.1,1e300,5.684341886080802e-14]",
  core.json_encode({ 1.5, 0.1, 1e300, 2.0 ^ -44 }))
assert(core.json_decode("1.5") == 3 / 2)
assert(core.json_decode("123456789.12345678901234567890e-5") == 1234.5678912345679)
assert(not core.json_decode("1,5"))
values.to_python(seed, 500)
values.from_python(seed, 500)
print("ok " .. shown)

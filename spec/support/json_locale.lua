-- A part of the JSON property test under a locale whose decimal point is a comma; a program of its
-- own, because LOCPATH is read once. usage: LOCPATH=DIR lua json_locale.lua NAME SEED
local name, seed = arg[1], tonumber(arg[2])
local core = require "temporal.core"
local values = require "spec.support.json_values"

local shown = require("spec.support.locale").set(name)

assert(core.json_encode({ 1.5, 0.1, 1e300, 2.0 ^ -44 }) == "[1.5,0.1,1e300,5.684341886080802e-14]",
  core.json_encode({ 1.5, 0.1, 1e300, 2.0 ^ -44 }))
assert(core.json_decode("1.5") == 3 / 2)
assert(core.json_decode("123456789.12345678901234567890e-5") == 1234.5678912345679)
assert(not core.json_decode("1,5"))
values.to_python(seed, 500)
values.from_python(seed, 500)
print("ok " .. shown)

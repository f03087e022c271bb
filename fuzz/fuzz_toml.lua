--- Tries the TOML reader on documents made at random. usage: lua fuzz/fuzz_toml.lua SECONDS [FIRST]
-- Prints what is wrong, and the number that makes the document again.

local core = require "temporal.core"
local fuzz = require "fuzz.toml"

local stop = core.now() + tonumber(arg[1])
local first = tonumber(arg[2] or os.time() % 1000000000)
local number = first
repeat
  local problem = fuzz.try(number)
  if problem then
    io.stderr:write(problem, "\n")
    os.exit(1)
  end
  number = number + 1
until core.now() >= stop
print(("fuzz_toml: %d documents from %d on"):format(number - first, first))

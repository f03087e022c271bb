--- Random numbers of a run, as Lua's own `math.random` gives them.
-- @module temporal.workflow.numbers

local misuse = require "temporal.base.misuse"

local floor, tonumber, type = math.floor, tonumber, type
local to_integer = rawget(math, "tointeger")

-- What the generator can do: whole numbers below it.
local EXACT = 9007199254740992

local numbers = {}

local function bound(place, value)
  local number = tonumber(value)
  if not number then
    misuse.raisef("bad argument #%d to 'random' (number expected, got %s)", place, type(value))
  elseif to_integer and number - floor(number) ~= 0 and number - number == 0 then
    misuse.raisef("bad argument #%d to 'random' (number has no integer representation)", place)
  end
  return floor(number)
end

--- A random number.
-- @param generator of the run
-- @tparam[opt] integer m
-- @tparam[opt] integer n
-- @treturn number at least 0, below 1; with m, a whole number of 1 to m; with both, of m
--   to n
-- @raise on misuse
function numbers.random(generator, m, n)
  if m == nil and n == nil then
    return generator:number()
  elseif n == nil then
    m, n = 1, bound(1, m)
  else
    m, n = bound(1, m), bound(2, n)
  end
  if m ~= m or n ~= n or m > n then
    misuse.raise "bad argument to 'random' (interval is empty)"
  elseif m < -EXACT or n > EXACT or n - m >= EXACT then
    misuse.raise "bad argument to 'random' (interval is too large: its numbers must be below 2^53)"
  end
  local value = generator:integer(m, n)
  return to_integer and to_integer(value) or value
end

return numbers

--- What is said when something that stands for a value is used as the value.
-- @module temporal.not_a_value

local misuse = require "temporal.base.misuse"

local type = type

local OPERATORS = {
  "__concat", "__add", "__sub", "__mul", "__div", "__mod", "__pow", "__unm", "__idiv", "__lt",
  "__le",
}

--- Makes the operators of its objects say what to call first.
-- @tparam table metatable of futures, which has a method `get`
return function(metatable)
  local function complain(left, right)
    local kind = type(left)
    local is_left = (kind == "userdata" or kind == "table") and getmetatable(left) == metatable
    misuse.raisef("%s is a future, not its value: call :get() first",
      tostring(is_left and left or right))
  end
  for _, operator in ipairs(OPERATORS) do
    metatable[operator] = complain
  end
end

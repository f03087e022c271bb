--- A module that is loaded when it is first used: what many programs never
-- need should not cost every program's start.
-- @module temporal.lazy

local function load_field(name)
  return function(proxy, key)
    local value = require(name)[key]
    rawset(proxy, key, value)
    return value
  end
end

--- Stands in for a module.
-- @tparam string name as for `require`
-- @treturn table whose fields are the module's
return function(name)
  return setmetatable({}, { __index = load_field(name) })
end

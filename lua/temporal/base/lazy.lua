--- A module that is loaded when it is first used: what many programs never
-- need should not cost every program's start.
-- @module temporal.lazy

local loaded = package.loaded
local find = string.find

-- Lua 5.1 and LuaJIT mark what is being loaded, and leave the marks where that
-- fails, as when memory ends: the modules could never be loaded again. The mark
-- is a userdata, or looks like a number.
local MARKS = { userdata = true, number = true }

local function load_module(name)
  for each, value in next, loaded do
    if MARKS[type(value)] and (each == name or find(each, "temporal.", 1, true) == 1) then
      loaded[each] = nil
    end
  end
  return require(name)
end

local function load_field(name)
  return function(proxy, key)
    local value = load_module(name)[key]
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

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

--- Stands in for a module.
-- @tparam string name as for `require`
-- @treturn table without fields, until one is asked for; then with the module's
return function(name)
  return setmetatable({}, { __index = function(proxy, key)
    local module = load_module(name)
    for field, value in next, module do
      rawset(proxy, field, value)
    end
    setmetatable(proxy, { __index = module })
    return module[key]
  end })
end

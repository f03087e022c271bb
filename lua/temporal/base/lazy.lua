--- A module that is loaded when it is first used: what many programs never
-- need should not cost every program's start.
-- @module temporal.lazy

local loaded = package.loaded
local find = string.find

-- Lua 5.1 and LuaJIT mark what is being loaded, and leave the marks where that
-- fails, as when memory ends: the modules could never be loaded again. Needs no
-- memory itself.
local function load_module(name)
  local ok, module = pcall(require, name)
  if ok then
    return module
  end
  for each, value in next, loaded do
    if type(value) == "userdata" and (each == name or find(each, "temporal.", 1, true) == 1) then
      loaded[each] = nil
    end
  end
  error(module, 0)
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

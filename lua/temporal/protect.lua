--- pcall for what may wait. On PUC Lua 5.1 no wait can suspend inside a
-- pcall, so there it is a plain call: what is raised passes.
-- @module temporal.protect

local function call(fn, ...)
  return true, fn(...)
end

--- Calls a function that may yield.
-- @tparam function fn
-- @param ... its arguments
-- @treturn boolean as pcall
-- @return as pcall
return _VERSION == "Lua 5.1" and not rawget(_G, "jit") and call or pcall

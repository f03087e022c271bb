--- pcall for what may wait. On PUC Lua 5.1 no wait can suspend inside a
-- pcall, so there it is a plain call: what is raised passes.
-- @module temporal.protect

local function call(fn, ...)
  return true, fn(...)
end

local protect = pcall
if _VERSION == "Lua 5.1" and not rawget(_G, "jit") then
  protect = call
end

return protect

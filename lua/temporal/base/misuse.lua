--- How misuse is reported: a string raised at the line of the caller's code
-- that is at fault, however deep inside this package the check stands.
-- @module temporal.misuse

local error = error
local getinfo = debug.getinfo

local own_source = getinfo(1, "S").source
local package_prefix = own_source:match("^(@.*[/\\])base[/\\]misuse%.lua$")

local function is_inside(source)
  return source:sub(1, #package_prefix) == package_prefix
end

--- Raises a message at the first Lua stack level outside this package.
-- C functions on the way (`pcall(client.call, ...)`) are passed over: they
-- have no line of their own.
-- @tparam string message what was wrong, where, and what would be right
-- @raise always
local function raise(message)
  if not package_prefix then
    error(message, 2)
  end
  local level = 2
  while true do
    local info = getinfo(level, "S")
    if not info then
      error(message, 0)
    end
    if info.what ~= "C" and info.what ~= "tail" and not is_inside(info.source) then
      error(message, level)
    end
    level = level + 1
  end
end

--- Raises a message built with string.format.
-- @tparam string template
-- @param ... its arguments
-- @raise always
local function raisef(template, ...)
  return raise(template:format(...))
end

return {
  raise = raise,
  raisef = raisef,
}

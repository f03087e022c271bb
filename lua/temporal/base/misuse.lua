--- How misuse is reported: a string raised at the line of the caller's code
-- that is at fault, however deep inside this package the check stands. Errors
-- that are no misuse learn here which line that is.
-- @module temporal.misuse

local error = error
local getinfo = debug.getinfo

local own_source = getinfo(1, "S").source
local package_prefix = own_source:match("^(@.*[/\\])base[/\\]misuse%.lua$")

local function is_inside(source)
  return source:sub(1, #package_prefix) == package_prefix
end

--- Is a function, by the source that debug.getinfo gives, one of this package?
-- @tparam string source
-- @treturn boolean false where the package is no files
local function is_own(source)
  return package_prefix ~= nil and is_inside(source)
end

-- The first Lua function outside this package on the stack: its level, as the
-- caller of this one counts, and what is known of it. C functions on the way
-- (`pcall(client.call, ...)`) are passed over: they have no line of their own.
local function find_outside()
  local level = 2
  while true do
    local info = getinfo(level, "Sl")
    if not info then
      return nil
    end
    if info.what ~= "C" and info.what ~= "tail" and not is_inside(info.source) then
      return level - 1, info
    end
    level = level + 1
  end
end

--- Raises a message at the first Lua stack level outside this package.
-- @tparam string message what was wrong, where, and what would be right
-- @raise always
local function raise(message)
  local level = 2
  if package_prefix then
    level = find_outside()
  end
  error(message, level or 0)
end

--- Where the program called this package.
-- @treturn string|nil `"file:line"`; nil where no Lua function of the program
--   is on the stack
local function caller()
  local level, info
  if package_prefix then
    level, info = find_outside()
  end
  return level and ("%s:%d"):format(info.short_src, info.currentline) or nil
end

--- Raises a message built with string.format.
-- @tparam string template
-- @param ... its arguments
-- @raise always
local function raisef(template, ...)
  return raise(template:format(...))
end

return {
  caller = caller,
  is_own = is_own,
  raise = raise,
  raisef = raisef,
}

--- What is asked of the libraries `os` and `io`, which a host may have left out.
-- @module temporal.system

local core = require "temporal.core"

local rawget, type = rawget, type

local system = {}

local function of_library(library, name)
  local found = rawget(_G, library)
  return type(found) == "table" and found[name] or nil
end

--- A variable of the environment. nginx has an os.getenv of its own.
-- @tparam string name
-- @treturn string|nil
function system.getenv(name)
  return (of_library("os", "getenv") or core.getenv)(name)
end

local stderr = of_library("io", "stderr")

--- Writes to stderr.
-- @tparam string text
function system.complain(text)
  if stderr then
    stderr:write(text)
  else
    core.complain(text)
  end
end

return system

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

-- The value of a variable that is set and not empty.
local function value_of(name)
  local value = system.getenv(name)
  return value ~= "" and value or nil
end

--- Where the environment says the system's certificate authorities are, as
-- OpenSSL, Go and Python look for them.
-- @treturn string|nil SSL_CERT_FILE
-- @treturn string|nil SSL_CERT_DIR
function system.authorities()
  return value_of "SSL_CERT_FILE", value_of "SSL_CERT_DIR"
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

--- What this package has to say when no call is there to say it: the
-- default logger, and the one way loggers are called.
-- @module temporal.logger

local core = require "temporal.core"
local decimal = require "temporal.base.decimal"
local system = require "temporal.base.system"

local RANK = { debug = 1, info = 2, warn = 3, error = 4 }
-- nginx's own names for them, as constants of `ngx`.
local NGINX = { debug = "DEBUG", info = "INFO", warn = "WARN", error = "ERR" }

local function field_text(fields)
  local names = {}
  for name in pairs(fields) do
    names[#names + 1] = tostring(name)
  end
  table.sort(names)
  for i, name in ipairs(names) do
    names[i] = name .. "=" .. decimal.text(fields[name])
  end
  return table.concat(names, ", ")
end

local function line_of(message, fields)
  local line = decimal.text(message)
  if fields and next(fields) ~= nil then
    line = line .. " (" .. field_text(fields) .. ")"
  end
  return core.one_line(line)
end

-- nginx adds the level and the time, and leaves out what its error_log does
-- not ask for.
local function log_in_nginx(ngx, level, message, fields)
  local constant = ngx[NGINX[level] or NGINX.warn]
  ngx.log(constant, "temporal: ", line_of(message, fields))
end

--- The default logger: one line for everything from `warn` up on stderr; in
-- nginx everything goes to its error log, which chooses by itself.
-- @tparam string level `debug`, `info`, `warn` or `error`
-- @tparam string message
-- @tparam table|nil fields what it is about
local function default(level, message, fields)
  local ngx = rawget(_G, "ngx")
  if type(ngx) == "table" and ngx.log then
    return log_in_nginx(ngx, level, message, fields)
  end
  if (RANK[level] or RANK.warn) < RANK.warn then
    return
  end
  system.complain("temporal: " .. level .. ": " .. line_of(message, fields) .. "\n")
end

--- Calls a logger; what it raises is swallowed.
-- @tparam function logger `logger(level, message, fields)`
-- @tparam string level
-- @tparam string message
-- @tparam table|nil fields
local function log(logger, level, message, fields)
  pcall(logger, level, message, fields or {})
end

return {
  default = default,
  log = log,
}

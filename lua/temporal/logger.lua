--- What this package has to say when no call is there to say it: the
-- default logger, and the one way loggers are called.
-- @module temporal.logger

local stderr = io.stderr

local RANK = { debug = 1, info = 2, warn = 3, error = 4 }

local function field_text(fields)
  local names = {}
  for name in pairs(fields) do
    names[#names + 1] = tostring(name)
  end
  table.sort(names)
  for i, name in ipairs(names) do
    names[i] = name .. "=" .. tostring(fields[name])
  end
  return table.concat(names, ", ")
end

--- The default logger: one line on stderr for everything from `warn` up.
-- @tparam string level `debug`, `info`, `warn` or `error`
-- @tparam string message
-- @tparam table|nil fields what it is about
local function default(level, message, fields)
  if (RANK[level] or RANK.warn) < RANK.warn then
    return
  end
  local line = "temporal: " .. level .. ": " .. tostring(message)
  if fields and next(fields) ~= nil then
    line = line .. " (" .. field_text(fields) .. ")"
  end
  stderr:write((line:gsub("[\r\n]+", " ")), "\n")
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

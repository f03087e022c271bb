--- Where a configuration is wrong: an origin says where a setting comes from.
--
-- An origin is `{variable=}` or `{file=, line=, key=}`. Whoever finds a problem
-- raises it; `temporal.config.load` returns it. No message holds what may be a
-- secret.
-- @module temporal.config.problem

local errors = require "temporal.error.error"

--- Raises an error of kind `config`.
-- @tparam table origin what is known of `variable`, `file`, `line`, `key`
-- @tparam string template
-- @param ... its arguments
-- @raise always
local function stop(origin, template, ...)
  error(errors.new {
    kind = "config",
    message = template:format(...),
    variable = origin.variable,
    file = origin.file,
    line = origin.line,
    key = origin.key,
  }, 0)
end

--- An origin in words.
-- @tparam table origin
-- @treturn string
local function place(origin)
  return origin.variable or ("%s: line %d: %s"):format(origin.file, origin.line, origin.key)
end

--- Raises an error of kind `config` whose message begins with the origin.
-- @tparam table origin
-- @tparam string template what is wrong with it, beginning with a verb
-- @param ... its arguments
-- @raise always
local function stop_at(origin, template, ...)
  return stop(origin, "%s %s", place(origin), template:format(...))
end

return {
  stop = stop,
  stop_at = stop_at,
  place = place,
}

--- The options every method has that calls the server, and what methods do
-- with them: a method that takes a name also takes a table in its place;
-- every other one takes a trailing table.
-- @module temporal.call_options

local core = require "temporal.core"
local duration = require "temporal.base.duration"
local errors = require "temporal.error.error"
local misuse = require "temporal.base.misuse"
local options = require "temporal.base.options"
local target = require "temporal.connection.target"

local call_options = {}

local set_timeout = options.seconds("timeout", { above = 0 })

local function set_metadata(given, value, spec, name)
  target.metadata_list(value, ('%s "%s%s"'):format(spec.label, spec.prefix, name))
  -- A copy: interceptors may change it, and the user's own must not change.
  given.metadata = {}
  for key, each in next, value do
    given.metadata[key] = each
  end
end

--- Declares the options of a method: its own, `timeout` (seconds) and
-- `metadata` (a table, checked).
-- @tparam string label such as `"option of workflow:signal"`
-- @tparam[opt] table handlers of its own options, as for options.define
-- @treturn table the specification
function call_options.define(label, handlers)
  local all = { timeout = set_timeout, metadata = set_metadata }
  for name, handler in next, handlers or {} do
    all[name] = handler
  end
  return options.define(label, all)
end

--- The options given in place of a name.
-- @tparam table spec with an option `name`
-- @param value a string, or a table of options
-- @tparam string method for messages, such as `"workflow:signal"`
-- @treturn table options, `name` among them
-- @raise when it is neither, or names nothing
function call_options.named(spec, value, method)
  if type(value) == "table" then
    local given = options.apply(spec, value, {})
    if given.name == nil then
      misuse.raisef("%s: the option \"name\" is missing", method)
    end
    return given
  elseif type(value) ~= "string" or value == "" then
    misuse.raisef("%s takes a name (a string that is not empty) or a table of options, got %s",
      method, value == "" and "an empty string" or options.kind_of(value))
  end
  return { name = value }
end

--- A trailing table of options.
-- @tparam table spec
-- @tparam table|nil value
-- @tparam string method for messages
-- @treturn table options
-- @raise when it is no table, or has an unknown option
function call_options.trailing(spec, value, method)
  if value == nil then
    return {}
  elseif type(value) ~= "table" then
    misuse.raisef("the options of %s must be a table, got %s", method, options.kind_of(value))
  end
  return options.apply(spec, value, {})
end

--- A text for people, which may be empty: the option `reason`.
call_options.REASON = options.string("reason", { empty = true })

--- A reason and a trailing table of options, or the table alone.
-- @tparam table spec with the option `reason`
-- @tparam string|table|nil reason
-- @tparam table|nil value
-- @tparam string method for messages
-- @treturn table options, `reason` among them where there is one
-- @raise when it is neither, or there is an unknown option
function call_options.with_reason(spec, reason, value, method)
  if type(reason) == "table" and value == nil then
    reason, value = nil, reason
  elseif reason ~= nil and type(reason) ~= "string" then
    misuse.raisef("the reason of %s must be a string, got %s", method, options.kind_of(reason))
  end
  local given = call_options.trailing(spec, value, method)
  given.reason = reason or given.reason
  return given
end

--- When a call with these options has to be over.
-- @tparam table given options
-- @treturn number|nil a time of core.now
function call_options.deadline(given)
  return given.timeout and core.now() + given.timeout
end

--- What is left until a deadline.
-- @tparam number|nil deadline of `deadline`
-- @tparam number|nil timeout the whole, for the message
-- @treturn number|nil seconds; nil when there is no deadline, or
-- @treturn nil and
-- @treturn temporal.error of kind `timeout` when nothing is left
function call_options.left(deadline, timeout)
  if not deadline then
    return nil
  end
  local left = deadline - core.now()
  if left <= 0 then
    return nil, errors.new {
      kind = "timeout",
      message = ("not done after %s; nothing was sent"):format(duration.text(timeout)),
    }
  end
  return left
end

--- What to do with a problem of a converter: a string is misuse and raises;
-- an error of the world (of a codec) is returned.
-- @param problem
-- @tparam string where what could not be converted, such as `"workflow:signal"`
-- @treturn nil and
-- @treturn temporal.error
function call_options.refuse(problem, where)
  if errors.is_error(problem) then
    return nil, problem
  end
  return misuse.raisef("%s: %s", where, tostring(problem))
end

return call_options

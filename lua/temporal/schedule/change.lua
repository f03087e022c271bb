--- Changing a message by changing what describes it: what is still equal to
-- the description is sent as it came, so that nothing is lost that a
-- description cannot show (payloads, types of search attributes, fields of a
-- newer server).
-- @module temporal.schedule.change

local options = require "temporal.base.options"

local next, type, rawget, getmetatable = next, type, rawget, getmetatable
local math_type = rawget(math, "type") -- where integers are a type

local change = {}

local function same_scalar(a, b)
  if type(a) ~= "number" or type(b) ~= "number" then
    return a == b
  elseif math_type and math_type(a) ~= math_type(b) then
    return false
  end
  -- The sign of a zero counts: a payload keeps it.
  return a == b and (a ~= 0 or 1 / a == 1 / b)
end

--- Are two values alike all the way down? 1 and 1.0 are not, nor are an empty
-- list and an empty object.
-- @param a
-- @param b a value without cycles
-- @treturn boolean
function change.same(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then
    return same_scalar(a, b)
  elseif getmetatable(a) ~= getmetatable(b) then
    return false
  end
  for key, value in next, a do
    if not change.same(value, rawget(b, key)) then
      return false
    end
  end
  for key in next, b do
    if rawget(a, key) == nil then
      return false
    end
  end
  return true
end

--- A copy of a decoded message, all the way down.
-- @param value
-- @return the copy
function change.copy(value)
  if type(value) ~= "table" then
    return value
  end
  local copied = {}
  for key, each in next, value do
    copied[key] = change.copy(each)
  end
  return copied
end

-- Removes `"a.b"` or `"a"` of a message.
local function remove(message, path)
  local parent, field = path:match("^(.-)%.([^.]+)$")
  if parent then
    message = message[parent] or {}
  end
  message[field or path] = nil
end

--- Writes into a message what differs from its description.
-- @tparam table definition `options`, a specification of temporal.options,
--   and `fields`: by option name the list of what it is stored in
-- @tparam table given the options as they are to be
-- @tparam table known the options that describe the message
-- @tparam table message changed in place
-- @param context for the handlers of the options
-- @treturn table the message
-- @raise on an unknown option or a wrong value
function change.apply(definition, given, known, message, context)
  for name, fields in next, definition.fields do
    if not change.same(given[name], known[name]) then
      for _, path in ipairs(fields) do
        remove(message, path)
      end
    end
  end
  local changed = {}
  for name, value in next, given do
    if not change.same(value, known[name]) then
      changed[name] = value
    end
  end
  return options.apply(definition.options, changed, message, context)
end

--- Checks that a value is a list with the keys 1 to n.
-- @param value
-- @tparam table spec of the option, for messages
-- @tparam string name of the option
-- @treturn table the value
-- @raise when it is not
function change.check_list(value, spec, name)
  if type(value) ~= "table" then
    return options.fail(spec, name, "must be a list", options.kind_of(value))
  end
  local count = 0
  for _ in next, value do
    count = count + 1
    if rawget(value, count) == nil then
      return options.fail(spec, name, "must be a list with the keys 1 to n")
    end
  end
  return value
end

--- A handler for an option whose value is a list of parts of a message. An
-- element that was described is sent as it came.
-- @tparam function store `store(message, element, spec, place, original)`;
--   `original` is the part to send again, or nil for a new element
-- @tparam function originals `originals(context)` the described parts: a list
--   of descriptions, and a list of what they describe, by the same index
-- @treturn function the handler
function change.list(store, originals)
  return function(message, value, spec, name, context)
    change.check_list(value, spec, name)
    local described, parts = originals(context, name)
    for i, element in ipairs(value) do
      local original
      for j, candidate in ipairs(described) do
        if change.same(element, candidate) then
          original = parts[j]
          break
        end
      end
      store(message, element, spec, ("%s[%d]"):format(name, i), original)
    end
  end
end

--- A specification of options at another place, for messages.
-- @tparam table spec
-- @tparam string prefix such as `"spec.intervals[2]."`
-- @treturn table
function change.at(spec, prefix)
  return { label = spec.label, prefix = prefix, handlers = spec.handlers, names = spec.names }
end

return change

--- Activity definitions: which type name a Lua function stands for.
-- @module temporal.activity.definition

local arguments = require "temporal.base.lazy" "temporal.value.arguments"
local misuse = require "temporal.base.misuse"
local options = require "temporal.base.options"

local type = type

-- Weak: a definition nobody holds any more is forgotten.
local name_of = setmetatable({}, { __mode = "k" })

-- The types that a definition wants of its arguments.
local arguments_by = setmetatable({}, { __mode = "k" })

local OPTIONS = options.define("option of temporal.define_activity", {
  args = function(...)
    return arguments.option "args"(...)
  end,
})

local definition = {}

--- Gives an activity definition its type name.
-- @tparam string name the activity type
-- @tparam function fn the definition; held weakly
-- @tparam[opt] table definition_options `args` (list of types, see
--   temporal.arguments): others fail the attempt, and are not tried again
-- @treturn function fn
-- @raise when the name is not a string or fn not a function, or an option is wrong
function definition.define(name, fn, definition_options)
  if type(name) ~= "string" or name == "" then
    misuse.raisef("temporal.define_activity: the name must be a string that is not empty, got %s",
      options.show(name))
  elseif type(fn) ~= "function" then
    misuse.raisef("temporal.define_activity: the definition must be a function, got %s",
      options.kind_of(fn))
  end
  if definition_options ~= nil then
    if type(definition_options) ~= "table" then
      misuse.raisef("temporal.define_activity: the options must be a table, got %s",
        options.kind_of(definition_options))
    end
    arguments_by[fn] = options.apply(OPTIONS, definition_options, {}).args
  end
  name_of[fn] = name
  return fn
end

--- The type name of a definition.
-- @tparam function fn
-- @treturn string|nil
function definition.name_of(fn)
  return name_of[fn]
end

--- What a definition wants of its arguments.
-- @tparam function fn
-- @treturn temporal.arguments|nil
function definition.arguments_of(fn)
  return arguments_by[fn]
end

--- The activity type a user means.
-- @param activity a type name, or a definition that has a name
-- @tparam string what the function that takes it, for messages
-- @treturn string
-- @raise when it is neither
function definition.resolve(activity, what)
  if type(activity) == "string" and activity ~= "" then
    return activity
  elseif type(activity) ~= "function" then
    misuse.raisef("%s: the activity must be a type name or a definition (a function), got %s", what,
      activity == "" and "an empty string" or options.kind_of(activity))
  end
  local name = name_of[activity]
  if not name then
    misuse.raisef("%s: this function is no activity: name it with "
      .. "temporal.define_activity(\"Name\", fn), give it to the worker under activities, or pass "
      .. "the type name", what)
  end
  return name
end

return definition

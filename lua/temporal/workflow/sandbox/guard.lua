--- What workflows have of `require "temporal"`: values, errors, definitions. The rest
-- talks to the server.
-- @module temporal.workflow.sandbox.guard

local current = require "temporal.workflow.current"
local definition = require "temporal.run.definition"
local standard = require "temporal.workflow.sandbox.standard"

local next, rawget, setmetatable, type = next, rawget, setmetatable, type

local ALLOWED = {
  _VERSION = true, any = true, application_error = true, array = true, assert = true, bool = true,
  bytes = true, datetime = true, define_activity = true, double = true, int = true, int64 = true,
  is_canceled = true, is_error = true, keyword = true, keyword_list = true, null = true,
  proto = true, raw = true, text = true,
}

-- In a module of a run: the name is known to that run. When the module is loaded to
-- see what it defines, to the program, too.
local function define_workflow(name, fn, given)
  local run = current.run
  if not run or not run.instance then
    return definition.define(name, fn, given)
  elseif run.rehearsal then
    definition.define(name, fn, given)
  end
  run.instance:set_name(fn, name)
  return fn
end

local guard = {}

-- A function or a table of the package that workflows have nothing of.
local function refused(name, value)
  if type(value) == "function" then
    return standard.refusing(name, value)
  end
  return standard.refusing_table(name, value)
end

-- Those that the program may have in variables of its own.
local function refuse_all(values, name, value)
  values[value] = refused(name, value)
  for key, each in next, type(value) == "table" and value or {} do
    if type(each) == "function" then
      values[each] = refused(("%s.%s"):format(name, key), each)
    end
  end
end

--- By what a workflow could have captured of the package, what it gets instead.
-- @treturn table
function guard.values()
  local temporal = package.loaded.temporal
  if type(temporal) ~= "table" then
    return {}
  end
  local values, fields = {}, { define_workflow = define_workflow }
  values[rawget(temporal, "define_workflow")] = define_workflow
  for name, value in next, temporal do
    if ALLOWED[name] then
      fields[name] = value
    elseif name ~= "define_workflow" then
      refuse_all(values, "temporal." .. name, value)
      fields[name] = values[value]
    end
  end
  values[temporal] = setmetatable(fields, { __index = function(_, name)
    local value = temporal[name]
    if value == nil or ALLOWED[name] then
      return value
    end
    return refused("temporal." .. name, value)
  end })
  return values
end

return guard

--- What a worker was given under `workflows` and `activities`: functions and modules,
-- in a list or by name.
-- @module temporal.worker.definitions

local activities = require "temporal.activity.definition"
local misuse = require "temporal.base.misuse"
local options = require "temporal.base.options"
local types = require "temporal.value.types"
local workflows = require "temporal.run.definition"

local next, pcall, require, tostring, type = next, pcall, require, tostring, type

local FORM = "must be functions or names of modules, in a list or by their names"

local DEFINED = { activity = activities, workflow = workflows }

local definitions = {}

-- Entries in an order that does not depend on the table's.
local function before(a, b)
  if type(a.key) ~= type(b.key) then
    return type(a.key) == "number"
  elseif type(a.key) == "table" then
    return false
  end
  return a.key < b.key
end

--- The handler of an option.
-- @tparam string field of the target: gets a list of `{key=, name=, fn=, module=}`;
--   `name` is a string, `temporal.any`, or nil
-- @treturn function
function definitions.option(field)
  return function(target, value, spec, name)
    if type(value) ~= "table" then
      return options.fail(spec, name, FORM, options.kind_of(value))
    end
    local list = {}
    for key, what in next, value do
      local entry = { key = key }
      if key ~= types.any and type(key) ~= "number" and (type(key) ~= "string" or key == "") then
        return options.fail(spec, name, FORM, "the key " .. options.show(key))
      elseif type(key) ~= "number" then
        entry.name = key
      end
      local at = key == types.any and "temporal.any" or key
      if type(what) == "function" then
        entry.fn = what
      elseif type(what) == "string" and what ~= "" and key ~= types.any then
        entry.module = what
      else
        return options.fail(spec, ("%s.%s"):format(name, at),
          "must be a function" .. (key == types.any and "" or ", or the name of a module"),
          what == "" and "an empty string" or options.kind_of(what))
      end
      list[#list + 1] = entry
    end
    table.sort(list, before)
    target[field] = list
  end
end

--- Adds a definition to those there are.
-- @tparam table map
-- @tparam string|temporal.any name
-- @param definition
-- @tparam string option such as `'worker option "workflows"'`
-- @raise when the name is taken
function definitions.add(map, name, definition, option)
  if map[name] ~= nil and map[name] ~= definition then
    misuse.raisef("%s: there are two definitions of the name %s", option, options.show(name))
  end
  map[name] = definition
end

--- The functions of a module of definitions, by name.
-- @tparam table entry `module`, and `name` when it was given one
-- @param value the module
-- @tparam string option as for `add`
-- @treturn table name to `{key=, fn=}`; no `key` when the module is a function
-- @raise when there are none
function definitions.of_module(entry, value, option)
  local found, module = {}, entry.module
  if type(value) == "function" then
    found[entry.name or module:match "([^./\\]+)$"] = { fn = value }
  elseif type(value) == "table" and entry.name then
    if type(value[entry.name]) ~= "function" then
      misuse.raisef("%s: the module %s has no function %s", option, module, entry.name)
    end
    found[entry.name] = { key = entry.name, fn = value[entry.name] }
  elseif type(value) == "table" then
    for key, fn in next, value do
      if type(key) == "string" and type(fn) == "function" then
        found[key] = { key = key, fn = fn }
      end
    end
  end
  if next(found) == nil then
    misuse.raisef("%s: the module %s must return a function, or a table of name to function, got "
      .. "%s", option, module, type(value) == "table" and "a table without a function"
      or options.kind_of(value))
  end
  return found
end

--- The one name that a function in a list has.
-- @tparam function fn
-- @tparam string what `"workflow"` or `"activity"`
-- @tparam string option as for `add`
-- @treturn string
-- @raise when it has none, or several
function definitions.name_of(fn, what, option)
  local name = DEFINED[what].name_of(fn)
  local names = name and { name } or workflows.names_of(fn)
  if #names ~= 1 then
    misuse.raisef('%s: %s has %s name; name it with temporal.define_%s("Name", fn), or write '
      .. "{Name = fn}", option, workflows.place_of(fn), #names == 0 and "no" or "more than one",
      what)
  end
  return names[1]
end

--- The activities of a worker, by name. They are defined under those names.
-- @tparam table list of `definitions.option`
-- @tparam string option such as `'worker option "activities"'`
-- @treturn table
-- @raise when a module cannot be loaded, one has no name, or two have the same
function definitions.activities(list, option)
  local map = {}
  local function add(name, fn)
    definitions.add(map, name, fn, option)
    if name ~= types.any then
      activities.define(name, fn)
    end
  end
  for i = 1, #list do
    local entry = list[i]
    if entry.fn then
      add(entry.name or definitions.name_of(entry.fn, "activity", option), entry.fn)
    else
      local ok, value = pcall(require, entry.module)
      if not ok then
        misuse.raisef("%s: the module %s cannot be loaded: %s", option, entry.module,
          tostring(value))
      end
      for name, each in next, definitions.of_module(entry, value, option) do
        add(entry.name or activities.name_of(each.fn) or name, each.fn)
      end
    end
  end
  return map
end

return definitions

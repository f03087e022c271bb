--- Workflow definitions: which type name a Lua function stands for.
-- @module temporal.definition

local arguments = require "temporal.base.lazy" "temporal.value.arguments"
local debug = require "temporal.base.debug"
local misuse = require "temporal.base.misuse"
local options = require "temporal.base.options"

local getinfo = debug.getinfo
local next, type = next, type

-- Given names. Weak: a definition nobody holds any more is forgotten.
local name_of = setmetatable({}, { __mode = "k" })
local function_of = setmetatable({}, { __mode = "v" })

-- Names found by searching, so that each function is searched for once.
local found = setmetatable({}, { __mode = "k" })

-- How many tables deep a function is looked for below a module:
-- `module.Order` and `module.workflows.Order`.
local MAX_DEPTH = 2

local function is_word(value)
  return type(value) == "string" and value ~= ""
end

local VERSIONING = { pinned = "pinned", auto_upgrade = "auto_upgrade" }
local FAIL_ON = 'must be "nondeterminism", "error", or the type of an application error'

-- Which errors fail the workflow that would fail the task.
local fail_workflow_on = options.list("fail_workflow_on", is_word, FAIL_ON)

local OPTIONS = options.define("option of temporal.define_workflow", {
  args = function(...)
    return arguments.option "args"(...)
  end,
  fail_workflow_on = fail_workflow_on,
  description = options.string("description", { empty = true }),
  versioning_behavior = options.choice("versioning_behavior", VERSIONING),
})

-- What was said of a definition besides its name.
local settings_by = setmetatable({}, { __mode = "k" })
local NO_SETTINGS = {}

--- Gives a workflow definition its type name. The last name given to a
-- function wins, and the last function given to a name.
-- @tparam string name the workflow type
-- @tparam function fn the definition; held weakly
-- @tparam[opt] table definition_options `args` (list of types, see
--   temporal.arguments), `fail_workflow_on` (list of `"nondeterminism"`, `"error"`,
--   types of application errors: they fail the workflow where they would fail the
--   task), `description` (for the UI), `versioning_behavior` (`"pinned"`,
--   `"auto_upgrade"`)
-- @treturn function fn
-- @raise when the name is not a string or fn not a function, or an option is wrong
local function define(name, fn, definition_options)
  if type(name) ~= "string" or name == "" then
    misuse.raisef("temporal.define_workflow: the name must be a string that is not empty, got %s",
      options.show(name))
  end
  if type(fn) ~= "function" then
    misuse.raisef("temporal.define_workflow: the definition must be a function, got %s",
      options.kind_of(fn))
  end
  if definition_options ~= nil then
    if type(definition_options) ~= "table" then
      misuse.raisef("temporal.define_workflow: the options must be a table, got %s",
        options.kind_of(definition_options))
    end
    settings_by[fn] = options.apply(OPTIONS, definition_options, {})
  end
  local previous = function_of[name]
  if previous and previous ~= fn then
    name_of[previous] = nil
  end
  local old_name = name_of[fn]
  if old_name and old_name ~= name then
    function_of[old_name] = nil
  end
  name_of[fn], function_of[name] = name, fn
  return fn
end

local function add_name(names, name)
  if not names[name] then
    names[name] = true
    names[#names + 1] = name
  end
end

local function search_table(container, fn, names, visited, depth)
  visited[container] = true
  for key, value in next, container do
    if value == fn and type(key) == "string" then
      add_name(names, key)
    elseif depth < MAX_DEPTH and type(value) == "table" and not visited[value] then
      search_table(value, fn, names, visited, depth + 1)
    end
  end
end

--- The last segments of all names a function is reachable by.
-- @tparam function fn
-- @tparam[opt=package.loaded] table modules by name
-- @treturn table list
local function search(fn, modules)
  local names = {}
  modules = modules or package.loaded
  for module_name, module in next, modules do
    if module == fn then
      add_name(names, module_name:match("([^./\\]+)$") or module_name)
    elseif type(module) == "table" then
      -- Visited is per module: how deep a table is depends on the way to it.
      search_table(module, fn, names, { [modules] = true }, 1)
    end
  end
  return names
end

--- Where a function stands, in words.
-- @tparam function fn
-- @treturn string
local function place_of(fn)
  local info = getinfo(fn, "S")
  if info.what == "C" then
    return "a C function"
  end
  return ("the function defined at %s:%d"):format(info.short_src, info.linedefined)
end

local function find(fn)
  local names = search(fn)
  if #names == 1 then
    found[fn] = names[1]
    return names[1]
  end
  if #names == 0 then
    return misuse.raisef("no workflow type is known for %s: it is neither a global nor a field "
      .. "of a loaded module; name it with temporal.define_workflow(\"Name\", fn), or pass the "
      .. "type name", place_of(fn))
  end
  table.sort(names)
  return misuse.raisef("%s is reachable under different names (%s), so its workflow type is not "
    .. "clear; name it with temporal.define_workflow(\"%s\", fn), or pass the type name",
    place_of(fn), table.concat(names, ", "), names[1])
end

--- Raises when a definition takes fewer arguments.
local function check_arguments(fn, name, count)
  local info = getinfo(fn, "u")
  -- Lua 5.1 knows the number of upvalues only.
  if info.nparams and not info.isvararg and count > info.nparams then
    misuse.raisef("workflow %s takes %d argument%s, got %d", name, info.nparams,
      info.nparams == 1 and "" or "s", count)
  end
end

--- The workflow type a user means.
-- @param workflow a type name, or a definition
-- @tparam integer count how many arguments it is to be called with
-- @treturn string
-- @raise when it is neither, when a definition has no name or several, or
--   when it takes fewer arguments
local function resolve(workflow, count)
  if type(workflow) == "string" then
    if workflow == "" then
      misuse.raise("the workflow type must not be empty")
    end
    return workflow
  end
  if type(workflow) ~= "function" then
    misuse.raisef("the workflow must be a type name or a definition (a function), got %s",
      options.kind_of(workflow))
  end
  local name = name_of[workflow] or found[workflow] or find(workflow)
  check_arguments(workflow, name, count)
  return name
end

--- What was said of a definition besides its name.
-- @tparam function fn
-- @treturn table `args`, `fail_workflow_on`, `description`, `versioning_behavior`
local function settings_of(fn)
  return settings_by[fn] or NO_SETTINGS
end

return {
  check_arguments = check_arguments,
  define = define,
  name_of = function(fn)
    return name_of[fn]
  end,
  names_of = search,
  place_of = place_of,
  fail_workflow_on = fail_workflow_on,
  resolve = resolve,
  settings_of = settings_of,
}

--- The code of a worker's workflows: its definitions, and what they reach, taken once.
-- Each run gets copies of it.
-- @module temporal.worker.code

local definition = require "temporal.run.definition"
local definitions = require "temporal.worker.definitions"
local errors = require "temporal.error.error"
local fiber = require "temporal.base.lazy" "temporal.workflow.fiber"
local guard = require "temporal.base.lazy" "temporal.workflow.sandbox.guard"
local instances = require "temporal.base.lazy" "temporal.workflow.sandbox.instance"
local misuse = require "temporal.base.misuse"
local options = require "temporal.base.options"
local runs = require "temporal.base.lazy" "temporal.workflow.run"
local snapshots = require "temporal.base.lazy" "temporal.workflow.sandbox.snapshot"
local standard = require "temporal.base.lazy" "temporal.workflow.sandbox.standard"
local types = require "temporal.value.types"
local verdict = require "temporal.base.lazy" "temporal.workflow.verdict"

-- What runs may require, all of them the same.
require "temporal.activity"
require "temporal.workflow"

local next, pcall, require, setmetatable, tostring, type =
  next, pcall, require, setmetatable, tostring, type
local ANY = types.any

local methods = {}
local metatable = { __index = methods }

-- Definitions. `instance(run)` is the function that a run begins with.

local copied = {}
local copied_metatable = { __index = copied }

function copied:instance(run)
  run.instance = instances.new(run, self.code)
  if self.node then
    return run.instance:copy_of(self.node)
  end
  return self.shared
end

local loaded = {}
local loaded_metatable = { __index = loaded }

-- The module is run in the main function's coroutine, within its time.
function loaded:instance(run)
  local instance = instances.new(run, self.code)
  local module, key = self.module, self.key
  run.instance = instance
  return function(...)
    local value = instance:require(module)
    return (key and value[key] or value)(...)
  end
end

--- Names for what a run has loaded, so that its functions can be given to
-- `execute_child_workflow`.
function methods:module_loaded(instance, name, value)
  local keys = self.named[name]
  for key, workflow in next, keys or {} do
    local fn = value
    if key ~= true then
      fn = value[key]
    end
    if type(fn) == "function" then
      instance:set_name(fn, workflow)
    end
  end
end

-- A run in which modules are loaded for the first time, to see what they define.
local function rehearsal(self)
  local run = runs.new { definition = function() end, deadlock_timeout = self.deadlock_timeout }
  run.seed, run.rehearsal = "", true
  run.instance = instances.new(run, self)
  return run
end

local function rehearse(self, run, module)
  local ok, value = fiber.within(run, fiber.look, nil, function()
    return run.instance:require(module)
  end)
  if not ok then
    misuse.raisef("%s: the module %s: %s", self.option, module, tostring(value))
  end
  return value
end

local function add(self, name, fn, entry)
  definitions.add(self.workflows, name, fn, self.option)
  local settings = definition.settings_of(fn)
  entry.code, entry.settings = self, settings
  local first, second = self.fail_workflow_on, settings.fail_workflow_on
  entry.fail_on = (first or second) and verdict.set(first, second)
  entry.name = name ~= ANY and name or nil
  self.entries[name] = entry
end

local function add_function(self, given)
  local fn = given.fn
  local name = given.name or definitions.name_of(fn, "workflow", self.option)
  if name ~= ANY then
    definition.define(name, fn)
  end
  self.snapshot.workflows[fn] = true
  local shared, node, problem = self.snapshot:root(fn, name == ANY and "temporal.any" or name)
  if problem then
    misuse.raisef("%s: %s", self.option, problem)
  end
  add(self, name, fn, setmetatable({ node = node, shared = shared }, copied_metatable))
end

local function add_module(self, given, run)
  local module = given.module
  local value = rehearse(self, run, module)
  local named = self.named[module] or {}
  self.named[module] = named
  for name, each in next, definitions.of_module(given, value, self.option) do
    local declared = run.instance:name_of(each.fn)
    name = given.name or declared or name
    if not declared then
      definition.define(name, each.fn)
    end
    named[each.key or true] = name
    add(self, name, each.fn, setmetatable({ module = module, key = each.key }, loaded_metatable))
  end
end

local function pass_through(names, option)
  local modules = {}
  for _, name in next, names or {} do
    local ok, module = pcall(require, name)
    if not ok then
      misuse.raisef("%s: the module %s cannot be loaded: %s", option, name, tostring(module))
    end
    modules[name] = module
  end
  return modules
end

--- The code of workflows.
-- @tparam table given `workflows` (of `definitions.option`), `passthrough` (names of
--   modules that all runs share), `deadlock_timeout` (seconds or false),
--   `fail_workflow_on`
-- @tparam string noun whose options they are: `"worker"`
-- @treturn code `workflows` is a map of name to function
-- @raise when a run cannot have a copy of something, a module cannot be loaded, a
--   definition has no name, or two have the same
local function new(given, noun)
  local modules = pass_through(given.passthrough, noun .. ' option "passthrough"')
  local self = setmetatable({
    fail_workflow_on = given.fail_workflow_on,
    option = noun .. ' option "workflows"', deadlock_timeout = given.deadlock_timeout or nil,
    modules = modules, path = package.path,
    -- Compiled modules; names of workflows by module and key; definitions by name.
    sources = {}, named = {}, entries = {}, workflows = {},
  }, metatable)
  if next(given.workflows) then
    self.snapshot = snapshots.new(modules, guard.values())
  end
  local run
  for _, each in next, given.workflows do
    if each.fn then
      add_function(self, each)
    else
      run = run or rehearsal(self)
      add_module(self, each, run)
    end
  end
  return self
end

-- What runs a workflow of a name that has no definition of its own: it gets the name.
local function for_any(self)
  local entry = self.entries[ANY]
  if entry and not self.any then
    self.any = { settings = entry.settings, fail_on = entry.fail_on }
    function self.any.instance(_, run)
      local fn, name = entry:instance(run), run.workflow_type
      return function(...)
        return fn(name, ...)
      end
    end
  end
  return self.any
end

-- How strings compare, and numbers look, must not depend on the machine.
local LOCALES = { "collate", "numeric" }

--- Raises where the locale of the process is not the one in which workflows run.
function methods:check_locale()
  if next(self.workflows) == nil then
    return
  end
  for i = 1, #LOCALES do
    local category = LOCALES[i]
    local locale = os.setlocale(nil, category)
    if locale ~= "C" and locale ~= "POSIX" then
      misuse.raisef("a worker with workflows needs the locale C for LC_%s, and it is %s: the order "
        .. 'of strings, and numbers as text, must be the same at each replay; os.setlocale("C", '
        .. '"%s") before the worker is started', category:upper(), tostring(locale), category)
    end
  end
end

-- What the runs of a definition have in common, for one `shared` at a time.
local function kind_of(self, entry, shared)
  if entry.kind_for ~= shared then
    local fields = { definition = entry, settings = entry.settings, fail_on = entry.fail_on,
      deadlock_timeout = self.deadlock_timeout, workflow_type = entry.name,
      strings = standard.strings }
    for name, value in next, shared do
      fields[name] = value
    end
    entry.kind_for, entry.kind = shared, runs.kind(fields)
  end
  return entry.kind
end

--- A run of a workflow.
-- @tparam string name
-- @tparam table shared what all runs of the worker have: fields as for `runs.kind`
--   without `definition`, `settings`, `fail_on`, `deadlock_timeout`
-- @tparam string workflow_id
-- @tparam string run_id
-- @treturn run|nil nil when there is no such workflow
-- @treturn temporal.error that names those there are
function methods:run(name, shared, workflow_id, run_id)
  local entry = self.entries[name] or for_any(self)
  if not entry then
    return nil, errors.received {
      kind = "application", type = "NotFoundError",
      message = ("no workflow %q is known to this %s; known are: %s"):format(name,
        self.option:match "^%w+", options.names_of(self.workflows)),
    }
  end
  return runs.begin(kind_of(self, entry, shared), workflow_id, run_id)
end

return { new = new }

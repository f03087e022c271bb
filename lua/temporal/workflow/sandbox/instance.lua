--- What one run has for itself: its copies of functions and tables, its globals, its
-- libraries, its modules.
-- @module temporal.workflow.sandbox.instance

local current = require "temporal.workflow.current"
local debug = require "temporal.base.debug"
local misuse = require "temporal.base.misuse"
local modules = require "temporal.workflow.sandbox.module"
local prototype = require "temporal.workflow.sandbox.prototype"
local standard = require "temporal.workflow.sandbox.standard"

local next, rawset, setmetatable, tostring = next, rawset, setmetatable, tostring
local raw_metatable = debug.getmetatable
local setfenv = rawget(_G, "setfenv")
local setupvalue, upvaluejoin = debug.setupvalue, rawget(debug, "upvaluejoin")

local methods = {}

-- Makes empty copies of the nodes; what is there stays.
local function make(self, node)
  local kind = node.kind
  if kind == "function" then
    node.new = node.new or prototype.new(node.code)
    return node.new()
  elseif kind == "table" then
    return {}
  elseif kind == "library" then
    return self:library(node.library)
  end
  return self:environment(node)
end

-- The user of a cell that sets it. `first` has those of the plan; `fresh`, the ids of
-- what is being made, is nil in a run that has no copies yet: else one that was there
-- before may have set it.
local function setter_of(copies, cell, first, fresh)
  if fresh then
    local users = cell.users
    for i = 1, #users do
      local id = users[i].id
      if copies[id] and not fresh[id] then
        return users[i]
      end
    end
  end
  return first[cell]
end

local function fill_function(copies, node, first, fresh)
  local fn, cells = copies[node.id], node.cells
  for i = 1, #cells do
    local cell = cells[i]
    local setter = setter_of(copies, cell, first, fresh)
    if setter.id ~= node.id or setter.index ~= i then
      upvaluejoin(fn, i, copies[setter.id], setter.index)
    elseif cell.node then
      setupvalue(fn, i, copies[cell.node.id])
    elseif i == 1 or cell.value ~= nil then -- the first one is what is global otherwise
      setupvalue(fn, i, cell.value)
    end
  end
  if setfenv then
    setfenv(fn, copies[node.env.id])
  end
end

-- A copy, or what every run shares.
local function of(copies, ref)
  local id = ref.id
  if id then
    return copies[id]
  end
  return ref.value
end

local function fill_table(copies, node, t)
  local is_metatable = node.is_metatable
  for key, value in next, node.constants do
    if not (is_metatable and key == "__mode") then
      t[key] = value
    end
  end
  local keys, items = node.keys, node.items
  for i = 1, node.count do
    t[of(copies, keys[i])] = of(copies, items[i])
  end
  if node.metatable then
    setmetatable(t, of(copies, node.metatable))
  end
end

--- The run's copy of a node, with all that belongs to it.
-- @tparam node node with a `plan`
-- @return the copy
function methods:copy_of(node)
  local copies, list = self.copies, node.plan
  local made, fresh = {}, next(copies) ~= nil and {} or nil
  for i = 1, #list do
    local each = list[i]
    local id = each.id
    if copies[id] == nil then
      copies[id] = make(self, each)
      made[#made + 1] = each
      if fresh then
        fresh[id] = true
      end
    end
  end
  for i = 1, #made do
    local each = made[i]
    local kind = each.kind
    if kind == "function" then
      fill_function(copies, each, list.first, fresh)
    elseif kind == "table" then
      fill_table(copies, each, copies[each.id])
    end
  end
  return copies[node.id]
end

--- What the run has of a value of the program's.
-- @param value
-- @tparam string path where it was found, for messages
-- @raise when a run cannot have it
function methods:value(value, path)
  local shared, node, problem = self.snapshot:root(value, path)
  if problem then
    misuse.raise(problem)
  elseif node then
    return self:copy_of(node)
  end
  return shared
end

--- A library, made when it is first asked for.
-- @tparam string name
-- @treturn table
function methods:library(name)
  local libraries = self.libraries or {}
  local library = libraries[name]
  if not library then
    library = standard.library(name)
    self.libraries, libraries[name] = libraries, library
    if name == "string" then
      self.run.strings = library
      if current.run == self.run then
        raw_metatable("").__index = library -- put back when the run waits
      end
    end
  end
  return library
end

-- A global is taken when any run first asks for it, and is the same for all runs
-- then.
local function find_global(env, key)
  local meta = raw_metatable(env)
  local values = meta.node.values
  local value = values[key]
  if value == nil then
    value = meta.node.original[key]
    if value == nil then
      return nil
    end
    values[key] = value
  end
  value = meta.instance:value(value, "the global " .. tostring(key))
  rawset(env, key, value)
  return value
end

--- The globals of the run, or what it has of another environment.
-- @tparam[opt] node node
-- @treturn table
function methods:environment(node)
  node = node or self.snapshot:environment(_G, "_G")
  local env = self.copies[node.id]
  if not env then
    env = setmetatable({}, {
      __index = find_global, __metatable = false, instance = self, node = node,
    })
    self.copies[node.id] = env
  end
  return env
end

--- As require: the module of the run's own.
-- @tparam string name
-- @return the module
-- @raise when it cannot be loaded here
function methods:require(name)
  return modules.require(self, name)
end

--- Gives a function of the run's the name of a workflow.
-- @tparam function fn
-- @tparam string name
function methods:set_name(fn, name)
  local names = self.names or {}
  self.names, names[fn] = names, name
end

--- The name that a function of the run's was given.
-- @tparam function fn
-- @treturn string|nil
function methods:name_of(fn)
  local names = self.names
  return names and names[fn]
end

--- The function of the program's that one of the run's is a copy of; the function
-- itself, when it is none.
-- @tparam function fn
-- @treturn function
function methods:original(fn)
  local copies = self.copies
  for original, node in next, self.snapshot.nodes do
    if copies[node.id] == fn then
      return original
    end
  end
  return fn
end

-- What the instances of one code have in common.
local function kind_of(code)
  local kind = code.instances
  if not kind then
    local common = { code = code, snapshot = code.snapshot }
    for name, method in next, methods do
      common[name] = method
    end
    kind = { __index = common }
    code.instances = kind
  end
  return kind
end

--- What a run begins with.
-- @tparam run run
-- @tparam code code of its worker
-- @treturn instance
local function new(run, code)
  if run.strings ~= standard.strings then
    run.strings = standard.strings
  end
  return setmetatable({ run = run, copies = {} }, kind_of(code))
end

return { new = new }

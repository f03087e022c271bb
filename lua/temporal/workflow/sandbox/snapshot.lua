--- What the workflows of a worker reach, taken once: functions with their upvalues,
-- tables, metatables. Each run gets copies of it.
--
-- A node is a function, a table, a library or an environment that a run has a copy
-- of. A cell is an upvalue, which functions may share: the first of them that a run
-- has a copy of sets it there, the others join it.
-- @module temporal.workflow.sandbox.snapshot

local activities = require "temporal.activity.definition"
local core = require "temporal.core"
local debug = require "temporal.base.debug"
local misuse = require "temporal.base.misuse"
local standard = require "temporal.workflow.sandbox.standard"

local dump = string.dump
local error, next, pcall, rawget, rawset, tostring, type =
  error, next, pcall, rawget, rawset, tostring, type
local setmetatable = setmetatable
local getfenv = rawget(_G, "getfenv")
local getinfo, getupvalue, upvalue_id = debug.getinfo, debug.getupvalue, rawget(debug, "upvalueid")
local raw_metatable = debug.getmetatable
local value_kind = core.value_kind
local stands_for, libraries = standard.stands_for, standard.libraries

-- Of one definition, with all it reaches.
local MAX_ENTRIES = 10000

local methods = {}
local metatable = { __index = methods }

-- Objects of this package that a run may have copies of, by the names of their
-- metatables.
local COPIED = { ["temporal.error"] = true }

local function refuse(path, why)
  error(("%s: %s"):format(path, why), 0)
end

local ADVICE = "which a run cannot have a copy of: use it in an activity, or give the name of its "
  .. "module to the option passthrough"

local function describe(fn)
  local info = getinfo(fn, "S")
  return ("%s:%d"):format(info.short_src, info.linedefined)
end

local function new_node(self, value, kind, path)
  self.count = self.count + 1
  local node = { id = self.count, kind = kind, original = value, path = path }
  self.nodes[value] = node
  self.made[#self.made + 1] = node
  return node
end

local function take_function(self, fn, path)
  if getinfo(fn, "S").what == "C" then
    return refuse(path, "a C function, " .. ADVICE)
  end
  local node = new_node(self, fn, "function", ("%s (%s)"):format(path, describe(fn)))
  node.cells = {}
  self.pending[#self.pending + 1] = node
  return node
end

local function is_own_metatable(meta)
  local name = rawget(meta, "__name")
  return type(name) == "string" and name:find "^temporal%." and name
end

local function take_table(self, t, path)
  local meta = raw_metatable(t)
  local own = meta and is_own_metatable(meta)
  if own and not COPIED[own] and not value_kind(t) then
    return refuse(path, ("a %s, %s"):format(own, ADVICE))
  end
  local node = new_node(self, t, "table", path)
  self.pending[#self.pending + 1] = node
  return node
end

--- The node of an environment: what the functions of a chunk call global.
function methods:environment(env, path)
  local node = self.nodes[env]
  if not node then
    node = new_node(self, env, "environment", path)
    node.values = {}
  end
  return node
end

local function take_other(value, kind, path)
  if value_kind(value) then
    return value
  elseif kind == "cdata" and tostring(value):find "^%-?%d+U?LL$" then
    return value
  end
  return refuse(path, ("a %s, %s"):format(kind, ADVICE))
end

--- What a run has of a value.
-- @param value
-- @tparam string path where it was found, for messages
-- @return the value itself, when runs may share it
-- @treturn node|nil what it is a copy of
-- @raise when a run cannot have it
function methods:take(value, path)
  local kind = type(value)
  if kind == "nil" or kind == "boolean" or kind == "number" or kind == "string" then
    return value
  end
  local other = self.instead[value]
  if other == nil then
    other = stands_for[value]
  end
  if other ~= nil then
    return other
  elseif self.shared[value] or self.kept[value] then
    return value
  end
  local node = self.nodes[value]
  if node then
    return nil, node
  elseif libraries[value] then
    node = new_node(self, value, "library", path)
    node.library = libraries[value]
    return nil, node
  elseif value == _G or kind == "table" and rawget(value, "_G") == value then
    return nil, self:environment(value, path) -- nginx has globals for each request
  elseif kind == "function" then
    local name = activities.name_of(value)
    if name and not self.workflows[value] then
      return self:stand_in(value, name)
    end
    local info = getinfo(value, "S")
    -- Of a function without upvalues, not even _ENV, nothing could differ.
    if info.what ~= "C" and not getfenv and not getupvalue(value, 1)
      or misuse.is_own(info.source) then
      return value
    end
    return nil, take_function(self, value, path)
  elseif kind == "table" then
    return nil, take_table(self, value, path)
  end
  return take_other(value, kind, path)
end

--- Stands for the name of an activity.
function methods:stand_in(fn, name)
  local function called()
    misuse.raisef("the activity %s was called by itself in a workflow: "
      .. "use workflow.execute_activity", name)
  end
  activities.define(name, called)
  self.instead[fn], self.shared[fn] = called, true
  return called
end

-- Reading nodes.

local function read_function(self, node)
  local fn = node.original
  node.code = dump(fn)
  if getfenv then
    node.env = self:environment(getfenv(fn), "the environment of " .. node.path)
  end
  for i = 1, math.huge do
    local name, value = getupvalue(fn, i)
    if not name then
      break
    end
    local id = upvalue_id(fn, i)
    local cell = self.cells[id]
    if not cell then
      cell = { id = id, first = node, users = {} }
      self.cells[id] = cell
      if name == "_ENV" and type(value) == "table" then
        cell.node = self:environment(value, "the environment of " .. node.path)
      else
        cell.value, cell.node = self:take(value, ("%s > %s"):format(node.path, name))
      end
    end
    node.cells[i] = cell
    cell.users[#cell.users + 1] = { id = node.id, index = i }
  end
end

local function show_key(key)
  if type(key) == "string" then
    return key:find "^[%a_][%w_]*$" and "." .. key or ("[%q]"):format(key)
  end
  return ("[%s]"):format(tostring(key))
end

local function read_table(self, node)
  local constants, keys, values = {}, {}, {}
  local count = 0
  for key, value in next, node.original do
    local path = node.path .. show_key(key)
    local key_value, key_node = self:take(key, path)
    local item, item_node = self:take(value, path)
    if key_node or item_node then
      count = count + 1
      keys[count], values[count] = key_node or { value = key_value }, item_node or { value = item }
    else
      constants[key_value] = item
    end
    self.entries = self.entries + 1
    if self.entries > MAX_ENTRIES then
      refuse(node.path, ("tables of more than %d entries, which each run would have to copy: give "
        .. "the name of their module to the option passthrough"):format(MAX_ENTRIES))
    end
  end
  node.constants, node.keys, node.items, node.count = constants, keys, values, count
  local meta = raw_metatable(node.original)
  if not meta then
    return
  elseif is_own_metatable(meta) then
    node.metatable = { value = meta }
    return
  elseif rawget(meta, "__gc") ~= nil and not getfenv then
    refuse(node.path, "a table with __gc, " .. ADVICE)
  end
  local shared, meta_node = self:take(meta, node.path .. "'s metatable")
  node.metatable = meta_node or { value = shared }
  if meta_node then
    meta_node.is_metatable = true -- such tables keep what they hold
  end
end

-- All nodes that a node's copies need; `first`: by cell the first user among them.
local function plan(root)
  local list, seen, first = {}, {}, {}
  local function add(node)
    if node and node.id and not seen[node.id] then
      seen[node.id] = true
      list[#list + 1] = node
    end
  end
  add(root)
  local at = 1
  while list[at] do
    local node = list[at]
    for i, cell in next, node.cells or {} do
      first[cell] = first[cell] or { id = node.id, index = i }
      add(cell.node)
    end
    for i = 1, node.count or 0 do
      add(node.keys[i])
      add(node.items[i])
    end
    add(node.metatable)
    add(node.env)
    at = at + 1
  end
  list.first = first
  return list
end

local function take_all(self, value, path)
  local shared, node = self:take(value, path)
  local at = 1
  while self.pending[at] do
    local each = self.pending[at]
    if each.kind == "function" then
      read_function(self, each)
    else
      read_table(self, each)
    end
    at = at + 1
  end
  if node and not node.plan then
    node.plan = plan(node)
  end
  return shared, node
end

-- What was found on the way to something that runs cannot have.
local function forget(self)
  for i = 1, #self.made do
    local node = self.made[i]
    self.nodes[node.original] = nil
    for _, cell in next, node.cells or {} do
      if cell.first == node then
        self.cells[cell.id] = nil
      end
    end
  end
end

--- Takes a value with all it reaches.
-- @param value
-- @tparam string path where it was found, for messages
-- @return the value itself, when runs may share it
-- @treturn node|nil what it is a copy of; `plan`: all nodes it needs
-- @treturn string|nil why a run cannot have it
function methods:root(value, path)
  self.pending, self.made, self.entries = {}, {}, 0
  local ok, shared, node = pcall(take_all, self, value, path)
  if not ok then
    forget(self)
    return nil, nil, shared
  end
  return shared, node
end

-- What of a module is marked.
local MARKED = { ["table"] = true, userdata = true, ["function"] = true }
-- Without the functions, which are told apart by where they were written.
local MARKED_OF_OURS = { ["table"] = true, userdata = true }

-- Marks what a module passes through: itself, and what stands in its tables.
local function keep(kept, value, depth, marked)
  local kind = type(value)
  if not marked[kind] or kept[value] or stands_for[value] ~= nil or libraries[value]
    or value == _G or value == package.loaded then
    return
  end
  kept[value] = true
  if kind == "table" and depth > 0 then
    for _, each in next, value do
      keep(kept, each, depth - 1, marked)
    end
  end
  local meta = kind ~= "function" and raw_metatable(value)
  if meta then
    keep(kept, meta, depth, marked)
  end
end

local DEPTH = 4

-- Modules that every run shares: those of this package, and what changes nothing.
local BUILT_IN = { "lpeg", "table.new", "table.clear", "table.isempty", "table.nkeys" }

--- One of these that the program has not loaded itself.
-- @tparam string name
-- @return the module, or nil: it is none, or not there
function methods:built_in(name)
  for i = 1, #BUILT_IN do
    if BUILT_IN[i] == name then
      local ok, module = pcall(require, name)
      if ok then
        keep(self.shared, module, 1, MARKED)
      end
      return ok and module or nil
    end
  end
  return nil
end

local function shared_modules()
  -- In one file with the program, our functions look like any other.
  local marked = misuse.is_own(getinfo(1, "S").source) and MARKED_OF_OURS or MARKED
  local shared = {}
  for name, module in next, package.loaded do
    if type(name) == "string" and (name == "temporal" or name:find "^temporal%.") then
      keep(shared, module, 2, marked)
    end
  end
  for i = 1, #BUILT_IN do
    local module = package.loaded[BUILT_IN[i]]
    if module ~= nil then
      keep(shared, module, 1, MARKED)
    end
  end
  return shared
end

--- What a worker's workflows reach; nothing yet.
-- @tparam table modules values that every run shares, by the names of their modules
-- @tparam table instead what workflows have in the place of values of this package
-- @treturn snapshot
local function new(modules, instead)
  local kept = {}
  for _, module in next, modules do
    keep(kept, module, DEPTH, MARKED)
  end
  local replaced = {}
  for value, other in next, instead do
    rawset(replaced, value, other)
  end
  return setmetatable({
    nodes = {}, cells = {}, count = 0, pending = {}, made = {}, entries = 0,
    kept = kept, shared = shared_modules(), instead = replaced,
    -- Definitions, which are no activities to a run, whatever else they are.
    workflows = {},
  }, metatable)
end

return { new = new }

--- Modules of workflows: found by package.path, compiled once for a worker, and run for
-- each run by itself, in its own environment.
-- @module temporal.workflow.sandbox.module

local core = require "temporal.core"
local debug = require "temporal.base.debug"
local misuse = require "temporal.base.misuse"
local prototype = require "temporal.workflow.sandbox.prototype"
local standard = require "temporal.workflow.sandbox.standard"

local concat, dump = table.concat, string.dump
local getinfo = debug.getinfo
local load = rawget(_G, "loadstring") or load
local setfenv, setupvalue = rawget(_G, "setfenv"), debug.setupvalue
local type = type

local module = {}

-- What is being loaded, and requires itself.
local LOADING = {}

-- Modules that each run has in the program's place.
local function built_in(self, name)
  local real = package.loaded[name]
  if name == "_G" then
    return self:environment()
  elseif real == nil then
    return self.snapshot:built_in(name)
  elseif standard.libraries[real] then
    return self:library(standard.libraries[real])
  elseif standard.stands_for[real] ~= nil then
    return standard.stands_for[real]
  elseif self.snapshot.shared[real] then
    return self.snapshot.instead[real] or real
  end
  return nil
end

local function search(name, path)
  local tried = {}
  local file = name:gsub("%.", "/")
  for template in path:gmatch "[^;]+" do
    local place = template:gsub("%?", (file:gsub("%%", "%%%%")))
    local text = core.read_file(place)
    if text then
      return place, text
    end
    tried[#tried + 1] = "\n\tno file '" .. place .. "'"
  end
  return nil, concat(tried)
end

-- A text as code, once for all runs.
local function compile(name, place, text)
  text = text:gsub("^\239\187\191", ""):gsub("^#[^\n]*", "")
  local fn, problem = load(text, "@" .. place)
  if not fn then
    return nil, ("error loading module '%s' from file '%s':\n\t%s"):format(name, place, problem)
  end
  return { new = prototype.new(dump(fn)), place = place }
end

local C_MODULE = "module '%s' in a workflow: it is in C, and what it keeps all runs would share; "
  .. "give its name to the option passthrough if its functions only compute, or use it in an "
  .. "activity"

local function find(self, name)
  local sources = self.code.sources
  local source = sources[name]
  if source then
    return source
  end
  local preloaded = package.preload[name]
  if type(preloaded) == "function" then
    if getinfo(preloaded, "S").what == "C" then
      misuse.raisef(C_MODULE, name)
    end
    source = { fn = preloaded, place = ":preload:" }
  else
    local place, text = search(name, self.code.path)
    if place then
      local problem
      source, problem = compile(name, place, text)
      if not source then
        misuse.raise(problem)
      end
    elseif package.loaded[name] ~= nil or search(name, package.cpath) then
      misuse.raisef(C_MODULE, name)
    else
      misuse.raisef("module '%s' not found:%s", name, text)
    end
  end
  sources[name] = source
  return source
end

local function chunk_of(self, name, source)
  if source.fn then
    return self:value(source.fn, "package.preload." .. name)
  end
  local chunk, env = source.new(), self:environment()
  if setfenv then
    return setfenv(chunk, env)
  end
  setupvalue(chunk, 1, env)
  return chunk
end

--- As require: the module of this run.
-- @tparam instance self of the run
-- @tparam string name
-- @return the module
-- @raise when it is not found, in C, or raises
function module.require(self, name)
  local loaded = self.loaded or {}
  self.loaded = loaded
  local value = loaded[name]
  if value == LOADING then
    misuse.raisef("loop or previous error loading module '%s'", name)
  elseif value ~= nil then
    return value
  end
  value = self.code.modules[name]
  if value == nil then
    value = built_in(self, name)
  end
  if value ~= nil then
    loaded[name] = value
    return value
  end
  local source = find(self, name)
  local chunk = chunk_of(self, name, source)
  loaded[name] = LOADING
  value = chunk(name, source.place)
  if value == nil and loaded[name] == LOADING then
    value = true
  end
  loaded[name] = value
  self.code:module_loaded(self, name, value)
  return value
end

return module

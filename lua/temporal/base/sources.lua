--- All that this package may need later is in hand once it is loaded: a call
-- must not fail because files can no longer be read then (another user, another
-- folder or root, no descriptor left). Every module is read first of all, without
-- a search for its file, and compiled when it is first required.
-- @module temporal.sources

local core = require "temporal.core"
local debug = require "temporal.base.debug"
local modules = require "temporal.base.modules"

local loaded, preload = package.loaded, package.preload
local read_source = core.read_source
local load = rawget(_G, "loadstring") or load

-- Where this file is. Nothing is to be read when the package was loaded from
-- something else than its files.
local folder = debug.getinfo(1, "S").source:match "^@(.*[/\\])base[/\\]sources%.lua$"

-- As the searcher of files would load it. It is good for one time: who clears
-- package.loaded to load a module again wants its file. Where it fails it can be
-- required again: see temporal.lazy.
local function loader_of(name, path, text)
  local function loader()
    local chunk, problem = load(text, "@" .. path)
    if not chunk then
      loaded[name] = nil
      error(("error loading module '%s' from file '%s':\n\t%s"):format(name, path, problem), 0)
    end
    local ok, module = pcall(chunk, name, path)
    if not ok then
      loaded[name] = nil
      error(module, 0)
    end
    if preload[name] == loader then
      preload[name] = nil
    end
    return module
  end
  return loader
end

local sources = {}

--- Reads what is not loaded yet into package.preload.
function sources.read()
  if not folder or preload["temporal.base.sources"] then
    return
  end
  for i = 1, #modules do
    local name = "temporal." .. modules[i]:gsub("/init$", ""):gsub("/", ".")
    if loaded[name] == nil and preload[name] == nil then
      local path = folder .. modules[i] .. ".lua"
      local text = read_source(path)
      -- Else whoever requires it looks for it, as in a tree that was rearranged.
      if text then
        preload[name] = loader_of(name, path, text)
      end
    end
  end
end

return sources

--- The coroutines of a workflow's own. A wait passes through them: what a coroutine
-- yields that waits goes on to whoever resumed it, until the fiber is suspended.
-- @module temporal.workflow.sandbox.routines

local core = require "temporal.core"
local current = require "temporal.workflow.current"
local fiber = require "temporal.base.lazy" "temporal.workflow.fiber"
local thread = require "temporal.workflow.thread"

local coroutine, error, rawget = coroutine, error, rawget
local select, setmetatable = select, setmetatable
local create, resume, yield = thread.create, thread.resume, thread.yield
local late = core.late

local PARK = thread.PARK

-- Those that wait for something of the workflow, which is told to whoever resumed them.
local waiting = setmetatable({}, { __mode = "k" })

local WAITS = "cannot resume a coroutine that waits for something of the workflow: who resumed it "
  .. "goes on when that has come"

local function go_on(co, ...)
  waiting[co] = nil
  return resume(co, ...)
end

-- What a coroutine has come back with. One that was ended since its time was over
-- comes back with nothing; so does one that yields nothing.
local function handed(co, ok, ...)
  local first = ...
  if first == nil then
    if select("#", ...) == 0 and late() then
      fiber.stop()
    end
  elseif first == PARK and ok then
    waiting[co] = true
    return handed(co, go_on(co, yield(PARK)))
  end
  return ok, ...
end

local function unwrapped(ok, ...)
  if not ok then
    local problem = ...
    error(problem, 0)
  end
  return ...
end

local routines = {}

function routines.running()
  local own = current.fiber
  if own then
    own.is_seen = true
  end
  return thread.running()
end

for _, name in next, { "create", "status", "yield" } do
  routines[name] = thread[name]
end
routines.isyieldable = rawget(coroutine, "isyieldable")
routines.close = rawget(coroutine, "close")

local function begin(co, ...)
  if waiting[co] then
    return false, WAITS
  end
  return handed(co, resume(co, ...))
end

routines.resume = begin

function routines.wrap(fn)
  local co = create(fn)
  return function(...)
    return unwrapped(begin(co, ...))
  end
end

return routines

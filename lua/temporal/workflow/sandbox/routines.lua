--- The coroutines of a workflow's own. A wait passes through them: what a coroutine
-- yields that waits goes on to whoever resumed it, until the fiber is suspended.
-- @module temporal.workflow.sandbox.routines

local core = require "temporal.core"
local fiber = require "temporal.workflow.fiber"
local thread = require "temporal.workflow.thread"

local coroutine, error, rawget, select = coroutine, error, rawget, select
local create, resume, yield = thread.create, thread.resume, thread.yield
local late = core.late

local PARK = fiber.PARK

-- What a coroutine has come back with. One that was ended since its time was over
-- comes back with nothing; so does one that yields nothing.
local function handed(co, ok, ...)
  local first = ...
  if first == nil then
    if select("#", ...) == 0 and late() then
      fiber.stop()
    end
  elseif first == PARK and ok then
    return handed(co, resume(co, yield(PARK)))
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

for _, name in next, { "create", "running", "status", "yield" } do
  routines[name] = thread[name]
end
routines.isyieldable = rawget(coroutine, "isyieldable")
routines.close = rawget(coroutine, "close")

function routines.resume(co, ...)
  return handed(co, resume(co, ...))
end

function routines.wrap(fn)
  local co = create(fn)
  return function(...)
    return unwrapped(handed(co, resume(co, ...)))
  end
end

return routines

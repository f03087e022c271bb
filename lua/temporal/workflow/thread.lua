--- Lua's own coroutines. nginx puts others in their place, which hand control to
-- its scheduler and stay in memory as long as their request: nothing for a run,
-- which is resumed by C.
-- @module temporal.workflow.thread

local coroutine, rawget = coroutine, rawget

local function plain(name)
  return rawget(coroutine, "_" .. name) or coroutine[name]
end

return {
  -- What a coroutine that waits yields. The coroutines of the user's own hand it on
  -- to whoever resumed them.
  PARK = {},
  create = plain "create", resume = plain "resume", running = plain "running",
  status = plain "status", yield = plain "yield",
}

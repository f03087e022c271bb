--- The luv host: libuv's loop, also the one inside Neovim. A wait in a
-- coroutine yields it, and the loop resumes it; a wait outside of any runs the
-- loop meanwhile. One poll handle and one timer for each Lua state, active
-- exactly while somebody waits.
-- @module temporal.host.luv

local core = require "temporal.core"
local misuse = require "temporal.base.misuse"
local scheduler = require "temporal.wait.scheduler"

local ceil, max, min = math.ceil, math.max, math.min
local running = coroutine.running

local SLICE = 0.1 -- of a wait outside of any coroutine: signals and hooks run

-- Neovim has its own, but in its threads the loop is not the editor's.
local vim = rawget(_G, "vim")
vim = type(vim) == "table" and vim or {}
local neovim = vim.schedule and (vim.uv or vim.loop)

local function is_luv(module)
  return type(module) == "table" and type(module.new_poll) == "function"
end

-- luvit's name for it is uv. luv calls back on the thread that has loaded it.
local function find()
  local loaded = package.loaded
  for _, known in ipairs { vim.uv or vim.loop or false, loaded.luv or false, loaded.uv or false } do
    if is_luv(known) then
      return known
    end
  end
  local ok, uv = pcall(core.require_on_main, "luv")
  if ok and uv == nil then
    misuse.raise('temporal.host.use "luv": require "luv" in the main program first')
  elseif ok then
    return uv
  end
  local found, other = pcall(core.require_on_main, "uv")
  if found and is_luv(other) then
    return other
  end
  misuse.raise('temporal.host.use "luv": there is no Lua module "luv": ' .. tostring(uv))
end

local uv = find()

local luv = { name = "luv", unpark = scheduler.unpark, alarms = true }

local handle, handle_fd -- polls the doorbell
local timer             -- goes off when the first has waited long enough
local drain             -- while somebody waits
local slice             -- of a wait that runs the loop, during it: see `park`
local scheduled = false -- Neovim will call `serve`

local function in_coroutine()
  local thread, is_main = running()
  return thread ~= nil and not is_main
end

--- In a coroutine always; outside of any, when the loop is not running.
function luv.can_wait()
  if in_coroutine() then
    return true
  elseif neovim then
    return false, "Neovim's loop is running: wait in a coroutine, such as temporal.spawn makes"
  elseif uv.loop_mode and uv.loop_mode() then
    return false, "the luv loop is running: wait in a coroutine, such as temporal.spawn makes"
  end
  return true
end

local on_timer

local function set_timer(seconds)
  if slice then
    seconds = min(seconds or slice, slice)
  end
  if seconds then
    uv.update_time()
    timer:start(max(0, ceil(seconds * 1000)), 0, on_timer)
  end
end

-- Resumes whoever is ready. What one of them raises is raised in the loop's
-- callback.
local function serve()
  scheduled = false
  if not drain then
    return
  end
  local drained, problem = pcall(drain)
  local ran, second = pcall(scheduler.run)
  if drain then
    set_timer(scheduler.timeout())
  end
  if not drained or not ran then
    error(not drained and problem or second, 0)
  end
end

-- Neovim takes few of its functions in a callback of the loop, and all in what
-- it is asked to do next.
local function call_back()
  if not neovim then
    serve()
  elseif not scheduled then
    scheduled = true
    vim.schedule(serve)
  end
end

on_timer = call_back

local function on_poll(problem)
  if problem then
    error("temporal: the luv loop cannot poll the engine's descriptor: " .. tostring(problem), 0)
  end
  call_back()
end

-- A program may close every handle of its loop, ours too (`uv.walk`). libuv
-- aborts when one of those is used.
local function is_open(either)
  return either ~= nil and not either:is_closing()
end

function luv.watch(fd, poll)
  if is_open(handle) and handle_fd ~= fd then
    handle:close()
  end
  if not is_open(handle) then
    handle, handle_fd = assert(uv.new_poll(fd)), fd
  end
  if not is_open(timer) then
    timer = assert(uv.new_timer())
  end
  drain = poll
  handle:start("r", on_poll)
  -- Of tasks that began to wait under another host.
  set_timer(scheduler.timeout())
end

function luv.unwatch()
  drain = nil
  if is_open(handle) then
    handle:stop()
  end
  timer:stop()
end

--- The scheduler has something to do earlier than it had.
function luv.rearm()
  if drain then
    set_timer(scheduler.timeout())
  end
end

--- Yields the coroutine, or runs the loop for a moment.
function luv.park(ticket, seconds)
  local due = scheduler.timeout()
  if not is_open(handle) then
    luv.watch(handle_fd, drain)
  end
  if in_coroutine() then
    if seconds then
      set_timer(min(seconds, due or seconds))
    end
    return scheduler.park(ticket, seconds)
  end
  -- "once" may still sleep after the timer has gone off, until the next time it
  -- is set to: that is no later than the end of this slice, too.
  slice = min(seconds or SLICE, SLICE)
  set_timer(due)
  local ok, problem = pcall(uv.run, "once")
  slice = nil
  if not ok then
    error(problem, 0)
  end
end

return luv

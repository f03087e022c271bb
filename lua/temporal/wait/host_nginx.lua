--- The nginx host (OpenResty): a wait yields its light thread, on a semaphore
-- of its own.
--
-- The engine says on a unix socket that something has become ready. One light
-- thread for each Lua state, the dispatcher, reads it and posts the semaphores
-- of those who wait for that. It is a timer's, since requests end, and it ends
-- once nobody has waited for a while, or no worker ever would. When the worker
-- exits, and where there is no place for the socket, it looks for completions
-- every few milliseconds instead. Where there is no dispatcher, because nginx
-- has no timer left or because the worker exits, those who wait look for
-- themselves.
-- @module temporal.host.nginx

local core = require "temporal.core"
local logger = require "temporal.observe.logger"
local lost = require "temporal.base.lazy" "temporal.wait.lost"
local tickets = require "temporal.wait.ticket"

local ngx = ngx -- luacheck: globals ngx
local getenv, ipairs, next, pcall = os.getenv, ipairs, next, pcall
local min = math.min
local new_semaphore = require("ngx.semaphore").new
-- Not ngx.now: a wall clock may be set back.
local now = core.now
local get_phase, exiting = ngx.get_phase, ngx.worker.exiting

-- Durations in seconds.
local LINGER_FIRST, LINGER = 0.05, 0.25 -- of a dispatcher nobody waits for
local START, START_MOST = 0.25, 30      -- until one that was asked for runs
local NAP, NAP_MOST = 0.001, 0.016      -- between two looks for completions
local LONG = 10                         -- a waiter's look for itself, to be sure
local CONNECT = 1
local POLL = 1                          -- without a socket, before the next try
local UNHEARD = 86400                   -- on the socket, which others close
local NO_FOLDER = 60                    -- before folders are tried again

local KEPT = 1024 -- semaphores at rest

local YIELDS = {
  server_rewrite = true, rewrite = true, access = true, content = true, timer = true,
  ssl_cert = true, preread = true, -- of stream
}

local nginx = { name = "nginx" }

-- The semaphore of each ticket that is parked.
local parked = {}
local resting, resting_count = {}, 0

-- The dispatcher: the number of the present one, what it does ("idle",
-- "starting", "up"), and when one that does not come is given up.
local generation, status, give_up, patience = 0, "idle", 0, START
local linger = LINGER_FIRST
local recently = false -- somebody has parked since the last look
local no_folder_until = 0

--- Whoever was suspended without ever being resumed (its client went away, its
-- thread was killed) waits no longer, and its task has ended.
function nginx.look()
  local ended = {}
  for ticket, semaphore in next, parked do
    if semaphore:count() >= 0 then
      parked[ticket] = nil
      ended[#ended + 1] = ticket.task
    end
  end
  for i = 1, #ended do
    lost.ended(ended[i])
  end
end

local function connect_to(folder)
  local listener = core.listener(folder)
  if not listener then
    return nil
  end
  local socket = ngx.socket.tcp()
  socket:settimeouts(CONNECT * 1000, CONNECT * 1000, UNHEARD * 1000)
  if socket:connect("unix:" .. listener:path()) and listener:accept() then
    return socket
  end
  socket:close()
  return nil
end

-- The socket the engine rings on; nil where there is no place for one.
local function connect()
  if exiting() or now() < no_folder_until then
    return nil
  end
  for _, folder in ipairs { getenv("TMPDIR") or "/tmp", "/tmp", "/dev/shm", "/var/tmp" } do
    local socket = connect_to(folder)
    if socket then
      return socket
    end
  end
  no_folder_until = now() + NO_FOLDER
  return nil
end

-- Hangs up when nobody has waited for a while, or the worker exits. A light
-- thread of the dispatcher's: a timer of its own might never run.
local function watch_over()
  repeat
    ngx.sleep(linger)
    linger = min(linger * 2, LINGER)
    nginx.look()
    local used = recently or next(parked) ~= nil
    recently = false
  until not used or exiting()
  core.hang_up()
end

local function listen(socket)
  local watcher = ngx.thread.spawn(watch_over)
  while socket:receiveany(64) do
    tickets.drain()
  end
  ngx.thread.kill(watcher)
  socket:close()
end

local function look_often()
  local until_time, nap = now() + POLL, NAP
  while next(parked) ~= nil and now() < until_time do
    nap = tickets.drain() > 0 and NAP or min(nap * 2, NAP_MOST)
    ngx.sleep(nap)
  end
  nginx.look()
end

local function dispatch(number)
  repeat
    local socket = connect()
    if number ~= generation then
      return socket and socket:close()
    end
    status, patience = "up", START
    tickets.drain()
    if socket then
      listen(socket)
    else
      look_often()
    end
  until number ~= generation or next(parked) == nil
end

-- The body of the dispatcher's timer.
local function run(_, number)
  if number ~= generation then
    return
  end
  local ok, problem = pcall(dispatch, number)
  if number == generation then
    generation, status = generation + 1, "idle"
    core.hang_up()
  end
  if not ok then
    logger.default("error", "the dispatcher failed: " .. tostring(problem))
  end
end

-- Sees to it that there is a dispatcher, or will be. A timer that nginx
-- accepts may still never run; made in a worker that exits, it would run, but
-- nginx complains of something left open.
local function ensure_dispatcher()
  if status == "up" or now() < give_up or exiting() then
    return
  end
  generation, status = generation + 1, "starting"
  give_up = now() + patience
  patience = min(patience * 2, START_MOST)
  pcall(ngx.timer.at, 0, run, generation)
end

--- Where nginx lets a light thread yield, unless a C function is in between.
-- @treturn boolean
-- @treturn string|nil why not
function nginx.can_wait()
  local phase = get_phase()
  if not YIELDS[phase] then
    return false, ("nginx has no waiting in its phase %s; there is in rewrite, access, content, "
      .. "ssl_certificate, preread and timers"):format(phase)
  end
  -- Asked first: a semaphore that cannot yield would crash nginx later on.
  if not core.yieldable() then
    return false, "it is inside of require, string.gsub, table.sort or another C function"
  end
  return true
end

-- A light thread that nobody waits for stays until its timer ends, which may
-- live as long as the worker does: tasks made in timers begin in one of their
-- own, up to BATCH that are made at once in the same.
local BATCH = 64
-- So many may run, or tasks get none: nginx drops those above
-- lua_max_running_timers (256) without a word to Lua.
local TIMERS = 128
local batch

local function run_batch(_, tasks)
  if batch == tasks then
    batch = nil
  end
  for i = 1, #tasks do
    ngx.thread.spawn(tasks[i])
  end
end

-- Returns false when nginx has no timer left, or the worker exits.
local function in_own_timer(run_body)
  if batch and #batch < BATCH then
    batch[#batch + 1] = run_body
    return true
  end
  local tasks = { run_body }
  if exiting() or ngx.timer.running_count() >= TIMERS
    or not ngx.timer.at(0, run_batch, tasks) then
    return false
  end
  batch = tasks
  return true
end

--- Why a worker cannot start here.
-- @treturn string|nil nil: it can
function nginx.refuses_worker()
  local phase = get_phase()
  if phase ~= "timer" and phase ~= "init_worker" then
    return ("in nginx's phase %s: what it does would end with the request; start it in "
      .. "init_worker_by_lua"):format(phase)
  end
  return nil
end

--- Runs a task as a light thread: a coroutine that waits would keep the one
-- that made it waiting. Where no light thread may begin nothing waits; in
-- init_worker_by_lua it begins in a timer.
-- @tparam function body
-- @tparam function fail called with what body raises
-- @tparam boolean apart it must not end with the request that makes it
function nginx.spawn(body, fail, apart)
  local function run_body()
    local ok, problem = pcall(body)
    if not ok then
      fail(problem)
    end
  end
  local phase = get_phase()
  if (apart or phase == "timer" or phase == "init_worker") and in_own_timer(run_body) then
    return
  elseif nginx.can_wait() then
    ngx.thread.spawn(run_body)
  else
    coroutine.wrap(run_body)()
  end
end

--- Suspends the light thread.
-- @tparam table ticket
-- @tparam[opt] number seconds at most this long
function nginx.park(ticket, seconds)
  local semaphore = resting[resting_count]
  if semaphore then
    resting[resting_count] = nil
    resting_count = resting_count - 1
  else
    semaphore = new_semaphore(0)
  end
  recently = true
  ensure_dispatcher()
  local slice = LONG
  if status ~= "up" then
    slice = min((ticket.nap or NAP / 2) * 2, NAP_MOST)
    ticket.nap = slice
  end
  parked[ticket] = semaphore
  local posted = semaphore:wait(seconds and min(seconds, slice) or slice)
  -- Still there, it was not posted. One that was posted when its time was over
  -- already would wake the next who takes it.
  if (posted or parked[ticket]) and resting_count < KEPT then
    resting_count = resting_count + 1
    resting[resting_count] = semaphore
  end
  parked[ticket] = nil
  if not posted then
    tickets.drain()
  end
end

--- Makes it runnable again; whoever is not parked is left alone.
-- @tparam table ticket
function nginx.unpark(ticket)
  local semaphore = parked[ticket]
  if semaphore then
    parked[ticket] = nil
    semaphore:post(1)
  end
end

return nginx

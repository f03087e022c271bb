--- What the program of docs/custom-host.md uses of Copas, with the same names, for machines that
-- do not have it (no package of today's Copas is in Debian). Threads wait for a time, for
-- `wakeup`, or for a descriptor to be readable; one poll for all of them is cqueues'.

local cqueues = require "cqueues"

local copas = { running = false }

local ready = {}    -- threads to resume next
local sleeping = {} -- by thread: until when, math.huge for ever
local reading = {}  -- by socket: its thread

local function step(thread)
  local ok, problem = coroutine.resume(thread)
  if not ok then
    error(debug.traceback(thread, problem), 0)
  end
end

function copas.addthread(fn)
  ready[#ready + 1] = coroutine.create(fn)
end

function copas.pause(seconds)
  sleeping[coroutine.running()] = cqueues.monotime() + (seconds or 0)
  coroutine.yield()
end

function copas.pauseforever()
  copas.pause(math.huge)
end

function copas.wakeup(thread)
  if sleeping[thread] then
    sleeping[thread] = nil
    ready[#ready + 1] = thread
  end
end

function copas.receive(socket, pattern)
  local data, problem = socket:receive(pattern)
  while not data and problem == "timeout" do
    reading[socket] = coroutine.running()
    coroutine.yield()
    data, problem = socket:receive(pattern)
  end
  return data, problem
end

local function resume_reader(socket)
  local thread = reading[socket]
  reading[socket] = nil
  ready[#ready + 1] = thread
end

function copas.close(socket)
  if reading[socket] then
    resume_reader(socket)
  end
  return socket:close()
end

local function wait()
  local now, first, polled = cqueues.monotime(), math.huge, {}
  for _, till in pairs(sleeping) do
    first = math.min(first, till)
  end
  for socket in pairs(reading) do
    polled[#polled + 1] = { pollfd = socket:getfd(), events = "r", socket = socket }
  end
  polled[#polled + 1] = math.max(0, first - now)
  for _, one in ipairs { cqueues.poll((table.unpack or unpack)(polled)) } do -- luacheck: ignore
    if type(one) == "table" then
      resume_reader(one.socket)
    end
  end
  now = cqueues.monotime()
  for thread, till in pairs(sleeping) do
    if till <= now then
      copas.wakeup(thread)
    end
  end
end

function copas.loop()
  copas.running = true
  repeat
    local now = ready
    ready = {}
    for _, thread in ipairs(now) do
      step(thread)
    end
    if #ready == 0 and (next(sleeping) or next(reading)) then
      wait()
    end
  until #ready == 0 and not next(sleeping) and not next(reading)
  copas.running = false
end

return copas

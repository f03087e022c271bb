-- The Lua client under load, mode by mode; bench/run starts it and reads its line of JSON.
--   bench.lua load ADDRESS SECONDS IN_FLIGHT   starts, so many in flight: calls a second, CPU each
--   bench.lua cold ADDRESS                     connects, starts one workflow, ends
--   bench.lua waits ADDRESS COUNT              memory of so many results awaited at once
--   bench.lua closes ADDRESS COUNT             says "waiting", reads a line; then the seconds
--                                              until each of so many futures knows its result
--   bench.lua frames ADDRESS                   what temporal.poll costs in a frame of a game's loop
--                                              with nothing to do, while a task waits

local temporal = require "temporal"
local now = require("temporal.core").now

local WARM_UP = 500

local mode, address = arg[1], arg[2]
local client = temporal.client{ target = address }
local prefix = ("lua-%d-"):format(math.floor(now() * 1e6))
local serial = 0

local function check(ok, err)
  if not ok then error(tostring(err), 0) end
end

local function start()
  serial = serial + 1
  return client:execute_workflow({ id = prefix .. serial, task_queue = "bench" }, "Bench",
    { name = "bench", n = 1 })
end

-- Keeps in_flight starts going until `more` says no: waits for the oldest, then starts another.
local function run(in_flight, more)
  local ring, count = {}, 0
  for i = 1, in_flight do ring[i] = start() end
  local oldest = 1
  while more(count) do
    check(ring[oldest]:started())
    ring[oldest] = start()
    oldest = oldest % in_flight + 1
    count = count + 1
  end
  for i = 1, in_flight do check(ring[i]:started()) end
  return count + in_flight
end

local function load_mode(seconds, in_flight)
  run(in_flight, function(count) return count < WARM_UP end)
  collectgarbage()
  local cpu, began = os.clock(), now()
  local deadline = began + seconds
  -- The clock is looked at once in 16 calls.
  local count = run(in_flight, function(n) return n % 16 ~= 0 or now() < deadline end)
  local wall = now() - began
  return ('{"per_s": %.1f, "cpu_us": %.3f}'):format(count / wall, (os.clock() - cpu) * 1e6 / count)
end

local function resident_kb()
  local file = assert(io.open("/proc/self/status"))
  local text = file:read("*a")
  file:close()
  return tonumber(text:match("VmRSS:%s*(%d+) kB"))
end

-- Futures of runs that others started, each asked for its result.
local function waiting(count)
  local list = {}
  for i = 1, count do
    list[i] = client:workflow(prefix .. i, "00000000-0000-4000-8000-000000000000")
    list[i]:ready()
  end
  return list
end

local function waits_mode(count)
  run(50, function(n) return n < WARM_UP end)
  collectgarbage()
  local before = resident_kb()
  local list = waiting(count)
  local first, err = temporal.wait(list, 4)
  if first or err.kind ~= "timeout" then error("a result came: " .. tostring(err), 0) end
  collectgarbage()
  local kb = (resident_kb() - before) / count
  for i = 1, count do list[i]:abandon() end
  return ('{"kb": %.3f}'):format(kb)
end

local function closes_mode(count)
  local list = waiting(count)
  io.write("waiting\n")
  io.flush()
  assert(io.read())
  local began = now()
  check(temporal.wait_all(list, 120))
  local seconds = now() - began
  for i = 1, count do
    local value, err = list[i]:get(0)
    check(value == "it is done", err or value)
  end
  return ('{"seconds": %.3f, "all": %.3f}'):format(seconds, now() - began)
end

local FRAMES, FRAME_ROUNDS = 100000, 20

local function frames_mode()
  temporal.host.use "loop"
  local task = temporal.spawn(function() client:workflow("never"):get(3600) end)
  local settled = now() + 0.5
  while now() < settled do temporal.poll(0.05) end
  local best = math.huge
  for _ = 1, FRAME_ROUNDS do
    local began = os.clock()
    for _ = 1, FRAMES do temporal.poll() end
    best = math.min(best, (os.clock() - began) / FRAMES)
  end
  task:kill()
  temporal.host.use(nil)
  return ('{"us": %.3f}'):format(best * 1e6)
end

local report
if mode == "load" then
  report = load_mode(tonumber(arg[3]), tonumber(arg[4]))
elseif mode == "cold" then
  check(start():started())
elseif mode == "waits" then
  report = waits_mode(tonumber(arg[3]))
elseif mode == "closes" then
  report = closes_mode(tonumber(arg[3]))
elseif mode == "frames" then
  report = frames_mode()
else
  error("bench.lua: mode load, cold, waits, closes or frames", 0)
end
client:close()
if report then print(report) end

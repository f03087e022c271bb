--- Opens and closes clients, and tells what the process is made of: descriptors, threads, KB.
-- usage: many.lua ADDRESS WARM_UP COUNT HOW

local temporal = require "temporal"
local core = require "temporal.core"

local address, warm_up, count, how = arg[1], tonumber(arg[2]), tonumber(arg[3]), arg[4]

local function one()
  local client = temporal.client { target = address, logger = function() end }
  if how == "closed" then
    assert(client:call("GetSystemInfo", {}, { timeout = 10 }))
    assert(client:close(60))
  elseif how == "collected" then
    assert(client:execute_workflow({ task_queue = "q" }, "Life"):get(60))
  elseif how == "never used" then
    tostring(client)
  end
end

local function entries(path)
  local list = assert(io.popen("ls /proc/" .. core.pid() .. path))
  local _, n = list:read "*a":gsub("\n", "")
  list:close()
  return n
end

local function resident()
  for line in io.lines "/proc/self/status" do
    local kilobytes = line:match "^VmRSS:%s*(%d+)"
    if kilobytes then return tonumber(kilobytes) end
  end
end

local function report()
  collectgarbage()
  collectgarbage()
  -- The I/O thread closes connections in its own time.
  local best
  for _ = 1, 100 do
    temporal.poll(0.01)
    local n = entries "/fd"
    if best and n >= best then break end
    best = n
  end
  print(best, entries "/task", resident(), math.floor(collectgarbage "count"))
end

for _ = 1, warm_up do one() end
report()
for _ = 1, count do one() end
report()

--- Many short workflows through a small cache: does memory stay, do slots come back?
--
--     eval "$(make -s env)"
--     lua5.4 bench/worker/soak.lua [WORKFLOWS [ADDRESS NAMESPACE]]
--
-- 100,000 workflows with an activity and a timer of 1 ms each, 50 at a time, through a cache of
-- 100; without an address against a server of its own. Each line: workflows done, seconds, MB
-- resident, MB of Lua after a collection, runs in the cache.

local temporal = require "temporal"
local workflow = require "temporal.workflow"

local COUNT, OPEN, CACHE, LINES = tonumber(arg[1]) or 100000, 50, 100, 10

local function Short(n)
  local value = workflow.execute_activity({ start_to_close_timeout = 30 }, "Same", n):get()
  workflow.sleep(0.001)
  return value
end

local function Same(n) return n end

local function resident()
  for line in io.lines "/proc/self/status" do
    local kb = line:match "^VmRSS:%s+(%d+)"
    if kb then return tonumber(kb) / 1024 end
  end
end

local server, client
if arg[2] then
  client = temporal.client { target = arg[2], namespace = arg[3] }
else
  server = temporal.assert(temporal.testing.server {})
  client = server.client
end

local worker = temporal.worker { client = client, task_queue = "soak",
  workflows = { Short = Short }, activities = { Same = Same }, max_cached_workflows = CACHE }
local began, done, next_line = os.time(), 0, 0

local function say()
  collectgarbage()
  collectgarbage()
  print(("%7d %5d s %6.1f MB resident %6.2f MB Lua %4d cached"):format(done, os.time() - began,
    resident(), collectgarbage "count" / 1024, worker:status().cached))
end

local function one_after_the_other()
  while done < COUNT do
    done = done + 1
    local n = done
    local value = temporal.assert(client:execute_workflow({ task_queue = "soak" }, "Short", n)
      :get(600))
    assert(value == n, "a wrong result")
    if n >= next_line then
      next_line = next_line + COUNT / LINES
      say()
    end
  end
end

worker:run(function()
  local tasks = {}
  for i = 1, OPEN do tasks[i] = temporal.spawn(one_after_the_other) end
  for i = 1, OPEN do
    local _, err = tasks[i]:get()
    if err then error(err, 0) end
  end
end)
say()
for kind, used in pairs(worker:status().slots) do
  print(("slots of kind %s taken: %d"):format(kind, used))
end
client:close()
if server then server:stop() end

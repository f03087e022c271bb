--- What a child process gets of the engine's descriptors, and what its thread does with signals.
-- usage: descriptors.lua ANSWERING CONNECTING THREADS     besides the main one

local temporal = require "temporal"
local core = require "temporal.core"

-- A child's own list of what it has open: number -> what.
local function inherited()
  local shell = assert(io.popen("exec ls -l /proc/self/fd", "r"))
  local list = {}
  for line in shell:lines() do
    local number, target = line:match "(%d+) %-> (.*)$"
    -- Its output, and the folder that it reads.
    if number and not target:match "^/proc/" and number ~= "1" then list[number] = target end
  end
  shell:close()
  return list
end

local before = inherited()
local client = temporal.client { target = arg[1] }
assert(client:connect(60))
assert(temporal.pollable():pollfd() >= 0)
local run = client:execute_workflow({ task_queue = "q" }, "Life")
assert(run:started(60))
assert(not run:ready())
-- Still connecting: nobody answers a SYN there.
local dialling = temporal.client { target = arg[2], shutdown_timeout = 0.1 }
dialling:submit("GetSystemInfo", {})
temporal.poll(0.01)
for number, target in pairs(inherited()) do
  if before[number] ~= target then print("a child gets " .. number .. ", which is " .. target) end
end

-- All but KILL, STOP, and the two that the C library keeps for itself.
local CATCHABLE = "fffffffe7ffbfeff"
local tasks = assert(io.popen("cd /proc/" .. core.pid() .. "/task && grep SigBlk */status", "r"))
local threads = 0
for line in tasks:lines() do
  local thread, mask = line:match "^(%d+)/status:SigBlk:%s*(%x+)"
  if tonumber(thread) ~= core.pid() then
    threads = threads + 1
    if mask ~= CATCHABLE then print("a thread blocks only " .. mask) end
  end
end
tasks:close()
if threads ~= tonumber(arg[3]) then print("threads: " .. threads) end
dialling:close(0)
temporal.shutdown(0)
print "done"

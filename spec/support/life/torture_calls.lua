--- Functions that go over what C holds, short of memory: nothing of it is lost, nor kept.
-- usage: torture_calls.lua ADDRESS     where nobody listens

local temporal = require "temporal"
local core = require "temporal.core"
local sessions = require "temporal.call.session"

-- luacheck: globals memory

memory.short()
pcall(core.uuid) -- the first of this thread
memory.back()
assert(#core.uuid() == 36)

local COUNT = 5

local function submit(retry)
  local client = temporal.client { target = arg[1], namespace = "default", retry = retry,
    rpc_timeout = 600, shutdown_timeout = 0, logger = function() end }
  local runs = {}
  for i = 1, COUNT do
    runs[i] = client:execute_workflow({ id = ("i"):rep(100) .. i, task_queue = "q" }, "Life")
  end
  return sessions.of(client).channel, runs
end

local waiting, kept = submit { initial = 600, max = 600 }
local failing, failed = submit(false)
temporal.wait_all(failed, 60)
while failing:metrics().unacknowledged > 0 do temporal.poll(0.001) end
failed = nil -- luacheck: ignore 311
collectgarbage()
collectgarbage()

local told
local function unacknowledged() return waiting:unacknowledged() end
local function lost() told = core.lost() end

memory.short()
pcall(unacknowledged)
pcall(lost)
memory.back()

assert(#waiting:unacknowledged() == COUNT and #kept == COUNT)
told = told or core.lost()
assert(#told == COUNT, "of the failures that nobody took are told: " .. #told)

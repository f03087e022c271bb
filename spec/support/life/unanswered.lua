--- One start that the peer never answers, and an end.
-- usage: unanswered.lua ADDRESS SHUTDOWN_TIMEOUT HOW

local core = require "temporal.core"
local temporal = require "temporal"

local address, shutdown_timeout, how = arg[1], tonumber(arg[2]), arg[3]

io.stdout:setvbuf "no"
local client = temporal.client { target = address, shutdown_timeout = shutdown_timeout }
local run = client:execute_workflow({ id = "life-1", task_queue = "q" }, "Life")
print("submitted", core.now())
if how == "os.exit" then
  os.exit(7)
elseif how == "os.exit, closing" then
  os.exit(7, true)
elseif how == "get" then
  run:get()
elseif how == "failed" then
  -- Until the failure is there; it is never taken.
  repeat temporal.poll(0.01) until run:ready()
  if arg[4] == "os.exit" then os.exit(7) end
  if arg[4] == "os.exit, closing" then os.exit(7, true) end
  if arg[4] == "collected" then
    run = nil -- luacheck: ignore 311
    collectgarbage()
    collectgarbage()
  end
end

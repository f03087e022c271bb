--- Waits for ever in one of several threads, under which the process exits.
-- usage: leave.lua ADDRESS

-- luacheck: read globals host

local temporal = require "temporal"

local client = temporal.client { target = arg[1], shutdown_timeout = 20 }
local run = client:execute_workflow({ task_queue = "q" }, "Life")
assert(run:started(60))
-- Ready when it has waited for a while: each slice of the wait is a few dozen instructions.
local instructions = 0
debug.sethook(function()
  instructions = instructions + 1
  if instructions == 500 then
    debug.sethook()
    host.ready()
  end
end, "", 1)
run:get()
-- Whether it comes so far depends on how fast the process is gone.

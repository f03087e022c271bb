--- One start, and the end of the state.
-- usage: once.lua ADDRESS SHUTDOWN_TIMEOUT

local temporal = require "temporal"

local client = temporal.client { target = arg[1], shutdown_timeout = tonumber(arg[2]) }
client:execute_workflow({ id = "life-1", task_queue = "q" }, "Life")
print "submitted"

--- Names that are not resolved, and a process that ends nevertheless.
-- usage: hangs.lua ADDRESS

local temporal = require "temporal"
local core = require "temporal.core"

local began = core.now()
local client = temporal.client { target = "hangs.example:7233", connect_timeout = 60,
  rpc_timeout = 0.3, shutdown_timeout = 0.1 }
local ok, err = client:connect()
assert(not ok and err.kind == "unavailable", tostring(err))
print(("connect %.3f"):format(core.now() - began))
-- A dial that has its own deadline.
began = core.now()
client = temporal.client { target = "hangs.example:7233", connect_timeout = 0.3, retry = false,
  rpc_timeout = 60, shutdown_timeout = 0.1 }
ok, err = client:connect()
assert(not ok and err.kind == "unavailable", tostring(err))
print(("dial %.3f"):format(core.now() - began))
client:close(0)
-- Others go on meanwhile.
began = core.now()
client = temporal.client { target = "hangs.example:7233", shutdown_timeout = 0.1 }
client:execute_workflow({ id = "life-1", task_queue = "q" }, "Life")
local other = temporal.client { target = arg[1], shutdown_timeout = 0.1 }
assert(other:connect(60))
print(("other %.3f"):format(core.now() - began))

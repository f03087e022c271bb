--- Waits in one way, to be interrupted; says when it is about to wait and what ended it.
-- usage: interrupt.lua ADDRESS HOW

local temporal = require "temporal"

local address, how = arg[1], arg[2]

io.stdout:setvbuf "no"
local client = temporal.client { target = address, shutdown_timeout = 0.1, connect_timeout = 60,
  rpc_timeout = 60 }

local function submit()
  return client:execute_workflow({ task_queue = "q" }, "Life")
end

-- The peer answers the first starts, and none after them.
local function started()
  local run = submit()
  temporal.assert(run:started(60))
  return run
end

-- Each prepares, and returns the wait.
local waits = {}

function waits.get()
  local run = started()
  return function() return run:get() end
end

function waits.started()
  local run = submit()
  return function() return run:started() end
end

function waits.wait()
  local run = started()
  return function() return run:wait() end
end

waits["temporal.wait"] = function()
  local list = { started(), submit() }
  return function() return temporal.wait(list) end
end

waits["temporal.wait_all"] = function()
  local list = { started(), submit() }
  return function() return temporal.wait_all(list) end
end

function waits.close()
  submit()
  return function() return client:close(60) end
end

function waits.connect()
  return function() return client:connect() end
end

function waits.call()
  return function() return client:call("GetSystemInfo", {}) end
end

waits["temporal.poll"] = function()
  started():ready()
  return function() return temporal.poll(60) end
end

waits["get in a coroutine"] = function()
  return coroutine.wrap(waits.get())
end

-- A coroutine inherits the hook of who makes it: of a debugger, of a coverage tool.
waits["get in a coroutine with a hook"] = function()
  debug.sethook(function() end, "l")
  return coroutine.wrap(waits.get())
end

waits["connect in a coroutine of a coroutine"] = function()
  return coroutine.wrap(function() return coroutine.wrap(waits.connect())() end)
end

local wait = waits[how]()
print "waiting"
local ok, err = pcall(wait)
print(("%s %s"):format(ok and "returned" or "raised", tostring(err)))
if how == "close" then
  -- It was not done: closing again does it.
  ok, err = client:close(0)
  assert(not ok and err.kind == "unacknowledged", tostring(err))
  assert(client:close(0))
end
-- The rest of the program is not interrupted again.
for _ = 1, 1000 do tostring(client) end
print "goes on"

--- Calls over TLS, one after the other, until a random moment; then an end, with calls in flight.
-- usage: load.lua ADDRESS CA HOW

local temporal = require "temporal"
local core = require "temporal.core"

local address, ca, how = arg[1], arg[2], arg[3]
local host = rawget(_G, "host") -- of host.c

math.randomseed(tonumber(core.uuid():sub(1, 6), 16))
local last = core.now() + math.random() * 0.05 -- s: some end while they connect

local ends = {}

ends["return"] = function() end

ends["error"] = function() error("at top level", 0) end

ends["os.exit"] = function() os.exit(7) end

ends["os.exit, closing"] = function() os.exit(7, true) end

ends["os.exit in a coroutine, closing"] = function()
  coroutine.wrap(function() os.exit(7, true) end)()
end

-- In the middle of anything.
ends["os.exit in a hook"] = function() return "never" end

ends["exit of the process under it"] = function()
  host.ready()
  return "never"
end

if how == "os.exit in a hook" then
  debug.sethook(function()
    if core.now() > last then os.exit(7) end
  end, "", 97)
end

local function new_client()
  return temporal.client { target = address, tls = { ca_file = ca }, shutdown_timeout = 10 }
end

local clients = { new_client(), new_client() }
local runs = {}

local function load()
  local client = clients[math.random(2)]
  for _ = 1, 3 do
    runs[#runs + 1] = client:execute_workflow({ task_queue = "q" }, "Life",
      ("x"):rep(math.random(0, 20000)))
  end
  client:submit("GetSystemInfo", {})
  -- No more in flight than can be answered in the time of an exit.
  while #runs > 30 do table.remove(runs, 1):started() end
  local run = table.remove(runs, math.random(#runs))
  local act = math.random(4)
  if act == 1 then run:get(0.01)
  elseif act == 2 then run:ready()
  elseif act == 3 then temporal.poll(0.001)
  end
end

local goes_on
repeat
  load()
  local over = core.now() > last
  if over and not goes_on then goes_on = ends[how]() end
until over and goes_on ~= "never"

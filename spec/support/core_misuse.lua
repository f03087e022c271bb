--- Calls the engine's own functions as no module of this package calls them: with anything.

local core = require "temporal.core"
local temporal = require "temporal"

local unpack = table.unpack or unpack -- luacheck: ignore 113 143

local client = temporal.client { target = "127.0.0.1:1", retry = false,
  shutdown_timeout = 0, logger = function() end }
local session = require("temporal.call.session").of(client)
session:open()
local channel = session.channel
local values = { 1, "x", {}, true, print, channel, {} }
local seed = 7
local function random(n)
  seed = (seed * 1103515245 + 12345) % 2147483648
  return math.floor(seed / 65536) % n + 1
end
local function some(n)
  local list = {}
  for i = 1, n do
    list[i] = values[random(#values + 1)]
  end
  return list
end
for _, name in ipairs { "start", "start_plain", "run", "refused", "refused_call", "post", "share",
  "authorize", "call", "unacknowledged", "metrics" } do
  for _ = 1, 500 do
    pcall(channel[name], channel, unpack(some(10), 1, 10))
  end
end
local futures = { client:workflow("x"), channel:close(),
  channel:refused("ns", "id", "r", "t", "codec", "m"),
  channel:refused_call("/p", "codec", "m") }
for name, fn in pairs(core) do
  if type(fn) == "function" and name ~= "shutdown" and name ~= "park" and name ~= "channel" then
    for _ = 1, 100 do
      pcall(fn, futures[random(#futures)], ({ "started", "first", "result" })[random(4)],
        unpack(some(2), 1, 2))
      pcall(fn, unpack(some(4), 1, 4))
    end
  end
end
futures = nil -- luacheck: ignore 311
collectgarbage()
collectgarbage()
-- Some of them were submissions; nobody listens there.
client:close(0)
temporal.shutdown(0)

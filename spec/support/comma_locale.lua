-- Numbers as text, read and written, under a locale whose decimal point is a comma: prints what
-- came, one line each. usage: LOCPATH=DIR lua comma_locale.lua NAME (by spec/support/locale.lua)
require("spec.support.locale").set(arg[1])
io.stdout:setvbuf "no"
local core = require "temporal.core"
local duration = require "temporal.base.duration"
local logger = require "temporal.observe.logger"
local metrics = require "temporal.observe.metrics"
local temporal = require "temporal"
local toml = require "temporal.toml"

for _, text in ipairs { "1.5h", "250.5s", "0.25s", "1.5us", "1.5d" } do
  local message = assert(duration.message(text))
  print(text, ("%d s %d ns"):format(message.seconds, message.nanos))
end
print("text", duration.text(0.25), duration.text(90))

local value = assert(toml.decode "a = 1.25\nb = 1e3\nc = -6.5e-1")
print("toml", value.a == 5 / 4, value.b == 1000, value.c == -13 / 20)

local buckets = { 1 }
for i = 1, 40 do buckets[i + 1] = 0 end
local tally = { seconds = 0.171082, buckets = buckets, failures = {} }
local channel = {
  metrics = function()
    return {
      bounds = { 1 / 40, 5 / 2 }, pending = 0, unacknowledged = 0,
      connections = { open = 1, dialled = 1, failed = 0 },
      operations = { { name = "GetSystemInfo", namespace = "n", long_poll = false, calls = tally,
        attempts = tally, exhausted = {} } },
    }
  end,
}
for _, given in ipairs { { format = "prometheus" },
                         { format = "prometheus", durations_as_seconds = true } } do
  given.tags = { ratio = 3 / 2 }
  for line in metrics.read(channel, given):gmatch "[^\n]+" do
    if line:match "^temporal_request_latency_[bs]" then print(line) end
  end
end

logger.default("warn", "logged", { after = 3 / 2 })
print(select(2, pcall(temporal.client, { target = "127.0.0.1:1", rpc_timeout = -3 / 2 })))
print(select(2, core.encode("google.protobuf.Duration", { seconds = 3 / 2 })))

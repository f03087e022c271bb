-- What temporal.poll costs in a frame of a game's loop in which nothing is ready, while a task
-- waits for a workflow that does not end.
--   build/bench/stub PORT &  lua5.4 bench/frames.lua 127.0.0.1:PORT

local temporal = require "temporal"
local core = require "temporal.core"

local FRAMES, ROUNDS = 100000, 20

temporal.host.use "loop"
local client = temporal.client { target = assert(arg[1], "usage: frames.lua ADDRESS") }
local task = temporal.spawn(function() client:workflow("never"):get(3600) end)
local settled = core.now() + 0.5
while core.now() < settled do temporal.poll(0.05) end

local best = math.huge
for _ = 1, ROUNDS do
  local began = os.clock()
  for _ = 1, FRAMES do temporal.poll() end
  best = math.min(best, (os.clock() - began) / FRAMES)
end
print(("empty frame: %.2f us of CPU, the best of %d rounds (must 1)"):format(best * 1e6, ROUNDS))
task:kill()
client:close(0)

-- Workflows beside timers and sockets in luv's loop: each wait yields its coroutine.
-- usage: lua5.4 examples/luv.lua      (Debian: lua-luv)
-- needs: a Temporal server at TEMPORAL_ADDRESS and examples/worker.lua
local temporal = require "temporal"
local uv = require "luv"

temporal.host.use "luv"
local client = temporal.client{
  target = os.getenv("TEMPORAL_ADDRESS") or "localhost:7233",
  namespace = os.getenv("TEMPORAL_NAMESPACE") or "default",
}

-- Something else to do, which no workflow holds up.
local ticks = 0
local beat = uv.new_timer()
beat:start(5, 5, function() ticks = ticks + 1 end)

local function square(number)
  local run = client:execute_workflow({ task_queue = "orders" }, "Square", number)
  return temporal.assert(run:get())
end

temporal.spawn(function()
  local tasks = {}
  for number = 1, 20 do
    tasks[number] = temporal.spawn(square, number)
  end
  temporal.assert(temporal.wait_all(tasks, 60))
  local sum = 0
  for _, task in ipairs(tasks) do
    sum = sum + task:get()
  end
  print("the sum of the squares", sum)
  beat:close()
end)

-- Ends by itself: nobody waits any more, and no timer is left.
uv.run()
print("ticks meanwhile", ticks > 1)

-- Outside of any coroutine a wait runs the loop.
print("and once more", (square(7)))
client:close()

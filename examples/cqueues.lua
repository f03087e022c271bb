-- Workflows beside everything else a cqueues controller does: each wait yields its thread.
-- usage: lua5.4 examples/cqueues.lua      (Debian: lua-cqueues)
-- needs: a Temporal server at TEMPORAL_ADDRESS and examples/worker.lua
local cqueues = require "cqueues"
local temporal = require "temporal"

local client = temporal.client{
  target = os.getenv("TEMPORAL_ADDRESS") or "localhost:7233",
  namespace = os.getenv("TEMPORAL_NAMESPACE") or "default",
}
local controller = cqueues.new()

-- Something else to do, which no workflow holds up.
local finished, ticks = false, 0
controller:wrap(function()
  while not finished do
    ticks = ticks + 1
    cqueues.sleep(0.005)
  end
end)

controller:wrap(function()
  local tasks = {}
  for number = 1, 20 do
    tasks[number] = temporal.spawn(function()
      local run = client:execute_workflow({ task_queue = "orders" }, "Square", number)
      return temporal.assert(run:get())
    end)
  end
  temporal.assert(temporal.wait_all(tasks, 60))
  local sum = 0
  for _, task in ipairs(tasks) do
    sum = sum + task:get()
  end
  print("the sum of the squares", sum)
  finished = true
end)

-- Ends when no thread is left; the error of any thread comes out here.
assert(controller:loop())
print("ticks meanwhile", ticks > 1)
client:close()

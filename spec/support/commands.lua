-- The commands of a workflow that goes through tables, as bytes in hex: the same in each process.
local simulation = require "spec.support.simulation"
local workflow = require "temporal.workflow"

local sim = simulation.new(function(input)
  local order = {}
  for key, value in pairs(input) do
    order[#order + 1] = ("%s=%s"):format(key, value)
    workflow.execute_activity({ start_to_close_timeout = 1 }, key, tostring {})
  end
  for key in next, input.more do order[#order + 1] = key end
  return order
end, { zebra = 1, yak = 2, ["x y"] = 3, ["-"] = 4, w1 = 5, v = 6, more = { a = 1, b = 2, c = 3 } })
assert(sim:task())
for _, bytes in ipairs(sim.answers[1].commands) do
  io.write((bytes:gsub(".", function(c) return ("%02x"):format(c:byte()) end)), "\n")
end

--- What a run makes does not depend on the process: two, whose hashes have other seeds, answer
-- every recorded task with the same bytes.

local env = require "spec.support.environment"
local simulation = require "spec.support.simulation"

if simulation.impossible(describe, it) then return end

describe("two processes", function()
  it("answer the tasks of all histories with the same bytes", function()
    local outputs = {}
    for i = 1, 2 do
      local process = env.spawn { env.lua, "spec/support/histories/commands.lua" }
      assert.same({ "exit", 0 }, { process:wait(120) }, process:errors())
      outputs[i] = process:output()
    end
    assert.is_true(select(2, outputs[1]:gsub("\n", "")) > 500)
    assert.is_true(outputs[1] == outputs[2])
  end)
end)

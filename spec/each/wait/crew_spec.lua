-- The coroutines that do a worker's tasks, one after the other.

local crew = require "temporal.wait.crew"
local growth = require "spec.support.growth"

describe("a crew", function()
  it("holds nothing of what it has done", function()
    local one, seen = crew.new(), setmetatable({}, { __mode = "v" })
    for i = 1, 3 do
      growth.apart(function()
        local thing = {}
        seen[i] = thing
        one:run(function(given) assert.equal(thing, given) end, thing)
      end)
    end
    growth.collect()
    assert.same({}, seen)
    one:dismiss()
  end)
end)

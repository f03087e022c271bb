--- The engine's own functions, called as no module of this package calls them: they raise, or
-- answer, whatever they are given. In a process of its own, which is good for nothing afterwards.

local env = require "spec.support.environment"

describe("a function of the engine", function()
  it("takes any arguments without a crash", function()
    local program = env.spawn { env.lua, "spec/support/core_misuse.lua" }
    assert.same({ "exit", 0 }, { program:wait(60) }, program:errors())
  end)
end)

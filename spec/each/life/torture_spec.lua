--- Memory that fails, over a whole life of a client: no crash, no hang, nothing left, and all works
-- once it is back. `make test` tries some allocations, `make torture` every one.

local fault_peer = require "spec.support.fault_peer"
local life = require "spec.support.life"
local env = require "spec.support.environment"

describe("torture:", function()
  local peer

  setup(function()
    life.compile "torture"
  end)

  before_each(function()
    peer = fault_peer.start { "call GetWorkflowExecutionHistory : answer completed 7" }
  end)

  after_each(function()
    peer:stop()
  end)

  for _, case in ipairs { { 1, "one" }, { 20, "twenty in a row" }, { 0, "all from one on" } } do
    it("a client outlives allocations that fail: " .. case[2], function()
      local how = ("%d %d torture"):format(case[1], life.ROUNDS)
      local process = env.spawn(life.in_program("torture", how, peer.address))
      local errors = life.finishes(0, process, life.HUNG + 20 * life.ROUNDS)
      assert.equal("", (errors:gsub("temporal: [^\n]*\n", "")))
      local all, lives = process:readline(life.HUNG):match "^(%d+) allocations, (%d+) lives$"
      assert.equal(math.min(tonumber(all), life.ROUNDS), tonumber(lives))
    end)

    it("nothing that C holds is lost: " .. case[2], function()
      peer:cmd "listen off"
      local process = env.spawn(life.in_program("torture", case[1] .. " 1000 torture_calls",
        peer.address))
      local errors = life.finishes(0, process, life.HUNG + 600)
      assert.equal("", (errors:gsub("temporal: [^\n]*\n", "")))
      assert.matches("^%d+ allocations, %d+ lives$", process:readline(life.HUNG))
    end)
  end
end)

--- Who has a slot when: first come, first served, and polls of a worker's own queue leave one to
-- everybody's.

local promise = require "temporal.wait.promise"
local slots = require "temporal.worker.slots"
local spawn = require("temporal").spawn

describe("slots", function()
  local taken, order

  -- A poll that takes a slot and keeps it until it is told.
  local function poll(name, sticky)
    local ended = promise.new()
    spawn(function()
      taken:acquire(sticky)
      order[#order + 1] = name
      ended:wait()
      taken:polled(sticky)
    end)
    return ended
  end

  before_each(function() order = {} end)

  it("are had in the order of asking", function()
    taken = slots.new(2)
    local polls = {}
    for i = 1, 4 do polls[i] = poll(i) end
    assert.same({ 1, 2 }, order)
    assert.equal(2, taken:used())
    polls[2]:finish()
    taken:release()
    assert.same({ 1, 2, 3 }, order)
    assert.is_false(taken:try())
    for i = 1, 4 do polls[i]:finish() end
    for _ = 1, 3 do taken:release() end
    assert.same({ 1, 2, 3, 4 }, order)
    assert.equal(0, taken:used())
    assert.is_true(taken:try())
    assert.equal(1, taken:used())
  end)

  it("are not all had by polls of the worker's own queue", function()
    taken = slots.new(3)
    for i = 1, 4 do poll("own " .. i, true) end
    assert.same({ "own 1", "own 2" }, order)
    local everybodys = poll "everybody's"
    assert.same({ "own 1", "own 2", "everybody's" }, order)
    taken:release() -- of a task that an own poll has brought
    assert.same({ "own 1", "own 2", "everybody's", "own 3" }, order)
    -- What the other poll brings keeps its slot; the next free one is not for the own queue.
    everybodys:finish()
    taken:release()
    assert.equal(4, #order)
    poll "everybody's again"
    assert.equal("everybody's again", order[5])
    taken:release()
    assert.equal("own 4", order[6])
  end)

  it("may all be had by tasks that come without a poll", function()
    taken = slots.new(2)
    assert.is_true(taken:try())
    assert.is_true(taken:try())
    assert.is_false(taken:try())
  end)
end)

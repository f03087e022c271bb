--- What fibers hold: nothing of those that have ended.

local fiber = require "temporal.workflow.fiber"
local growth = require "spec.support.growth"
local simulation = require "spec.support.simulation"

if simulation.impossible(describe, it) then return end

local FIBERS = 10

describe("a fiber that has ended", function()
  local run, seen

  before_each(function()
    run, seen = {}, setmetatable({}, { __mode = "v" })
  end)

  local function begin(i, fn, ...)
    seen[i] = fiber.new(run, nil, function() end, fn or function() end, fiber.pack(...))
    return seen[i]
  end

  it("does not hold those that came after it", function()
    local held = growth.apart(function()
      local first = begin(1)
      local each = first
      for i = 2, FIBERS do
        local following = begin(i)
        fiber.resume(run, each)
        each = following
      end
      fiber.resume(run, each)
      return first
    end)
    growth.collect()
    assert.same({ [1] = held }, seen)
    assert.is_nil(run.last_fiber)
  end)

  -- Its coroutine waits for another one.
  it("is not held, nor what it was given", function()
    growth.apart(function()
      local argument, result = {}, nil
      local function fn(given)
        result = given
        return result
      end
      seen.argument, seen.fn = argument, fn
      fiber.resume(run, begin(1, fn, argument))
      assert.equal(argument, result)
    end)
    growth.collect()
    assert.same({}, seen)
  end)
end)

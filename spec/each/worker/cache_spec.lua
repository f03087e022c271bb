--- The runs that a worker keeps between their tasks.

local cache = require "temporal.worker.cache"
local growth = require "spec.support.growth"
local simulation = require "spec.support.simulation"

if simulation.impossible(describe, it) then return end

local RUNS, LIMIT = 10, 2

describe("a cache of runs", function()
  local one, seen

  before_each(function()
    one = cache.new(LIMIT, function() return false end)
    seen = setmetatable({}, { __mode = "v" })
  end)

  local function put(i)
    local run = { run_id = tostring(i) }
    seen[i] = run
    one:put(run.run_id, run)
    return run
  end

  -- Whoever holds a run that is forgotten, such as a task or a coroutine that is kept for later.
  it("lets go of what came after a forgotten run that is held", function()
    local held = growth.apart(function()
      local first = put(1)
      for i = 2, RUNS do put(i) end
      return first
    end)
    growth.collect()
    assert.same({ [1] = held, [RUNS - 1] = one:get(tostring(RUNS - 1)),
      [RUNS] = one:get(tostring(RUNS)) }, seen)
  end)

  it("lets go of what came before it", function()
    one.limit = RUNS
    local held = growth.apart(function()
      local last
      for i = 1, RUNS do last = put(i) end
      for i = RUNS, 1, -1 do one:remove(tostring(i)) end
      return last
    end)
    growth.collect()
    assert.same({ [RUNS] = held }, seen)
  end)
end)

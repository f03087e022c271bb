--- Metrics of the program's own, without a server.

local meter = require "temporal.observe.meter"

describe("metrics()", function()
  local registry, metrics

  before_each(function()
    registry = {}
    metrics = meter.new(registry, { queue = "q" })
  end)

  it("counts, sets and records, by name and tags", function()
    metrics:counter("orders"):add()
    metrics:counter("orders"):add(2)
    metrics:counter("orders", { kind = "big", n = 1 }):add(5)
    metrics:gauge "depth":set(7)
    metrics:gauge "depth":set(-1.5)
    local histogram = metrics:histogram "amount"
    for _, value in ipairs { 0.005, 3, 2000 } do histogram:record(value) end
    local families = meter.families(registry)
    assert.same({ "amount", "depth", "orders" },
      { families[1].name, families[2].name, families[3].name })
    assert.same({ { tags = { queue = "q" }, value = -1.5 } }, families[2].samples)
    assert.same({ { tags = { kind = "big", n = "1", queue = "q" }, value = 5 },
      { tags = { queue = "q" }, value = 3 } }, families[3].samples)
    local sample = families[1].samples[1]
    assert.same({ 3, 2003.005 }, { sample.count, sample.sum })
    assert.same({ le = 0.005, count = 1 }, sample.buckets[1])
    assert.same({ le = 5, count = 2 }, sample.buckets[10])
    assert.same({ le = 1000, count = 2 }, sample.buckets[#sample.buckets])
  end)

  it("counts nothing while it is silent", function()
    local silent = { replaying = true }
    local counter = meter.new(registry, {}, silent):counter "orders"
    counter:add()
    silent.replaying = false
    counter:add()
    assert.equal(1, meter.families(registry)[1].samples[1].value)
  end)

  it("takes so many combinations of tags, and counts the others as one", function()
    for i = 1, 1200 do metrics:counter("orders", { id = i }):add() end
    local samples = meter.families(registry)[1].samples
    assert.equal(1001, #samples)
    local others
    for _, sample in ipairs(samples) do
      if sample.tags.other then others = sample.value end
    end
    assert.equal(200, others)
  end)

  it("is misused at the caller's line", function()
    local function raises(words, fn)
      local ok, problem = pcall(fn)
      assert.is_false(ok)
      assert.matches("meter_spec.lua:%d+: ", problem)
      assert.matches(words, problem, 1, true)
    end
    raises("the name must have letters", function() metrics:counter "a-b" end)
    raises('names that begin with "temporal_" are the SDK\'s own', function()
      metrics:gauge "temporal_x"
    end)
    raises("must be a table, got 1", function() metrics:counter("a", 1) end)
    raises("the names of tags must have letters", function() metrics:counter("a", { le = 1 }) end)
    raises('the tag "b" must be a string', function() metrics:counter("a", { b = {} }) end)
    metrics:counter "a"
    raises("a is a counter already", function() metrics:gauge "a" end)
    raises("counter:add takes a number of at least 0, got -1", function()
      metrics:counter "a":add(-1)
    end)
    raises('gauge:set takes a number, got "1"', function() metrics:gauge "g":set "1" end)
    raises("histogram:record takes a number, got nothing", function()
      metrics:histogram "h":record()
    end)
    raises("with a colon", function() metrics.counter("a") end)
  end)
end)

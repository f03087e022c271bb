--- The types that workflows and handlers want their arguments to have: who fails when they have
-- others.

local simulation = require "spec.support.simulation"
local temporal = require "temporal"
local workflow = require "temporal.workflow"

if simulation.impossible(describe, it) then return end

describe("args", function()
  it("of a workflow: others fail the task", function()
    local fn = temporal.define_workflow("Typed", function(a, b) return { a, b } end,
      { args = { "string", "number?" } })
    local sim = simulation.new(fn, "a")
    assert.equal("complete_workflow_execution", sim:task())
    assert.same({ "a" }, sim:result())
    sim:verify()
    local _, err = simulation.new(fn, 1):task()
    assert.equal("conversion", err.kind)
    assert.equal("an argument of the workflow cannot be read: argument 1 must be a string, got a "
      .. "number", err.message)
  end)

  it("of a workflow: raw is handed on as it came", function()
    local fn = temporal.define_workflow("Raw", function(value) return value end,
      { args = { "raw" } })
    local sim = simulation.new(fn, { 1.5 })
    sim:task()
    assert.same({ 1.5 }, sim:result())
    sim:verify()
  end)

  it("of a signal: one with others is logged and dropped", function()
    local sim = simulation.new(function()
      local got = {}
      workflow.on_signal("s", function(n) got[#got + 1] = n end, { args = { "number" } })
      workflow.on_signal(temporal.any, function(name, n) got[#got + 1] = name .. n end,
        { args = { "string" } })
      workflow.wait_condition(function() return #got == 2 end)
      return got
    end)
    sim:signal("s", "text")
    sim:signal("s", 1)
    sim:signal("other", 2)
    sim:signal("other", "x")
    assert.equal("complete_workflow_execution", sim:task())
    assert.same({ 1, "otherx" }, sim:result())
    assert.same({
      'warn: a signal "s" was dropped: its arguments cannot be read: argument 1 must be a number, '
        .. "got a string",
      'warn: a signal "other" was dropped: its arguments cannot be read: argument 1 must be a '
        .. "string, got a number",
    }, { sim.log[1], sim.log[2] })
    sim:verify()
  end)

  it("of an update: one with others is rejected", function()
    local sim = simulation.new(function()
      workflow.on_update("add", function(n) return n + 1 end, { args = { "number" } })
      workflow.sleep(1)
    end)
    sim:update("u1", "add", "text")
    sim:update("u2", "add", 2)
    sim:task()
    assert.same({ "reject", "its arguments cannot be read: argument 1 must be a number, got a "
      .. "string" }, { sim:answered "u1" })
    assert.same({ "accept complete", 3 }, { sim:answered "u2" })
    sim:verify()
  end)

  it("of a query: one with others fails", function()
    local sim = simulation.new(function()
      workflow.on_query("q", function(n) return n end, { args = { "number" } })
      workflow.sleep(1)
    end)
    sim:task()
    assert.same({ 3 }, { sim:query("q", 3) })
    assert.same({ nil, 'the arguments of query "q" cannot be read: argument 1 must be a number, '
      .. "got a string" }, { sim:query("q", "text") })
    sim:verify()
  end)

  it("cannot be what it is not", function()
    local sim = simulation.new(function()
      workflow.on_signal("s", print, { args = { "int" } })
    end)
    local _, problem = sim:task()
    assert.matches("arguments_spec.lua:%d+: ", problem)
    assert.matches('option of workflow.on_signal "args[1]" must be one of', problem, 1, true)
  end)
end)

--- Semaphores of a run.

local simulation = require "spec.support.simulation"
local workflow = require "temporal.workflow"

if simulation.impossible(describe, it) then return end

describe("a semaphore", function()
  it("lets so many in, first come, first served", function()
    local sim = simulation.new(function()
      local semaphore, order, tasks = workflow.semaphore(2), {}, {}
      for i = 1, 5 do
        tasks[i] = workflow.spawn(function()
          semaphore:acquire()
          order[#order + 1] = i
          workflow.sleep(1)
          semaphore:release()
        end)
      end
      workflow.wait_all(tasks)
      return { order, tostring(semaphore) }
    end)
    assert.equal("start_timer start_timer", sim:task())
    sim:fire "2"
    assert.equal("start_timer", sim:task())
    sim:fire "1"
    sim:fire "3"
    assert.equal("start_timer start_timer", sim:task())
    sim:fire "4"
    sim:fire "5"
    assert.equal("complete_workflow_execution", sim:task())
    assert.same({ { 1, 2, 3, 4, 5 }, "temporal.workflow.semaphore (2 of 2 free)" }, sim:result())
    sim:verify()
  end)

  it("is given back by `with`, whatever comes", function()
    local sim = simulation.new(function()
      local mutex = workflow.semaphore(1)
      local got = { mutex:with(function(a, b) return a + b, nil, "third" end, 1, 2) }
      local ok, problem = pcall(mutex.with, mutex, function() error("wrong", 0) end)
      return { got[1], got[3], ok, problem, mutex:acquire(0), mutex:acquire(0) }
    end)
    sim:task()
    assert.same({ 3, "third", false, "wrong", true, false }, sim:result())
    sim:verify()
  end)

  it("is waited for so long, and passed on by who waits no more", function()
    local sim = simulation.new(function()
      local mutex, seen = workflow.semaphore(1), {}
      mutex:acquire()
      local slow = workflow.spawn(function() seen[1] = mutex:acquire(5) end)
      local doomed = workflow.spawn(function() mutex:with(function() seen[3] = true end) end)
      local last = workflow.spawn(function() seen[2] = mutex:acquire() end)
      workflow.sleep(60)
      -- Both at once: a wait that is over is not interrupted any more.
      mutex:release()
      doomed:cancel()
      workflow.wait_all { slow, doomed, last }
      return { seen, (pcall(doomed.get, doomed)) }
    end)
    assert.equal("start_timer start_timer", sim:task())
    sim:fire "2"
    assert.equal("", sim:task())
    sim:fire "1"
    assert.equal("complete_workflow_execution", sim:task())
    local result = sim:result()
    assert.same({ { false, true, true }, true }, result)
    sim:verify()
  end)

  it("passes on the place of who was canceled before it came", function()
    local sim = simulation.new(function()
      local mutex, got = workflow.semaphore(1), false
      mutex:acquire()
      local doomed = workflow.spawn(function() mutex:acquire() end)
      local last = workflow.spawn(function() got = mutex:acquire() end)
      workflow.sleep(60)
      doomed:cancel()
      mutex:release()
      workflow.wait_all { doomed, last }
      return { got, tostring(mutex) }
    end)
    sim:task()
    sim:fire "1"
    sim:task()
    assert.same({ true, "temporal.workflow.semaphore (0 of 1 free)" }, sim:result())
    sim:verify()
  end)

  it("is misused at the caller's line", function()
    local function fails(words, fn)
      local _, problem = simulation.new(fn):task()
      assert.matches("semaphore_spec.lua:%d+: ", problem)
      assert.matches(words, problem, 1, true)
    end
    fails("takes a whole number of at least 1, got 0", function() workflow.semaphore(0) end)
    fails("more often than semaphore:acquire", function() workflow.semaphore(1):release() end)
    fails("takes a function, got nothing", function() workflow.semaphore(1):with() end)
    fails("with a colon", function() workflow.semaphore(1).acquire() end)
    local ok, problem = pcall(workflow.semaphore, 1)
    assert.is_false(ok)
    assert.matches("in a workflow only", problem, 1, true)
  end)
end)

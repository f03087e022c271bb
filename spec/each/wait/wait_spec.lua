-- The wait loop, with several waiters at once. The host here resumes nobody
-- without reason: whoever is not unparked waits for ever.

local fault_peer = require "spec.support.fault_peer"
local new_loop = require("spec.support.loop").new
local temporal = require "temporal"

local START, HISTORY = "StartWorkflowExecution", "GetWorkflowExecutionHistory"

describe("the wait loop", function()
  local peer, client, loop

  before_each(function()
    peer = fault_peer.start()
    client = temporal.client { target = peer.address, logger = function() end }
    loop = new_loop()
  end)

  after_each(function()
    temporal.host.use(nil)
    client:close(0)
    peer:stop()
  end)

  local function execute()
    return client:execute_workflow({ task_queue = "q" }, "Order")
  end

  it("wakes waiters for different things of one future", function()
    local run = execute()
    local seen = {}
    loop:spawn(function() seen.started = run:started() end)
    loop:spawn(function() seen.result = run:get() end)
    loop:spawn(function() seen.wait = run:wait() end)
    loop:spawn(function() seen.first = run:get { follow_runs = false } end)
    loop:spawn(function()
      run:started()
      peer:wait_until(HISTORY .. ">=1")
      peer:cmd("release")
    end)
    loop:run(10)
    assert.same({ started = true, result = "done", wait = true, first = "done" }, seen)
  end)

  it("gives each waiter the error of its own wait", function()
    peer:cmd('call %s : only grpc-status=5 "grpc-message=no such workflow"', HISTORY)
    local handle = client:workflow("x")
    local kinds = {}
    for i = 1, 3 do
      loop:spawn(function() kinds[i] = select(2, handle:get()).kind end)
    end
    loop:run(10)
    assert.same({ "not_found", "not_found", "not_found" }, kinds)
  end)

  it("does not forget the others when one runs out of time", function()
    local run = execute()
    local seen = {}
    loop:spawn(function() seen.short = select(2, run:get(0.05)).kind end)
    loop:spawn(function() seen.long = run:get() end)
    loop:spawn(function()
      run:get(0.2)
      peer:wait_until(HISTORY .. ">=1")
      peer:cmd("release")
    end)
    loop:run(10)
    assert.same({ short = "timeout", long = "done" }, seen)
  end)

  it("lets one future be in several waits", function()
    local runs = { execute(), execute(), execute() }
    local seen = {}
    loop:spawn(function() seen.all = temporal.wait_all(runs) end)
    loop:spawn(function()
      local _, index = temporal.wait(runs)
      seen.any = index >= 1 and index <= 3
    end)
    loop:spawn(function() seen.second = runs[2]:get() end)
    loop:spawn(function() seen.twice = temporal.wait_all { runs[1], runs[1], runs[3] } end)
    loop:spawn(function() seen.late = select(2, temporal.wait(runs, 0.05)).kind end)
    loop:spawn(function()
      for i = 1, 3 do
        runs[i]:started()
      end
      runs[1]:wait(0.2)
      peer:wait_until(HISTORY .. ">=3")
      peer:cmd("release 3")
    end)
    loop:run(10)
    assert.same({ all = true, any = true, second = "done", twice = true, late = "timeout" }, seen)
  end)

  it("waits for what was in the list when the wait began", function()
    local first, second, third = execute(), execute(), execute()
    local list = { first, second, third }
    local seen = {}
    loop:spawn(function() seen.all = temporal.wait_all(list) end)
    loop:spawn(function()
      local run, index = temporal.wait(list)
      seen.any = run == ({ first, second, third })[index]
    end)
    while #list > 0 do
      table.remove(list)
    end
    loop:spawn(function()
      for _, run in ipairs { first, second, third } do
        run:started()
      end
      peer:wait_until(HISTORY .. ">=3")
      peer:cmd("release 3")
    end)
    loop:run(10)
    assert.same({ all = true, any = true }, seen)
  end)

  it("wakes many waiters, each once or a little more", function()
    local done = 0
    for _ = 1, 500 do
      local run = execute()
      loop:spawn(function()
        assert(run:started())
        done = done + 1
      end)
    end
    loop:run(20)
    assert.equal(500, done)
    assert.equal(500, peer:stats()[START])
    assert.is_true(loop.unparks <= 1000, loop.unparks)
  end)

  it("unparks everybody even when the host raises", function()
    local broken = true
    loop = new_loop { unpark = function(ticket)
      loop.ready[#loop.ready + 1] = ticket
      if broken then
        error({ "broken unpark" })
      end
    end }
    peer:cmd("call %s : await; answer started", START)
    local seen, raised = {}, nil
    for i = 1, 3 do
      loop:spawn(function() seen[i] = execute():started() end)
    end
    peer:wait_until(START .. ">=3")
    peer:cmd("release 3")
    loop:run(10, function()
      local ok, problem = pcall(temporal.poll, 0.01)
      if not ok then
        raised = problem
      end
    end)
    broken = false
    assert.same({ true, true, true }, seen)
    assert.same({ "broken unpark" }, raised)
  end)

  it("closes in a coroutine, too", function()
    peer:cmd("call %s : await; answer started", START)
    execute()
    local result
    loop:spawn(function() result = client:close(5) end)
    assert.is_nil(result)
    loop:spawn(function()
      peer:wait_until(START .. ">=1")
      peer:cmd("release")
    end)
    loop:run(10)
    assert.is_true(result)
  end)
end)

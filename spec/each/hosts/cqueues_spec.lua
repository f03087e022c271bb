-- Waiting in cqueues controllers.

local condition = require "cqueues.condition"
local cqueues = require "cqueues"
local env = require "spec.support.environment"
local fault_peer = require "spec.support.fault_peer"
local growth = require "spec.support.growth"
local state = require "temporal.base.state"
local temporal = require "temporal"

local START = "StartWorkflowExecution"
local PUC_51 = _VERSION == "Lua 5.1" and not rawget(_G, "jit")

-- A controller's loop ends when nobody waits; if not, it is broken off.
local function loop(controller)
  assert(controller:loop(110))
  assert.is_true(controller:empty(), "the loop has not ended")
end

describe("the cqueues host", function()
  local client, peer, controller

  before_each(function()
    peer = fault_peer.start {
      "call StartWorkflowExecution : await; answer started",
      "call GetWorkflowExecutionHistory : answer completed 7",
    }
    client = temporal.client { target = peer.address, logger = function() end }
    controller = cqueues.new()
  end)

  after_each(function()
    client:close(0)
    peer:stop()
    growth.collect()
    assert.is_nil(next(state.waiters))
    assert.equal(0, temporal.poll())
  end)

  local function execute()
    return client:execute_workflow({ task_queue = "q" }, "Order")
  end

  -- Lets the peer answer once `count` starts have come.
  local function answer(count)
    peer:wait_until(START .. ">=" .. count)
    peer:release(count)
  end

  it("is found inside a controller, and only there", function()
    local seen, problem
    controller:wrap(function()
      seen, problem = execute():get(10)
    end)
    controller:wrap(function()
      cqueues.sleep(0.01)
      answer(1)
    end)
    loop(controller)
    assert.equal("nil", tostring(problem))
    assert.equal(7, seen)
    local run = execute()
    answer(1)
    assert.equal(7, run:get(10))
  end)

  it("can be demanded, and says cannot_wait outside of controllers", function()
    temporal.host.use "cqueues"
    finally(function() temporal.host.use(nil) end)
    local run = execute()
    local value, err = run:get()
    assert.same({ nil, "cannot_wait" }, { value, err.kind })
    assert.matches("no cqueues controller is running", err.message)
    answer(1)
    controller:wrap(function() value = run:get(10) end)
    loop(controller)
    assert.equal(7, value)
  end)

  it("keeps the other threads running while some wait", function()
    local ticks, value = 0, nil
    controller:wrap(function() value = execute():get(10) end)
    controller:wrap(function()
      while not value do
        ticks = ticks + 1
        if ticks == 10 then
          answer(1)
        end
        cqueues.sleep(0.002)
      end
    end)
    loop(controller)
    assert.equal(7, value)
    assert.is_true(ticks >= 10)
  end)

  it("ends waits at their timeouts", function()
    local kinds, run = {}, execute()
    for i = 1, 20 do
      controller:wrap(function()
        kinds[i] = select(2, run:get(0.01 * i)).kind
      end)
    end
    local began = cqueues.monotime()
    loop(controller)
    local took = cqueues.monotime() - began
    assert.equal(20, #kinds)
    assert.equal("timeout", kinds[20])
    assert.is_true(took >= 0.19 and took < 5, took)
    answer(1)
  end)

  it("ends waits that are cancelled", function()
    local abandoned, killed
    local run, other = execute(), execute()
    local task
    controller:wrap(function()
      task = temporal.spawn(function() other:get() end)
      abandoned = select(2, run:get())
    end)
    controller:wrap(function()
      cqueues.sleep(0.02)
      run:abandon()
      task:kill()
      killed = select(2, task:get())
    end)
    loop(controller)
    assert.same({ "call_canceled", "call_canceled" }, { abandoned.kind, killed.kind })
    answer(2)
  end)

  it("runs tasks as threads of the controller", function()
    local value, failed, order = nil, nil, {}
    controller:wrap(function()
      local tasks = {}
      for i = 1, 3 do
        tasks[i] = temporal.spawn(function(n)
          cqueues.sleep(0.01)
          order[#order + 1] = n
          return execute():get(10) * n
        end, i)
      end
      tasks[4] = temporal.spawn(function()
        cqueues.sleep(0.001)
        error("broken")
      end)
      assert.equal(4, temporal.poll())
      failed = select(2, tasks[4]:get())
      cqueues.sleep(0.1)
      answer(3)
      assert(temporal.wait_all(tasks, 10))
      value = tasks[1]:get() + tasks[2]:get() + tasks[3]:get()
    end)
    loop(controller)
    assert.equal(42, value)
    table.sort(order)
    assert.same({ 1, 2, 3 }, order)
    assert.equal("task_failed", failed.kind)
    assert.matches("broken", failed.message)
  end)

  it("lets tasks from outside go on inside, wherever they wait next", function()
    local late_run = execute()
    local task = temporal.spawn(function()
      local sum = execute():get() + execute():get()
      local inner = temporal.spawn(function() return execute():get() end)
      return sum + inner:get()
    end)
    local late = temporal.spawn(function()
      return select(2, late_run:get(0.01)).kind, select(2, late_run:get(0.02)).kind
    end)
    local value, kinds
    controller:wrap(function()
      kinds = { late:get(10) }
      value = task:get(10)
    end)
    controller:wrap(function()
      for i = 2, 4 do
        while not kinds or peer:stats()[START] < i do
          cqueues.sleep(0.001)
        end
        peer:cmd("release")
      end
    end)
    loop(controller)
    assert.same({ 21, { "timeout", "timeout" } }, { value, kinds })
  end)

  it("lets errors of the controller's own threads through, and goes on", function()
    local value
    controller:wrap(function() value = execute():get(10) end)
    controller:wrap(function()
      cqueues.sleep(0.01)
      error("a thread's own error")
    end)
    local ok, problem = controller:loop(10)
    assert.is_false(not not ok)
    assert.matches("a thread's own error", tostring(problem))
    answer(1)
    loop(controller)
    assert.equal(7, value)
  end)

  it("goes on when what it wakes raises", function()
    local value
    local broken = temporal.host.use
    controller:wrap(function()
      local run = execute()
      -- A waiter of another host, whose unpark raises.
      local other = coroutine.wrap(function()
        broken {
          park = function() coroutine.yield() end,
          unpark = function() error("a host's own error") end,
        }
        run:get()
      end)
      other()
      broken(nil)
      value = run:get(10)
    end)
    controller:wrap(function()
      cqueues.sleep(0.01)
      answer(1)
    end)
    local ok, problem = controller:loop(10)
    assert.is_false(not not ok)
    assert.matches("a host's own error", tostring(problem))
    loop(controller)
    assert.equal(7, value)
  end)

  it("serves several controllers, stepped in turn", function()
    local second = cqueues.new()
    local seen = {}
    for i, each in ipairs { controller, second, controller, second } do
      each:wrap(function() seen[i] = execute():get(10) end)
    end
    controller:step(0)
    second:step(0)
    answer(4)
    env.wait_until(30, function()
      assert(controller:step(0.01))
      assert(second:step(0.01))
      return controller:empty() and second:empty()
    end)
    assert.same({ 7, 7, 7, 7 }, seen)
  end)

  it("serves controllers inside of controllers", function()
    local inner, seen = cqueues.new(), {}
    controller:wrap(function()
      inner:wrap(function() seen[1] = execute():get(10) end)
      inner:wrap(function() seen[2] = execute():get(10) end)
      assert(inner:loop())
      seen[3] = true
    end)
    controller:wrap(function() seen[4] = execute():get(10) end)
    controller:wrap(function()
      cqueues.sleep(0.01)
      answer(3)
    end)
    loop(controller)
    assert.same({ 7, 7, true, 7 }, seen)
  end)

  it("lets one future wake threads of several controllers", function()
    local inner, seen = cqueues.new(), {}
    local run = execute()
    controller:wrap(function()
      inner:wrap(function() seen[1] = run:get(10) end)
      assert(inner:loop())
    end)
    controller:wrap(function() seen[2] = run:get(10) end)
    controller:wrap(function() seen[3] = select(2, temporal.wait({ run }, 10)) end)
    controller:wrap(function()
      cqueues.sleep(0.01)
      answer(1)
    end)
    loop(controller)
    assert.same({ 7, 7, 1 }, seen)
  end)

  it("goes through cqueues' own coroutines", function()
    local auxlib = require "cqueues.auxlib"
    local sum = 0
    controller:wrap(function()
      local each = auxlib.wrap(function()
        for _ = 1, 2 do
          coroutine.yield(execute():get(10))
        end
      end)
      local first = each()
      sum = first + each()
    end)
    controller:wrap(function()
      for i = 1, 2 do
        cqueues.sleep(0.05)
        answer(i)
      end
    end)
    loop(controller)
    assert.equal(14, sum)
  end)

  it("leaves nothing of a controller that goes away", function()
    local run = execute()
    controller:wrap(function() run:get() end)
    controller:step(0)
    assert.is_not_nil(next(state.waiters))
    controller = nil
    growth.collect()
    assert.is_nil(next(state.waiters))
    assert.is_nil(next(state.watching))
    answer(1)
    assert.equal(7, run:get(10))
  end)

  it("does not keep busy while it waits", function()
    local run = execute()
    local cpu
    controller:wrap(function()
      cpu = os.clock()
      run:get(1)
      cpu = os.clock() - cpu
    end)
    loop(controller)
    assert.is_true(cpu < 0.5, cpu) -- of the second
    answer(1)
  end)

  it("says where a wait cannot suspend on PUC 5.1, and resumes nobody elsewhere", function()
    if not PUC_51 then
      -- Everywhere else a wait may be inside a pcall.
      local ok, value
      controller:wrap(function() ok, value = pcall(function() return execute():get(10) end) end)
      controller:wrap(function()
        cqueues.sleep(0.02)
        answer(1)
      end)
      loop(controller)
      return assert.same({ true, 7 }, { ok, value })
    end
    local ok, problem
    local resumed, signal = nil, condition.new()
    controller:wrap(function()
      local run = execute()
      ok, problem = pcall(run.get, run)
      resumed = signal:wait(0.3)
    end)
    controller:wrap(function()
      cqueues.sleep(0.01)
      answer(1)
    end)
    loop(controller)
    assert.is_false(ok)
    assert.matches("attempt to yield across metamethod/C-call boundary", problem, 1, true)
    assert.is_false(not not resumed)
  end)

  it("goes on across a shutdown while somebody waits for a task", function()
    local value
    controller:wrap(function()
      local task = temporal.spawn(function()
        execute():get(0.02)
        temporal.shutdown(0)
        client = temporal.client { target = peer.address, logger = function() end }
        return execute():get(10)
      end)
      value = task:get()
    end)
    controller:wrap(function()
      cqueues.sleep(0.1)
      answer(2)
    end)
    local began = cqueues.monotime()
    loop(controller)
    assert.equal(7, value)
    assert.is_true(cqueues.monotime() - began < 5)
  end)

  it("holds ten thousand waits, and no more afterwards than before", function()
    local WAITS = 10000
    local function wait_for()
      local done = 0
      peer:reset("call GetWorkflowExecutionHistory : await; answer completed 7")
      for i = 1, WAITS do
        controller:wrap(function()
          local run = client:workflow("order-" .. i, "00000000-0000-4000-8000-000000000000")
          assert.is_not_nil((run:get(60)))
          done = done + 1
        end)
      end
      controller:wrap(function()
        cqueues.sleep(0.05)
        peer:reset("call GetWorkflowExecutionHistory : answer completed 7")
        peer:cmd("release")
      end)
      loop(controller)
      assert.equal(WAITS, done)
    end
    growth.ends(wait_for, 200)
  end)
end)

describe("cqueues and a real server", function()
  it("run hundreds of workflows at once", function()
    local client = temporal.client { target = env.address, namespace = env.namespace }
    local controller = cqueues.new()
    local sum, workflows = 0, env.count(200, 1000)
    for i = 1, workflows do
      controller:wrap(function()
        local run = client:execute_workflow({ task_queue = env.task_queue, timeout = 300 },
          "Echo", i)
        local value = temporal.assert(run:get(300))
        sum = sum + value
      end)
    end
    loop(controller)
    assert.equal(workflows * (workflows + 1) / 2, sum)
    assert(client:close())
  end)
end)

-- Tasks whose coroutine ends from outside.

local env = require "spec.support.environment"
local fault_peer = require "spec.support.fault_peer"
local growth = require "spec.support.growth"
local state = require "temporal.base.state"
local temporal = require "temporal"

describe("a task whose coroutine ends from outside", function()
  local client, peer

  before_each(function()
    peer = fault_peer.start { "call : hold" }
    client = temporal.client { target = peer.address, shutdown_timeout = 0,
      logger = function() end }
  end)

  after_each(function()
    temporal.host.use(nil)
    client:close(0)
    peer:stop()
    growth.collect()
    assert.equal(0, temporal.poll())
    assert.same({}, state.parked)
    assert.same({}, state.deadlines)
    assert.is_nil(next(state.waiters))
  end)

  local function fails(task)
    local value, err = task:get(100)
    assert.same({ nil, "task_failed" }, { value, err and err.kind })
    assert.matches("the task's coroutine was closed or dropped before it had ended", err.message,
      1, true)
    assert.equal("temporal.task (failed)", tostring(task))
    assert.is_true(task:ready())
    assert.equal(err, select(2, task:get()))
  end

  -- Nobody but the task's host holds its coroutine.
  local function waiting()
    return temporal.spawn(function() return client:submit("GetSystemInfo", {}):get() end)
  end

  -- As a game's loop ends: with nothing else that would make garbage.
  local function poll_to_the_end()
    env.wait_until(100, function() return temporal.poll(1 / 60) == 0 end, "no task to be counted")
  end

  -- In a coroutine: it may look dead to a collector that sees old slots of a stack.
  local function close_it()
    local thread
    local task = temporal.spawn(function()
      thread = coroutine.running()
      return client:submit("GetSystemInfo", {}):get()
    end)
    local close = rawget(coroutine, "close")
    assert.is_true(close(thread))
    return task
  end

  if rawget(coroutine, "close") then
    for _, name in ipairs { "plain", "loop" } do
      it("fails when it was closed, under the host " .. name, function()
        temporal.host.use(name)
        local task = close_it()
        poll_to_the_end()
        temporal.host.use "plain"
        fails(task)
      end)
    end

    it("wakes who waits for it, among others too", function()
      local task = close_it()
      local others = { temporal.spawn(function() return select(2, task:get()).kind end),
        temporal.spawn(function()
          local first = temporal.wait { client:submit("GetSystemInfo", {}), task }
          return first == task and "first"
        end) }
      assert.is_true(temporal.wait_all(others, 100))
      assert.same({ "task_failed", "first" }, { others[1]:get(), (others[2]:get()) })
      fails(task)
    end)
  end

  it("fails when it yielded to nobody and was dropped", function()
    local task = growth.apart(function()
      return temporal.spawn(function() coroutine.yield() end)
    end)
    poll_to_the_end()
    fails(task)
  end)

  it("fails when its controller was closed, begun or not", function()
    local cqueues = require "cqueues"
    local tasks = growth.apart(function()
      local controller, begun = cqueues.new(), nil
      controller:wrap(function()
        begun = waiting()
        begun:get()
      end)
      assert(controller:step(0.1))
      assert(controller:step(0.1))
      local fresh
      controller:wrap(function() fresh = waiting() end)
      assert(controller:step(0))
      controller:close()
      return { begun, fresh }
    end)
    fails(tasks[1])
    fails(tasks[2])
    poll_to_the_end()
  end)

  it("is no task that waits, or whose waiter was collected", function()
    local task = waiting()
    for _ = 1, 3 do
      growth.collect()
      assert.equal(1, temporal.poll(1))
    end
    assert.equal("temporal.task (running)", tostring(task))
    task:kill()
  end)
end)

-- Waiting in luv's loop.

local env = require "spec.support.environment"
local fault_peer = require "spec.support.fault_peer"
local growth = require "spec.support.growth"
local state = require "temporal.base.state"
local system = require "system"
local temporal = require "temporal"
local uv = require "luv"

local START = "StartWorkflowExecution"
local PUC_51 = _VERSION == "Lua 5.1" and not rawget(_G, "jit")

-- A coroutine of the program's own.
local function go(fn)
  local thread = coroutine.create(fn)
  local ok, problem = coroutine.resume(thread)
  assert(ok, problem)
  return thread
end

local function after(seconds, fn)
  local timer = uv.new_timer()
  timer:start(math.floor(seconds * 1000), 0, function()
    timer:close()
    fn()
  end)
end

-- The loop ends when nobody waits; a timer that alone keeps no loop breaks off
-- one that does not.
local function loop()
  local late = false
  local timer = uv.new_timer()
  timer:start(110000, 0, function()
    late = true
    uv.stop()
  end)
  timer:unref()
  uv.run()
  -- luv 1.44 crashes at exit when a handle was closed and the loop never ran again.
  timer:close()
  uv.run("nowait")
  assert.is_false(late, "the loop has not ended")
end

describe("the luv host", function()
  local client, peer

  before_each(function()
    peer = fault_peer.start {
      "call StartWorkflowExecution : await; answer started",
      "call GetWorkflowExecutionHistory : answer completed 7",
    }
    client = temporal.client { target = peer.address, logger = function() end }
    temporal.host.use "luv"
  end)

  after_each(function()
    temporal.host.use(nil)
    client:close(0)
    peer:stop()
    growth.collect()
    assert.same({}, state.parked)
    assert.is_nil(next(state.waiters))
    assert.equal(0, temporal.poll())
  end)

  local function execute()
    return client:execute_workflow({ task_queue = "q" }, "Order")
  end

  local function answer(count)
    peer:wait_until(START .. ">=" .. count)
    peer:release(count)
  end

  it("yields coroutines and tasks, and keeps the loop running", function()
    local seen, ticks = {}, 0
    go(function() seen[1] = execute():get(10) end)
    local task = temporal.spawn(function()
      seen[2] = execute():get()
      return "done"
    end)
    local beat = uv.new_timer()
    beat:start(1, 1, function()
      ticks = ticks + 1
      if ticks == 10 then
        answer(2)
      end
      if task:ready() then
        beat:close()
      end
    end)
    loop()
    assert.same({ 7, 7 }, seen)
    assert.equal("done", task:get(0))
    assert.is_true(ticks >= 10)
  end)

  it("runs the loop for a wait outside of any coroutine", function()
    local ticks, enough = 0, nil
    local beat = uv.new_timer()
    beat:start(1, 1, function()
      ticks = ticks + 1
      if ticks == enough then answer(1) end
    end)
    finally(function()
      beat:close()
      uv.run("nowait")
    end)
    local run = execute()
    local task = temporal.spawn(function() return run:get() end)
    assert.equal("timeout", select(2, run:get(0.02)).kind)
    enough = ticks + 4
    assert.equal(7, run:get(60))
    assert.equal(7, task:get(60))
    assert.is_true(ticks >= enough)
  end)

  it("ends such a wait in time when the timer goes off for others first", function()
    local run = execute()
    local first = temporal.spawn(function() return run:get(0.01) end)
    local second = temporal.spawn(function() return run:get(20) end)
    system.sleep(0.02)
    local began = env.now()
    assert.equal("timeout", select(2, run:get(0.01)).kind)
    assert.is_true(env.now() - began < 5)
    assert.equal("timeout", select(2, first:get(0)).kind)
    after(0.01, function() answer(1) end)
    assert.equal(7, second:get(10))
  end)

  it("says cannot_wait in a callback, where the loop is running", function()
    local err, value
    local run = execute()
    after(0.001, function()
      err = select(2, run:get())
      answer(1)
      go(function() value = run:get(10) end)
    end)
    loop()
    assert.equal("cannot_wait", err.kind)
    assert.matches("the luv loop is running: wait in a coroutine", err.message)
    assert.equal(7, value)
  end)

  it("ends waits at their timeouts, and the loop with them", function()
    local kinds, run = {}, execute()
    for _, i in ipairs { 3, 1, 2, 20, 7 } do
      go(function()
        kinds[#kinds + 1] = i
        kinds[i * 100] = select(2, run:get(0.01 * i)).kind
      end)
    end
    local began = uv.hrtime()
    loop()
    local took = (uv.hrtime() - began) / 1e9
    assert.equal("timeout", kinds[2000])
    assert.is_true(took >= 0.19 and took < 5, took)
    answer(1)
  end)

  it("keeps timeouts when tasks wait that began under another host", function()
    local run, kind = execute(), nil
    temporal.host.use "plain"
    local task = temporal.spawn(function() return select(2, run:get(0.02)).kind end)
    temporal.host.use "luv"
    go(function() kind = select(2, run:get(0.04)).kind end)
    loop()
    assert.same({ "timeout", "timeout" }, { kind, task:get(0) })
    answer(1)
  end)

  it("keeps the timeout of a wait that begins while others can go on", function()
    local run, other, kind = execute(), execute(), nil
    local inner = temporal.spawn(function() other:get() end)
    local outer
    go(function()
      inner:wait()
      outer:kill()
      kind = select(2, run:get(0.02)).kind
    end)
    outer = temporal.spawn(function() other:get() end)
    go(function() outer:wait() end)
    inner:kill()
    loop()
    assert.equal("timeout", kind)
    answer(2)
  end)

  it("does not keep the loop for a timeout that is no longer waited for", function()
    local value
    go(function() value = execute():get(3600) end)
    after(0.01, function() answer(1) end)
    loop()
    assert.equal(7, value)
  end)

  it("ends waits that are cancelled", function()
    local run, other, err = execute(), execute(), nil
    go(function() err = select(2, run:get()) end)
    local task = temporal.spawn(function() other:get() end)
    after(0.01, function()
      run:abandon()
      task:kill()
    end)
    loop()
    assert.equal("call_canceled", err.kind)
    assert.equal("call_canceled", select(2, task:get()).kind)
    answer(2)
  end)

  it("kills a task whole, whatever those raise who wait for it", function()
    local run, ended = execute(), nil
    local task = temporal.spawn(function()
      if PUC_51 then
        run:get()
      end
      ended = not pcall(run.get, run)
    end)
    go(function()
      task:wait()
      error({ "a waiter's own error" })
    end)
    local problem = select(2, pcall(task.kill, task))
    assert.same({ "a waiter's own error" }, problem)
    assert.is_true(ended or PUC_51)
    assert.is_nil(next(state.parked))
    answer(1)
  end)

  it("raises in the loop's callback what a coroutine raised", function()
    local program = env.spawn { env.lua, "-e", ([[
      local temporal = require "temporal"
      local uv = require "luv"
      temporal.host.use "luv"
      local client = temporal.client { target = %q }
      coroutine.wrap(function()
        client:workflow("x"):get(0.05)
        error("raised after the wait")
      end)()
      uv.run()
      print("not reached")
    ]]):format(peer.address) }
    local _, code = program:wait(60)
    assert.is_true(code ~= 0)
    assert.matches("raised after the wait", program:errors())
    assert.equal("", program:output())
  end)

  it("waits on when a program has closed every handle of the loop", function()
    peer:reset "call GetWorkflowExecutionHistory : await; answer completed 7"
    local program = env.spawn { env.lua, "-e", ([[
      local temporal = require "temporal"
      local uv = require "luv"
      temporal.host.use "luv"
      local client = temporal.client { target = %q }
      local function wait(name, seconds)
        temporal.spawn(function()
          local _, err = client:workflow("x"):get(seconds)
          print(name, err.kind)
        end)
      end
      local function close_all()
        uv.walk(function(handle)
          if not handle:is_closing() then handle:close() end
        end)
        uv.run("nowait")
      end
      wait("before", 0.01)
      uv.run()
      close_all()
      wait("after", 0.01)
      uv.run()
      wait("during", 0.1)
      local killed = temporal.spawn(function() client:workflow("x"):get() end)
      close_all()
      killed:kill()
      wait("with it", 0.2)
      uv.run()
      wait("at the end", 60)
      close_all()
    ]]):format(peer.address) }
    assert.same({ "exit", 0 }, { program:wait(60) }, program:errors())
    assert.equal("before\ttimeout\nafter\ttimeout\nduring\ttimeout\nwith it\ttimeout\n",
      program:output())
  end)

  it("keeps the errors of tasks", function()
    local task = temporal.spawn(function()
      execute():get(10)
      error("broken")
    end)
    after(0.01, function() answer(1) end)
    loop()
    assert.equal("task_failed", select(2, task:get()).kind)
  end)

  it("resumes nobody who waits for something else by now", function()
    local run = execute()
    local got, ok, problem
    local thread = go(function()
      if PUC_51 then
        ok, problem = pcall(run.get, run)
      end
      got = coroutine.yield()
    end)
    answer(1)
    local until_then = uv.new_timer()
    until_then:start(200, 0, function() until_then:close() end)
    loop()
    assert.equal("suspended", coroutine.status(thread))
    if PUC_51 then
      assert.is_false(ok)
      assert.matches("attempt to yield across metamethod/C-call boundary", problem, 1, true)
    end
    assert(coroutine.resume(thread, "mine"))
    assert.equal("mine", got)
    assert.equal(7, run:get(10))
  end)

  it("does not keep busy while it waits", function()
    local run, cpu = execute(), nil
    go(function()
      cpu = os.clock()
      run:get(1)
      cpu = os.clock() - cpu
    end)
    loop()
    assert.is_true(cpu < 0.5, cpu) -- of the second
    answer(1)
  end)

  it("survives a shutdown of the engine", function()
    for _ = 1, 3 do
      local err
      go(function() err = select(2, execute():get(0.05)) end)
      loop()
      assert.equal("timeout", err.kind)
      client:close(0)
      temporal.shutdown(0)
      client = temporal.client { target = peer.address }
    end
    local value
    go(function() value = execute():get(10) end)
    after(0.01, function() answer(4) end)
    loop()
    assert.equal(7, value)
  end)

  it("goes on across a shutdown while somebody waits for a task", function()
    local value
    local task = temporal.spawn(function()
      execute():get(0.02)
      temporal.shutdown(0)
      client = temporal.client { target = peer.address, logger = function() end }
      return execute():get()
    end)
    go(function() value = task:get() end)
    after(0.1, function() answer(2) end)
    loop()
    assert.equal(7, value)
  end)

  it("holds ten thousand waits, and no more afterwards than before", function()
    local WAITS = 10000
    local function wait_for()
      local done = 0
      peer:reset("call GetWorkflowExecutionHistory : await; answer completed 7")
      for i = 1, WAITS do
        go(function()
          local run = client:workflow("order-" .. i, "00000000-0000-4000-8000-000000000000")
          assert.is_not_nil((run:get(60)))
          done = done + 1
        end)
      end
      after(0.05, function()
        peer:reset("call GetWorkflowExecutionHistory : answer completed 7")
        peer:cmd("release")
      end)
      loop()
      assert.equal(WAITS, done)
    end
    growth.ends(wait_for, 200)
  end)

  -- A program of its own, in which nobody has required luv.
  local function fresh(text)
    peer:reset "call : answer none"
    local program = env.spawn { env.lua, "-e", ([[
      local temporal = require "temporal"
      local client = temporal.client { target = "%s", shutdown_timeout = 0 }
      local function call() return client:call("GetSystemInfo", {}, { timeout = 30 }) ~= nil end
    ]]):format(peer.address) .. text }
    assert.same({ "exit", 0 }, { program:wait(60) }, program:errors())
    return program:output()
  end

  it("waits in a coroutine that is the first to require luv", function()
    assert.equal("true\ttrue\tfalse\tcannot_wait\n", fresh [[
      local got = {}
      assert(coroutine.resume(coroutine.create(function()
        temporal.host.use "luv"
        got[1] = call()
        got[2] = call()
      end)))
      local uv = require "luv"
      uv.new_timer():start(1, 0, function()
        local _, err = client:call("GetSystemInfo")
        got[3], got[4] = _ ~= nil, err.kind
      end)
      uv.run()
      print(got[1], got[2], got[3], got[4])
      uv.walk(function(handle) if not handle:is_closing() then handle:close() end end)
      uv.run()
    ]])
  end)

  it("is found under luvit's name for it", function()
    assert.equal("true\n", fresh [[
      local uv = require "luv"
      package.loaded.luv, package.loaded.uv = nil, uv
      package.preload.luv = function() error "no luv here" end
      temporal.host.use "luv"
      local got
      coroutine.wrap(function() got = call() end)()
      uv.run()
      print(got)
      uv.walk(function(handle) if not handle:is_closing() then handle:close() end end)
      uv.run()
    ]])
  end)
end)

describe("luv and a real server", function()
  it("run hundreds of workflows at once", function()
    temporal.host.use "luv"
    finally(function() temporal.host.use(nil) end)
    local client = temporal.client { target = env.address, namespace = env.namespace }
    local sum, workflows = 0, env.count(200, 1000)
    for i = 1, workflows do
      go(function()
        local run = client:execute_workflow({ task_queue = env.task_queue, timeout = 300 },
          "Echo", i)
        local value = temporal.assert(run:get(300))
        sum = sum + value
      end)
    end
    loop()
    assert.equal(workflows * (workflows + 1) / 2, sum)
    assert(client:close())
  end)
end)

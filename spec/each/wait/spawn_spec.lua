-- temporal.spawn: tasks beside a plain script.

local env = require "spec.support.environment"
local fault_peer = require "spec.support.fault_peer"
local growth = require "spec.support.growth"
local temporal = require "temporal"

local START = "StartWorkflowExecution"

-- Of PUC 5.1 alone: no wait can suspend inside a pcall.
local PUC_51 = _VERSION == "Lua 5.1" and not rawget(_G, "jit")

describe("temporal.spawn", function()
  local client, peer, said

  before_each(function()
    said = {}
    peer = fault_peer.start {
      "call StartWorkflowExecution : await; answer started",
      "call GetWorkflowExecutionHistory : answer completed 7",
    }
    client = temporal.client { target = peer.address, shutdown_timeout = 0,
      logger = function(level, message) said[#said + 1] = level .. ": " .. message end }
  end)

  after_each(function()
    client:close(0)
    peer:stop()
    growth.collect()
    temporal.poll()
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

  it("runs a function at once and gives what it returns", function()
    local seen
    local task = temporal.spawn(function(...)
      seen = { n = select("#", ...), ... }
      return nil, 2, nil
    end, 1, nil)
    assert.same({ 1, nil, n = 2 }, seen)
    assert.is_true(task:ready())
    assert.same({ n = 3, nil, 2, nil }, { n = select("#", task:get()), task:get() })
    assert.is_true(task:wait(0))
    assert.equal("temporal.task (finished)", tostring(task))
  end)

  it("takes functions only", function()
    local ok, message = pcall(temporal.spawn, {})
    assert.is_false(ok)
    assert.matches("spawn_spec%.lua:%d+: temporal.spawn takes a function, got a table", message)
  end)

  it("has methods that are called with a colon, on a task", function()
    local task = temporal.spawn(function() end)
    local run = client:workflow("x")
    for _, name in ipairs { "get", "ready", "wait", "kill" } do
      for _, wrong in ipairs { run, {}, 1, false } do
        local ok, message = pcall(task[name], wrong)
        assert.is_false(ok, name)
        assert.matches("spawn_spec%.lua:%d+: this is a method of task objects: write "
          .. "task:method%(%.%.%.%), with a colon; got ", message)
      end
    end
  end)

  it("runs tasks while a plain wait waits", function()
    local order = {}
    local tasks = {}
    for i = 1, 3 do
      tasks[i] = temporal.spawn(function()
        order[#order + 1] = "begin " .. i
        local value = execute():get()
        order[#order + 1] = "end"
        return value * i
      end)
    end
    assert.same({ "begin 1", "begin 2", "begin 3" }, order)
    assert.is_false(tasks[1]:ready())
    assert.equal("temporal.task (running)", tostring(tasks[1]))
    assert.equal(3, temporal.poll())
    answer(3)
    assert.equal(14, tasks[2]:get(10))
    assert.equal(7, tasks[1]:get(10))
    assert.equal(21, tasks[3]:get(10))
    assert.equal(6, #order)
    assert.equal(0, temporal.poll())
  end)

  it("waits for tasks and futures together", function()
    local run = execute()
    local slow = temporal.spawn(function() return run:get() end)
    local quick = temporal.spawn(function() return "quick" end)
    local first, index = temporal.wait { slow, run, quick }
    assert.equal(quick, first)
    assert.equal(3, index)
    assert.equal("timeout", select(2, temporal.wait({ slow, run }, 0.02)).kind)
    answer(1)
    assert.is_true(temporal.wait_all({ slow, run, quick, slow }, 10))
    assert.equal(7, slow:get(0))
    local waited = temporal.spawn(function()
      local inner = temporal.spawn(function() return execute():get() end)
      return temporal.wait_all({ inner, inner }, 10) and inner:get()
    end)
    answer(2)
    assert.equal(7, waited:get(10))
  end)

  it("tells that a task goes on when a wait for it ran out", function()
    local task = temporal.spawn(function() return execute():get() end)
    local value, err = task:get(0.02)
    assert.same({ nil, "timeout" }, { value, err.kind })
    assert.matches("the task has not ended after 0.02 s; it goes on", tostring(err), 1, true)
    assert.is_false(task:wait(0))
    answer(1)
    assert.equal(7, task:get(10))
  end)

  it("keeps the timeouts of tasks, the shortest first", function()
    local order, tasks = {}, {}
    local run = execute()
    for i, seconds in ipairs { 0.08, 0.02, 0.05, 0.03, 0.06 } do
      tasks[i] = temporal.spawn(function()
        local _, err = run:get(seconds)
        order[#order + 1] = seconds
        return err.kind
      end)
    end
    local left = temporal.pollable().timeout()
    assert.is_true(left > 0 and left <= 0.02, left)
    assert.is_true(temporal.wait_all(tasks, 5))
    assert.same({ 0.02, 0.03, 0.05, 0.06, 0.08 }, order)
    assert.equal("timeout", tasks[3]:get())
    assert.is_nil(temporal.pollable().timeout())
    answer(1)
    assert.equal(7, run:get(10))
  end)

  it("gives what a task raised as an error, the same each time", function()
    local task = temporal.spawn(function() error("broken") end)
    local value, err = task:get()
    assert.same({ nil, "task_failed" }, { value, err.kind })
    assert.matches("the task raised: .*spawn_spec%.lua:%d+: broken", err.message)
    assert.matches("broken", err.raw)
    assert.equal(err, select(2, task:get()))
    assert.equal("temporal.task (failed)", tostring(task))
    local own = temporal.application_error("mine")
    err = select(2, temporal.spawn(function() error(own) end):get())
    assert.equal(own, err)
    err = select(2, temporal.spawn(function() error() end):get())
    assert.equal("task_failed", err.kind)
    growth.collect()
    temporal.poll()
    assert.same({}, said)
  end)

  -- A heap whose garbage outlives several cycles grows faster than these come.
  it("is collected in one cycle with what it came to", function()
    local seen = setmetatable({}, { __mode = "v" })
    growth.apart(function()
      seen.task = temporal.spawn(function()
        seen.value = {}
        return seen.value
      end)
    end)
    collectgarbage()
    assert.same({}, seen)
  end)

  it("gives an error that was raised after a wait", function()
    local task = temporal.spawn(function()
      execute():get()
      error({ code = 5 })
    end)
    answer(1)
    local err = select(2, task:get(10))
    assert.same({ "task_failed", 5 }, { err.kind, err.raw.code })
  end)

  it("logs an error nobody takes, once the task is gone", function()
    local kept = temporal.spawn(function() error("kept") end)
    temporal.spawn(function() error("lost") end)
    execute():abandon() -- a call: the client's logger is the one used last
    growth.collect()
    temporal.poll()
    assert.equal(1, #said)
    assert.matches("^error: a task failed and nobody took its error: .*lost", said[1])
    assert.is_nil((kept:get()))
    temporal.poll()
    assert.equal(1, #said)
    answer(1)
  end)

  it("logs them all to a logger that makes more of them", function()
    local logged, made = 0, 20
    local noisy = temporal.client { target = peer.address, logger = function()
      logged = logged + 1
      for _ = 1, made < 400 and 20 or 0 do
        made = made + 1
        temporal.spawn(function() error("another") end)
      end
    end }
    for _ = 1, 20 do temporal.spawn(function() error("lost") end) end
    noisy:execute_workflow({ task_queue = "q" }, "Order"):abandon()
    env.wait_until(30, function()
      growth.collect()
      temporal.poll()
      return logged == made
    end, "a report of each")
    assert.equal(400, made)
    execute():abandon() -- the client's logger is the one used last again
    answer(2)
    assert.is_true(noisy:close(10))
  end)

  it("says at the end of the program which errors nobody took", function()
    local program = env.spawn { env.lua, "-e", [[
      local temporal = require "temporal"
      task = temporal.spawn(function() error("never asked") end)
      taken = temporal.spawn(function() error("asked") end)
      taken:get()
    ]] }
    assert.same({ "exit", 0 }, { program:wait(60) })
    assert.matches(
      "^temporal: error: a task failed and nobody took its error: [^\n]*never asked[^\n]*\n$",
      program:errors())
  end)

  it("kills a task where it waits", function()
    local closed = 0
    local run = execute()
    local after
    local task = temporal.spawn(function()
      local ok, err
      if PUC_51 then
        run:get()
      else
        ok, err = pcall(run.get, run)
      end
      closed = closed + 1
      after = { ok, err.kind }
      -- Every later wait ends it, too.
      run:get()
      closed = closed + 1
    end)
    local waiter = temporal.spawn(function() return task:get() end)
    task:kill()
    assert.equal("temporal.task (killed)", tostring(task))
    local value, err = task:get()
    assert.same({ nil, "call_canceled", "the task was killed" }, { value, err.kind, err.message })
    assert.equal(err, select(2, waiter:get(1)))
    if not PUC_51 then
      assert.same({ 1, { false, "call_canceled" } }, { closed, after })
    end
    task:kill()
    assert.equal(0, temporal.poll())
    growth.collect()
    temporal.poll()
    assert.same({}, said)
    answer(1)
    assert.equal(7, run:get(10))
    local done = temporal.spawn(function() return 1 end)
    done:kill()
    assert.equal(1, done:get())
  end)

  it("lets a task kill itself at its next wait", function()
    local run = execute()
    local task
    local reached
    task = temporal.spawn(function()
      run:get(0.01)
      task:kill()
      reached = true
      run:get()
      reached = "too far"
    end)
    assert.equal("call_canceled", select(2, task:get(30)).kind)
    assert.is_true(reached)
    answer(1)
  end)

  it("resumes long chains of tasks without depth", function()
    local run = execute()
    local task = temporal.spawn(function() return run:get() end)
    for _ = 1, 1000 do
      local before = task
      task = temporal.spawn(function() return before:get() + 1 end)
    end
    answer(1)
    assert.equal(1007, task:get(10))
  end)

  it("runs others while a task polls, those that were woken with it too", function()
    local run, went_on = execute(), false
    local first = temporal.spawn(function()
      assert(run:started())
      local last = env.now() + 10
      while not went_on and env.now() < last do temporal.poll(0.05) end
      return went_on
    end)
    local second = temporal.spawn(function()
      assert(run:started())
      went_on = true
    end)
    answer(1)
    assert.is_true(first:get(20))
    assert.is_true(second:wait(20))
    assert.equal(7, run:get(20))
  end)

  it("waits plainly in a coroutine of the task's own, and others run meanwhile", function()
    local run, beside = execute(), execute()
    local other = temporal.spawn(function() return beside:get() end)
    answer(2)
    local task = temporal.spawn(function()
      local each = coroutine.wrap(function()
        coroutine.yield(run:get(10))
        coroutine.yield(other:get(10))
      end)
      return each() + each()
    end)
    assert.is_true(task:ready())
    assert.equal(14, task:get())
  end)
end)

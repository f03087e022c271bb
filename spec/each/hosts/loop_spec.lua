-- A program with a loop of its own: temporal.poll once a frame.

local core = require "temporal.core"
local env = require "spec.support.environment"
local fault_peer = require "spec.support.fault_peer"
local state = require "temporal.base.state"
local temporal = require "temporal"

local START = "StartWorkflowExecution"
local PUC_51 = _VERSION == "Lua 5.1" and not rawget(_G, "jit")

describe("the loop host", function()
  local client, peer

  local function new_client()
    return temporal.client { target = peer.address, shutdown_timeout = 0.5,
      logger = function() end }
  end

  before_each(function()
    peer = fault_peer.start {
      "call StartWorkflowExecution : await; answer started",
      "call GetWorkflowExecutionHistory : answer completed 7",
    }
    client = new_client()
    temporal.host.use "loop"
  end)

  after_each(function()
    temporal.host.use(nil)
    client:close(0)
    peer:stop()
    for _ = 1, 3 do
      collectgarbage()
    end
    assert.equal(0, temporal.poll())
    assert.same({}, state.parked)
    assert.same({}, state.deadlines)
    assert.is_nil(next(state.waiters))
  end)

  local function execute()
    return client:execute_workflow({ task_queue = "q" }, "Order")
  end

  local function answer(count)
    peer:wait_until(START .. ">=" .. count)
    peer:release(count)
  end

  -- Frames until a condition holds.
  local function frames(condition)
    env.wait_until(30, function()
      temporal.poll()
      return condition()
    end, "the condition, frame by frame")
  end

  it("suspends tasks and goes on in temporal.poll", function()
    local seen = {}
    local tasks = {}
    for i = 1, 3 do
      tasks[i] = temporal.spawn(function()
        seen[i] = execute():get()
      end)
    end
    assert.equal(3, temporal.poll())
    answer(3)
    frames(function() return tasks[1]:ready() and tasks[2]:ready() and tasks[3]:ready() end)
    assert.same({ 7, 7, 7 }, seen)
    assert.is_true(tasks[1]:wait(0))
  end)

  it("never blocks: outside of a task a wait says cannot_wait", function()
    local run = execute()
    local value, err = run:get()
    assert.same({ nil, "cannot_wait" }, { value, err.kind })
    assert.matches("only a task may wait", err.message)
    local task = temporal.spawn(function() return run:get() end)
    value, err = task:get()
    assert.same({ nil, "cannot_wait" }, { value, err.kind })
    -- A coroutine that is none of ours would be resumed by whoever made it.
    local nested
    temporal.spawn(function()
      nested = coroutine.wrap(function() return select(2, run:get()) end)()
    end)
    assert.equal("cannot_wait", nested.kind)
    assert.equal("timeout", select(2, run:get(0)).kind)
    answer(1)
    frames(function() return task:ready() end)
    assert.equal(7, task:get())
    assert.equal(7, run:get())
  end)

  it("resumes only what is ready", function()
    local resumed = 0
    peer:reset("call StartWorkflowExecution : await; answer started",
      "call GetWorkflowExecutionHistory : hold")
    local parked, ready = {}, execute()
    local tasks = {}
    for i = 1, 200 do
      parked[i] = client:workflow("never-" .. i)
    end
    for i = 1, 200 do
      tasks[i] = temporal.spawn(function()
        parked[i]:get()
        resumed = resumed + 1
      end)
    end
    local started
    temporal.spawn(function() started = ready:started() end)
    answer(1)
    frames(function() return started end)
    assert.equal(0, resumed)
    assert.equal(200, temporal.poll())
    for i = 1, 200 do
      tasks[i]:kill()
    end
    assert.equal(0, temporal.poll())
    assert.equal(0, resumed)
  end)

  it("ends the waits of tasks at their timeouts, and says when that is", function()
    local run = execute()
    local task = temporal.spawn(function() return select(2, run:get(0.3)).kind end)
    local pollable = temporal.pollable()
    local left = pollable:timeout()
    assert.is_true(left > 0 and left <= 0.3, left)
    -- A loop that sleeps on the descriptor, for as long as it is told.
    assert.equal(0, temporal.poll(5))
    assert.equal("timeout", task:get())
    assert.is_nil(pollable:timeout())
    answer(1)
  end)

  it("says that somebody can go on at once, whoever else waits", function()
    local run, other, left = execute(), execute(), nil
    temporal.spawn(function() other:get(3600) end)
    local inner = temporal.spawn(function() other:get() end)
    local outer = temporal.spawn(function() inner:wait() end)
    local task = temporal.spawn(function()
      run:started()
      inner:kill()
      left = temporal.pollable():timeout()
    end)
    answer(2)
    frames(function() return task:ready() and outer:ready() and temporal.poll() == 0 end)
    assert.equal(0, left)
  end)

  it("polls no longer than until something happens", function()
    local task = temporal.spawn(function() return execute():get() end)
    local began = core.now()
    assert.equal(1, temporal.poll(0.05))
    local took = core.now() - began
    assert.is_true(took >= 0.05 and took < 5, took)
    answer(1)
    while not task:ready() do
      temporal.poll(10)
    end
    assert.is_true(core.now() - began < 5)
    assert.equal(7, task:get())
  end)

  it("lets tasks wait for tasks", function()
    local inner = temporal.spawn(function() return execute():get() end)
    local outer = temporal.spawn(function()
      return temporal.wait_all { inner, execute() } and inner:get() + 1
    end)
    answer(2)
    frames(function() return outer:ready() end)
    assert.equal(8, outer:get())
  end)

  it("resumes nobody who waits for something else by now", function()
    local run = execute()
    local ok, problem, got, thread
    temporal.spawn(function()
      thread = coroutine.running()
      if PUC_51 then
        ok, problem = pcall(run.get, run)
      end
      got = coroutine.yield()
    end)
    answer(1)
    local done = temporal.spawn(function() return run:get() end)
    frames(function() return done:ready() end)
    assert.equal("suspended", coroutine.status(thread))
    if PUC_51 then
      assert.is_false(ok)
      assert.matches("attempt to yield across metamethod/C-call boundary", problem, 1, true)
    end
    assert(coroutine.resume(thread, "mine"))
    assert.equal("mine", got)
  end)

  it("waits on when the program resumes a coroutine that waits", function()
    local run, other, kind, thread = execute(), execute(), nil, nil
    local task = temporal.spawn(function()
      thread = coroutine.running()
      kind = select(2, run:get(0.1)).kind
      return other:get(3600)
    end)
    for _ = 1, 3 do
      assert(coroutine.resume(thread))
    end
    assert.equal(1, #state.deadlines)
    frames(function() return kind end)
    assert.equal("timeout", kind)
    answer(2)
    frames(function() return task:ready() end)
    assert.equal(7, task:get())
  end)

  it("lets tasks connect again when a shutdown has ended what they waited for", function()
    local others, kinds = {}, {}
    local function again(i, run)
      kinds[i] = select(2, run:get()).kind
      others[i] = new_client()
      return others[i]:workflow("again"):get()
    end
    local tasks = {}
    for i = 1, 2 do
      tasks[i] = temporal.spawn(again, i, execute())
    end
    temporal.shutdown(0)
    assert.same({ "closed", "closed" }, kinds)
    frames(function() return tasks[1]:ready() and tasks[2]:ready() end)
    assert.same({ 7, 7 }, { tasks[1]:get(), tasks[2]:get() })
    others[1]:close(0)
    others[2]:close(0)
  end)

  it("ends clients that are made while a shutdown waits", function()
    temporal.host.use "plain"
    local late = new_client()
    local other, kind
    local task = temporal.spawn(function()
      client:workflow("x"):get()
      other = new_client()
      kind = select(2, other:execute_workflow({ task_queue = "q" }, "Order"):get()).kind
    end)
    late:execute_workflow({ task_queue = "q" }, "Order")
    execute()
    assert.equal("unacknowledged", select(2, temporal.shutdown(0.3)).kind)
    assert.is_true(task:wait(30))
    assert.same({ "closed", true }, { kind, other:close() })
  end)

  it("makes no garbage in a frame with nothing to do", function()
    local run = execute()
    local task = temporal.spawn(function() return run:get() end)
    temporal.poll()
    collectgarbage()
    collectgarbage "stop"
    local before = collectgarbage "count"
    for _ = 1, 100000 do temporal.poll() end
    local more = collectgarbage "count" - before
    collectgarbage "restart"
    -- LuaJIT keeps what it compiles; a table each time would be 4 MB.
    assert.is_true(more < 200, more .. " KB")
    answer(1)
    frames(function() return task:ready() end)
  end)

  it("makes no system call in a frame with nothing to do", function()
    peer:reset("call GetWorkflowExecutionHistory : hold")
    local traced = env.spawn { "strace", "-f", "-o", env.tmp .. "/frames.strace", env.lua, "-e", ([[
      local temporal = require "temporal"
      temporal.host.use "loop"
      local client = temporal.client { target = %q }
      local task = temporal.spawn(function() client:workflow("never"):get(3600) end)
      local core = require "temporal.core"
      local until_then = core.now() + 0.5
      while core.now() < until_then do core.park(0.05) end
      for _ = 1, 100000 do temporal.poll() end
      io.stdout:write("begin\n") io.stdout:flush()
      for _ = 1, 100000 do temporal.poll() end
      io.stdout:write("end\n") io.stdout:flush()
      os.exit(0)
    ]]):format(peer.address),
      -- A sanitizer cannot look for leaks in a traced process.
      env = { ASAN_OPTIONS = (os.getenv "ASAN_OPTIONS" or "") .. ":detect_leaks=0" } }
    assert.same({ "exit", 0 }, { traced:wait(60) })
    local inside, calls, thread = false, {}, nil
    for line in io.lines(env.tmp .. "/frames.strace") do
      local pid, rest = line:match("^(%d+)%s+(.*)$")
      if rest:find('write(1, "begin\\n"', 1, true) then
        inside, thread = true, pid
      elseif rest:find('write(1, "end\\n"', 1, true) then
        inside = false
      elseif inside and pid == thread and not rest:match("^<%.%.%. write resumed") then
        calls[#calls + 1] = rest
      end
    end
    assert.is_not_nil(thread)
    -- Lua itself may ask for memory, and LuaJIT compiles.
    for i = #calls, 1, -1 do
      local name = calls[i]:match("^%w+")
      if name == "brk" or name == "mmap" or name == "munmap" or name == "mprotect" then
        table.remove(calls, i)
      end
    end
    assert.same({}, calls)
  end)
end)

-- Hosts: how a wait waits. The peer keeps every start waiting until it is told
-- to answer.

local env = require "spec.support.environment"
local fault_peer = require "spec.support.fault_peer"
local new_loop = require("spec.support.loop").new
local state = require "temporal.base.state"
local temporal = require "temporal"

local START = "StartWorkflowExecution"

-- Of PUC 5.1 alone: no wait can suspend inside a pcall.
local PUC_51 = _VERSION == "Lua 5.1" and not rawget(_G, "jit")

local function raised(fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok, "expected an error")
  assert.matches("host_spec%.lua:%d+: ", message)
  return message
end

describe("temporal.host", function()
  local client, peer

  before_each(function()
    peer = fault_peer.start {
      "call StartWorkflowExecution : await; answer started",
      "call GetWorkflowExecutionHistory : answer completed 7",
    }
    client = temporal.client { target = peer.address, logger = function() end }
  end)

  after_each(function()
    temporal.host.use(nil)
    client:close(0)
    peer:stop()
  end)

  local function execute(argument)
    return client:execute_workflow({ task_queue = "q" }, "Order", argument)
  end

  local function answer(count)
    peer:wait_until(START .. ">=" .. count)
    peer:release(count)
  end

  it("knows the plain host, and raises on others", function()
    temporal.host.use "plain"
    local message = raised(temporal.host.use, "plian")
    assert.matches('unknown host "plian"; known are: plain, nginx, cqueues, luv, loop; '
      .. 'did you mean "plain"?', message, 1, true)
    assert.matches('the host "nginx" is not to be had here: ', raised(temporal.host.use, "nginx"),
      1, true)
    assert.matches("takes a name or a table, got nothing", raised(temporal.host.use), 1, true)
  end)

  it("checks a host of one's own", function()
    local function nothing() end
    assert.matches('"park" is missing', raised(temporal.host.use, { unpark = nothing }), 1, true)
    assert.matches('"unpark" is missing', raised(temporal.host.use, { park = nothing }), 1, true)
    -- It is a table of functions, not an object: nothing is inherited.
    local class = { park = nothing, unpark = nothing }
    assert.matches('"park" is missing', raised(temporal.host.use,
      setmetatable({}, { __index = class })), 1, true)
    assert.matches("watch and unwatch come together", raised(temporal.host.use,
      { park = nothing, unpark = nothing, watch = nothing }), 1, true)
    assert.matches('unknown option of temporal.host.use "prak"; did you mean "park"?',
      raised(temporal.host.use, { prak = nothing, unpark = nothing }), 1, true)
    assert.matches('"can_wait" must be a function', raised(temporal.host.use,
      { park = nothing, unpark = nothing, can_wait = true }), 1, true)
  end)

  it("waits in slices in a plain script", function()
    local run = execute()
    assert.equal("timeout", select(2, run:get(0.25)).kind)
    answer(1)
    assert.equal(7, run:get(10))
  end)

  describe("a wait in a coroutine of the program's", function()
    local said, wary

    before_each(function()
      said, state.stop_said = {}, false
      wary = temporal.client { target = peer.address, logger = function(level, message)
        said[#said + 1] = level .. ": " .. message
      end }
    end)

    after_each(function()
      wary:close(0)
      state.stop_said = false
    end)

    local function wait_in_coroutine(timeout)
      local kind
      coroutine.wrap(function()
        local run = wary:execute_workflow({ task_queue = "q" }, "Order")
        kind = select(2, run:get(timeout)).kind
        run:abandon()
      end)()
      assert.equal("timeout", kind)
    end

    it("warns, once, that it has stopped the program", function()
      wait_in_coroutine(0.25)
      wait_in_coroutine(0.25)
      assert.equal(1, #said)
      assert.matches("^warn: a wait in a coroutine has stopped the whole program for 0%.%d s, "
        .. "as a plain script waits: no known scheduler runs that coroutine%. If one does, say so: "
        .. "temporal%.host%.use", said[1])
      assert.matches('temporal.host.use "plain" says that it is as it should be', said[1], 1, true)
    end)

    it("names the host of a loop that is loaded", function()
      local other = package.loaded.uv
      finally(function() package.loaded.uv = other end)
      package.loaded.uv = other or {}
      wait_in_coroutine(0.25)
      assert.matches('say so: temporal.host.use "luv". ', said[1], 1, true)
    end)

    it("says nothing in a task, in the main program, and when that was chosen", function()
      local kind
      local task = temporal.spawn(function()
        kind = select(2, wary:execute_workflow({ task_queue = "q" }, "Order"):get(0.25)).kind
      end)
      task:get(30)
      assert.equal("timeout", kind)
      temporal.host.use "plain"
      wait_in_coroutine(0.25)
      temporal.host.use(nil)
      assert.same({}, said)
    end)
  end)

  it("parks without a limit when nobody wants to know of long waits", function()
    local loop = new_loop()
    local first = client
    client = temporal.client { target = peer.address, diagnose_after = false }
    local run = execute()
    loop:spawn(function() run:get() end)
    assert.equal(1, loop.parks)
    assert.is_nil(loop.seconds)
    answer(1)
    loop:run(10)
    assert(client:close())
    client = first
  end)

  it("parks each waiter and unparks it from temporal.poll", function()
    local loop = new_loop()
    local results = {}
    for i = 1, 3 do
      local run = execute(i)
      loop:spawn(function()
        results[i] = run:get()
      end)
    end
    assert.equal(3, loop.parks)
    -- Until it is looked into why nothing happens.
    assert.is_true(loop.seconds > 0 and loop.seconds <= 10)
    answer(3)
    loop:run(10)
    assert.same({ 7, 7, 7 }, results)
    assert.is_true(loop.unparks >= 3)
  end)

  it("runs tasks under a host of one's own", function()
    local loop = new_loop()
    local inner = temporal.spawn(function() return execute():get() end)
    local outer = temporal.spawn(function() return inner:get() * 2, inner:wait(0.05) end)
    -- On PUC 5.1 what a task raises is raised in this host's resume.
    local killed = temporal.spawn(function() return execute():get() end)
    assert.equal(3, temporal.poll())
    if not PUC_51 then
      killed:kill()
    end
    answer(2)
    local late = temporal.spawn(function() return select(2, execute():get(0.02)).kind end)
    loop:run(10)
    assert.same({ 14, true }, { outer:get() })
    assert.equal("timeout", late:get())
    local value, err = killed:get()
    assert.same({ PUC_51 and 7 or nil, not PUC_51 and "call_canceled" or nil },
      { value, err and err.kind })
    assert.equal(0, temporal.poll())
    peer:cmd("release")
  end)

  it("tells the host how long to park, and survives early returns", function()
    local loop = new_loop()
    local run = execute()
    local err
    loop:spawn(function()
      err = select(2, run:get(0.05))
    end)
    assert.is_true(loop.seconds > 0 and loop.seconds <= 0.05)
    -- Woken again and again for no reason.
    while next(loop.parked) do
      loop:resume(next(loop.parked))
    end
    assert.is_true(loop.parks > 1)
    assert.equal("timeout", err.kind)
    answer(1)
  end)

  it("forgets waiters that are gone", function()
    local watched = false
    local loop = new_loop {
      watch = function() watched = true end,
      unwatch = function() watched = false end,
    }
    local run, other = execute(), execute()
    loop:spawn(function() run:get() end)
    loop:spawn(function() temporal.wait { run, other } end)
    assert.is_true(watched)
    assert.is_not_nil(next(state.waiters))
    -- Both are dropped without a word.
    loop.parked = {}
    for _ = 1, 3 do
      collectgarbage()
    end
    assert.is_nil(next(state.waiters))
    answer(2)
    env.wait_until(30, function()
      temporal.poll(0.01)
      return not watched
    end)
    assert.equal(0, loop.unparks)
    temporal.host.use(nil)
    assert.equal(7, run:get(10))
  end)

  it("forgets a wait that its host ended with an error", function()
    local watched, parks = 0, 0
    new_loop {
      park = function()
        parks = parks + 1
        error({ "no more" })
      end,
      watch = function() watched = watched + 1 end,
      unwatch = function() watched = watched - 1 end,
    }
    local run = execute()
    for round = 1, 3 do
      local ok, problem = pcall(run.get, run)
      assert.same({ false, { "no more" } }, { ok, problem })
      assert.equal(round, parks)
    end
    for _ = 1, 3 do
      collectgarbage()
    end
    assert.is_nil(next(state.waiters))
    answer(1)
    temporal.host.use(nil)
    assert.equal(7, run:get(10))
    -- On PUC 5.1 the watch ends when the collector has seen the wait go.
    env.wait_until(30, function()
      temporal.poll(0.01)
      return watched == 0
    end)
  end)

  it("says cannot_wait where waiting is not possible, and submits nothing", function()
    new_loop { can_wait = function() return false, "no waiting in here" end }
    local run, err = client:start_workflow({ task_queue = "q" }, "Order")
    assert.is_nil(run)
    assert.equal("cannot_wait", err.kind)
    assert.matches("no waiting in here", err.message)
    local value
    value, err = client:call("GetSystemInfo")
    assert.same({ nil, "cannot_wait" }, { value, err.kind })
    value, err = client:connect()
    assert.same({ nil, "cannot_wait" }, { value, err.kind })
    -- Submitting works; looking, too.
    run = execute()
    value, err = run:get()
    assert.same({ nil, "cannot_wait", run.id }, { value, err.kind, err.workflow_id })
    value, err = run:wait()
    assert.same({ nil, "cannot_wait" }, { value, err.kind })
    value, err = temporal.wait_all({ run })
    assert.same({ nil, "cannot_wait" }, { value, err.kind })
    value, err = run:get(0)
    assert.same({ nil, "timeout" }, { value, err.kind })
    answer(1)
    temporal.host.use(nil)
    assert.equal(7, run:get(10))
    assert.same({ 1, 0 }, { peer:stats()[START], peer:stats().GetSystemInfo })
    -- What is there needs no waiting.
    new_loop { can_wait = function() return false end }
    assert.equal(7, run:get())
  end)

  it("watches the descriptor exactly while somebody waits", function()
    local watched, poll = 0, nil
    local loop = new_loop {
      watch = function(fd, fn)
        assert.equal(temporal.pollable().pollfd(), fd)
        watched, poll = watched + 1, fn
      end,
      unwatch = function()
        watched = watched - 1
      end,
    }
    local done = 0
    for _ = 1, 2 do
      local run = execute()
      loop:spawn(function()
        run:get()
        done = done + 1
      end)
    end
    assert.equal(1, watched)
    answer(2)
    loop:run(10, function() poll() end)
    assert.same({ 2, 0 }, { done, watched })
  end)

  it("has one descriptor for the whole Lua state, across a shutdown", function()
    local watched = {}
    local loop = new_loop {
      watch = function(fd) watched[fd] = true end,
      unwatch = function(fd) watched[fd] = nil end,
    }
    local fd = temporal.pollable():pollfd()
    local run, kind = execute(), nil
    loop:spawn(function() kind = select(2, run:get()).kind end)
    assert.same({ [fd] = true }, watched)
    temporal.shutdown(0)
    loop:run(10)
    assert.equal("closed", kind)
    assert.same({}, watched)
    assert.equal(fd, temporal.pollable():pollfd())
  end)

  it("keeps watching when watch polls at once, and begins again when it has raised", function()
    local watched, broken
    local loop = new_loop {
      watch = function(_, poll)
        if broken then
          error({ "no watching" })
        end
        watched = poll
        poll()
      end,
      unwatch = function() watched = nil end,
    }
    local run, late, kind, value = execute(), execute(), nil, nil
    -- Told of later on, when nobody waits for it any more.
    loop:spawn(function() kind = select(2, temporal.wait({ late }, 0.01)).kind end)
    env.wait_until(30, function()
      loop:resume(next(loop.parked))
      return kind
    end)
    assert.is_nil(watched)
    late:abandon()
    broken = true
    local problem
    loop:spawn(function() problem = select(2, pcall(run.get, run)) end)
    assert.same({ "no watching" }, problem)
    broken = false
    loop:spawn(function() value = run:get() end)
    assert.is_function(watched)
    answer(2)
    loop:run(10, function() watched() end)
    assert.equal(7, value)
    assert.is_nil(watched)
  end)

  it("takes a stand-in for the global ngx, as tests have it, for none of nginx", function()
    rawset(_G, "ngx", {
      timer = { at = function() return true end }, now = os.time, sleep = function() end,
      worker = { pid = function() return 1 end, exiting = function() return false end },
      get_phase = function() return "content" end, config = { subsystem = "http" },
    })
    finally(function() rawset(_G, "ngx", nil) end)
    local run = execute()
    answer(1)
    assert.equal(7, run:get(30))
    assert.matches('the host "nginx" is not to be had here: this is no nginx',
      raised(temporal.host.use, "nginx"), 1, true)
  end)

  it("has a pollable, readable while completions are undrained", function()
    local pollable = temporal.pollable()
    assert.is_true(pollable:pollfd() >= 0)
    assert.equal("r", pollable:events())
    assert.is_nil(pollable:timeout())
  end)

  it("polls, waiting no longer than it is told", function()
    local before = os.time()
    assert.equal(0, temporal.poll())
    assert.equal(0, temporal.poll(0.01))
    assert.equal(0, temporal.poll { timeout = "10ms" })
    assert.is_true(os.time() - before <= 2)
    assert.matches("the timeout of temporal.poll must not be negative",
      raised(temporal.poll, -1), 1, true)
  end)
end)

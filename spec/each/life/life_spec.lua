--- How a process, a Lua state and its objects end, fork, and are interrupted. Most of it happens in
-- programs of their own: spec/support/life/*.lua, run by lua itself or by the host program host.c.

local env = require "spec.support.environment"
local fault_peer = require "spec.support.fault_peer"
local growth = require "spec.support.growth"
local life = require "spec.support.life"
local temporal = require "temporal"

local START = "StartWorkflowExecution"
local RESULT = "call GetWorkflowExecutionHistory : answer completed 7"
local SOON = 4 -- s: what takes 0.1 s on a machine that does nothing else, and else 5 s or more

local HUNG, sanitizer, finishes = life.HUNG, life.sanitizer, life.finishes
local without_patience = life.without_patience
local extra_thread = sanitizer == "tsan" and 1 or 0 -- its own

-- LIFE_TIMES=1: tells how long things took.
local function took(what, seconds)
  if os.getenv "LIFE_TIMES" then print(("%-45s %.3f s"):format(what, seconds)) end
end

local function lines(text)
  return select(2, text:gsub("\n", "\n"))
end

describe("life:", function()
  local answering -- a fault peer
  local silent -- another, which answers no start

  setup(function()
    life.compile "host"
  end)

  before_each(function()
    answering = fault_peer.start()
    silent = fault_peer.start { "call " .. START .. " : hold", "call GetSystemInfo : hold" }
  end)

  after_each(function()
    answering:stop()
    silent:stop()
  end)

  local function run_lua(script, ...)
    return env.spawn(life.lua(script, ...))
  end

  local function run_host(how, ...)
    return env.spawn(life.in_host(how, ...))
  end

  describe("the end of a process", function()
    local COUNT = 5
    local seen

    setup(function()
      seen = temporal.client { target = env.address, namespace = env.namespace }
    end)

    teardown(function()
      seen:close()
    end)

    -- The starts of so many programs.
    local function arrived(prefix, rounds)
      local calls = {}
      for round = 1, rounds do
        for i = 1, COUNT do
          calls[#calls + 1] = seen:submit("DescribeWorkflowExecution",
            { execution = { workflow_id = ("%s%d-%d"):format(prefix, round, i) } })
        end
      end
      temporal.assert(temporal.wait_all(calls, HUNG))
      for _, call in ipairs(calls) do temporal.assert(call:get()) end
    end

    local ENDS = {
      { "main", 0 }, { "error", 1 }, { "os.exit", 7 }, { "os.exit, closing", 7 },
      { "os.exit in a coroutine", 7 }, { "os.exit in a coroutine, closing", 7 },
      { "os.exit under parked coroutines", 7 }, { "os.exit under parked coroutines, closing", 7 },
      { "os.exit in a waiting get", 7 }, { "os.exit in a waiting get, closing", 7 },
    }
    for _, ending in ipairs(ENDS) do
      it("sends what was submitted: " .. ending[1], function()
        local prefix = "life-" .. env.uuid() .. "-"
        local errors = life.repeated(ending[2], 4,
          life.lua("ends", env.address, env.namespace, prefix .. "{}-", COUNT, ending[1]))
        if ending[1] == "error" then
          assert.matches("at top level", errors)
        else
          assert.equal("", without_patience(errors))
        end
        arrived(prefix, life.ROUNDS)
      end)
    end

    it("sends what was submitted: exit of a host that never closes its states", function()
      local prefix = "life-" .. env.uuid() .. "-"
      assert.equal("", without_patience(life.repeated(0, 4,
        life.in_host("keep ends", env.address, env.namespace, prefix .. "{}-", COUNT, "main"))))
      arrived(prefix, life.ROUNDS)
    end)

    for _, ending in ipairs { { "main", 0 }, { "os.exit", 7 }, { "os.exit, closing", 7 } } do
      it("waits for an answer for shutdown_timeout, and says so: " .. ending[1], function()
        local process = run_lua("unanswered", silent.address, 2.5, ending[1])
        -- By its own clock: we may be late.
        local began = tonumber(process:readline(HUNG):match "^submitted\t(%S+)$")
        env.wait_until(HUNG, function() return #process:errors() > 0 end, "a word")
        local said = env.now() - began
        local errors = finishes(ending[2], process)
        local waited = env.now() - began
        took("exit says after", said)
        took("exit without an answer", waited)
        assert.is_true(said > 0.9 and said < 2.5, said)
        assert.is_true(waited > 2.4 and waited < 2.5 + SOON, waited)
        local first, second = errors:match "^([^\n]+)\n([^\n]+)\n$"
        assert.matches("^temporal: waiting up to [01]%.%d s for 1 ", first)
        assert.matches('^temporal: .*"life%-1" failed and nobody took the error', second)
      end)
    end

    it("does not wait where shutdown_timeout is 0, and says what is lost", function()
      local process = run_lua("unanswered", silent.address, 0, "main")
      assert.matches("^submitted\t", process:readline(HUNG))
      local began = env.now()
      local errors = finishes(0, process)
      took("exit with shutdown_timeout=0", env.now() - began)
      assert.is_true(env.now() - began < SOON)
      assert.equal(1, lines(errors))
      assert.matches('"life%-1" failed', errors)
    end)

    -- lua's own handler takes the first Ctrl-C of a running program, and none afterwards.
    it("is forced by the second Ctrl-C: the first ended a get", function()
      local process = run_lua("unanswered", silent.address, 60, "get")
      assert.matches("^submitted\t", process:readline(HUNG))
      process:kill "INT"
      env.wait_until(HUNG, function() return process:errors():find "waiting up to" end, "the wait")
      assert.matches("interrupted!", process:errors())
      process:kill "INT"
      assert.same({ "signal", 2 }, { process:wait(SOON) })
    end)

    it("is forced by the second Ctrl-C: the first came during os.exit", function()
      local process = run_lua("unanswered", silent.address, 60, "os.exit")
      env.wait_until(HUNG, function() return process:errors():find "waiting up to" end, "the wait")
      local function catches_interrupts()
        for line in io.lines("/proc/" .. process.pid .. "/status") do
          local last = line:match "^SigCgt:%s*%x+(%x)$"
          if last then return tonumber(last, 16) % 4 >= 2 end
        end
      end
      assert.is_true(catches_interrupts())
      process:kill "INT"
      env.wait_until(HUNG, function() return not catches_interrupts() end, "the first signal")
      assert.is_nil((process:wait(0)))
      process:kill "INT"
      assert.same({ "signal", 2 }, { process:wait(SOON) })
    end)

    for _, ending in ipairs { "main", "os.exit", "os.exit, closing", "collected" } do
      it("tells a failure that was there before it: " .. ending, function()
        answering:cmd('call %s : only grpc-status=3 "grpc-message=no good"', START)
        local process = run_lua("unanswered", answering.address, 20, "failed", ending)
        local errors = finishes(ending:match "^os" and 7 or 0, process)
        assert.equal(1, lines(errors))
        assert.matches('"life%-1" failed and nobody took the error: .*no good', errors)
      end)
    end

    it("is not held up by threads that wait for results", function()
      local process = run_host("leave 4 leave", answering.address)
      answering:wait_until("GetWorkflowExecutionHistory>=4", HUNG)
      local began = env.now()
      assert.equal("", finishes(0, process))
      took("exit under waiting threads", env.now() - began)
      assert.is_true(env.now() - began < 2 * SOON)
    end)

    it("is not held up by names that are not resolved, nor is anything else", function()
      local process = run_host("run hangs", answering.address)
      for _, what in ipairs { "connect", "dial", "other" } do
        local name, seconds = process:readline(HUNG):match "^(%a+) ([%d.]+)$"
        assert.equal(what, name)
        took("name that hangs: " .. name, tonumber(seconds))
        assert.is_true(tonumber(seconds) < 0.3 + SOON, seconds)
      end
      local began = env.now()
      assert.matches('"life%-1" failed', finishes(0, process))
      assert.is_true(env.now() - began < SOON)
    end)
  end)

  describe("temporal.shutdown", function()
    it("joins the thread, ends every wait, and a new client works", function()
      local process = run_host("run shutdown", answering.address, silent.address, 5)
      finishes(0, process)
      assert.equal("done", process:readline(HUNG))
    end)
  end)

  describe("lua_close", function()
    local LIVES = {
      "nothing called", "calls in flight", "dropped futures", "waited futures",
      "parked coroutines", "a closed client", "an open doorbell", "shutdown", "late finalisers",
      "a late client", "early finalisers",
    }
    for _, how in ipairs(LIVES) do
      -- Exit code 3 would tell of threads or descriptors that are left.
      it("is safe at any time, again and again: " .. how, function()
        local process = run_host(("again %d round"):format(life.ROUNDS), answering.address,
          silent.address, how)
        local errors = finishes(0, process, HUNG + life.ROUNDS)
        -- What is lost is said, and nothing else.
        assert.equal("", (errors:gsub("temporal: [^\n]*\n", "")))
      end)
    end

    it("is safe in many threads at once, each with an engine of its own", function()
      answering:cmd(RESULT)
      -- The main thread, the states' own, and one engine for each of those.
      local tasks = 17 + extra_thread
      assert.equal("", finishes(0, run_host("threads 8 5 threads", answering.address, tasks)))
      assert.equal(8 * 5 * 55, answering:stats()[START])
    end)

    it("is safe when the library is closed after it, and still sends everything", function()
      silent:cmd "listen off"
      local process = run_host("unload 1 " .. env.build .. "/temporal/core.so once",
        silent.address, 30)
      assert.equal("submitted", process:readline(HUNG))
      silent:reset "listen on"
      assert.equal("", finishes(0, process))
      assert.equal(1, silent:stats()[START])

      process = run_host("unload 10 " .. env.build .. "/temporal/core.so round",
        answering.address, silent.address, "calls in flight")
      finishes(0, process)
    end)
  end)

  describe("fork", function()
    -- How often in one process, or how many forks of one state.
    local FORKS = {
      { "unused", "leaves a client that has called nothing usable everywhere", life.ROUNDS },
      { "used", "ends calls and futures in the child, and nothing in the parent", life.ROUNDS },
      { "exit", "lets a child send what it has submitted itself", life.ROUNDS },
      { "quick", "makes no child wait for what the parent has submitted", life.ROUNDS },
      { "pollfd", "parts a doorbell that was open", life.ROUNDS },
      { "busy", "hangs no child, whatever the parent's thread does", 1, 300 },
      { "prefork", "makes a server of forked workers", 1, life.ROUNDS },
    }
    -- ThreadSanitizer bears no children that start threads.
    if sanitizer == "tsan" then FORKS = { FORKS[1], FORKS[4], FORKS[5], FORKS[6] } end
    for _, case in ipairs(FORKS) do
      it(case[2], function()
        answering:cmd(RESULT)
        local count = case[4]
        -- gcc 12's AddressSanitizer hangs by itself in such a child: its allocator is locked.
        if case[1] == "busy" and sanitizer then count = sanitizer == "asan" and 0 or 50 end
        local process = run_host(("again %d fork"):format(case[3]), answering.address,
          silent.address, case[1], count)
        local errors = finishes(0, process, HUNG + 5 * life.ROUNDS)
        -- What is lost is said, and nothing else.
        assert.equal("",
          (without_patience(errors):gsub("temporal: [^\n]* failed and nobody took [^\n]*\n", "")))
      end)
    end
  end)

  it("a connection ends where it was made, though a forked child has it too", function()
    local process = run_host("run fork", answering.address, silent.address, "shared")
    local child = process:readline(HUNG):match "^closed (%d+)$"
    assert.is_string(child, process:errors())
    answering:wait_until("open==0", HUNG)
    os.execute("kill -KILL " .. child)
    assert.equal("", finishes(0, process))
  end)

  describe("Ctrl-C", function()
    -- How to wait, and whether starts are answered.
    local WAITS = {
      get = true, started = false, wait = true, ["temporal.wait"] = true,
      ["temporal.wait_all"] = true, close = false, connect = false, call = false,
      ["temporal.poll"] = true, ["get in a coroutine"] = true,
      ["get in a coroutine with a hook"] = true,
      ["connect in a coroutine of a coroutine"] = false,
    }

    -- The main thread sleeps: it is in the wait.
    local function sleeps(process)
      local stat = io.open("/proc/" .. process.pid .. "/stat")
      local state = stat and stat:read "*a":match "%) (%a)"
      if stat then stat:close() end
      return state == "S"
    end

    -- How long it took to end the wait.
    local function interrupt(process)
      env.wait_until(HUNG, function() return sleeps(process) end, "the wait")
      local began = env.now()
      process:kill "INT"
      local line = process:readline(HUNG)
      local seconds = env.now() - began
      assert.matches("^raised .*interrupted!$", line)
      assert.equal("goes on", process:readline(HUNG))
      finishes(0, process)
      return seconds
    end

    -- Not one may take long; some end at once, before the slice of 0.1 s is over. As many as
    -- AT_ONCE wait together.
    local AT_ONCE = 5
    local function interrupts(how, peer)
      local all = {}
      while #all < life.ROUNDS do
        local waiting = {}
        for i = 1, math.min(AT_ONCE, life.ROUNDS - #all) do
          waiting[i] = run_lua("interrupt", peer.address, how)
        end
        for _, process in ipairs(waiting) do
          assert.equal("waiting", process:readline(HUNG))
        end
        for _, process in ipairs(waiting) do
          local seconds = interrupt(process)
          assert.is_true(seconds < SOON, seconds)
          all[#all + 1] = seconds
        end
      end
      table.sort(all)
      took("Ctrl-C ends " .. how, all[math.ceil(#all / 2)])
      assert.is_true(all[math.ceil(#all / 4)] < (sanitizer and SOON or 0.1), all[1])
    end

    for how, answered in pairs(WAITS) do
      it("ends at once: " .. how, function()
        silent:reset("call GetSystemInfo : hold")
        if not answered then silent:cmd("call %s : hold", START) end
        interrupts(how, silent)
      end)
    end

    it("ends at once: connect to an address that answers nothing at all", function()
      silent:cmd "listen full"
      interrupts("connect", silent)
    end)

    it("takes no hook of the user's away from the main thread", function()
      local process = run_lua("hooks", answering.address, "keep")
      finishes(0, process)
      assert.equal("kept", process:readline(HUNG))
    end)

    it("finds debug hooks running during a wait", function()
      local process = run_lua("hooks", answering.address, "watch")
      local longest = tonumber(process:readline(HUNG))
      finishes(0, process)
      took("longest time without a hook", longest)
      assert.is_true(longest < 0.1 + SOON, longest)
    end)
  end)

  describe("the collector", function()
    local WAYS = {
      "the client before its futures", "futures before the client", "everything at once",
      "waiting coroutines", "a future from its own wait", "modules loaded again",
    }
    for _, way in ipairs(WAYS) do
      it("takes " .. way, function()
        answering:cmd "call GetWorkflowExecutionHistory : wait 20; answer completed 7"
        assert.equal("", life.repeated(0, 4, life.lua("collected", answering.address, way)))
      end)
    end
  end)

  describe("an error of the user's", function()
    local OBJECT = {}

    local function connected(options)
      options.target = answering.address
      local client = temporal.client(options)
      assert.is_true(temporal.assert(client:connect(10)))
      return client
    end

    -- KB of Lua, after as many rounds as `count`.
    local function memory_after(count, round)
      for _ = 1, count do round() end
      growth.collect()
      return collectgarbage "count"
    end

    local function does_not_grow(round)
      memory_after(100, round)
      local before = memory_after(100, round)
      local after = memory_after(300, round)
      assert.is_true(after - before < 20, ("%.1f KB more"):format(after - before))
    end

    it("in a converter's encode leaves nothing behind", function()
      local bad = true
      local client = connected { converter = { { encoding = "life", encode = function()
        if bad then error(OBJECT) end
      end } } }
      does_not_grow(function()
        local ok, err = pcall(client.execute_workflow, client, { task_queue = "q" }, "Life", 1)
        assert.is_false(ok)
        assert.equal(OBJECT, err)
      end)
      assert.equal(0, answering:stats()[START])
      bad = false
      temporal.assert(client:start_workflow({ task_queue = "q" }, "Life", 1))
      assert.is_true(client:close())
    end)

    it("in a converter's decode leaves nothing behind, and the next get decodes again", function()
      answering:cmd(RESULT)
      local bad = true
      local client = connected { converter = { { encoding = "json/plain", encode = function() end,
        decode = function(payload)
          if bad then error(OBJECT) end
          return payload.data
        end } } }
      local run = client:execute_workflow({ task_queue = "q" }, "Life")
      does_not_grow(function()
        local ok, err = pcall(run.get, run, 10)
        assert.is_false(ok)
        assert.equal(OBJECT, err)
      end)
      bad = false
      assert.equal("7", run:get(10))
      assert.is_true(client:close())
    end)

    it("in a logger is swallowed", function()
      answering:cmd('call %s : only grpc-status=3 "grpc-message=no good"', START)
      local calls = 0
      local client = connected { logger = function()
        calls = calls + 1
        error(OBJECT)
      end }
      does_not_grow(function()
        client:execute_workflow({ task_queue = "q" }, "Life")
        collectgarbage()
        collectgarbage()
        assert(client:call("GetSystemInfo", {}))
      end)
      assert.is_true(calls > 100)
      assert.is_true(client:close())
    end)

    it("in a debug hook may come at any moment", function()
      answering:cmd(RESULT)
      local process = run_lua("hooks", answering.address, "raise", sanitizer and 100 or 150)
      local line = process:readline(HUNG) or ""
      assert.equal("", finishes(0, process))
      local through, kilobytes = line:match "^(%d+)%s+([-%d.]+)$"
      assert.is_true(tonumber(through) > 0)
      assert.is_true(tonumber(kilobytes) < 50, line)
    end)
  end)

  it("descriptors do not reach child processes, and signals do not reach the thread", function()
    silent:cmd "listen full"
    local process = run_lua("descriptors", answering.address, silent.address, 1 + extra_thread)
    finishes(0, process)
    assert.equal("done\n", process:output())
  end)

  for _, how in ipairs { "closed", "collected", "never used" } do
    it("1,000 clients leave nothing: " .. how, function()
      answering:cmd(RESULT)
      local process = run_lua("many", answering.address, 300, 1000, how)
      local before, after = {}, {}
      for _, list in ipairs { before, after } do
        for number in (process:readline(HUNG) or ""):gmatch "%d+" do
          list[#list + 1] = tonumber(number)
        end
      end
      assert.equal("", finishes(0, process))
      local text = table.concat(after, " ") .. " after " .. table.concat(before, " ")
      assert.equal(4, #after, text)
      assert.is_true(after[1] <= before[1] + 1, "descriptors: " .. text)
      assert.equal(before[2], after[2], "threads: " .. text)
      -- Sanitizers keep freed memory for a while.
      assert.is_true(sanitizer ~= nil or after[3] < before[3] + 8192, "KB in all: " .. text)
      assert.is_true(after[4] < before[4] + 100, "KB of Lua: " .. text)
    end)
  end
end)

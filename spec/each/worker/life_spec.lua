--- The life of a worker, from its start to its end, on a peer that does what it is told: what the
-- server refuses, how polls end, who stops whom.

local activity = require "temporal.activity"
local calls = require "temporal.worker.calls"
local core = require "temporal.core"
local cqueues = require "cqueues"
local env = require "spec.support.environment"
local fault_peer = require "spec.support.fault_peer"
local growth = require "spec.support.growth"
local promise = require "temporal.wait.promise"
local state = require "temporal.base.state"
local temporal = require "temporal"
local workers = require "spec.support.worker"

local POLL, DESCRIBE = "PollActivityTaskQueue", "DescribeNamespace"
local HUNG = 60
local PUC_51 = _VERSION == "Lua 5.1" and not rawget(_G, "jit")

local function hex(name, value)
  return (core.encode("temporal.api.workflowservice.v1." .. name, value):gsub(".", function(c)
    return ("%02x"):format(c:byte())
  end))
end

local function task(name)
  return "hex " .. hex("PollActivityTaskQueueResponse", {
    task_token = "token", workflow_namespace = "default", workflow_type = { name = "Flow" },
    workflow_execution = { workflow_id = "w", run_id = "r" }, activity_type = { name = name },
    activity_id = "1", attempt = 1,
  })
end

-- What a server says that ends the polls of a worker that goes.
local ENDS_POLLS = "answer hex " .. hex("DescribeNamespaceResponse", {
  namespace_info = { capabilities = { worker_poll_complete_on_shutdown = true } } })

describe("the life of a worker", function()
  local peer, client, logged

  local function connect()
    return temporal.client { target = peer.address, shutdown_timeout = 5, rpc_timeout = 5,
      retry = { initial = 0.02, factor = 1, max = 0.02 },
      logger = function(level, text) logged[#logged + 1] = level .. ": " .. text end }
  end

  before_each(function()
    logged = {}
    peer = fault_peer.start { "call " .. POLL .. " : hold" }
    client = connect()
  end)
  after_each(function()
    client:close(0)
    peer:stop()
    assert.is_nil(next(state.workers))
  end)

  local function worker(options)
    options = options or {}
    options.client, options.task_queue = options.client or client, "q"
    options.activities = options.activities or { Nothing = function() end }
    return workers.new(options)
  end

  local function until_true(what, predicate)
    env.wait_until(HUNG, function()
      temporal.poll(0.01)
      return predicate()
    end, what)
  end

  -- So many polls have come.
  local function polled(n)
    until_true("polls", function() return peer:stats()[POLL] >= (n or 1) end)
  end

  it("is told by its state", function()
    local one = worker()
    assert.same({ state = "new", cached = 0,
      slots = { workflow = 0, activity = 0, local_activity = 0 } }, one:status())
    assert.is_true(one:start())
    assert.equal("running", one:status().state)
    polled()
    assert.equal(1, one:status().slots.activity)
    assert.is_true(one:stop(HUNG))
    assert.same({ state = "stopped", cached = 0,
      slots = { workflow = 0, activity = 0, local_activity = 0 } }, one:status())
    assert.is_true(one:wait())
    assert.equal(1, peer:stats().ShutdownWorker)
  end)

  it("has one poll for activities in a plain script, five elsewhere", function()
    local one = worker()
    assert.is_true(one:start())
    polled()
    temporal.assert(client:call "GetSystemInfo")
    assert.equal(1, peer:stats()[POLL])
    assert.is_true(one:stop(HUNG))
    temporal.host.use "loop"
    local other = worker()
    local ended = temporal.spawn(function()
      assert.is_true(other:start())
    end)
    until_true("five polls", function() return peer:stats()[POLL] >= 6 end)
    assert.is_true(ended:ready())
    other:begin_stop()
    until_true("the end", function() return other:status().state == "stopped" end)
    temporal.host.use(nil)
    assert.equal(6, peer:stats()[POLL])
  end)

  it("is not begun twice, nor beside another of its client and queue", function()
    local one, other = worker(), worker()
    assert.is_true(one:start())
    local ok, problem = pcall(one.start, one)
    assert.is_false(ok)
    assert.matches("life_spec.lua:%d+: this worker was started before: it is running", problem)
    ok, problem = pcall(other.start, other)
    assert.is_false(ok)
    assert.matches('life_spec.lua:%d+: a worker of this client for the task queue "q" is running',
      problem)
    local second = client:with {}
    local third = worker { client = second }
    assert.is_true(third:start()) -- another client
    assert.is_true(one:stop(HUNG))
    assert.is_true(other:start())
    assert.is_true(other:stop(HUNG))
    assert.is_true(second:close())
    assert.equal("stopped", third:status().state)
  end)

  it("does not begin where the namespace is not there, and may begin again", function()
    peer:reset("call 1 " .. DESCRIBE .. " : only grpc-status=5 grpc-message=unknown",
      "call " .. POLL .. " : hold")
    local one = worker()
    local ok, err = one:start()
    assert.is_nil(ok)
    assert.equal("not_found", err.kind)
    assert.equal("new", one:status().state)
    assert.is_true(one:start())
    assert.is_true(one:stop(HUNG))
  end)

  it("begins at once where waiting is impossible, and tries until the server is there", function()
    peer:cmd "listen off"
    temporal.host.use "loop"
    local one = worker()
    assert.is_true(one:start())
    assert.equal("running", one:status().state)
    until_true("a warning", function() return logged[1] end)
    assert.matches("warn: a worker cannot start yet: unavailable", logged[1])
    peer:cmd "listen on"
    until_true("a poll", function() return peer:stats()[POLL] > 0 end)
    assert.is_nil(one:stop(1))
    until_true("the end", function() return one:status().state == "stopped" end)
    temporal.host.use(nil)
  end)

  it("says in its state and to the logger what goes wrong then", function()
    peer:reset("call " .. DESCRIBE .. " : only grpc-status=7 grpc-message=no")
    temporal.host.use "loop"
    local one = worker()
    assert.is_true(one:start())
    until_true("the end", function() return one:status().state == "failed" end)
    temporal.host.use(nil)
    assert.equal("permission_denied", one:status().error.kind)
    assert.matches("error: the worker stops: permission_denied: no", logged[1])
    local ok, err = one:wait(HUNG)
    assert.is_nil(ok)
    assert.equal("permission_denied", err.kind)
  end)

  for code, kind in pairs { [3] = "invalid_argument", [5] = "not_found",
    [7] = "permission_denied", [9] = "failed_precondition", [16] = "unauthenticated" } do
    it("ends when its polls are refused for long: " .. kind, function()
      peer:reset(("call %s : only grpc-status=%d grpc-message=no"):format(POLL, code))
      local one = worker()
      one.fatal_after = 0.3
      local ok, err = one:run()
      assert.is_nil(ok)
      assert.equal(kind, err.kind)
      assert.same({ "failed", kind }, { one:status().state, one:status().error.kind })
      assert.matches("error: the worker stops: " .. kind, logged[#logged])
      ok, err = one:stop()
      assert.is_nil(ok)
      assert.equal(kind, err.kind)
    end)
  end

  it("goes on when they are refused for a while only, and by other codes however long", function()
    peer:reset(("call 2 %s : only grpc-status=5"):format(POLL),
      ("call 1 %s : only grpc-status=13"):format(POLL),
      ("call 1 %s : only grpc-status=5"):format(POLL), "call " .. POLL .. " : hold")
    local one = worker()
    one.fatal_after = 1.4 -- less than from the first to the last of them
    assert.is_true(one:start())
    until_true("five polls", function() return peer:stats()[POLL] >= 5 end)
    assert.equal("running", one:status().state)
    assert.equal(1, #logged) -- of many failures one is said
    assert.matches("warn: PollActivityTaskQueue failed, and is tried again: not_found", logged[1])
    assert.is_true(one:stop(HUNG))
  end)

  it("does not hurry where the server says no at once", function()
    -- So often a second, after the first time.
    for script, often in pairs { ["only grpc-status=13"] = 4, ["only grpc-status=8"] = 1,
      ["only grpc-status=4"] = 4, ["answer none"] = 4 } do
      peer:reset(("call %s : %s"):format(POLL, script))
      local began = env.now()
      worker():run(function() promise.pause(0.9) end)
      assert.is_true(peer:stats()[POLL] <= 1 + often * (env.now() - began),
        script .. ": " .. peer:stats()[POLL])
    end
  end)

  it("goes on when the server was gone for a while", function()
    local done = 0
    local one = worker { activities = { Count = function() done = done + 1 end } }
    assert.is_true(one:start())
    polled()
    peer:cmd "listen off"
    peer:cmd "all : abort"
    promise.pause(0.3)
    peer:reset("call 1 " .. POLL .. " : answer " .. task "Count", "call " .. POLL .. " : hold")
    peer:cmd "listen on"
    until_true("the activity's answer", function()
      return peer:stats().RespondActivityTaskCompleted >= 1
    end)
    assert.equal(1, done)
    assert.is_true(one:stop(HUNG))
  end)

  describe("at its end", function()
    it("has polls cut that the server does not end", function()
      local one = worker { pollers = { activity = 4 } }
      assert.is_true(one:start())
      polled(4)
      assert.is_true(one:stop(HUNG))
      peer:wait_until("rst>=4", HUNG)
      assert.equal(4, peer:stats()[POLL])
    end)

    for cut, ends in pairs { [1] = "answer none", [0] = ENDS_POLLS } do
      it("answers nothing before the server knows: what follows would go to its polls; rst = "
        .. cut, function()
        peer:reset("call 1 " .. POLL .. " : answer " .. task "Sleeps",
          "call " .. POLL .. " : hold", "call " .. DESCRIBE .. " : " .. ends,
          "call ShutdownWorker : await; answer none")
        local one = worker { activities = { Sleeps = function() activity.sleep "1h" end } }
        assert.is_true(one:start())
        polled(2)
        one:begin_stop()
        until_true("ShutdownWorker", function() return peer:stats().ShutdownWorker >= 1 end)
        assert.same({ cut, 0 }, { peer:stats().rst, peer:stats().RespondActivityTaskFailed })
        peer:cmd "release"
        until_true("the answer", function()
          return peer:stats().RespondActivityTaskFailed >= 1
        end)
        peer:cmd("streams %s : answer none", POLL)
        assert.is_true(one:wait(HUNG))
        assert.equal(1, peer:stats().RespondActivityTaskFailed)
      end)
    end

    it("polls its own queue until the server knows: tasks there are for nobody else", function()
      if PUC_51 then return end -- which has no workflows
      local queue = "PollWorkflowTaskQueue"
      peer:reset("call " .. queue .. " : hold")
      local one = worker { workflows = { Flow = function() end }, pollers = { workflow = 2 },
        max_cached_workflows = 10 } -- or it has no queue of its own
      assert.is_true(one:start())
      until_true("two polls", function() return peer:stats()[queue] >= 2 end)
      one.state, one.lingers = "stopping", true
      peer:cmd("streams %s : answer %s", queue, "hex " .. hex("PollWorkflowTaskQueueResponse", {
        task_token = "token", workflow_type = { name = "Unknown" },
        workflow_execution = { workflow_id = "w", run_id = "r" } }))
      until_true("a third", function() return peer:stats()[queue] >= 3 end)
      one.state = "running"
      assert.is_true(one:stop(HUNG))
      assert.equal(3, peer:stats()[queue])
    end)

    it("takes what the server ends its polls with", function()
      local done = 0
      peer:cmd("call %s : %s", DESCRIBE, ENDS_POLLS)
      local one = worker { activities = { Count = function() done = done + 1 end },
        pollers = { activity = 2 } }
      assert.is_true(one:start())
      assert.is_true(one.polls_end_by_themselves)
      polled(2)
      one:begin_stop()
      until_true("ShutdownWorker", function() return peer:stats().ShutdownWorker >= 1 end)
      assert.equal(0, peer:stats().rst)
      peer:cmd("streams %s : answer %s", POLL, task "Count")
      assert.is_true(one:wait(HUNG))
      assert.same({ 2, 2, 2, 0 }, { done, peer:stats().RespondActivityTaskCompleted,
        peer:stats()[POLL], peer:stats().rst })
    end)

    it("leaves nothing in a loop that runs on: not what watches over activities", function()
      local one = worker { pollers = { activity = 2 },
        activities = { Short = function() cqueues.sleep(0.01) end } }
      local controller = cqueues.new()
      controller:wrap(function()
        assert(one:start())
        while peer:stats()[POLL] < 2 do cqueues.sleep(0.01) end
        peer:cmd("streams %s : answer %s", POLL, task "Short") -- both begin in one step
        while (peer:stats().RespondActivityTaskCompleted or 0) < 2 do cqueues.sleep(0.01) end
        assert(one:stop(HUNG))
      end)
      local began = env.now()
      assert(controller:loop())
      assert.is_true(env.now() - began < HUNG / 2)
      temporal.host.use(nil)
    end)

    it("does not wait for polls that cannot reach the server", function()
      local one = worker()
      assert.is_true(one:start())
      polled()
      peer:cmd "listen off"
      peer:cmd "all : abort"
      assert.is_true(one:stop(HUNG))
    end)

    it("lets tasks finish, and says when its time is over", function()
      local may_end = promise.new()
      peer:reset("call 1 " .. POLL .. " : answer " .. task "Long", "call " .. POLL .. " : hold")
      local one = worker { graceful_shutdown_timeout = 3600, activities = { Long = function()
        may_end:wait()
        return "done"
      end } }
      assert.is_true(one:start())
      polled(2)
      local ok, err = one:stop(0.2)
      assert.is_nil(ok)
      assert.equal("timeout", err.kind)
      assert.equal("stopping", one:status().state)
      may_end:finish()
      assert.is_true(one:wait(HUNG))
      assert.equal(1, peer:stats().RespondActivityTaskCompleted)
    end)

    it("may be asked for by one of its activities", function()
      peer:reset("call 1 " .. POLL .. " : answer " .. task "Stop", "call " .. POLL .. " : hold")
      local one, answer
      one = worker { activities = { Stop = function() answer = one:stop() end } }
      assert.is_true(one:run { signals = false })
      assert.is_true(answer)
      assert.equal(1, peer:stats().RespondActivityTaskCompleted)
    end)

    it("comes before that of its client", function()
      local may_end = promise.new()
      peer:reset("call 1 " .. POLL .. " : answer " .. task "Long", "call " .. POLL .. " : hold")
      local one = worker { graceful_shutdown_timeout = 3600, activities = { Long = function()
        may_end:wait()
      end } }
      assert.is_true(one:start())
      polled(2)
      temporal.spawn(function()
        one.leaving:wait()
        may_end:finish()
      end)
      assert.is_true(client:close(HUNG))
      assert.equal("stopped", one:status().state)
      assert.same({ 1, 1 }, { peer:stats().RespondActivityTaskCompleted,
        peer:stats().ShutdownWorker })
    end)

    it("is not begun by an activity that closes the client: that would lose its answer", function()
      peer:reset("call 1 " .. POLL .. " : answer " .. task "Close", "call " .. POLL .. " : hold")
      local ok, problem
      local one = worker { activities = { Close = function()
        ok, problem = pcall(client.close, client)
      end } }
      assert.is_true(one:start())
      until_true("the answer", function()
        return peer:stats().RespondActivityTaskCompleted >= 1
      end)
      assert.is_false(ok)
      assert.matches("life_spec.lua:%d+: client:close in an activity of the client's own worker",
        problem)
      assert.equal("running", one:status().state)
      assert.is_true(client:close(HUNG))
      assert.equal("stopped", one:status().state)
    end)

    it("is not waited for by temporal.shutdown, but the server knows", function()
      peer:reset("call 1 " .. POLL .. " : answer " .. task "Hangs", "call " .. POLL .. " : hold")
      local one = worker { graceful_shutdown_timeout = 3600,
        activities = { Hangs = function() promise.new():wait(3600) end } }
      assert.is_true(one:start())
      polled(2)
      local began = env.now()
      assert.is_true(temporal.shutdown(HUNG))
      assert.is_true(env.now() - began < HUNG / 2)
      assert.equal(1, peer:stats().ShutdownWorker)
      assert.equal("stopping", one:status().state)
      client = connect()
    end)

    it("leaves nothing of a worker that was never started", function()
      local one = worker()
      assert.is_true(one:stop())
      assert.equal("stopped", one:status().state)
      assert.equal(0, peer:stats().ShutdownWorker)
    end)
  end)

  it("tells an activity that has ended no other reason for it", function()
    local HEARTBEAT = "RecordActivityTaskHeartbeat"
    peer:reset("call 1 " .. POLL .. " : answer " .. task "Beats", "call " .. POLL .. " : hold",
      ("call 1 %s : answer hex %s"):format(HEARTBEAT,
        hex(HEARTBEAT .. "Response", { cancel_requested = true })),
      ("call %s : await; only grpc-status=5"):format(HEARTBEAT))
    local me
    local one = worker { default_heartbeat_throttle_interval = 0.05,
      activities = { Beats = function()
        me = activity.current()
        me:shield(function()
          me:heartbeat(1)
          me:wait_canceled(HUNG)
          me:heartbeat(2)
          while peer:stats()[HEARTBEAT] < 2 do promise.pause(0.01) end
        end)
      end } }
    one:run(function()
      until_true("the answer", function()
        return (peer:stats().RespondActivityTaskCompleted or 0) >= 1
      end)
      peer:cmd "release"
      temporal.assert(client:call "GetSystemInfo") -- behind what is released
      assert.equal("requested", me:canceled())
    end)
  end)

  it("has a name and a logger of its own", function()
    local own = {}
    peer:reset("call 1 " .. POLL .. " : answer " .. task "Fails", "call " .. POLL .. " : hold")
    local one = worker { identity = "the-worker",
      logger = function(_, text) own[#own + 1] = text end,
      activities = { Fails = function() error("no", 0) end } }
    one:run(function()
      until_true("the answer", function() return peer:stats().RespondActivityTaskFailed >= 1 end)
    end)
    local function identity(method)
      return core.decode("temporal.api.workflowservice.v1." .. method .. "Request",
        peer:requests(method)[1]).identity
    end
    assert.same({ "the-worker", "the-worker" },
      { identity(POLL), identity "RespondActivityTaskFailed" })
    assert.equal(("%d@%s"):format(core.pid(), core.hostname()), client._session:identify())
    assert.equal(0, #logged)
  end)

  it("raises on options of run that are none", function()
    local one = worker()
    for words, given in pairs { ['must be a list of "INT"'] = { signals = { "KILL" } },
      ['"signals"'] = { signals = true }, ['unknown option of worker:run "signal"'] = { signal = 1 }
    } do
      local ok, problem = pcall(one.run, one, given)
      assert.is_false(ok)
      assert.matches(words, problem, 1, true)
    end
    assert.equal("new", one:status().state)
  end)

  -- A program of its own.
  local function program(text)
    return env.spawn { env.lua, "-e", ([[
      local temporal, promise = require "temporal", require "temporal.wait.promise"
      io.stdout:setvbuf "no"
      local client = temporal.client { target = %q, logger = function() end }
      local worker = temporal.worker { client = client, task_queue = "q",
        graceful_shutdown_timeout = 3600,
        activities = { Hangs = function() promise.new():wait(3600) end } }
    ]]):format(peer.address) .. text }
  end

  describe("of a program", function()
    it("is told to the server when the program ends without a word", function()
      local child = program [[ assert(worker:start()) promise.pause(0.1) print "ends" ]]
      assert.equal("ends", child:readline())
      local how, code = child:wait(HUNG)
      assert.same({ "exit", 0 }, { how, code })
      assert.equal("", child:errors())
      peer:wait_until("ShutdownWorker>=1", HUNG)
    end)

    for _, name in ipairs { "INT", "TERM" } do
      it("comes with SIG" .. name .. ", in good order", function()
        local child = program [[ print(worker:run()) print(worker:status().state) ]]
        polled()
        child:kill(name)
        assert.same({ "true", "stopped" }, { child:readline(), child:readline() })
        assert.same({ "exit", 0 }, { child:wait(HUNG) })
        assert.equal(1, peer:stats().ShutdownWorker)
      end)
    end

    it("comes in good order with a signal that is as quick as its first polls", function()
      local child = program [[
        local core, polls = require "temporal.core", require "temporal.worker.polls"
        local begin = polls.begin
        function polls.begin(...)
          begin(...)
          os.execute("kill -TERM " .. core.pid())
        end
        print(worker:run())
        print(worker:status().state)
      ]]
      assert.same({ "true", "stopped" }, { child:readline(), child:readline() })
      assert.same({ "exit", 0 }, { child:wait(HUNG) })
    end)

    it("comes at once with the second signal", function()
      peer:reset("call 1 " .. POLL .. " : answer " .. task "Hangs", "call " .. POLL .. " : hold")
      local child = program [[ print(worker:run()) ]]
      polled(2)
      child:kill "TERM"
      peer:wait_until("ShutdownWorker>=1", HUNG)
      child:kill "INT"
      assert.same({ "signal", 2 }, { child:wait(HUNG) })
    end)

    it("comes at once with signals that run was told to leave alone", function()
      local child = program [[ print(worker:run { signals = { "INT" } }) ]]
      polled()
      child:kill "TERM"
      assert.same({ "signal", 15 }, { child:wait(HUNG) })
      peer:cmd "clear"
      peer:cmd("call " .. POLL .. " : hold")
      child = program [[ print(worker:run { signals = false }) ]]
      polled()
      child:kill "TERM"
      assert.same({ "signal", 15 }, { child:wait(HUNG) })
    end)

    it("gives signals back when run returns", function()
      local child = program [[
        temporal.spawn(function() promise.pause(0.1) worker:stop() end)
        print(worker:run())
        promise.pause(3600)
      ]]
      assert.equal("true", child:readline())
      child:kill "TERM"
      assert.same({ "signal", 15 }, { child:wait(HUNG) })
    end)
  end)

  it("keeps nothing of the tasks it has done", function()
    local done = 0
    peer:reset("call " .. POLL .. " : answer " .. task "Count")
    local one = worker { pollers = { activity = 8 },
      activities = { Count = function() done = done + 1 end } }
    assert.is_true(one:start())
    -- KB of Lua's memory after so many.
    local function memory_after(count)
      until_true("activities", function() return done >= count end)
      growth.collect()
      return collectgarbage "count"
    end
    local before = memory_after(500)
    local more = memory_after(3500) - before
    assert.is_true(more < 96, more .. " KB are left of 3000 tasks")
    peer:cmd "clear"
    peer:cmd("call " .. POLL .. " : hold")
    assert.is_true(one:stop(HUNG))
  end)

  -- The most tasks that a poll of a frame loop has done.
  local function most_at_a_time()
    local done, most = 0, 0
    local count = 8
    peer:reset(("call %d %s : answer %s"):format(count, POLL, task "Burn"),
      "call " .. POLL .. " : hold")
    temporal.host.use "loop"
    local one = worker { poll_budget = 0.001, pollers = { activity = count },
      activities = { Burn = function()
        local last = env.now() + 0.01
        repeat until env.now() > last
        done = done + 1
        activity.info()
      end } }
    assert.is_true(one:start())
    env.wait_until(HUNG, function()
      local before = done
      temporal.poll()
      most = math.max(most, done - before)
      return done == count
    end, "all activities")
    one:begin_stop()
    until_true("the end", function() return one:status().state == "stopped" end)
    temporal.host.use(nil)
    return most
  end

  it("gives a frame loop its time back", function()
    assert.equal(1, most_at_a_time())
  end)

  it("gives a frame loop its time back where tasks come at once", function()
    local kind, polled_at_once = calls.kind, 0
    calls.kind = function(...)
      local polls = kind(...)
      local start = polls.start
      function polls:start(request)
        local future, err = start(self, request)
        polled_at_once = polled_at_once + 1
        if polled_at_once <= 3 then
          env.wait_until(HUNG, function() return core.ready(future, "result") end, "the task")
        end
        return future, err
      end
      return polls
    end
    finally(function() calls.kind = kind end)
    assert.equal(1, most_at_a_time())
  end)
end)

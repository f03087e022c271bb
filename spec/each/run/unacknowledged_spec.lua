-- What happens to a start that the server has not acknowledged: every row of
-- the table in section 2 of the contract.

local env = require "spec.support.environment"
local fault_peer = require "spec.support.fault_peer"
local growth = require "spec.support.growth"
local temporal = require "temporal"

local START = "StartWorkflowExecution"

describe("an unacknowledged start", function()
  local peer, logged

  before_each(function()
    logged = {}
    peer = fault_peer.start()
  end)

  after_each(function()
    peer:stop()
  end)

  local function client_for(options)
    options = options or {}
    options.target = peer.address
    options.logger = function(level, message, fields)
      logged[#logged + 1] = { level = level, message = message, fields = fields }
    end
    return temporal.client(options)
  end

  local function execute(client, options)
    options = options or {}
    options.task_queue = "q"
    return client:execute_workflow(options, "Order", 1)
  end

  local function hold_answers()
    peer:cmd("call %s : await; answer started", START)
  end

  local function started_once()
    peer:wait_until(START .. ">=1")
    assert.equal(1, peer:stats()[START])
  end

  it("goes on when started or get run out of time", function()
    hold_answers()
    local client = client_for()
    local run = execute(client)
    for _, method in ipairs { "started", "get" } do
      local value, err = run[method](run, 0.1)
      assert.is_nil(value)
      assert.same({ "timeout", false, run.id, run.request_id },
        { err.kind, err.acknowledged, err.workflow_id, err.request_id })
      assert.matches("the start goes on", err.message)
    end
    assert.is_nil(run.run_id)
    peer:cmd("release")
    assert.is_true(temporal.assert(run:started(10)))
    assert.is_string(run.run_id)
    assert.is_true(client:close())
  end)

  it("goes on when its future is collected", function()
    peer:cmd("listen off")
    local client = client_for()
    growth.apart(function() assert.is_false(execute(client):ready()) end)
    growth.collect()
    peer:cmd("listen on")
    started_once()
    assert.is_true(client:close())
    -- Only the polls for its result have stopped.
    assert.equal(0, peer:stats().GetWorkflowExecutionHistory)
  end)

  it("goes on when its client is collected, and its futures keep working", function()
    peer:cmd("listen off")
    local run = growth.apart(function() return execute(client_for()) end)
    growth.collect()
    peer:cmd("listen on")
    assert.is_true(temporal.assert(run:started(10)))
    peer:cmd("call GetWorkflowExecutionHistory : answer completed 7")
    assert.equal(7, temporal.assert(run:get(10)))
  end)

  it("is waited for by close", function()
    peer:cmd("listen off")
    local client = client_for()
    local run = execute(client)
    peer:cmd("listen on")
    assert.is_true(temporal.assert(client:close(10)))
    started_once()
    -- The acknowledgement is kept, the wait for the result is over.
    assert.is_true(run:started())
    local value, err = run:get(1)
    assert.same({ nil, "closed" }, { value, err.kind })
  end)

  it("is named by a close that runs out of time, and goes on", function()
    peer:cmd("listen off")
    local client = client_for()
    local run = execute(client, { id = "order-1" })
    local before = env.now()
    local ok, err = client:close(0.2)
    assert.is_true(env.now() - before < 4)
    assert.is_nil(ok)
    assert.equal("unacknowledged", err.kind)
    assert.equal(1, #err.details)
    assert.same({ "order-1", run.request_id },
      { err.details[1].workflow_id, err.details[1].request_id })
    assert.matches("refused", tostring(err.details[1].cause))
    -- A second close has nothing to say.
    assert.is_true(client:close())
    peer:cmd("listen on")
    started_once()
  end)

  it("is not waited for by close(0), nor where waiting is not possible", function()
    hold_answers()
    local client = client_for()
    execute(client)
    local ok, err = client:close(0)
    assert.same({ nil, "unacknowledged" }, { ok, err.kind })

    temporal.host.use { name = "never", can_wait = function() return false, "a test" end,
      park = error, unpark = error }
    client = client_for()
    execute(client)
    ok, err = client:close(10)
    temporal.host.use(nil)
    assert.same({ nil, "unacknowledged" }, { ok, err.kind })
    -- Both were sent nevertheless, and their connections end with the answers.
    peer:wait_until(START .. ">=2")
    peer:cmd("release 2")
    peer:wait_until("open==0")
  end)

  it("ends whoever waits when the client closes", function()
    hold_answers()
    local client = client_for { shutdown_timeout = 0.1 }
    local run = execute(client)
    client:close(0)
    local value, err = run:get(10)
    assert.is_nil(value)
    assert.equal("closed", err.kind)
  end)

  it("that failed and nobody took is logged at the next call, once", function()
    peer:cmd('call %s : only grpc-status=3 "grpc-message=no good"', START)
    local client = client_for()
    local request_id = growth.apart(function()
      return execute(client, { id = "lost-1" }).request_id
    end)
    growth.collect()
    peer:wait_until(START .. ">=1")
    -- What other tests left behind is reported here too.
    local function reports()
      local list = {}
      for _, entry in ipairs(logged) do
        if entry.fields.workflow_id == "lost-1" then
          list[#list + 1] = entry
        end
      end
      return list
    end
    env.wait_until(30, function()
      client:workflow("x")
      return #reports() > 0
    end, "the report")
    local report = reports()[1]
    assert.same({ "error", request_id }, { report.level, report.fields.request_id })
    assert.matches("no good", report.message)
    client:workflow("x")
    client:close()
    assert.equal(1, #reports())
  end)

  it("whose error was taken is not logged", function()
    peer:cmd("call %s : only grpc-status=3", START)
    local client = client_for()
    growth.apart(function()
      local ok, err = execute(client, { id = "taken-1" }):started(10)
      assert.same({ nil, "invalid_argument", "not_started" }, { ok, err.kind, err.outcome })
    end)
    growth.collect()
    client:close()
    for _, entry in ipairs(logged) do
      assert.not_equal("taken-1", entry.fields.workflow_id)
    end
  end)

  -- Whole programs, that end in different ways.

  local function program(text)
    return env.spawn { env.lua, "-e", ([[
      io.stdout:setvbuf "no"
      local temporal = require "temporal"
      local client = temporal.client { target = "%s", shutdown_timeout = 5 }
      local run = client:execute_workflow({ task_queue = "q" }, "Order", 1)
      print "submitted"
      %s
    ]]):format(peer.address, text) }
  end

  local ENDS = {
    { "the end of main", "", 0 },
    { "os.exit", "os.exit(3)", 3 },
    { "os.exit that closes the state", "os.exit(3, true)", 3 },
    { "an error nobody catches", 'error "uncaught"', 1 },
    { "a collected client", "client, run = nil, nil collectgarbage() collectgarbage()", 0 },
  }
  for _, ending in ipairs(ENDS) do
    it("is sent before the process is gone: " .. ending[1], function()
      peer:cmd("listen off")
      local process = program(ending[2])
      assert.equal("submitted", process:readline(60))
      peer:cmd("listen on")
      assert.same({ "exit", ending[3] }, { process:wait(60) })
      started_once()
    end)
  end

  it("is waited for at exit for shutdown_timeout only, and that is said", function()
    peer:cmd("listen off")
    local process = env.spawn { env.lua, "-e", ([[
      local temporal = require "temporal"
      local client = temporal.client { target = "%s", shutdown_timeout = 2 }
      client:execute_workflow({ task_queue = "q" }, "Order", 1)
    ]]):format(peer.address) }
    local before = env.now()
    assert.same({ "exit", 0 }, { process:wait(60) })
    local waited = env.now() - before
    assert.is_true(waited > 1 and waited < 4.8, waited)
    assert.matches("temporal", process:errors())
  end)

  it("is lost when the process is killed", function()
    peer:cmd("listen off")
    local process = program("while true do end")
    assert.equal("submitted", process:readline(60))
    process:kill("KILL")
    assert.equal("signal", (process:wait(60)))
    peer:cmd("listen on")
    -- The next one is the only one to arrive.
    local client = client_for()
    temporal.assert(execute(client):started(10))
    assert.equal(1, peer:stats()[START])
    assert.is_true(client:close())
  end)

  it("that failed is one line on stderr when the Lua state is gone", function()
    peer:cmd('call %s : only grpc-status=3 "grpc-message=no good"', START)
    local process = program("")
    assert.same({ "exit", 0 }, { process:wait(60) })
    local text = process:errors()
    assert.matches("no good", text)
    assert.equal(1, select(2, text:gsub("\n", "\n")))
  end)
end)

-- Waits that have lasted long, looked into beside the wait: what it costs, and
-- that nobody but the logger notices.

local core = require "temporal.core"
local cqueues = require "cqueues"
local env = require "spec.support.environment"
local fault_peer = require "spec.support.fault_peer"
local temporal = require "temporal"
local uv = require "luv"

local DESCRIBE, QUEUE = "DescribeWorkflowExecution", "DescribeTaskQueue"
local AFTER = 0.2
local WAIT = 60

local function hex(name, message)
  local bytes = assert(core.encode("temporal.api.workflowservice.v1." .. name, message))
  return (bytes:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

describe("a wait that lasts long", function()
  local peer, client, said

  before_each(function()
    said = {}
    peer = fault_peer.start {
      "call StartWorkflowExecution : answer started",
      "call GetWorkflowExecutionHistory : await; answer completed 7",
    }
    client = temporal.client { target = peer.address, diagnose_after = AFTER,
      logger = function(_, message) said[#said + 1] = message end }
  end)

  after_each(function()
    temporal.host.use(nil)
    client:close(0)
    peer:stop()
  end)

  local function answer(method, message)
    peer:cmd("call %s : answer hex %s", method, hex(method .. "Response", message))
  end

  -- A first task that nobody takes.
  local function nobody_polls()
    answer(DESCRIBE, {
      execution_config = { task_queue = { name = "q" } },
      workflow_execution_info = { status = 1, history_length = 2,
        execution = { workflow_id = "w", run_id = "r" } },
      pending_workflow_task = { state = 1, attempt = 1 },
    })
    peer:cmd("call %s : answer none", QUEUE)
  end

  local function execute(id)
    return client:execute_workflow({ task_queue = "q", id = id }, "Order")
  end

  local function asked(method)
    return tonumber(peer:stats()[method] or 0)
  end

  it("is one of a thousand on one task queue: said once, and looked into one by one", function()
    nobody_polls()
    local tasks, runs = {}, {}
    for i = 1, 1000 do
      runs[i] = execute()
      tasks[i] = temporal.spawn(function() return runs[i]:get() end)
    end
    local released
    local began = core.now()
    env.wait_until(WAIT, function()
      temporal.poll(0.05)
      if #said > 0 and not released and core.now() - began > 3 then
        released = peer:cmd "release"
      end
      return released
    end, "the words")
    local looked, took = asked(DESCRIBE), core.now() - began
    assert.equal(1, #said)
    assert.matches("^[%x-]+ has waited %d+ s for its first task: nobody polls task queue q$",
      said[1])
    assert.equal(1, asked(QUEUE))
    -- At most one a second.
    assert.is_true(looked >= 1 and looked <= took + 2, looked)
    for i = 1, #tasks do
      assert.equal(7, temporal.assert(tasks[i]:get(WAIT)))
    end
  end)

  local WAITS = {
    ["a plain script"] = function(run)
      return run:get(WAIT)
    end,
    cqueues = function(run)
      local value
      local controller = cqueues.new()
      controller:wrap(function() value = run:get(WAIT) end)
      assert(controller:loop())
      return value
    end,
    luv = function(run)
      temporal.host.use "luv"
      local value
      assert(coroutine.resume(coroutine.create(function() value = run:get(WAIT) end)))
      uv.run()
      temporal.host.use(nil)
      return value
    end,
  }

  for name, waits in pairs(WAITS) do
    it("ends with its result, whatever is still being asked: " .. name, function()
      -- The question is never answered; its arrival ends the workflow.
      peer:cmd("call %s : hold", DESCRIBE)
      local run = execute()
      assert.is_true(run:started(WAIT))
      peer:reset("call GetWorkflowExecutionHistory : wait 2000; answer completed 7",
        ("call %s : hold"):format(DESCRIBE))
      assert.equal(7, waits(run))
      assert.is_true(asked(DESCRIBE) >= 1)
      -- Nothing of it is left to wait for, or to complain of.
      local began = core.now()
      assert(client:close(WAIT))
      assert.is_true(core.now() - began < WAIT / 2)
      assert.same({}, said)
    end)
  end

  it("passes over what fails", function()
    peer:cmd("call %s : only grpc-status=7 grpc-message=no", DESCRIBE)
    local run = execute()
    assert.equal("timeout", select(2, run:get(1.5)).kind)
    assert.is_true(asked(DESCRIBE) >= 1)
    assert.same({}, said)
    -- What is not known of the queue is not said.
    peer:reset("call GetWorkflowExecutionHistory : await; answer completed 7",
      ("call %s : only grpc-status=7 grpc-message=no"):format(QUEUE))
    nobody_polls()
    peer:cmd("call %s : only grpc-status=7 grpc-message=no", QUEUE)
    assert.equal("timeout", select(2, run:get(1.5)).kind)
    assert.same({}, said)
  end)

  it("is not looked into when the client does not want it", function()
    nobody_polls()
    local first = client
    client = first:with { diagnose_after = false }
    local run = execute()
    assert.equal("timeout", select(2, run:get(1)).kind)
    assert.equal(0, asked(DESCRIBE))
    -- Nor before its time, which is a client's own.
    assert(client:close())
    client = first:with { diagnose_after = "1m" }
    assert.equal("timeout", select(2, execute():get(1)).kind)
    assert.equal(0, asked(DESCRIBE))
    assert(client:close())
    client = first
    assert.same({}, said)
  end)

  it("is not looked into while its start is on the way", function()
    peer:reset "call StartWorkflowExecution : hold"
    nobody_polls()
    local run = client:execute_workflow({ task_queue = "q", timeout = 2 }, "Order")
    assert.equal("timeout", select(2, run:get(1)).kind)
    assert.equal(0, asked(DESCRIBE))
    assert.is_nil((run:started(WAIT)))
  end)

  it("takes durations, or false", function()
    for _, bad in ipairs { true, 0, -1, "soon", {} } do
      local ok, message = pcall(function() temporal.client { diagnose_after = bad } end)
      assert.is_false(ok)
      assert.matches('overdue_spec%.lua:%d+: client option "diagnose_after" ', message)
    end
    assert(temporal.client({ diagnose_after = "1m" }):close())
  end)

  it("goes on when the logger raises", function()
    nobody_polls()
    assert(client:close())
    client = temporal.client { target = peer.address, diagnose_after = AFTER,
      logger = function() error "the disk is full" end }
    local run = execute()
    assert.equal("timeout", select(2, run:get(1.5)).kind)
    assert.equal(1, asked(QUEUE))
  end)
end)

--- The `temporal` command line and the Web UI's API on workflows in Lua: what an operator sees, and
-- does.

local env = require "spec.support.environment"
local temporal = require "temporal"
local workers = require "spec.support.worker"
local workflow = require "temporal.workflow"

local CLI = ".deps/venv/bin/temporal"
local HUNG = 60

local function Order(first)
  local total, done = first, false
  workflow.set_current_details "An **order** that waits."
  workflow.on_query("total", function(factor) return total * (factor or 1) end,
    { description = "What it sums up to." })
  workflow.on_signal("close", function() done = true end)
  workflow.on_update("add", function(n)
    workflow.sleep(0.01)
    total = total + n
    return total
  end, { validator = function(n) if n <= 0 then return false, "nothing to add" end end })
  local function wait_for_close()
    workflow.wait_condition(function() return done and workflow.all_handlers_finished() end)
  end
  wait_for_close()
  return { total = total, random = workflow.random(1000000000) }
end

describe("temporal workflow", function()
  local client, queue

  before_each(function()
    client = workers.client()
    queue = "lua-" .. env.uuid()
  end)
  after_each(function() client:close(0) end)

  -- Runs a command while the worker works, and returns what it prints and its exit code.
  local function output_of(words)
    local process, code = env.spawn(words), nil
    env.wait_until(HUNG, function()
      temporal.poll(0.01)
      code = select(2, process:wait(0))
      return code
    end, process.command)
    return process:output() .. process:errors(), code
  end

  local function cli(...)
    local words = { CLI, "workflow" }
    for i = 1, select("#", ...) do words[#words + 1] = (select(i, ...)) end
    for _, word in ipairs { "--address", env.address, "--namespace", env.namespace, "--color",
                            "never", "--command-timeout", "30s" } do
      words[#words + 1] = word
    end
    return output_of(words)
  end

  -- Asks a query as the Web UI does.
  local function ask(id, name, args)
    return output_of { "curl", "-sS", "-H", "Content-Type: application/json", "-d",
      ('{"query":{"queryArgs":{"payloads":%s}}}'):format(args or "[]"),
      ("http://127.0.0.1:%d/api/v1/namespaces/%s/workflows/%s/query/%s"):format(env.http_port,
        env.namespace, id, name) }
  end

  local function beside(options, fn)
    options.client, options.task_queue, options.workflows = client, queue, { Order = Order }
    return workers.new(options):run(fn)
  end

  local function begin(id)
    return temporal.assert(client:start_workflow({ task_queue = queue, id = id }, "Order", 10))
  end

  local function has(text, ...)
    for i = 1, select("#", ...) do
      local words = (select(i, ...))
      assert(text:find(words, 1, true), ("%q is not in:\n%s"):format(words, text))
    end
  end

  for _, cached in ipairs { 1000, 0 } do
    it(("stack, metadata, query, update, signal, show, result; max_cached_workflows = %d")
      :format(cached), function()
      local id = "cli-" .. env.uuid()
      beside({ max_cached_workflows = cached }, function()
        begin(id)
        local text, code = cli("stack", "-w", id)
        has(text, "main function", "cli_spec.lua:", "wait_for_close")
        assert.is_nil(text:find("lua/temporal", 1, true))
        assert.equal(0, code)
        has(cli("metadata", "-w", id), "An **order** that waits.", "What it sums up to.", "close",
          "add")
        has(cli("query", "-w", id, "--type", "total"), "10")
        has(cli("query", "-w", id, "--type", "total", "-i", "3"), "30")
        text, code = cli("query", "-w", id, "--type", "nothing")
        has(text, 'unknown query "nothing"; known are: ', "__stack_trace, ", ", total")
        assert.equal(1, code)
        has(cli("update", "execute", "-w", id, "--name", "add", "-i", "5"), "15")
        text, code = cli("update", "execute", "-w", id, "--name", "add", "-i", "-5")
        has(text, "nothing to add")
        assert.equal(1, code)
        assert.equal(0, select(2, cli("signal", "-w", id, "--name", "close")))
        has(cli("result", "-w", id), '"total":15')
        has(cli("show", "-w", id), "WorkflowExecutionUpdateAccepted", "TimerFired",
          "WorkflowExecutionCompleted")
        text = cli("show", "-w", id, "-o", "json")
        temporal.assert(temporal.replayer { workflows = { Order = Order } }:replay(text))
      end)
    end)
  end

  it("queries by the API of the Web UI, of runs that have ended, too", function()
    local id = "ui-" .. env.uuid()
    beside({}, function()
      local run = begin(id)
      has(ask(id, "__stack_trace"), "main function", "wait_for_close")
      for round = 1, 2 do
        has(ask(id, "__temporal_workflow_metadata"), "Order", "An **order** that waits.",
          "What it sums up to.", '"add"', '"close"')
        has(ask(id, "total"), '{"queryResult":[10]}')
        has(ask(id, "total", "[3]"), '{"queryResult":[30]}')
        has(ask(id, "nothing"), "unknown query", "known are: ", "__stack_trace, ", ", total")
        if round == 1 then temporal.assert(run:signal "close") end
        temporal.assert(run:get(HUNG))
      end
    end)
  end)

  it("reset: the new run repeats its past, with what is applied again", function()
    local id = "cli-" .. env.uuid()
    beside({}, function()
      local run = begin(id)
      assert.equal(15, temporal.assert(run:update("add", 5)))
      temporal.assert(run:signal "close")
      local first = temporal.assert(run:get(HUNG))
      local text, code = cli("reset", "-w", id, "--type", "FirstWorkflowTask", "--reason", "again")
      assert.equal(0, code, text)
      local again = client:workflow(id)
      local result = temporal.assert(again:get(HUNG))
      assert.equal(first.total, result.total)
      assert.are_not.equal(first.random, result.random) -- another seed from there on
      has(cli("describe", "-w", id), "COMPLETED")
    end)
  end)

  it("cancel, terminate", function()
    local id = "cli-" .. env.uuid()
    beside({}, function()
      local run = begin(id)
      temporal.assert(run:query "total")
      local text, code = cli("cancel", "-w", id)
      assert.equal(0, code, text)
      local _, err = run:get(HUNG)
      assert.equal("canceled", err.cause.kind)
      local other = begin(id .. "-2")
      assert.equal(0, select(2, cli("terminate", "-w", id .. "-2", "--reason", "enough")))
      _, err = other:get(HUNG)
      assert.equal("terminated", err.cause.kind)
    end)
  end)
end)

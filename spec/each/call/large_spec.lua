-- Payloads near and above what the server takes, on a real one.

local env = require "spec.support.environment"
local temporal = require "temporal"

local MIB = 1024 * 1024

describe("a request with large payloads", function()
  local client, said, queue

  local function new(given)
    said = {}
    given.target, given.namespace = env.address, env.namespace
    given.logger = function(level, message, fields)
      said[#said + 1] = { level = level, message = message, fields = fields }
    end
    client = temporal.client(given)
    return client
  end

  before_each(function()
    queue = "nobody-" .. env.uuid()
  end)

  after_each(function()
    assert(client:close())
  end)

  local function start(...)
    return client:start_workflow({ task_queue = queue }, "Order", ...)
  end

  -- Whether the start is written in C (an empty table of options) or in Lua.
  for name, options in pairs { plain = {}, other = { memo = { m = 1 } } } do
    it("is of one kind, with size, limit and argument: " .. name, function()
      new {}
      options.task_queue = queue
      for _, size in ipairs { 3 * MIB, 5 * MIB } do
        local run, err = client:start_workflow(options, "Order", 1, ("x"):rep(size), true)
        assert.is_nil(run)
        assert.same({ "message_too_large", "not_started" }, { err.kind, err.outcome })
        assert.is_true(err.size > size and err.size < size + 5000, err.size)
        assert.equal(size < 4 * MIB and 2 * MIB or 4 * MIB, err.limit)
        assert.matches("the arguments have %d+ bytes, the largest is argument 2: %d+; "
          .. "the namespace takes 2097152", err.message)
      end
    end)
  end

  it("names what else is too large", function()
    new {}
    local _, err = client:start_workflow({ task_queue = queue,
      memo = { note = ("x"):rep(3 * MIB) } }, "Order")
    assert.equal("message_too_large", err.kind)
    assert.matches("the memo has %d+ bytes %(memo%.note%)", err.message)
    local run = temporal.assert(start())
    _, err = run:signal("s", ("x"):rep(3 * MIB))
    assert.same({ "message_too_large", run.id, 2 * MIB },
      { err.kind, err.workflow_id, err.limit })
    assert.matches("the arguments have %d+ bytes %(argument 1%)", err.message)
    -- The parts together, where none is too large by itself.
    local half = ("x"):rep(1250000)
    _, err = run:signal("s", half, half)
    assert.matches("the arguments have %d+ bytes, the largest is argument [12]: %d+", err.message)
    -- What is no value of the user is named, and not warned of.
    said = {}
    _, err = client:call("TerminateWorkflowExecution", { reason = ("x"):rep(5 * MIB),
      workflow_execution = { workflow_id = run.id } })
    assert.matches("the field reason has 5242880 bytes", err.message)
    assert.same({}, said)
    temporal.assert(run:terminate())
  end)

  it("reads what converters and codecs make", function()
    local codec = {
      encode = function(payloads) return payloads end,
      decode = function(payloads) return payloads end,
    }
    new { codecs = { codec } }
    local _, err = start(1, ("x"):rep(3 * MIB))
    assert.matches("the largest is argument 2: %d+", err.message)
  end)

  it("warns from 512 KiB on, once a minute and method", function()
    new {}
    local run = temporal.assert(start(("x"):rep(500000)))
    assert.same({}, said)
    temporal.assert(run:terminate())
    run = client:execute_workflow({ task_queue = queue }, "Order", 1, ("x"):rep(600000))
    temporal.assert(run:started())
    assert.equal(1, #said)
    assert.equal("warn", said[1].level)
    assert.matches("^StartWorkflowExecution of [%x-]+: the arguments have 6%d+ bytes, the "
      .. "largest is argument 2: 6%d+; a server as it is set by default refuses more than 2097152$",
      said[1].message)
    assert.same({ run.id, "StartWorkflowExecution" },
      { said[1].fields.workflow_id, said[1].fields.method })
    temporal.assert(start(("x"):rep(600000))):terminate()
    assert.equal(1, #said)
    temporal.assert(run:signal("s", ("x"):rep(600000)))
    assert.equal(2, #said)
    assert.matches("^SignalWorkflowExecution of ", said[2].message)
    temporal.assert(run:terminate())
  end)

  it("warns from where the client wants it, or never", function()
    new { payload_warning = 1000 }
    temporal.assert(start(("x"):rep(900))):terminate()
    assert.same({}, said)
    temporal.assert(start(("x"):rep(1100))):terminate()
    assert.equal(1, #said)
    local first = client
    client = first:with { payload_warning = false }
    temporal.assert(start(("x"):rep(600000))):terminate()
    assert.equal(1, #said)
    assert(client:close())
    client = first:with { payload_warning = MIB }
    temporal.assert(start(("x"):rep(600000))):terminate()
    assert.equal(1, #said)
    assert(client:close())
    client = first
    for _, bad in ipairs { 0, -1, 1.5, "1 MiB", true, {} } do
      local ok, message = pcall(function() first:with { payload_warning = bad } end)
      assert.is_false(ok)
      assert.matches('large_spec%.lua:%d+: client option "payload_warning" ', message)
    end
  end)
end)

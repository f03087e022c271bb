--- What a worker says to the real server of itself, and what it does not send since the server
-- would not take it.

local core = require "temporal.core"
local env = require "spec.support.environment"
local simulation = require "spec.support.simulation"
local temporal = require "temporal"
local workers = require "spec.support.worker"
local workflow = require "temporal.workflow"

if simulation.impossible(describe, it) then return end

local HUNG = 60
local MIB = 1024 * 1024
local unpack = table.unpack or unpack -- luacheck: ignore 113 143
local FAILED = "EVENT_TYPE_WORKFLOW_TASK_FAILED"

local WORKFLOWS = {
  LargeResult = function(size) return ("x"):rep(size) end,
  LargeMemo = function(size)
    workflow.upsert_memo { note = ("x"):rep(size) }
    return 1
  end,
  LargeArguments = function(n, size)
    for _ = 1, n do
      workflow.execute_activity({ start_to_close_timeout = 10 }, "Nothing", ("x"):rep(size))
    end
    workflow.sleep(60)
  end,
  LargeQuery = function()
    workflow.on_query("large", function(size) return ("x"):rep(size) end)
    workflow.on_query("print", function() return print end)
    return 1
  end,
  Patched = function()
    workflow.sleep(0.01)
    workflow.patched "a"
    workflow.sleep(0.01)
    workflow.patched "b"
    workflow.sleep(0.01)
  end,
}

describe("a worker", function()
  local client, queue

  before_each(function()
    client = workers.client()
    queue = "lua-" .. env.uuid()
  end)
  after_each(function() client:close(0) end)

  local function beside(fn, options)
    options = options or {}
    options.client, options.task_queue, options.workflows = client, queue, WORKFLOWS
    return workers.new(options):run(fn)
  end

  local function begin(name, ...)
    return temporal.assert(client:start_workflow({ task_queue = queue }, name, ...))
  end

  -- How the first task of a run failed.
  local function failure_of(name, ...)
    local failed
    local arguments = { ... }
    beside(function()
      local run = begin(name, (table.unpack or unpack)(arguments)) -- luacheck: ignore 113 143
      for event in run:history { wait = true } do
        if event.event_type == FAILED then
          failed = event.workflow_task_failed_event_attributes
          break
        end
      end
      run:terminate()
    end)
    return failed.cause:gsub("^WORKFLOW_TASK_FAILED_CAUSE_", ""), failed.failure.message
  end

  -- An older server does not tell its limits: what is above them is sent, and refused there.
  local function limits_are_known()
    return next(temporal.assert(client:describe_namespace()).limits or {}) ~= nil
  end

  for what, case in pairs {
    ["workflow returns more"] = { "LargeResult", { 3 * MIB },
      "the result of the workflow: 31457%d%d bytes; the namespace allows 2097152" },
    ["memo is more"] = { "LargeMemo", { 3 * MIB },
      "the memo: 31457%d%d bytes; the namespace allows 2097152" },
    ["arguments are more"] = { "LargeArguments", { 1, 3 * MIB },
      "the arguments of activity Nothing: 31457%d%d bytes" },
  } do
    it(("fails the task whose %s than the namespace allows"):format(what), function()
      local known = limits_are_known()
      local cause, message = failure_of(case[1], unpack(case[2]))
      assert.matches(known and "^PAYLOADS_TOO_LARGE$" or "^BAD_[%u_]+_ATTRIBUTES$", cause)
      if known then assert.matches(case[3], message) end
    end)
  end

  it("fails the task whose commands are more than gRPC takes at once", function()
    local cause, message = failure_of("LargeArguments", 3, 1900000)
    assert.equal("PAYLOADS_TOO_LARGE", cause)
    assert.matches("the largest part is the arguments of activity Nothing %(19000%d%d bytes%): "
      .. "570%d+ bytes; gRPC allows 4194304", message)
  end)

  it("answers with less than that", function()
    local size = beside(function() return #begin("LargeResult", 1900000):get(HUNG) end)
    assert.equal(1900000, size)
  end)

  it("fails a query whose result is too large, or cannot be written", function()
    local large, print_query, small
    local known = limits_are_known()
    beside(function()
      local run = begin "LargeQuery"
      temporal.assert(run:get(HUNG))
      large = select(2, run:query("large", 3 * MIB))
      print_query = select(2, run:query "print")
      small = run:query("large", 3)
    end)
    assert.matches(known
      and 'the result of query "large": 31457%d%d bytes; the namespace allows 2097152'
      or "size exceeds limit", large.message)
    assert.matches('the result of query "print"', print_query.message, 1, true)
    assert.equal("xxx", small)
  end)

  it("says once what it is, and once that the run has patches", function()
    for _, cached in ipairs { 1000, 0 } do
      local said = {}
      beside(function()
        local run = begin "Patched"
        temporal.assert(run:get(HUNG))
        for event in run:history() do
          local attributes = event.workflow_task_completed_event_attributes
          if attributes then
            local metadata = attributes.sdk_metadata or {}
            said[#said + 1] = ("%s %s %s"):format(metadata.sdk_name or "",
              metadata.sdk_version or "", table.concat(metadata.core_used_flags or {}, ","))
          end
        end
      end, { max_cached_workflows = cached })
      assert.equal(("temporal-lua %s "):format(core.version), said[1])
      assert.equal("  2", said[2])
      for i = 3, #said do assert.is_true(said[i] == "  " or cached == 0 and said[i] == "  2") end
    end
  end)
end)

--- What a workflow knows of itself and says of itself, on the real server.

local activity = require "temporal.activity"
local env = require "spec.support.environment"
local simulation = require "spec.support.simulation"
local temporal = require "temporal"
local workers = require "spec.support.worker"
local workflow = require "temporal.workflow"

if simulation.impossible(describe, it) then return end

local HUNG = 60

local function Child()
  local info = workflow.info()
  return { memo = info.memo, attributes = info.search_attributes, parent = info.parent,
    root = info.root, retry = info.retry_policy and info.retry_policy.maximum_attempts }
end

local function Family()
  return { own = workflow.info(), child = workflow.execute_child_workflow({ memo = { note = { 1 } },
    search_attributes = { CustomKeyword = "c" }, retry_policy = { maximum_attempts = 2 },
    static_summary = "a child" }, "Child"):get() }
end

-- Removes and adds, and looks at what the next run has of it.
local function Heir(again)
  if again then
    workflow.upsert_memo { note = temporal.null, added = "new" }
    workflow.upsert_search_attributes { CustomKeyword = temporal.null, CustomInt = 8 }
    workflow.continue_as_new(nil, false)
  end
  return Child()
end

local function Counts(n)
  workflow.metrics():counter("orders_begun", { size = n > 1 and "big" or "small" }):add()
  workflow.execute_activity({ start_to_close_timeout = 30 }, "Count", n):get()
  workflow.sleep(0.01)
  workflow.metrics():gauge "orders_last":set(n)
  workflow.log("info", "counted", { n = n })
  return workflow.info().attempt
end

local function Count(n)
  activity.metrics():histogram "amount":record(n)
end

describe("a workflow", function()
  local client, queue, logged

  before_each(function()
    client, logged = workers.client()
    queue = "lua-" .. env.uuid()
  end)
  after_each(function() client:close(0) end)

  local function beside(fn, cached)
    return workers.new({ client = client, task_queue = queue, max_cached_workflows = cached,
      workflows = { Child = Child, Family = Family, Heir = Heir, Counts = Counts },
      activities = { Count = Count } }):run(fn)
  end

  it("counts and logs, but not again in a replay", function()
    local ids = {}
    beside(function()
      for n = 1, 3 do
        local run = client:execute_workflow({ task_queue = queue }, "Counts", n)
        temporal.assert(run:get(HUNG))
        ids[n] = run.id
      end
    end, 0)
    local snapshot = temporal.assert(client:metrics())
    local values = {}
    for _, sample in ipairs(snapshot.orders_begun) do
      assert.same({ env.namespace, queue, "Counts" },
        { sample.namespace, sample.task_queue, sample.workflow_type })
      values[sample.size] = sample.value
    end
    assert.same({ small = 1, big = 2 }, values)
    assert.equal(3, snapshot.orders_last[1].value)
    assert.same({ 3, 6, "Count" }, { snapshot.amount[1].count, snapshot.amount[1].sum,
      snapshot.amount[1].activity_type })
    local text = client:metrics { format = "prometheus", tags = { zone = "a" },
      counters_total_suffix = true }
    assert.matches('orders_begun_total{namespace="[^"]+",size="big",task_queue="[^"]+",'
      .. 'workflow_type="Counts",zone="a"} 2\n', text)
    assert.matches("# TYPE amount histogram\n", text, 1, true)
    assert.matches('amount_bucket{activity_type="Count",[^}]+le="2.5"} 2\n', text)
    local counted = {}
    for _, each in ipairs(logged) do
      if each.message == "counted" then counted[#counted + 1] = each.fields end
    end
    assert.equal(3, #counted)
    assert.same({ n = 3, workflow_id = ids[3], workflow_type = "Counts", attempt = 1,
      run_id = counted[3].run_id }, counted[3])
  end)

  it("knows what it was started with, and its family", function()
    local run
    local got = beside(function()
      run = temporal.assert(client:start_workflow({ task_queue = queue, memo = { a = 1 },
        search_attributes = { CustomKeyword = "p" }, priority = { key = 2 },
        run_timeout = 300 }, "Family"))
      return temporal.assert(run:get(HUNG))
    end)
    assert.same({ run.id, run.run_id, "Family", queue, 1, { a = 1 }, { CustomKeyword = "p" }, 2,
      300 }, { got.own.id, got.own.run_id, got.own.workflow_type, got.own.task_queue,
      got.own.attempt, got.own.memo, got.own.search_attributes, got.own.priority.key,
      got.own.run_timeout })
    assert.is_true(math.abs(got.own.start_time - os.time()) < 3600)
    assert.is_true(got.own.history_length >= 3 and got.own.history_size > 0)
    assert.same({
      memo = { note = { 1 } }, attributes = { CustomKeyword = "c" }, retry = 2,
      parent = { id = run.id, run_id = run.run_id, namespace = env.namespace },
      root = { id = run.id, run_id = run.run_id },
    }, got.child)
  end)

  it("hands what it has changed on to the run that follows it", function()
    local described
    local got = beside(function()
      local run = temporal.assert(client:start_workflow({ task_queue = queue,
        memo = { note = 1, kept = true }, search_attributes = { CustomKeyword = "p" } }, "Heir",
        true))
      local value = temporal.assert(run:get(HUNG))
      described = temporal.assert(client:workflow(run.id):describe())
      return value
    end)
    assert.same({ memo = { kept = true, added = "new" }, attributes = { CustomInt = 8 } }, got)
    assert.same({ kept = true, added = "new" }, described.memo)
    assert.same({ nil, 8 }, { described.search_attributes.CustomKeyword,
      described.search_attributes.CustomInt })
  end)
end)

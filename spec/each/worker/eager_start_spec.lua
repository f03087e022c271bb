--- Eager starts on the real server: the first task of a workflow comes with the answer to its
-- start. Task timeouts are an hour: a task that was lost would be missed.

local env = require "spec.support.environment"
local promise = require "temporal.wait.promise"
local simulation = require "spec.support.simulation"
local support = require "spec.support.worker"
local temporal = require "temporal"
local workflow = require "temporal.workflow"

if simulation.impossible(describe, it) then return end

local HUNG = 60

describe("an eager start", function()
  local client, queue

  before_each(function()
    client = support.client()
    queue = "lua-" .. env.uuid()
  end)
  after_each(function() client:close(0) end)

  local function Echo(value) return value end

  local function Steps(n)
    workflow.sleep(0.01)
    local sum = 0
    for i = 1, n do
      sum = sum + workflow.execute_activity({ start_to_close_timeout = 30 }, "Double", i):get()
    end
    return sum
  end

  local function new_worker(more)
    local given = { client = client, task_queue = queue, workflows = { Echo = Echo, Steps = Steps },
      activities = { Double = function(n) return 2 * n end } }
    for name, value in pairs(more or {}) do given[name] = value end
    return support.new(given)
  end

  local function options(more)
    local given = { task_queue = queue, request_eager_start = true, task_timeout = 3600 }
    for name, value in pairs(more or {}) do given[name] = value end
    return given
  end

  local function begin(more, ...)
    return temporal.assert(client:start_workflow(options(more), ...))
  end

  local function history(run)
    return temporal.assert(client:workflow(run.id, run.run_id):fetch_history())
  end

  local function is_eager(run)
    return history(run).events[1].workflow_execution_started_event_attributes
      .eager_execution_accepted
  end

  -- How many polls have brought a workflow task.
  local function polls() return support.polls(client, "PollWorkflowTaskQueue") end

  local function check_slots(worker)
    assert.equal(0, worker:status().slots.workflow)
  end

  for _, cached in ipairs { 1000, 0 } do
    it(("needs no poll, and replays; max_cached_workflows = %d"):format(cached), function()
      local worker, run = new_worker { max_cached_workflows = cached }, nil
      assert.same({ 1, 0 }, { worker:run(function()
        run = begin(nil, Echo, 1)
        return run:get(HUNG), polls()
      end) })
      assert.is_true(is_eager(run))
      queue = queue .. "-2" -- a busy server may answer polls that have just been cut
      worker = new_worker { max_cached_workflows = cached }
      assert.equal(6, worker:run(function()
        run = begin(nil, Steps, 2)
        return run:get(HUNG)
      end))
      assert.is_true(is_eager(run))
      assert.is_true(temporal.replayer({ workflows = { Steps = Steps } }):replay(history(run)))
      check_slots(worker)
    end)
  end

  it("is run though nobody waits for its answer", function()
    local ids = {}
    new_worker():run(function()
      for i = 1, 3 do
        ids[i] = "eager-" .. env.uuid()
        local run = client:execute_workflow(options { id = ids[i] }, Echo, i)
        if i == 2 then run:abandon() end
      end
      collectgarbage()
      for i = 1, 3 do
        env.wait_until(HUNG, function()
          promise.pause(0.02)
          return (client:workflow(ids[i]):describe())
        end, "the start")
        assert.equal(i, client:workflow(ids[i]):get(HUNG))
      end
    end)
    for i = 1, 3 do assert.is_true(is_eager(client:workflow(ids[i]))) end
  end)

  it("is run by a worker that stops meanwhile, and none after that", function()
    local worker = new_worker()
    temporal.assert(worker:start())
    local before = client:execute_workflow(options(), Echo, 1)
    temporal.assert(worker:stop(HUNG))
    assert.is_true(before:started())
    check_slots(worker)
    assert.equal(1, before:get(HUNG))
    local after = begin({ task_timeout = 5 }, Echo, 2) -- a poll that was just cut may get it
    assert.same({ true, false }, { is_eager(before), is_eager(after) })
    assert.equal(2, new_worker():run(function() return after:get(HUNG) end))
  end)

  it("takes a slot each, as many as nobody has", function()
    local worker, runs = new_worker { slots = { workflow = 5 } }, {}
    local function until_polls_alone()
      env.wait_until(HUNG, function()
        promise.pause(0.02)
        return worker:status().slots.workflow == 2
      end, "all slots but those of the polls")
    end
    worker:run(function()
      until_polls_alone()
      for i = 1, 5 do runs[i] = client:execute_workflow(options(), Echo, i) end
      assert.equal(5, worker:status().slots.workflow)
      for i = 1, 5 do assert.equal(i, runs[i]:get(HUNG)) end
      for i = 6, 8 do -- one after the other: each slot was given back
        until_polls_alone()
        runs[i] = begin(nil, Echo, i)
        assert.equal(i, runs[i]:get(HUNG))
      end
      until_polls_alone()
    end)
    local eager = {}
    for i, run in ipairs(runs) do eager[i] = is_eager(run) end
    assert.same({ true, true, true, false, false, true, true, true }, eager)
    check_slots(worker)
  end)

  it("is an ordinary one without a free slot", function()
    local run
    new_worker({ slots = { workflow = 2 } }):run(function()
      run = begin(nil, Echo, 1)
      assert.equal(1, run:get(HUNG))
    end)
    assert.is_false(is_eager(run))
  end)

  it("is an ordinary one without a worker of this client, queue and workflow", function()
    local other = temporal.client { target = env.address, namespace = env.namespace }
    local none, elsewhere, unknown, of_other = begin(nil, Echo, 1), nil, nil, nil
    new_worker({ workflows = { Echo = Echo } }):run(function()
      elsewhere = begin({ task_queue = queue .. "-other" }, Echo, 1)
      unknown = begin({ run_timeout = 1 }, "Unknown")
      of_other = temporal.assert(other:start_workflow(options(), Echo, 1))
      assert.equal(1, none:get(HUNG))
      assert.equal(1, of_other:get(HUNG))
    end)
    for _, run in ipairs { none, elsewhere, unknown, of_other } do
      assert.is_false(is_eager(run))
    end
    temporal.assert(elsewhere:terminate())
    other:close(0)
  end)

  it("gives its slot back when it brings no task", function()
    local worker, id = new_worker(), "eager-" .. env.uuid()
    worker:run(function()
      local first = begin({ id = id }, Steps, 1)
      local run, err = client:start_workflow(options { id = id, id_reuse_policy =
        "reject_duplicate" }, Echo, 1)
      assert.same({ nil, "already_started" }, { run, err.kind })
      run = begin({ id = id, on_already_started = "attach", id_reuse_policy = "reject_duplicate" },
        Steps, 1)
      assert.is_true(run.attached)
      first:get(HUNG)
      -- The server gives no task that is not due.
      assert.equal(1, begin({ start_delay = 0.01 }, Echo, 1):get(HUNG))
      run, err = client:start_workflow(options { memo = { m = ("x"):rep(3 * 1024 * 1024) } }, Echo)
      assert.same({ nil, "message_too_large" }, { run, err.kind })
    end)
    check_slots(worker)
  end)

  it("goes to an existing run, which has its own worker", function()
    local id, run = "eager-" .. env.uuid(), nil
    local worker = new_worker { workflows = { Waits = function(value)
      local go
      workflow.on_signal("go", function() go = true end)
      workflow.wait_condition(function() return go end)
      return value
    end } }
    local first = begin({ id = id }, "Waits", 1)
    worker:run(function()
      run = begin({ id = id, id_conflict_policy = "use_existing" }, "Waits", 2)
      temporal.assert(run:signal "go")
      assert.equal(1, run:get(HUNG))
    end)
    assert.equal(first.run_id, run.run_id)
    check_slots(worker)
  end)

  it("runs on the version of its worker", function()
    local name = "deployment-" .. env.uuid()
    local worker, run = new_worker { deployment = { name = name, build_id = "1.0",
      default_behavior = "auto_upgrade" }, workflows = { Version = function()
        return workflow.info().deployment.build_id
      end } }, nil
    worker:run(function()
      env.wait_until(HUNG, function()
        promise.pause(0.02)
        return (client:call("SetWorkerDeploymentCurrentVersion", { namespace = env.namespace,
          deployment_name = name, build_id = "1.0" }))
      end, "the deployment")
      run = begin(nil, "Version")
      assert.equal("1.0", run:get(HUNG))
    end)
    assert.is_true(is_eager(run))
    for _, event in ipairs(history(run).events) do
      local completed = event.workflow_task_completed_event_attributes
      if completed then assert.equal("1.0", completed.deployment_version.build_id) end
    end
  end)

  it("decodes what a codec has encoded", function()
    local function flip(data)
      return (data:gsub(".", function(c) return string.char(255 - c:byte()) end))
    end
    local function each(payloads)
      local changed = {}
      for i, payload in ipairs(payloads) do
        changed[i] = { metadata = payload.metadata, data = flip(payload.data) }
      end
      return changed
    end
    client:close(0)
    client = temporal.client { target = env.address, namespace = env.namespace,
      codecs = { { encode = each, decode = each } } }
    local run
    new_worker():run(function()
      run = begin(nil, Echo, "secret")
      assert.equal("secret", run:get(HUNG))
    end)
    assert.is_true(is_eager(run))
  end)

  it("is none with a signal or an update", function()
    local function raises(words, method, ...)
      local ok, problem = pcall(client[method], client, options { id_conflict_policy =
        "use_existing" }, { "x" }, Echo, ...)
      assert.is_false(ok)
      assert.matches(words, problem, 1, true)
      assert.matches("^%S*eager_start_spec%.lua:%d+:", problem)
    end
    raises('"request_eager_start" is not possible with signal_with_start', "signal_with_start")
    raises('"request_eager_start" is not possible with update_with_start', "update_with_start")
  end)
end)

--- Workers on the real server: workflows and activities in Lua, started from Lua.

local env = require "spec.support.environment"
local temporal = require "temporal"
local workers = require "spec.support.worker"
local workflow = require "temporal.workflow"
local activity = require "temporal.activity"

local LUA_51 = _VERSION == "Lua 5.1" and not rawget(_G, "jit")
local HUNG = 60

-- Workflows.

local function Echo(...) return ... end

local function Order(order)
  local approved
  workflow.on_signal("approve", function(who) approved = who end)
  workflow.on_query("state", function() return approved and "approved" or "waiting" end)
  if not workflow.wait_condition(function() return approved end, order.patience or "24h") then
    return nil, "nobody approved"
  end
  local receipt = workflow.execute_activity({ start_to_close_timeout = 30 }, "Charge", order):get()
  workflow.sleep(0.01)
  return { receipt = receipt, by = approved }
end

local function FanOut(n)
  local futures, sum = {}, 0
  for i = 1, n do
    futures[i] = workflow.execute_activity({ start_to_close_timeout = 30 }, "Double", i)
  end
  workflow.wait_all(futures)
  for _, each in ipairs(futures) do sum = sum + each:get() end
  return sum
end

local function Catch(what)
  local ok, err = pcall(function()
    return workflow.execute_activity({ start_to_close_timeout = 30,
      retry_policy = { maximum_attempts = 1 } }, "Fail", what):get()
  end)
  return { ok = ok, kind = err.kind, type = err.cause.type, message = err.cause.message }
end

local function Fails(how)
  if how == "error" then
    error(temporal.application_error("no stock", { type = "OutOfStock", details = { 3 } }))
  end
  return nil, "no stock"
end

local function Account()
  local total, done = 0, false
  workflow.on_update("deposit", function(n)
    total = total + workflow.execute_activity({ start_to_close_timeout = 30 }, "Double", n):get()
    return total
  end, { validator = function(n)
    if n <= 0 then error(temporal.application_error("nothing to deposit", { type = "Empty" })) end
  end })
  workflow.on_signal("close", function() done = true end)
  workflow.wait_condition(function() return done and workflow.all_handlers_finished() end)
  return total
end

local function Parent(id)
  local child = workflow.start_child_workflow({ id = id }, "Order", { amount = 7 })
  child:signal("approve", "the parent")
  local failing = workflow.execute_child_workflow({}, "Fails")
  local _, err = pcall(failing.get, failing)
  local doomed = workflow.start_child_workflow(
    { cancellation_type = "wait_cancellation_requested" }, "WaitForever")
  doomed:cancel()
  local _, canceled = pcall(doomed.get, doomed)
  return { child:get(), err.cause.message, canceled.cause.kind }
end

local function Countdown(n, sum)
  if n == 0 then return sum end
  workflow.continue_as_new(nil, n - 1, sum + n)
end

local function Patched()
  local answer = workflow.patched "change"
  workflow.upsert_search_attributes { CustomKeyword = "patched" }
  workflow.upsert_memo { note = "patched" }
  local value = workflow.side_effect(function() return { 1, 2 } end)
  workflow.sleep(0.01)
  return { answer, value, workflow.uuid() }
end

local function WaitForever()
  workflow.wait_condition(function() return false end)
end

-- Activities.

local charged = {}

local function Charge(order)
  charged[#charged + 1] = activity.info().workflow_id
  return "receipt-" .. order.amount
end

local function Double(n) return 2 * n end

local function Fail(how)
  if how == "returned" then
    return nil, "no luck"
  elseif how == "object" then
    error(temporal.application_error("sold out", { type = "SoldOut" }))
  end
  error("a bug", 0)
end

describe("a worker", function()
  local client, queue

  before_each(function()
    client = temporal.client { target = env.address, namespace = env.namespace }
    queue = "lua-" .. env.uuid()
    charged = {}
  end)
  after_each(function() client:close(0) end)

  local function worker(options)
    options.client, options.task_queue = client, queue
    return workers.new(options)
  end

  if LUA_51 then
    it("runs activities alone on PUC Lua 5.1, and says why", function()
      local ok, problem = pcall(worker, { workflows = { Echo = Echo } })
      assert.is_false(ok)
      assert.matches("PUC Lua 5.1 cannot run workflows", problem, 1, true)
    end)
  end

  -- Runs a worker beside `fn`, and returns what it returns.
  local function beside(options, fn)
    options.workflows = options.workflows or {
      Echo = Echo, Order = Order, FanOut = FanOut, Catch = Catch, Fails = Fails,
      WaitForever = WaitForever, Account = Account, Parent = Parent, Countdown = Countdown,
      Patched = Patched,
    }
    options.activities = options.activities or { Charge = Charge, Double = Double, Fail = Fail }
    local running = worker(options)
    local result = running:run(fn)
    assert.equal("stopped", running:status().state)
    assert.same({ workflow = 0, activity = 0, local_activity = 0 }, running:status().slots)
    return result
  end

  local function result_of(name, ...)
    local run = client:execute_workflow({ task_queue = queue }, name, ...)
    return run:get(HUNG)
  end

  if not LUA_51 then
    for _, cached in ipairs { 1000, 1, 0 } do
      it(("runs a workflow with all it waits for; max_cached_workflows = %d"):format(cached),
        function()
          local run, states = nil, {}
          local result = beside({ max_cached_workflows = cached }, function()
            run = temporal.assert(client:start_workflow({ task_queue = queue }, "Order",
              { amount = 3 }))
            states[1] = temporal.assert(run:query "state")
            temporal.assert(run:signal("approve", "ann"))
            local value = temporal.assert(run:get(HUNG))
            states[2] = temporal.assert(run:query "state") -- of a closed run
            return value
          end)
          assert.same({ receipt = "receipt-3", by = "ann" }, result)
          assert.same({ "waiting", "approved" }, states)
          assert.same({ run.id }, charged)
        end)
    end

    it("ends a wait by its timeout", function()
      local err = beside({}, function()
        return select(2, result_of("Order", { amount = 1, patience = 0.01 }))
      end)
      assert.same({ "workflow_failed", "application", "nobody approved" },
        { err.kind, err.cause.kind, err.cause.message })
    end)

    it("runs activities at the same time", function()
      assert.equal(110, beside({ slots = { activity = 3 } }, function()
        return result_of("FanOut", 10)
      end))
    end)

    it("tells a workflow why its activity failed", function()
      local got = beside({}, function()
        return { result_of("Catch", "returned"), (result_of("Catch", "object")),
          (result_of("Catch", "bug")) }
      end)
      assert.same({
        { ok = false, kind = "activity", type = "LuaError", message = "no luck" },
        { ok = false, kind = "activity", type = "SoldOut", message = "sold out" },
        { ok = false, kind = "activity", type = "LuaError", message = "a bug" },
      }, got)
    end)

    it("fails a workflow that raises an error object or returns nil and why", function()
      local raised, returned = nil, nil
      beside({}, function()
        raised = select(2, result_of("Fails", "error"))
        returned = select(2, result_of "Fails")
      end)
      assert.same({ "OutOfStock", "no stock", 3 },
        { raised.cause.type, raised.cause.message, raised.cause.details[1] })
      assert.equal("no stock", returned.cause.message)
    end)

    for _, cached in ipairs { 1000, 0 } do
      it(("takes updates, and rejects some without a trace; max_cached_workflows = %d"):format(
        cached), function()
        local run, answers = nil, {}
        local total = beside({ max_cached_workflows = cached }, function()
          run = temporal.assert(client:start_workflow({ task_queue = queue }, "Account"))
          for _, n in ipairs { 1, 0, -1, 2, 0 } do
            local value, err = run:update("deposit", n)
            answers[#answers + 1] = value or err:find("application").type
          end
          temporal.assert(run:signal "close")
          return temporal.assert(run:get(HUNG))
        end)
        assert.same({ 2, "Empty", "Empty", 6, "Empty" }, answers)
        assert.equal(6, total)
        local kinds = {}
        for event in run:history() do
          kinds[event.event_type] = (kinds[event.event_type] or 0) + 1
        end
        assert.equal(2, kinds.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED)
        assert.equal(2, kinds.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED)
        assert.is_nil(kinds.EVENT_TYPE_WORKFLOW_TASK_FAILED)
      end)
    end

    for _, cached in ipairs { 1000, 0 } do
      it(("runs children, and tells of their ends; max_cached_workflows = %d"):format(cached),
        function()
          local id = "child-" .. env.uuid()
          local result = beside({ max_cached_workflows = cached }, function()
            return temporal.assert(result_of("Parent", id))
          end)
          assert.same({ { receipt = "receipt-7", by = "the parent" }, "no stock", "canceled" },
            result)
          assert.same({ id }, charged)
        end)
    end

    it("goes on as new runs", function()
      assert.equal(6, beside({}, function() return result_of("Countdown", 3, 0) end))
    end)

    it("records patches, side effects and attributes", function()
      for _, cached in ipairs { 1000, 0 } do
        local run, described
        local result = beside({ max_cached_workflows = cached }, function()
          run = temporal.assert(client:start_workflow({ task_queue = queue }, "Patched"))
          local value = temporal.assert(run:get(HUNG))
          described = temporal.assert(run:describe())
          return value
        end)
        assert.same({ true, { 1, 2 } }, { result[1], result[2] })
        assert.same({ "patched", { "change" }, "patched" }, {
          described.search_attributes.CustomKeyword,
          described.search_attributes.TemporalChangeVersion, described.memo.note })
      end
    end)

    it("cancels a workflow where it waits", function()
      local err = beside({}, function()
        local run = temporal.assert(client:start_workflow({ task_queue = queue }, "WaitForever"))
        temporal.assert(run:cancel "enough")
        return select(2, run:get(HUNG))
      end)
      assert.same({ "workflow_failed", "canceled" }, { err.kind, err.cause.kind })
    end)

    it("fails only the task where the code has a bug, and goes on when that is mended", function()
      local logged = {}
      local noisy = temporal.client { target = env.address, namespace = env.namespace,
        logger = function(_, message) logged[#logged + 1] = message end }
      local function buggy(broken)
        return function()
          if broken then error "a bug" end
          return "mended"
        end
      end
      local running = workers.new { client = noisy, task_queue = queue,
        workflows = { Buggy = buggy(true) } }
      local run = running:run(function()
        local run = client:execute_workflow({ task_queue = queue, task_timeout = 1 }, "Buggy")
        env.wait_until(HUNG, function()
          temporal.poll(0.01)
          return #logged > 0
        end, "the task to fail")
        return run
      end)
      noisy:close(0)
      local result = worker { workflows = { Buggy = buggy(false) } }:run(function()
        return run:get(HUNG)
      end)
      assert.equal("mended", result)
      assert.matches("a workflow task failed: .*worker_spec.lua:%d+: a bug", logged[1])
    end)

    it("fails the task of a type it does not know, and names those it knows", function()
      local failed
      beside({}, function()
        local run = temporal.assert(client:start_workflow({ task_queue = queue }, "Unknown"))
        for event in run:history { wait = true } do
          if event.event_type == "EVENT_TYPE_WORKFLOW_TASK_FAILED" then
            failed = event.workflow_task_failed_event_attributes
            break
          end
        end
        run:terminate()
      end)
      assert.equal("WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE", failed.cause)
      assert.matches('no workflow "Unknown" is known .* Account, Catch, Countdown, Echo, Fails',
        failed.failure.message)
    end)

    it("goes on with a run that another worker began, and that was killed", function()
      local run
      beside({}, function()
        run = temporal.assert(client:start_workflow({ task_queue = queue }, "Order",
          { amount = 2 }))
        temporal.assert(run:query "state") -- the first task is done
      end)
      temporal.assert(run:signal("approve", "bob"))
      assert.same({ receipt = "receipt-2", by = "bob" }, beside({}, function()
        return run:get(HUNG)
      end))
    end)
  end

  if not LUA_51 then
    it("does with one slot and one poll where it keeps no runs", function()
      local one = temporal.worker { client = client, task_queue = queue,
        workflows = { FanOut = FanOut }, activities = { Double = Double }, max_cached_workflows = 0,
        slots = { workflow = 1, activity = 1 }, pollers = { workflow = 1, activity = 1 } }
      assert.equal(12, one:run(function()
        return client:execute_workflow({ task_queue = queue }, "FanOut", 3):get(HUNG)
      end))
    end)
  end

  it("runs an activity that no workflow asked for", function()
    local result = worker({ activities = { Double = Double } }):run(function()
      return client:execute_activity({ task_queue = queue, start_to_close_timeout = 30 }, "Double",
        21):get(HUNG)
    end)
    assert.equal(42, result)
  end)

  it("says why an activity failed that no workflow asked for", function()
    local failed = worker({ activities = { Fail = Fail } }):run(function()
      local _, err = client:execute_activity({ task_queue = queue, start_to_close_timeout = 30,
        retry_policy = { maximum_attempts = 1 } }, "Fail", "bug"):get(HUNG)
      return { err.kind, err:find("application").type, err:find("application").message }
    end)
    assert.same({ "LuaError", "a bug" }, { failed[2], failed[3] })
  end)

  it("runs a function beside itself, and returns or raises what that does", function()
    local function run(fn)
      return workers.new{ client = client, task_queue = "beside-" .. env.uuid(),
        activities = { Nothing = function() end } }:run(fn)
    end
    local refused = temporal.application_error "refused"
    assert.same({ 1, nil, 3 }, { run(function() return 1, nil, 3 end) })
    local value, err = run(function() return nil, refused end)
    assert.is_nil(value)
    assert.equal(refused, err)
    for _, problem in ipairs { refused, "text" } do
      local ok, raised = pcall(run, function() error(problem, 0) end)
      assert.is_false(ok)
      assert.equal(problem, raised)
    end
  end)

  it("raises on misuse", function()
    local function raises(words, options)
      local ok, problem = pcall(temporal.worker, options)
      assert.is_false(ok)
      assert.matches(words, problem, 1, true)
    end
    raises("takes a table of options", 1)
    raises('worker option "client" is missing', { task_queue = "q", activities = {} })
    raises('"client" must be a client', { client = {}, task_queue = "q" })
    raises('"task_queue" is missing', { client = client, activities = {} })
    raises("must not begin with", { client = client, task_queue = "__temporal_q",
      activities = {} })
    raises("nothing to run", { client = client, task_queue = "q" })
    raises("nothing to run", { client = client, task_queue = "q", activities = {} })
    for _, name in ipairs { "slots", "pollers" } do
      raises(('"%s.workflow" must be at least 2, got 1'):format(name), { client = client,
        task_queue = "q", activities = { Double = Double }, [name] = { workflow = 1 } })
    end
    raises('"slots.activity" must be a whole number of at least 1, got 0', { client = client,
      task_queue = "q", activities = { Double = Double }, slots = { activity = 0 } })
    raises("activities.A\" must be a function", { client = client, task_queue = "q",
      activities = { A = 1 } })
    raises('did you mean "activities"', { client = client, task_queue = "q", activitys = {} })
    local running = worker { activities = { Double = Double } }
    assert.is_true(running:stop())
    local ok, problem = pcall(running.start, running)
    assert.is_false(ok)
    assert.matches("make another one", problem, 1, true)
    assert.is_false((pcall(workflow.sleep, 1)))
    assert.is_false((pcall(activity.info)))
  end)
end)

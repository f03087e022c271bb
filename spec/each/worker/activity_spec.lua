--- What becomes of activities, on the real server: each way in which one can end.

local env = require "spec.support.environment"
local support = require "spec.support.worker"
local temporal = require "temporal"
local activity = require "temporal.activity"
local workflow = require "temporal.workflow"

local HUNG = 60
local LUA_51 = _VERSION == "Lua 5.1" and not rawget(_G, "jit")

describe("an activity", function()
  local client, queue, logged

  before_each(function()
    client, logged = support.client()
    queue = "lua-" .. env.uuid()
  end)
  after_each(function() client:close(0) end)

  local function was_logged(words) return support.find(logged, words) end

  local function worker(activities, options)
    options = options or {}
    options.client, options.task_queue, options.activities = client, queue, activities
    return support.new(options)
  end

  local function start(name, options, ...)
    options = options or {}
    options.task_queue = queue
    options.start_to_close_timeout = options.start_to_close_timeout or 60
    local run = client:execute_activity(options, name, ...)
    temporal.assert(run:started()) -- an older server says that it has no such activities
    return run
  end

  local ONCE = { maximum_attempts = 1 }

  local function until_true(what, predicate)
    env.wait_until(HUNG, function()
      temporal.poll(0.01)
      return predicate()
    end, what)
  end

  -- How an activity fails that is tried once.
  local function failure_of(fn, options, ...)
    local list = { n = select("#", ...), ... }
    options = options or {}
    options.retry_policy = options.retry_policy or ONCE
    return worker({ It = fn }):run(function()
      local value, err = start("It", options, (table.unpack or unpack)(list, 1, list.n)):get(HUNG)
      assert.is_nil(value)
      return err:find "application" or err
    end)
  end

  it("completes with its first value", function()
    local got = worker({ It = function(a, b) return a + b, "more" end }):run(function()
      return { start("It", nil, 1, 2):get(HUNG) }
    end)
    assert.same({ 3 }, got)
  end)

  it("knows what it is", function()
    local info
    worker({ It = function() info = activity.info() end }):run(function()
      start("It", { id = "a-" .. queue, heartbeat_timeout = 20, schedule_to_close_timeout = 100,
        retry_policy = { maximum_attempts = 2 }, priority = { key = 2 } }):get(HUNG)
    end)
    assert.same({ "a-" .. queue, "It", queue, env.namespace, 1, false, 20, 60, 100 }, {
      info.id, info.type, info.task_queue, info.namespace, info.attempt, info.is_local,
      info.heartbeat_timeout, info.start_to_close_timeout, info.schedule_to_close_timeout })
    assert.is_nil(info.workflow_id or info.run_id or info.workflow_type)
    assert.is_string(info.activity_run_id)
    assert.equal(2, info.retry_policy.maximum_attempts)
    assert.same({ key = 2 }, info.priority)
    assert.is_true(math.abs(info.started_time + 60 - info.deadline) < 0.001)
    assert.is_true(info.scheduled_time <= info.started_time and info.started_time > 1e9)
    assert.is_string(info.task_token)
  end)

  it("fails with nil and why", function()
    local err = failure_of(function() return nil, "no luck" end)
    assert.same({ "LuaError", "no luck", false }, { err.type, err.message, err.non_retryable })
    local failed = was_logged "activity It failed: application (LuaError): no luck"
    assert.equal("warn", failed.level)
    assert.equal(1, failed.fields.attempt)
  end)

  it("fails with the string it raises, and says where", function()
    local err = failure_of(function() error("a bug", 0) end)
    assert.same({ "LuaError", "a bug" }, { err.type, err.message })
    if not LUA_51 then
      assert.matches("activity_spec.lua:%d+: in function", err.stack_trace)
      assert.is_nil(err.stack_trace:find("xpcall", 1, true))
    end
    assert.matches("activity_spec.lua:%d+: with a place",
      failure_of(function() error "with a place" end).message)
  end)

  it("fails with a table by its name", function()
    local named = setmetatable({}, { __name = "shop.Empty",
      __tostring = function() return "nothing left" end })
    local err = failure_of(function() error(named) end)
    assert.same({ "shop.Empty", "nothing left" }, { err.type, err.message })
    assert.equal("LuaError", failure_of(function() error {} end).type)
  end)

  it("fails with an application error as it is", function()
    local err = failure_of(function()
      error(temporal.application_error("sold out", { type = "SoldOut", details = { 3, "x" },
        non_retryable = true, cause = temporal.application_error("why", { type = "Why" }) }))
    end, { retry_policy = {} })
    assert.same({ "SoldOut", "sold out", true, 3, "x", "Why" }, { err.type, err.message,
      err.non_retryable, err.details[1], err.details[2], err.cause.type })
    if not LUA_51 then assert.matches("activity_spec.lua:%d+: in function", err.stack_trace) end
  end)

  it("fails with any other error of this package as the cause of one of its kind", function()
    local err = failure_of(function()
      return nil, select(2, client:call("DescribeWorkflowExecution",
        { execution = { workflow_id = "none-" .. queue } }))
    end)
    assert.equal("not_found", err.type)
    assert.equal("not_found", err.cause.type)
  end)

  it("says a benign failure at debug", function()
    failure_of(function()
      error(temporal.application_error("as usual", { category = "benign" }))
    end)
    assert.equal("debug", was_logged("as usual").level)
  end)

  it("fails with a type nobody knows, and names those there are", function()
    local err = worker({ Known = print, Other = print }):run(function()
      return select(2, start("Strange", { retry_policy = ONCE }):get(HUNG)):find "application"
    end)
    assert.same({ "NotFoundError", false }, { err.type, err.non_retryable })
    assert.matches('no activity "Strange" is known to this worker; known are: Known, Other',
      err.message, 1, true)
  end)

  it("fails where its arguments cannot be read, and may be tried again", function()
    local err = failure_of(function() end, nil,
      temporal.raw { metadata = { encoding = "rot13" }, data = "x" })
    assert.same({ "conversion", false }, { err.type, err.non_retryable })
    assert.matches("its arguments cannot be read: .*rot13", err.message)
  end)

  it("fails for good where its arguments are of other types than it wants", function()
    local fn = temporal.define_activity("It", function() end, { args = { "string", "number?" } })
    local err = failure_of(fn, { retry_policy = {} }, "x", "y")
    assert.same({ "conversion", true }, { err.type, err.non_retryable })
    assert.matches("argument 2 must be a number, got a string", err.message, 1, true)
  end)

  it("fails for good with a result that the namespace does not allow", function()
    local err = failure_of(function() return ("x"):rep(2 * 1024 * 1024) end, { retry_policy = {} })
    assert.same({ "PayloadTooLarge", true }, { err.type, err.non_retryable })
    assert.matches("takes 20971%d%d bytes; this namespace allows 2097152", err.message)
    assert.is_truthy(was_logged "takes 20971")
  end)

  it("fails with a result that cannot be converted", function()
    assert.matches("the result of the activity: .*function",
      failure_of(function() return print end).message)
  end)

  it("is told of the last heartbeat of the attempt before", function()
    local seen = {}
    local function It()
      seen[#seen + 1] = { n = select("#", activity.last_heartbeat()), activity.last_heartbeat() }
      activity.heartbeat(1, "first")
      activity.heartbeat(#seen, { at = #seen }) -- not sent before the failure
      if #seen < 3 then error "again" end
      return activity.info().attempt
    end
    local attempts = worker({ It = It }):run(function()
      return start("It", { heartbeat_timeout = 30,
        retry_policy = { initial_interval = 0.01 } }):get(HUNG)
    end)
    assert.equal(3, attempts)
    assert.same({ { n = 0 }, { n = 2, 1, { at = 1 } }, { n = 2, 2, { at = 2 } } }, seen)
  end)

  it("goes on in another worker where one was killed", function()
    local options = { heartbeat_timeout = 1, retry_policy = { initial_interval = 0.01 } }
    local dying = env.spawn { env.lua, "spec/support/dying_worker.lua", env.address,
      env.namespace, queue }
    local running = start("Beats", options)
    assert.equal("begun", dying:readline())
    until_true("the heartbeat", function()
      return #temporal.assert(running:describe()).heartbeat_details > 0
    end)
    dying:kill "KILL"
    local got = worker({ Beats = function() return { activity.last_heartbeat() } end }):run(
      function() return running:get(HUNG) end)
    assert.same({ "half", { 2 } }, got)
    assert.equal("signal", (dying:wait()))
  end)

  it("is completed later", function()
    local token
    local got = worker({ It = function()
      token = activity.info().task_token
      return activity.pending
    end }, { slots = { activity = 1 } }):run(function()
      local running = start "It"
      until_true("the activity", function() return token end)
      temporal.assert(client:async_activity { task_token = token }:complete "later")
      return running:get(HUNG)
    end)
    assert.equal("later", got)
  end)

  -- What the server keeps of the attempt of an activity that ends when it is canceled.
  local function end_by(reason, options, act)
    local begun, seen
    local attempts = 0
    local function It()
      attempts = attempts + 1
      if attempts > 1 then return "again" end
      begun = activity.current()
      while not activity.canceled() do
        activity.shield(activity.heartbeat)
        activity.shield(activity.sleep, 0.05)
      end
      seen = activity.canceled()
      activity.sleep(1)
    end
    options.retry_policy = options.retry_policy or { initial_interval = 0.01 }
    options.heartbeat_timeout = 10
    local running = worker({ It = It }, { max_heartbeat_throttle_interval = 0.1 })
    local result = running:run(function()
      local run = start("It", options)
      until_true("the activity", function() return begun end)
      return act(run, running)
    end)
    assert.equal(reason, seen)
    return result
  end

  it("is canceled after a request", function()
    local described = end_by("requested", {}, function(run)
      temporal.assert(run:cancel "enough")
      assert.is_truthy(select(2, run:get(HUNG)):find "canceled")
      return temporal.assert(run:describe())
    end)
    assert.equal("canceled", described.status)
  end)

  it("sends nothing where the server has ended it", function()
    end_by("not_found", {}, function(run, running)
      temporal.assert(run:terminate "enough")
      until_true("the end", function() return running:status().slots.activity == 1 end)
    end)
    local over = was_logged "has ended after it was over for the server: not_found"
    assert.equal("debug", over.level)
    assert.is_nil(was_logged "was not taken")
  end)

  it("is failed, to be tried again, where its worker stops", function()
    local run
    local described = end_by("worker_stopping", {}, function(started, running)
      run = started
      temporal.assert(running:stop(HUNG))
      return temporal.assert(run:describe())
    end)
    assert.same({ "WorkerShutdown", false },
      { described.last_failure.type, described.last_failure.non_retryable })
    assert.equal("again", worker({ It = function() return "again" end }):run(function()
      return run:get(HUNG)
    end))
  end)

  it("sees that its worker stops, and runs on for a while", function()
    local seen, begun = {}, nil
    local running
    local function It()
      seen[1] = activity.wait_worker_stopping(0.001)
      begun = true
      seen[2] = activity.wait_worker_stopping()
      seen[3], seen[4] = activity.worker_stopping(), activity.canceled()
      seen[5] = activity.wait_canceled(0.01)
      return "done"
    end
    running = worker({ It = It }, { graceful_shutdown_timeout = 60 })
    local got = running:run(function()
      local run = start "It"
      until_true("the activity", function() return begun end)
      temporal.assert(running:stop(HUNG))
      return run:get(HUNG)
    end)
    assert.equal("done", got)
    assert.same({ false, true, true, nil, nil }, seen)
  end)

  it("is canceled when its worker has waited long enough, and may clean up", function()
    local begun, reason, asked, waited, go
    local running = worker({ It = function()
      begun = true
      activity.wait_worker_stopping()
      reason = activity.wait_canceled()
      waited = env.now() - asked
      activity.shield(function()
        while not go do activity.sleep(0.01) end
      end)
      return "cleaned up"
    end }, { graceful_shutdown_timeout = 0.3 })
    local got = running:run(function()
      local run = start "It"
      until_true("the activity", function() return begun end)
      asked = env.now()
      local ended, err = running:stop(0.5)
      assert.same({ nil, "timeout" }, { ended, err.kind })
      until_true("the cancellation", function() return reason end)
      go = true
      assert.is_true(running:wait(HUNG))
      return run:get(HUNG)
    end)
    assert.same({ "cleaned up", "worker_stopping" }, { got, reason })
    assert.is_true(waited >= 0.29)
  end)

  it("may stop its own worker", function()
    local running, stopped
    running = worker({ It = function()
      stopped = running:stop()
      return "stopped"
    end }, { graceful_shutdown_timeout = 60 })
    temporal.assert(running:start())
    assert.equal("stopped", start("It"):get(HUNG))
    assert.is_true(stopped)
    assert.is_true(running:wait(HUNG))
  end)

  it("is canceled 5 s after its own deadline", function()
    local reason
    local err = worker({ It = function()
      reason = activity.wait_canceled()
      return "too late"
    end }):run(function()
      local err = select(2, start("It", { start_to_close_timeout = 1,
        retry_policy = ONCE }):get(HUNG))
      until_true("the end", function() return reason end)
      return err
    end)
    assert.equal("start_to_close", err:find("timed_out").timeout_type)
    assert.equal("timed_out", reason)
    until_true("the log", function() return was_logged "over for the server: timed_out" end)
  end)

  -- Runs a workflow with one activity beside `act(run, activity_id)`.
  local function in_workflow(fn, act)
    local function Calls()
      return workflow.execute_activity({ start_to_close_timeout = 60, heartbeat_timeout = 10,
        id = "it", retry_policy = { initial_interval = 0.01 } }, "It"):get()
    end
    return worker({ It = fn }, { workflows = { Calls = Calls },
      max_heartbeat_throttle_interval = 0.1 }):run(function()
        local run = temporal.assert(client:start_workflow({ task_queue = queue }, "Calls"))
        return act(run)
      end)
  end

  if not LUA_51 then
    it("ends a loop of work and heartbeats when its workflow is canceled", function()
      local begun, info
      local err = in_workflow(function()
        begun, info = true, activity.info()
        while true do
          activity.heartbeat()
          activity.sleep(0.01)
        end
      end, function(run)
        until_true("the activity", function() return begun end)
        temporal.assert(run:cancel())
        return select(2, run:get(HUNG))
      end)
      assert.equal("canceled", err.cause.kind)
      assert.equal("Calls", info.workflow_type)
      assert.is_string(info.run_id)
    end)

    for _, each in ipairs {
      { "paused", "PauseActivity", "ActivityPause", "UnpauseActivity" },
      { "reset", "ResetActivity", "ActivityReset" },
    } do
      local reason, method, failure, undo = each[1], each[2], each[3], each[4]
      it("is failed, to be tried again, where it is " .. reason, function()
        local attempts, first = 0, nil
        local got = in_workflow(function()
          attempts = attempts + 1
          if attempts > 1 then return "again" end
          first = activity.current()
          while true do
            activity.heartbeat()
            activity.sleep(0.01)
          end
        end, function(run)
          until_true("the activity", function() return attempts > 0 end)
          local request = { execution = { workflow_id = run.id }, id = "it" }
          temporal.assert(client:call(method, request))
          until_true("the failure", function()
            return was_logged("activity It failed: application (" .. failure)
          end)
          if undo then temporal.assert(client:call(undo, request)) end
          return run:get(HUNG)
        end)
        assert.equal("again", got)
        assert.equal(reason, first:canceled())
      end)
    end
  end

  it("tells its end again until the server takes it", function()
    local calls = require "temporal.worker.calls"
    local answer, told = calls.answer, 0
    local errors = require "temporal.error.error"
    calls.answer = function(asking, method, ...)
      if method == "RespondActivityTaskCompleted" then
        told = told + 1
        if told < 3 then
          return nil, errors.new { kind = "unavailable", message = "no server" }
        end
      end
      return answer(asking, method, ...)
    end
    local got = worker({ It = function() return "taken" end }):run(function()
      return start("It"):get(HUNG)
    end)
    calls.answer = answer
    assert.same({ "taken", 3 }, { got, told })
  end)

  it("raises on misuse", function()
    assert.matches("activity.heartbeat can be called in an activity only",
      select(2, pcall(activity.heartbeat)))
    local err = failure_of(function() activity.heartbeat(print) end)
    assert.matches("activity_spec.lua:%d+: activity.heartbeat: detail 1: .*function", err.message)
    assert.matches("activity.log: the level must be",
      failure_of(function() activity.log("loud", "x") end).message)
    assert.matches("activity.sleep takes a duration",
      failure_of(function() activity.sleep() end).message)
    assert.matches("option of temporal.define_activity", select(2, pcall(temporal.define_activity,
      "It", print, { arg = {} })))
  end)

  it("logs with what it is", function()
    worker({ It = function() activity.log("info", "halfway", { step = 2 }) end }):run(function()
      return start("It", { id = "a-" .. queue }):get(HUNG)
    end)
    local said = was_logged "halfway"
    assert.same({ "info", 2, "a-" .. queue, "It", 1 }, { said.level, said.fields.step,
      said.fields.activity_id, said.fields.activity_type, said.fields.attempt })
  end)
end)

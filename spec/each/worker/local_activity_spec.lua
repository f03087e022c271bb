--- Local activities on the real server.

local activity = require "temporal.activity"
local env = require "spec.support.environment"
local poller = require "temporal.worker.poller"
local promise = require "temporal.wait.promise"
local simulation = require "spec.support.simulation"
local temporal = require "temporal"
local workers = require "spec.support.worker"
local workflow = require "temporal.workflow"

if simulation.impossible(describe, it) then return end

local HUNG = 60

-- How often each activity ran, by what it was given; what the activities wait for.
local calls, gate

local function count(name) calls[name] = (calls[name] or 0) + 1 end

local ACTIVITIES = {
  Add = function(a, b)
    count "Add"
    return a + b
  end,
  Slow = function(seconds)
    count "Slow"
    local ok, err = pcall(activity.sleep, seconds)
    if not ok then
      count("Slow " .. activity.canceled())
      error(err, 0)
    end
    return "slow"
  end,
  Stubborn = function(seconds)
    count "Stubborn"
    return activity.shield(function()
      activity.wait_canceled(seconds)
      promise.pause(0.1)
      return "slow"
    end)
  end,
  Gated = function()
    count "Gated"
    gate:wait(HUNG)
    return "opened"
  end,
  Flaky = function(times)
    count "Flaky"
    local attempt = activity.info().attempt
    if attempt <= times then error "not yet" end
    return attempt
  end,
  Fails = function(how)
    count "Fails"
    error(temporal.application_error("no", how))
  end,
  Info = function()
    local info = activity.info()
    return { info.is_local, info.id, info.type, info.workflow_type, info.attempt,
      info.workflow_id, info.run_id, info.task_queue }
  end,
  Blocks = function(seconds)
    count "Blocks"
    local until_then = os.time() + seconds
    if calls.Blocks == 1 then repeat until os.time() > until_then end
    return calls.Blocks
  end,
  Remote = function() return "remote" end,
  Text = function(size) return ("x"):rep(size) end,
}

local SHORT = { start_to_close_timeout = 30 }

local function start(name, ...) return workflow.execute_local_activity(SHORT, name, ...) end

local function outcome_of(options, name, ...)
  local ok, err = pcall(function(...)
    return workflow.execute_local_activity(options, name, ...):get()
  end, ...)
  if ok then return err end
  return { err.kind, err.activity_type, err.cause.kind, err.cause.type or err.cause.timeout_type,
    err.cause.message }
end

local WORKFLOWS = {
  Sequence = function(n)
    local sum = 0
    for i = 1, n do sum = start("Add", sum, i):get() end
    return sum
  end,
  Parallel = function(n)
    local futures, sum = {}, 0
    for i = 1, n do futures[i] = start("Add", i, i) end
    for i = 1, n do sum = sum + futures[i]:get() end
    return sum
  end,
  Slow = function(seconds)
    local said = {}
    workflow.on_signal("say", function(word) said[#said + 1] = word end)
    workflow.on_query("said", function() return said end)
    local result = start("Slow", seconds):get()
    workflow.sleep(0.01)
    return { result, said }
  end,
  Gated = function()
    local words = {}
    workflow.on_signal("say", function(word) words[#words + 1] = word end)
    workflow.on_query("words", function() return words end)
    local first = start("Add", 1, 2):get()
    local second = start("Gated"):get()
    return { first, second, words }
  end,
  Mixed = function()
    local remote = workflow.execute_activity(SHORT, "Remote")
    local own = start("Add", 1, 1):get()
    return { own, remote:get(), start("Add", 2, 2):get() }
  end,
  Outcome = outcome_of,
  Info = function() return start("Info"):get() end,
  Updated = function()
    local closed
    workflow.on_update("slow", function(seconds) return start("Slow", seconds):get() end,
      { validator = function(seconds) return seconds > 0, "too short" end })
    workflow.on_signal("close", function() closed = true end)
    workflow.wait_condition(function()
      return closed and workflow.all_handlers_finished()
    end)
    return "closed"
  end,
  Leaves = function()
    start("Slow", 30)
    workflow.sleep(0.01)
    return "left"
  end,
  Canceled = function(kind, name)
    local future = workflow.execute_local_activity({ start_to_close_timeout = 30,
      cancellation_type = kind }, name, 5)
    workflow.on_signal("stop", function() future:cancel() end)
    local ok, err = pcall(future.get, future)
    return { ok, ok and err or err.kind, not ok and err.cause.kind }
  end,
}

describe("a local activity", function()
  local client, queue

  before_each(function()
    client = temporal.client { target = env.address, namespace = env.namespace }
    queue = "lua-" .. env.uuid()
    calls, gate = {}, promise.new()
  end)
  after_each(function() client:close(0) end)

  -- Runs `fn` beside a worker.
  local function beside(options, fn)
    options.client, options.task_queue = client, queue
    options.workflows, options.activities = WORKFLOWS, ACTIVITIES
    local running = workers.new(options)
    local result = running:run(fn)
    assert.same({ workflow = 0, activity = 0, local_activity = 0 }, running:status().slots)
    return result
  end

  local function begin(options, name, ...)
    options.task_queue = queue
    return temporal.assert(client:start_workflow(options, name, ...))
  end

  local function result_of(name, ...)
    return temporal.assert(begin({}, name, ...):get(HUNG))
  end

  -- How many events of each type a history has.
  local function kinds_of(run)
    local kinds = {}
    for event in run:history() do
      local kind = event.event_type:gsub("^EVENT_TYPE_", ""):lower()
      kinds[kind] = (kinds[kind] or 0) + 1
    end
    return kinds
  end

  local function wait_for(what, condition)
    env.wait_until(HUNG, function()
      temporal.poll(0.01)
      return condition()
    end, what)
  end

  for _, cached in ipairs { 1000, 0 } do
    describe(("max_cached_workflows = %d:"):format(cached), function()
      it("runs inside the task", function()
        local run
        assert.equal(15, beside({ max_cached_workflows = cached }, function()
          run = begin({}, "Sequence", 5)
          return run:get(HUNG)
        end))
        local kinds = kinds_of(run)
        assert.same({ 5, 1 }, { kinds.marker_recorded, kinds.workflow_task_completed })
        assert.is_nil(kinds.activity_task_scheduled)
        assert.equal(5, calls.Add)
      end)

      it("runs beside others", function()
        assert.equal(110, beside({ max_cached_workflows = cached, slots = { local_activity = 3 } },
          function() return result_of("Parallel", 10) end))
      end)

      it("runs beside activities of the server", function()
        assert.same({ 2, "remote", 4 }, beside({ max_cached_workflows = cached },
          function() return result_of "Mixed" end))
        assert.equal(2, calls.Add)
      end)

      it("keeps its task alive, and signals come between", function()
        local run
        local result = beside({ max_cached_workflows = cached }, function()
          run = begin({ task_timeout = 3 }, "Slow", 6)
          wait_for("the activity", function() return calls.Slow end)
          temporal.assert(run:signal("say", "a"))
          temporal.assert(run:signal("say", "b"))
          return temporal.assert(run:get(HUNG))
        end)
        assert.same({ "slow", { "a", "b" } }, result)
        assert.is_true(kinds_of(run).workflow_task_completed >= 3)
      end)

      it("lets a query be answered while it runs", function()
        local words
        local result = beside({ max_cached_workflows = cached }, function()
          local run = begin({ task_timeout = 3 }, "Gated")
          wait_for("the activity", function() return calls.Gated end)
          temporal.assert(run:signal("say", "a"))
          words = temporal.assert(run:query "words")
          gate:finish()
          return temporal.assert(run:get(HUNG))
        end)
        assert.same({ 3, "opened", { "a" } }, result)
        assert.same({ "a" }, words)
      end)

      it("waits for a late attempt with a timer", function()
        local run
        local result = beside({ max_cached_workflows = cached }, function()
          run = begin({}, "Outcome", { start_to_close_timeout = 10, local_retry_threshold = 0.1,
            retry_policy = { initial_interval = 0.2 } }, "Flaky", 1)
          return temporal.assert(run:get(HUNG))
        end)
        assert.equal(2, result)
        local kinds = kinds_of(run)
        assert.same({ 2, 1 }, { kinds.marker_recorded, kinds.timer_started })
      end)
    end)
  end

  it("knows what it is", function()
    local run
    local info = beside({}, function()
      run = begin({}, "Info")
      return temporal.assert(run:get(HUNG))
    end)
    assert.same({ true, "1", "Info", "Info", 1, run.id, run.run_id, queue }, info)
  end)

  it("is tried again", function()
    local run
    local result = beside({}, function()
      run = begin({}, "Outcome", { start_to_close_timeout = 10,
        retry_policy = { initial_interval = 0.01, backoff_coefficient = 1 } }, "Flaky", 3)
      return temporal.assert(run:get(HUNG))
    end)
    assert.equal(4, result)
    assert.equal(1, kinds_of(run).marker_recorded)
    for event in run:history() do
      local attributes = event.workflow_task_completed_event_attributes
      if attributes then
        assert.equal(3, attributes.metering_metadata.nonfirst_local_activity_execution_attempts)
      end
    end
  end)

  it("fails for good as its policy says", function()
    local once = { maximum_attempts = 1 }
    local got = beside({}, function()
      return {
        result_of("Outcome", { start_to_close_timeout = 10, retry_policy = {
          initial_interval = 0.01, maximum_attempts = 2 } }, "Fails", { type = "A" }),
        result_of("Outcome", { start_to_close_timeout = 10,
          retry_policy = { non_retryable_error_types = { "B" } } }, "Fails", { type = "B" }),
        result_of("Outcome", SHORT, "Fails", { type = "C", non_retryable = true }),
        result_of("Outcome", { start_to_close_timeout = 0.05, retry_policy = once }, "Slow", 60),
        result_of("Outcome", { schedule_to_close_timeout = 1 }, "Slow", 60),
        result_of("Outcome", { schedule_to_close_timeout = 10, retry_policy = {
          initial_interval = 11 } }, "Fails", { type = "D" }),
      }
    end)
    assert.same({
      { "activity", "Fails", "application", "A", "no" },
      { "activity", "Fails", "application", "B", "no" },
      { "activity", "Fails", "application", "C", "no" },
      { "activity", "Slow", "timed_out", "start_to_close",
        "local activity timed out: start_to_close" },
      { "activity", "Slow", "timed_out", "schedule_to_close",
        "local activity timed out: schedule_to_close" },
      { "activity", "Fails", "application", "D", "no" },
    }, got)
    assert.same({ Fails = 5, Slow = 2, ["Slow timed_out"] = 2 }, calls)
  end)

  it("times out where it finds no slot", function()
    local got = beside({ slots = { local_activity = 1 } }, function()
      local holds = begin({}, "Gated")
      wait_for("the activity", function() return calls.Gated end)
      local late = result_of("Outcome", { start_to_close_timeout = 10,
        schedule_to_start_timeout = 0.05 }, "Add", 1, 1)
      gate:finish()
      temporal.assert(holds:get(HUNG))
      return late
    end)
    assert.same({ "activity", "Add", "timed_out", "schedule_to_start",
      "local activity timed out: schedule_to_start" }, got)
  end)

  for kind, expected in pairs {
    try_cancel = { Slow = { false, "activity", "canceled" }, ends = 1 },
    abandon = { Slow = { false, "activity", "canceled" } },
    wait_cancellation_completed = { Slow = { false, "activity", "canceled" },
      Stubborn = { true, "slow", false }, ends = 1 },
  } do
    it("is canceled by " .. kind, function()
      for _, name in ipairs { "Slow", "Stubborn" } do
        if expected[name] then
          calls = {}
          local result = beside({}, function()
            local run = begin({ task_timeout = 2 }, "Canceled", kind, name)
            wait_for("the activity", function() return calls[name] end)
            temporal.assert(run:signal "stop")
            return temporal.assert(run:get(HUNG))
          end)
          assert.same(expected[name], result)
          if name == "Slow" then assert.equal(expected.ends, calls["Slow requested"]) end
        end
      end
    end)
  end

  it("runs in the handler of an update, longer than the task", function()
    local answers = {}
    local result = beside({}, function()
      local run = begin({ task_timeout = 4 }, "Updated")
      for _, seconds in ipairs { 0, 0.01, 5, 0.01 } do
        local value, err = run:update("slow", seconds)
        answers[#answers + 1] = value or err:find("application").message
      end
      temporal.assert(run:signal "close")
      return temporal.assert(run:get(HUNG))
    end)
    assert.same({ "too short", "slow", "slow", "slow" }, answers)
    assert.equal("closed", result)
    assert.equal(3, calls.Slow)
  end)

  it("is canceled when its run ends", function()
    local result = beside({}, function()
      local value = temporal.assert(begin({ task_timeout = 2 }, "Leaves"):get(HUNG))
      wait_for("the cancellation", function() return calls["Slow not_found"] end)
      return value
    end)
    assert.equal("left", result)
  end)

  it("is seen by the codecs of the client", function()
    local coded = temporal.client { target = env.address, namespace = env.namespace,
      codecs = { temporal.codec.zlib {} } }
    client:close(0)
    client = coded
    local run
    local result = beside({}, function()
      run = begin({}, "Outcome", SHORT, "Text", 5000)
      return temporal.assert(run:get(HUNG))
    end)
    assert.equal(("x"):rep(5000), result)
    for event in run:history() do
      local attributes = event.marker_recorded_event_attributes
      if attributes then
        -- The UI reads the one, only the codecs' owner the other.
        assert.equal("json/plain", attributes.details.data.payloads[1].metadata.encoding)
        assert.equal("binary/zlib", attributes.details.result.payloads[1].metadata.encoding)
      end
    end
  end)

  it("goes on with another worker when its own is stopped", function()
    local run
    local given, hand_on = {}, poller.hand_on
    finally(function() poller.hand_on = hand_on end)
    function poller.hand_on(worker, source, response)
      given[tostring(response.started_event_id)] = true
      return hand_on(worker, source, response)
    end
    beside({}, function()
      run = begin({ task_timeout = 20 }, "Slow", 2)
      wait_for("the activity", function() return calls.Slow end)
    end)
    -- Its polls may take the task once more before they end.
    assert.is_true(calls["Slow worker_stopping"] >= 1)
    local result = beside({}, function() return temporal.assert(run:get(HUNG)) end)
    assert.same({ "slow", {} }, result)
    assert.is_nil(kinds_of(run).workflow_task_failed)
    -- What a slow server still answers to polls that were cut comes again after its timeout; no
    -- task that a worker was given does.
    for event in run:history() do
      local timed_out = event.workflow_task_timed_out_event_attributes
      assert.is_nil(timed_out and given[tostring(timed_out.started_event_id)])
    end
  end)

  it("runs again when its task has timed out", function()
    local run
    local result = beside({}, function()
      run = begin({ task_timeout = 1 }, "Outcome", SHORT, "Blocks", 2)
      return temporal.assert(run:get(HUNG))
    end)
    -- A task that came while the first attempt blocked may have timed out, too.
    assert.is_true(result >= 2)
    assert.is_true(kinds_of(run).workflow_task_timed_out >= 1)
  end)

  it("of a type that is not known fails the task, with the known names", function()
    local failed
    beside({}, function()
      local run = begin({}, "Outcome", SHORT, "Unknown")
      for event in run:history { wait = true } do
        if event.event_type == "EVENT_TYPE_WORKFLOW_TASK_FAILED" then
          failed = event.workflow_task_failed_event_attributes
          break
        end
      end
      run:terminate()
    end)
    assert.matches('no activity "Unknown" is known .* Add, Blocks, Fails, Flaky',
      failed.failure.message)
  end)
end)

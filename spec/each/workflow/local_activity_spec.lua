--- Local activities of a run, without a server. Every test replays what it has written in three
-- ways.

local core = require "temporal.core"
local local_activity = require "temporal.workflow.op.local_activity"
local simulation = require "spec.support.simulation"
local workflow = require "temporal.workflow"

if simulation.impossible(describe, it) then return end

local OPTIONS = { start_to_close_timeout = 10 }

local function start(name, ...) return workflow.execute_local_activity(OPTIONS, name, ...) end

-- What the markers of a history say, in words.
local function markers(sim)
  local list = {}
  for _, event in ipairs(sim.events) do
    local attributes = event.marker_recorded_event_attributes
    if attributes then
      local data = core.payload_value(attributes.details.data.payloads[1])
      list[#list + 1] = ("%s %d %s %d"):format(data.activity_type, data.seq, data.activity_id,
        data.activation_index)
    end
  end
  return list
end

describe("local activities", function()
  it("end one after the other in one task", function()
    local sim = simulation.new(function(n)
      local first = start("Add", n, 1):get()
      return start("Add", first, 1):get()
    end, 1)
    assert.is_false(sim:task())
    assert.is_false(sim:local_done(1, { value = 2 }))
    assert.equal("record_marker record_marker complete_workflow_execution",
      sim:local_done(2, { value = 3 }))
    assert.equal(3, sim:result())
    assert.same({ "Add 1 1 1", "Add 2 2 2" }, markers(sim))
    sim:verify()
  end)

  it("are told one a round, in the order in which they end", function()
    local sim = simulation.new(function()
      local order, futures = {}, {}
      for i = 1, 3 do
        futures[i] = start("Work", i)
        workflow.spawn(function()
          local letter = futures[i]:get()
          order[#order + 1] = letter
          workflow.timer(i)
        end)
      end
      workflow.wait_all(futures)
      return order
    end)
    sim:task()
    sim:local_done(3, { value = "c" })
    sim:local_done(1, { value = "a" })
    assert.equal("record_marker start_timer record_marker start_timer record_marker start_timer "
      .. "complete_workflow_execution", sim:local_done(2, { value = "b" }))
    assert.same({ "c", "a", "b" }, sim:result())
    assert.same({ "Work 3 3 1", "Work 1 1 2", "Work 2 2 3" }, markers(sim))
    sim:verify()
  end)

  it("share the numbers of activities", function()
    local sim = simulation.new(function()
      local remote = workflow.execute_activity(OPTIONS, "Remote")
      local own = start("Own"):get()
      return { own, remote:get() }
    end)
    sim:task()
    assert.equal("schedule_activity_task record_marker", sim:local_done(2, { value = "own" }))
    sim:complete("1", "remote")
    sim:task()
    assert.same({ "own", "remote" }, sim:result())
    assert.same({ "Own 2 2 1" }, markers(sim))
    sim:verify()
  end)

  it("move the time of the workflow on", function()
    local sim = simulation.new(function()
      local before = workflow.now()
      start("Slow"):get()
      return workflow.now() - before
    end)
    sim:task()
    sim:local_done(1, { value = 1, runtime = 20 })
    assert.equal(20.5, sim:result())
    sim:verify()
  end)

  it("keep their task alive over several tasks", function()
    local sim = simulation.new(function()
      local slow, quick = start "Slow", start "Quick"
      local said = {}
      workflow.on_signal("say", function(word) said[#said + 1] = word end)
      table.insert(said, (quick:get()))
      local last = slow:get()
      table.insert(said, last)
      return said
    end)
    sim:task()
    assert.is_false(sim:local_done(2, { value = "quick" }))
    assert.equal("record_marker", sim:heartbeat())
    sim:signal("say", "between")
    assert.is_false(sim:task())
    assert.equal("", sim:heartbeat())
    assert.is_false(sim:task())
    assert.equal("record_marker complete_workflow_execution",
      sim:local_done(1, { value = "slow" }))
    assert.same({ "quick", "between", "slow" }, sim:result())
    sim:verify()
  end)

  it("that fail say why, under an error of kind activity", function()
    local sim = simulation.new(function()
      local _, err = pcall(function() return start("Broken"):get() end)
      local _, late = pcall(function() return start("Late"):get() end)
      return { err.kind, err.cause.kind, err.cause.type, err.cause.message, err.activity_type,
        err.activity_id, late.kind, late.cause.kind, late.cause.timeout_type, late.retry_state }
    end)
    sim:task()
    sim:local_done(1, { failure = "no" })
    sim:local_done(2, { timed_out = "start_to_close" })
    assert.same({ "activity", "application", "Broken", "no", "Broken", "1", "activity", "timed_out",
      "start_to_close", "timeout" }, sim:result())
    sim:verify()
  end)

  it("wait for a late attempt with a timer, and go on under the next number", function()
    local sim = simulation.new(function()
      return { start("Flaky"):get(), start("Next"):get() }
    end)
    sim:task()
    assert.equal("record_marker start_timer",
      sim:local_done(1, { failure = "no", backoff = 90, attempt = 3 }))
    sim:fire "1"
    assert.is_false(sim:task())
    assert.is_false(sim:local_done(2, { value = "at last", attempt = 4 }))
    sim:local_done(3, { value = "next" })
    assert.same({ "at last", "next" }, sim:result())
    assert.same({ "Flaky 1 1 1", "Flaky 2 2 1", "Next 3 3 2" }, markers(sim))
    sim:verify()
  end)

  for _, kind in ipairs { "try_cancel", "abandon", "wait_cancellation_completed" } do
    it("are canceled by " .. kind, function()
      local sim = simulation.new(function()
        local future = workflow.execute_local_activity({ start_to_close_timeout = 10,
          cancellation_type = kind }, "Slow")
        workflow.on_signal("stop", function() future:cancel() end)
        local ok, err = pcall(future.get, future)
        return { ok, ok or err.kind, ok or err.cause.kind }
      end)
      sim:task()
      sim:heartbeat()
      sim:signal "stop"
      if kind == "wait_cancellation_completed" then
        assert.is_false(sim:task())
        sim:local_done(1, { canceled = true })
      else
        assert.equal("record_marker complete_workflow_execution", sim:task())
      end
      assert.same({ false, "activity", "canceled" }, sim:result())
      assert.same({ "Slow 1 1 1" }, markers(sim))
      sim:verify()
    end)
  end

  it("may come to something though they were asked to end", function()
    local sim = simulation.new(function()
      local future
      workflow.on_signal("stop", function() future:cancel() end)
      future = workflow.execute_local_activity({ start_to_close_timeout = 10,
        cancellation_type = "wait_cancellation_completed" }, "Stubborn")
      return future:get()
    end)
    sim:task()
    sim:heartbeat()
    sim:signal "stop"
    sim:task()
    sim:local_done(1, { value = "done" })
    assert.equal("done", sim:result())
    sim:verify()
  end)

  it("that are canceled at once have a mark all the same", function()
    local sim = simulation.new(function()
      local future = workflow.execute_local_activity({ start_to_close_timeout = 10,
        cancellation_type = "wait_cancellation_completed" }, "Never")
      future:cancel()
      local ok, err = pcall(future.get, future)
      return { ok, err.cause.kind, start("Other"):get() }
    end)
    assert.is_false(sim:task())
    sim:local_done(2, { value = 1 })
    assert.same({ false, "canceled", 1 }, sim:result())
    assert.same({ "Never 1 1 1", "Other 2 2 1" }, markers(sim))
    sim:verify()
  end)

  it("are canceled by their scope, one that waits for its timer too", function()
    local sim = simulation.new(function()
      local ok, err = pcall(workflow.scope, { timeout = 5 }, function()
        return start("Flaky"):get()
      end)
      return { ok, err.kind }
    end)
    sim:task()
    assert.equal("start_timer record_marker start_timer",
      sim:local_done(1, { failure = "no", backoff = 90 }))
    sim:fire "1"
    assert.equal("cancel_timer complete_workflow_execution", sim:task())
    assert.same({ false, "timeout" }, sim:result())
    sim:verify()
  end)

  it("do not hold up the end of the run", function()
    local sim = simulation.new(function()
      start "Slow"
      return "over"
    end)
    assert.equal("complete_workflow_execution", sim:task())
    sim:verify()
  end)

  it("begin again where history has no mark of them", function()
    local sim = simulation.new(function() return start("Slow"):get() end)
    sim:task()
    sim:heartbeat()
    assert.is_false(sim:task())
    assert.is_false(sim:restart())
    assert.equal(1, #local_activity.take(sim.run))
    sim:local_done(1, { value = "again" })
    assert.equal("again", sim:result())
    sim:verify()
  end)

  it("must be those of the history", function()
    local function two(a, b)
      return function()
        start(a):get()
        return start(b):get()
      end
    end
    local sim = simulation.new(two("A", "B"))
    sim:task()
    sim:local_done(1, { value = 1 })
    sim:local_done(2, { value = 2 })
    sim:verify()
    for _, other in ipairs { two("A", "C"), two("B", "A"),
      function() return start("A"):get() end,
      function() return 1 end,
      function() return workflow.execute_activity(OPTIONS, "A"):get() end,
    } do
      local commands, err = sim:replay(other)
      assert.is_nil(commands)
      assert.equal("nondeterminism", err.kind)
    end
  end)

  it("come together where the shared core has told them together", function()
    -- Each way is the other's history, but for the places in the markers.
    local function apart()
      local a, b = start "A", start "B"
      workflow.wait { a, b }
      if b:ready() then return "both" end
      b:get()
      workflow.sleep(1)
    end
    local function together()
      local a, b = start "A", start "B"
      workflow.wait { a, b }
      if not b:ready() then return "one" end
      workflow.sleep(1)
    end
    local sim = simulation.new(apart)
    sim:task()
    sim:local_done(1, { value = 1 })
    assert.equal("record_marker record_marker start_timer", sim:local_done(2, { value = 2 }))
    assert.is_table((sim:replay(apart)))
    assert.is_nil((sim:replay(together)))
    for _, event in ipairs(sim.events) do
      local attributes = event.marker_recorded_event_attributes
      if attributes then
        local payload = attributes.details.data.payloads[1]
        payload.data = payload.data:gsub('"activation_index":2', '"activation_index":1')
      end
    end
    assert.is_nil((sim:replay(apart)))
    assert.is_table((sim:replay(together)))
  end)

  it("raise on misuse", function()
    local function raises(words, given, definition)
      local sim = simulation.new(function()
        workflow.execute_local_activity(given, definition or "A")
      end)
      local ok, problem = sim:task()
      assert.is_nil(ok)
      assert.matches(words, tostring(problem), 1, true)
      assert.matches("local_activity_spec.lua:%d+: ", tostring(problem))
    end
    raises("takes a table of options first", 1)
    raises('"start_to_close_timeout" is missing', {})
    raises("heartbeat_timeout", { start_to_close_timeout = 1, heartbeat_timeout = 1 })
    raises("must be", { start_to_close_timeout = 0 })
    raises("this function is no activity", OPTIONS, function() end)
    assert.is_false((pcall(workflow.execute_local_activity, OPTIONS, "A")))
  end)
end)

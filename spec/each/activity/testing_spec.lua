--- Activities in tests, without a server.

local temporal = require "temporal"
local activity = require "temporal.activity"

local LUA_51 = _VERSION == "Lua 5.1" and not rawget(_G, "jit")

-- An activity that copies lines, and goes on where the last attempt ended.
local function Copy(n)
  local from = (activity.last_heartbeat() or 0) + 1
  local lines = {}
  for i = from, n do
    lines[#lines + 1] = i
    activity.heartbeat(i)
  end
  return lines
end

describe("testing.activity", function()
  it("runs an activity and hears its heartbeats", function()
    local heard = {}
    local testing = temporal.testing.activity(Copy, { last_heartbeat = { 2 },
      on_heartbeat = function(...) heard[#heard + 1] = { ... } end })
    assert.same({ 3, 4 }, testing:run(4))
    assert.same({ { 3 }, { 4 } }, heard)
    assert.same({ 3, 4, 5 }, testing:run(5))
  end)

  it("says what it is", function()
    local fn = temporal.define_activity("Tell", function() return activity.info() end)
    local info = temporal.testing.activity(fn, { info = { attempt = 3, id = "a" } }):run()
    assert.same({ "Tell", "a", 3, "default", false },
      { info.type, info.id, info.attempt, info.namespace, info.is_local })
  end)

  it("gives what it returned, and raises what it raised", function()
    local why = temporal.application_error("why", { type = "Why" })
    local function It(how)
      if how == "returns" then return nil, "no luck" end
      error(how == "object" and why or how, 0)
    end
    local testing = temporal.testing.activity(It)
    assert.same({ nil, "no luck" }, { testing:run "returns" })
    assert.same({ false, "text" }, { pcall(testing.run, testing, "text") })
    assert.equal(why, select(2, pcall(testing.run, testing, "object")))
  end)

  it("cancels it in a heartbeat", function()
    local testing
    local beats = 0
    testing = temporal.testing.activity(Copy, { on_heartbeat = function()
      beats = beats + 1
      testing:cancel()
    end })
    local ok, err = pcall(testing.run, testing, 3)
    assert.same({ false, "canceled", "requested", 1 }, { ok, err.kind, err.reason, beats })
    assert.is_true(temporal.is_canceled(err))
  end)

  it("cancels it where it waits, for the reason that is given", function()
    for _, reason in ipairs { "paused", "reset", "timed_out", "not_found", "worker_stopping" } do
      local testing, seen
      testing = temporal.testing.activity(function()
        local me = activity.current()
        temporal.spawn(function() seen = { me:wait_canceled(), me:worker_stopping() } end)
        temporal.spawn(function() testing:cancel(reason) end)
        activity.sleep(60)
      end)
      local ok, err = pcall(testing.run, testing)
      assert.same({ false, "canceled", reason }, { ok, err.kind, err.reason })
      assert.same({ reason, reason == "worker_stopping" }, seen)
    end
  end)

  it("waits without raising where it asks for the cancellation", function()
    local testing
    testing = temporal.testing.activity(function()
      local seen = { activity.canceled() or "no", activity.wait_canceled(0.001) or "no" }
      temporal.spawn(function() testing:cancel "reset" end)
      seen[3], seen[4] = activity.wait_canceled(), activity.canceled()
      seen[5] = activity.wait_worker_stopping(0.001)
      seen[6] = activity.shield(function(...)
        activity.sleep(0.001)
        activity.heartbeat "still here"
        return ...
      end, "cleaned up")
      return seen
    end)
    assert.same({ "no", "no", "reset", "reset", false, "cleaned up" }, testing:run())
  end)

  it("is canceled from the beginning where that was said before", function()
    local testing = temporal.testing.activity(function() return activity.canceled() end)
    testing:cancel "worker_stopping"
    assert.equal("worker_stopping", testing:run())
  end)

  if not LUA_51 then
    it("raises in each wait of a canceled activity again, and passes errors out of shields",
      function()
        local testing
        testing = temporal.testing.activity(function()
          testing:cancel()
          local seen = {}
          for i = 1, 3 do seen[i] = select(2, pcall(activity.sleep, 1)).kind end
          local other = temporal.spawn(function() activity.current() end)
          seen[4] = select(2, pcall(other.get, other)) == nil -- it has ended: no wait
          seen[5] = select(2, pcall(activity.shield, error, "mine"))
          seen[6] = select(2, pcall(activity.sleep, 1)).kind
          local me = activity.current()
          local never = temporal.spawn(function() me:wait_worker_stopping() end)
          for _, wait in ipairs { temporal.wait, temporal.wait_all } do
            seen[#seen + 1] = select(2, pcall(wait, { never })).kind
          end
          never:kill()
          return seen
        end)
        assert.same({ "canceled", "canceled", "canceled", true, "mine", "canceled", "canceled",
          "canceled" }, testing:run())
      end)
  end

  it("is an object in coroutines of the program's own", function()
    local testing = temporal.testing.activity(function()
      local me = activity.current()
      local seen = {}
      coroutine.wrap(function()
        seen[1] = pcall(activity.info)
        seen[2] = me:info().id
        me:heartbeat(1)
      end)()
      return seen
    end, { info = { id = "x" } })
    assert.same({ false, "x" }, testing:run())
  end)

  it("logs with what it is", function()
    local said
    temporal.testing.activity(function() activity.log("info", "x", { step = 1 }) end, {
      logger = function(...) said = { ... } end }):run()
    assert.same({ "info", "x", 1, "test" }, { said[1], said[2], said[3].step, said[3].activity_id })
  end)

  it("is told where it yields to nobody", function()
    local testing = temporal.testing.activity(function() coroutine.yield() end)
    local ok, problem = pcall(testing.run, testing)
    assert.is_false(ok)
    assert.matches("the task's coroutine was closed or dropped before it had ended",
      tostring(problem), 1, true)
  end)

  it("raises on misuse", function()
    local function raises(words, fn, ...)
      local ok, problem = pcall(fn, ...)
      assert.is_false(ok)
      assert.matches(words, problem, 1, true)
    end
    local make = temporal.testing.activity
    raises("takes a function, got a string", make, "Copy")
    raises('did you mean "on_heartbeat"', make, Copy, { on_hartbeat = print })
    raises('"info" has a field "atempt" that activity.info() has not; it has: activity_run_id, att',
      make, Copy, { info = { atempt = 2 } })
    raises('"info" must be a table, got 5', make, Copy, { info = 5 })
    local testing = make(Copy)
    raises('the reason must be one of', testing.cancel, testing, "no reason")
    local ended
    make(function() ended = activity.current() end):run()
    raises("the activity has ended", ended.heartbeat, ended)
    raises("this is a method of activity objects", ended.heartbeat)
    raises("this is a method of activity objects", ended.info, 5)
    local logs = make(function() activity.log("info", "text", 5) end)
    raises("activity.log: the fields must be a table, got 5", logs.run, logs)
    raises("activity.shield takes a function", make(function() activity.shield(1) end).run,
      make(function() activity.shield(1) end))
  end)
end)

--- Heartbeats and cancellation of activities, on the real server.

local env = require "spec.support.environment"
local growth = require "spec.support.growth"
local state = require "temporal.base.state"
local support = require "spec.support.worker"
local system = require "system"
local temporal = require "temporal"
local activity = require "temporal.activity"
local workflow = require "temporal.workflow"

local HUNG = 60
local LUA_51 = _VERSION == "Lua 5.1" and not rawget(_G, "jit")

-- Keeps the thread, as a library does that blocks.
local function block(seconds)
  local till = system.monotime() + seconds
  while system.monotime() < till do end -- luacheck: ignore 542
end

describe("heartbeats", function()
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

  -- On PUC 5.1 no wait passes through a pcall.
  local it_catches = LUA_51 and function() end or it

  it("reach the server while Lua is busy, and keep the activity alive", function()
    local attempts = 0
    local function Busy()
      attempts = attempts + 1
      for i = 1, 40 do
        activity.heartbeat(i)
        block(0.1)
      end
      return "done"
    end
    local running
    local began = env.now()
    local result = worker({ Busy = Busy }, { max_heartbeat_throttle_interval = 0.5 }):run(
      function()
        running = start("Busy", { heartbeat_timeout = 3 })
        return running:get(HUNG)
      end)
    local took = env.now() - began
    local warned = was_logged "kept all else in this Lua state waiting"
    assert.equal("done", result)
    assert.equal(1, attempts)
    -- One at once, and one every half second, of forty.
    local count = temporal.assert(running:describe()).heartbeat_count
    assert.is_true(count >= 2 and count <= 2 + took / 0.5 and count < 40, count)
    assert.matches("activity Busy kept .* processes = { activity = n }", warned.message)
  end)

  -- A local activity that keeps the thread, and the workflow task that asked for it, is said, too.
  it_catches("are not what a local activity has, but that it blocks is said", function()
    local function Calls()
      return workflow.execute_local_activity({ start_to_close_timeout = 30 }, "Slow"):get()
    end
    local got = worker({ Slow = function()
      activity.heartbeat "nobody hears it"
      block(1.1)
      return activity.info().is_local
    end }, { workflows = { Calls = Calls } }):run(function()
      return client:execute_workflow({ task_queue = queue }, "Calls"):get(HUNG)
    end)
    assert.is_true(got)
    assert.is_truthy(was_logged "activity Slow kept all else in this Lua state waiting")
  end)

  local function until_begun(begun)
    env.wait_until(HUNG, function()
      temporal.poll(0.01)
      return begun()
    end, "the activity to begin")
  end

  it("tell a loop of work that it is canceled", function()
    local begun, me
    local function Loop()
      begun, me = true, activity.current()
      while true do
        activity.heartbeat "still here"
        activity.sleep(0.01)
      end
    end
    local failed = worker({ Loop = Loop }, { max_heartbeat_throttle_interval = 0.1 }):run(function()
      local running = start("Loop", { heartbeat_timeout = 20 })
      until_begun(function() return begun end)
      temporal.assert(running:cancel "enough")
      return select(2, running:get(HUNG))
    end)
    assert.equal("requested", me:canceled())
    assert.equal("canceled", failed:find("canceled").kind)
  end)

  it_catches("wake every wait of a canceled activity, but in a shield", function()
    local begun, seen = nil, {}
    local function Waits()
      local me = activity.current()
      local beating = temporal.spawn(function()
        return pcall(function()
          while true do
            me:heartbeat()
            me:sleep(0.05)
          end
        end)
      end)
      local never = client:start_workflow({ task_queue = queue .. "-other" }, "Never")
      begun = true
      seen[1] = select(2, pcall(never.get, never)).kind -- woken
      seen[2] = select(2, pcall(activity.sleep, 60)).kind -- each time again
      seen[3] = select(2, pcall(client.start_workflow, client,
        { task_queue = queue .. "-other" }, "Never")).kind
      seen[4] = activity.wait_canceled()
      seen[5] = activity.shield(function()
        activity.sleep(0.01)
        return temporal.assert(never:terminate()) and "cleaned up"
      end)
      seen[6] = activity.shield(function() return (beating:get()) end)
      activity.heartbeat()
    end
    local failed = worker({ Waits = Waits }, { max_heartbeat_throttle_interval = 0.1 }):run(
      function()
        local running = start("Waits", { heartbeat_timeout = 20 })
        until_begun(function() return begun end)
        temporal.assert(running:cancel())
        return select(2, running:get(HUNG))
      end)
    assert.same({ "canceled", "canceled", "canceled", "requested", "cleaned up", false }, seen)
    assert.is_truthy(failed:find "canceled")
  end)

  it("leave nothing behind", function()
    local count = 0
    worker({ Beats = function()
      activity.heartbeat(count)
      count = count + 1
      activity.heartbeat(count)
    end }):run(function()
      local list = {}
      for i = 1, 50 do list[i] = start("Beats", { heartbeat_timeout = 30 }) end
      assert.is_true(temporal.wait_all(list, HUNG))
    end)
    client:close(HUNG)
    growth.collect()
    assert.equal(50, count)
    assert.is_nil(next(state.waiters))
    assert.equal(0, temporal.poll())
  end)

  -- How a program of each host runs a function.
  local HOSTS = {
    cqueues = function(fn)
      local controller = require("cqueues").new()
      controller:wrap(fn)
      assert(controller:loop(110))
    end,
    luv = function(fn)
      local uv = require "luv"
      temporal.host.use "luv"
      temporal.spawn(fn)
      uv.run()
      uv.run "nowait"
    end,
    loop = function(fn)
      temporal.host.use "loop"
      local task = temporal.spawn(fn)
      env.wait_until(HUNG, function()
        temporal.poll()
        return task:ready()
      end, "the task")
    end,
  }

  for name, run_in in pairs(HOSTS) do
    it("wake an activity that sleeps in the host " .. name, function()
      local failed, me
      local function Sleeps()
        me = activity.current()
        temporal.spawn(function()
          while not me:wait_canceled(0.02) do me:shield(me.heartbeat, me) end
        end)
        activity.sleep "1h"
      end
      run_in(function()
        failed = worker({ Sleeps = Sleeps }, { max_heartbeat_throttle_interval = 0.1 }):run(
          function()
            local running = start("Sleeps", { heartbeat_timeout = 30 })
            for _ = 1, 1000 do
              if me then break end
              running:wait(0.02)
            end
            temporal.assert(running:cancel())
            return select(2, running:get(HUNG))
          end)
      end)
      temporal.host.use(nil)
      assert.equal("requested", me:canceled())
      assert.is_truthy(failed:find "canceled")
    end)
  end
end)

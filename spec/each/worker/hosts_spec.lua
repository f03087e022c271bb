--- The same worker under every host, on the real server: what a workflow may wait for, an activity
-- that waits as its host does, a stop in the middle of much work.

local activity = require "temporal.activity"
local cqueues = require "cqueues"
local env = require "spec.support.environment"
local poller = require "temporal.worker.poller"
local system = require "system"
local temporal = require "temporal"
local uv = require "luv"
local workers = require "spec.support.worker"
local workflow = require "temporal.workflow"

local PUC_51 = _VERSION == "Lua 5.1" and not rawget(_G, "jit")
local HUNG = 60

-- How each runs a function with a worker beside it, and how an activity waits there in the host's
-- own way.
local HOSTS = {
  plain = {
    run = function(worker, fn) return worker:run(fn) end,
    sleep = function(seconds) activity.sleep(seconds) end,
  },
  cqueues = {
    run = function(worker, fn)
      local controller = cqueues.new()
      local result
      controller:wrap(function() result = worker:run(fn) end)
      assert(controller:loop())
      return result
    end,
    sleep = cqueues.sleep,
  },
  -- Started before the loop runs, which then goes on for as long as the worker does.
  luv = {
    run = function(worker, fn)
      temporal.host.use "luv"
      assert(worker:start())
      local result, problem
      local timer = uv.new_timer() -- so that the program itself waits for nothing at first
      timer:start(50, 0, function()
        timer:close()
        temporal.spawn(function()
          result, problem = temporal.spawn(fn):get()
          assert(worker:stop(HUNG))
        end)
      end)
      uv.run()
      assert(not problem, tostring(problem))
      return result
    end,
    -- Yields by itself, and is resumed by a callback of the loop's.
    sleep = function(seconds)
      local thread, timer = coroutine.running(), uv.new_timer()
      timer:start(math.ceil(seconds * 1000), 0, function()
        timer:close()
        assert(coroutine.resume(thread))
      end)
      coroutine.yield()
    end,
  },
  loop = {
    run = function(worker, fn)
      temporal.host.use "loop"
      local result, problem
      local task = temporal.spawn(function() return worker:run(fn) end)
      while temporal.poll() > 0 do system.sleep(0.001) end -- a frame
      result, problem = task:get()
      assert(not problem, tostring(problem))
      return result
    end,
    sleep = function(seconds) activity.sleep(seconds) end,
  },
}

-- Workflows.

local function Mix()
  local signaled, total = nil, 0
  workflow.on_signal("go", function(word) signaled = word end)
  workflow.on_query("total", function() return total end)
  workflow.on_update("add", function(n)
    total = total + workflow.execute_activity({ start_to_close_timeout = 30 }, "Wait", n):get()
    return total
  end)
  workflow.sleep(0.01)
  workflow.wait_condition(function() return signaled and workflow.all_handlers_finished() end)
  return { signaled, total }
end

local function Steps(n)
  local sum = 0
  for i = 1, n do
    sum = sum + workflow.execute_activity({ start_to_close_timeout = 30 }, "Wait", i):get()
  end
  return sum
end

-- The tasks that polls have brought: a workflow task by what began it, an activity's by its id and
-- attempt.
local given = {}

local function key_of(run_id, what, attempt)
  return ("%s %s %d"):format(run_id, tostring(what), attempt or 0)
end

local hand_on = poller.hand_on

local function note_task(worker, source, response)
  local run, id = response.workflow_execution, response.activity_id
  if run then
    given[key_of(run.run_id, id or response.started_event_id, id and response.attempt)] = true
  end
  return hand_on(worker, source, response)
end

-- It ends the polls of a worker that goes, which no server does by itself yet.
local server

describe("the same worker", function()
  setup(function() poller.hand_on = note_task end)
  teardown(function()
    poller.hand_on = hand_on
    server:stop()
  end)

  for name, host in pairs(HOSTS) do
    describe("a worker under the host " .. name, function()
      local client, queue

      setup(function()
        server = server or env.fresh_server { flags = { "--dynamic-config-value",
          "frontend.enableCancelWorkerPollsOnShutdown=true", "--dynamic-config-value",
          "system.enableEagerWorkflowStart=true" } }
      end)
      before_each(function()
        client = temporal.client { target = server.address, namespace = server.namespace }
        queue = "lua-" .. env.uuid()
      end)
      after_each(function()
        temporal.host.use(nil)
        client:close(0)
        uv.run "nowait"
      end)

      local function worker()
        return workers.new {
          client = client, task_queue = queue,
          workflows = not PUC_51 and { Mix = Mix, Steps = Steps } or nil,
          activities = { Wait = function(n)
            host.sleep(0.01)
            return n
          end },
        }
      end

      it("runs activities that wait as the host does", function()
        local one = worker()
        assert.equal(42, host.run(one, function()
          return client:execute_activity({ task_queue = queue, start_to_close_timeout = 30 },
            "Wait", 42):get(HUNG)
        end))
        assert.same({ state = "stopped", cached = 0 },
          { state = one:status().state, cached = one:status().cached })
      end)

      if PUC_51 then return end

      it("runs a workflow with all it may wait for", function()
        local got = host.run(worker(), function()
          local run = assert(client:start_workflow({ task_queue = queue }, "Mix"))
          local answers = { assert(run:update("add", 3)), assert(run:update("add", 4)) }
          answers[3] = assert(run:query "total")
          assert(run:signal("go", "now"))
          answers[4] = assert(run:get(HUNG))
          return answers
        end)
        assert.same({ 3, 7, 7, { "now", 7 } }, got)
      end)

      it("takes the first task with the answer to an eager start", function()
        local run
        assert.equal(10, host.run(worker(), function()
          run = client:execute_workflow({ task_queue = queue, task_timeout = 3600,
            request_eager_start = true }, "Steps", 4)
          return assert(run:get(HUNG))
        end))
        temporal.host.use(nil)
        assert.is_true(temporal.assert(run:fetch_history()).events[1]
          .workflow_execution_started_event_attributes.eager_execution_accepted)
      end)

      it("stops in the middle of much work, of which nothing is lost", function()
        local runs = {}
        for i = 1, 10 do
          runs[i] = client:execute_workflow({ task_queue = queue, task_timeout = 20 }, "Steps", 4)
        end
        for i = 1, #runs do temporal.assert(runs[i]:started()) end
        local one = worker()
        host.run(one, function()
          env.wait_until(HUNG, function()
            temporal.assert(client:call "GetSystemInfo") -- so long does a worker work
            return one:status().cached > 2 or one.cache.limit == 0
          end, "work")
        end)
        assert.equal("stopped", one:status().state)
        local results = host.run(worker(), function()
          local list = {}
          for i = 1, #runs do list[i] = assert(runs[i]:get(HUNG)) end
          return list
        end)
        temporal.host.use(nil)
        for i = 1, #runs do
          assert.equal(10, results[i])
          -- No task that a worker was given has timed out; a slow server loses some by itself.
          local ids = {}
          for event in runs[i]:history() do
            local timed_out = event.workflow_task_timed_out_event_attributes
            local scheduled = event.activity_task_scheduled_event_attributes
            local started = event.activity_task_started_event_attributes
            local failure = started and started.last_failure
            if scheduled then
              ids[event.event_id] = scheduled.activity_id
            elseif timed_out then
              assert.is_nil(given[key_of(runs[i].run_id, timed_out.started_event_id)])
            elseif failure and failure.timeout_failure_info then
              assert.is_nil(given[key_of(runs[i].run_id, ids[started.scheduled_event_id],
                started.attempt - 1)])
            end
          end
        end
      end)
    end)
  end
end)

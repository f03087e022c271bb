-- Why nothing happens, on a real server with a Python worker: asked, and said
-- by waits that last long, on every host.

local cqueues = require "cqueues"
local env = require "spec.support.environment"
local new_loop = require("spec.support.loop").new
local temporal = require "temporal"
local uv = require "luv"

local WAIT = 60

describe("workflow:diagnose", function()
  local client

  setup(function()
    client = temporal.client { target = env.address, namespace = env.namespace }
  end)

  teardown(function()
    assert(client:close())
  end)

  local function start(queue, ...)
    return temporal.assert(client:start_workflow({ task_queue = queue }, ...))
  end

  -- Until the server knows as much.
  local function diagnosed(run, words)
    local found
    env.wait_until(WAIT, function()
      found = temporal.assert(run:diagnose())
      return tostring(found):find(words)
    end, words)
    return found
  end

  it("says that nobody polls the task queue", function()
    local queue = "nobody-" .. env.uuid()
    local run = start(queue, "Echo")
    local found = diagnosed(run, "nobody polls")
    assert.equal(found.problem, tostring(found))
    assert.equal(found.problem, found.message)
    assert.matches("^" .. run.id:gsub("%-", "%%-") .. " has waited %d+ s for its first task: "
      .. "nobody polls task queue " .. queue:gsub("%-", "%%-") .. "$", found.problem)
    assert.same({ run.id, run.run_id, "Echo", "running", queue, {} },
      { found.id, found.run_id, found.workflow_type, found.status, found.task_queue,
        found.pollers })
    assert.same({ "scheduled", 1 }, { found.workflow_task.state, found.workflow_task.attempt })
    assert.is_number(found.workflow_task.scheduled_time)
    assert.same({}, found.pending_activities)
    temporal.assert(run:terminate())
    found = temporal.assert(run:diagnose(10))
    assert.is_nil(found.problem)
    assert.matches("has ended: terminated$", tostring(found))
  end)

  it("says how often the workflow task has failed, and why", function()
    local run = start(env.task_queue, "Stuck")
    local found = diagnosed(run, "has failed")
    assert.matches("no result yet: its workflow task has failed %a+: this worker has a bug$",
      found.problem)
    local task = found.workflow_task
    assert.is_true(task.attempt > 1)
    assert.same({ "application", "RuntimeError", "this worker has a bug" },
      { task.failure.kind, task.failure.type, task.failure.message })
    assert.equal("workflow_worker_unhandled_failure", task.failure_cause)
    assert.is_true(#found.pollers > 0)
    assert.is_string(found.pollers[1].identity)
    temporal.assert(run:terminate())
  end)

  it("says which activity fails, and when it is tried again", function()
    local run = start(env.task_queue, "LookPending", "hm")
    local found = diagnosed(run, "LookBeat %(beat%) has failed once: not yet: hm; the next "
      .. "attempt is in %d+ min$")
    local activity = found.pending_activities[1]
    assert.same({ "beat", 2, "not yet: hm" },
      { activity.activity_id, activity.attempt, activity.last_failure.message })
    assert.is_number(activity.last_heartbeat_time)
    assert.matches("/child$", found.pending_children[1].id)
    temporal.assert(run:terminate())
  end)

  it("says that nobody polls the task queue of an activity", function()
    local queue = "nobody-" .. env.uuid()
    local run = start(env.task_queue, "OneActivity", "EchoActivity", queue, 1)
    diagnosed(run, "EchoActivity %(one%) waits: nobody polls task queue "
      .. queue:gsub("%-", "%%-") .. " for activities$")
    temporal.assert(run:terminate())
  end)

  it("says what is waited for when nothing is wrong", function()
    local run = start(env.task_queue, "OneActivity", "LaterActivity", env.task_queue, 7)
    local found = diagnosed(run, "waits for its activity LaterActivity %(one%)")
    assert.is_nil(found.problem)
    temporal.assert(run:terminate())
    run = start(env.task_queue, "Inbox")
    found = diagnosed(run, "waits for a timer, a signal or an update")
    assert.is_nil(found.problem)
    temporal.assert(run:terminate())
    run = temporal.assert(client:start_workflow({ task_queue = env.task_queue,
      start_delay = "3h" }, "Inbox"))
    found = diagnosed(run, "begins in 2 h")
    assert.is_nil(found.problem)
    temporal.assert(run:terminate())
  end)

  it("is an error where there is no such workflow, or no time", function()
    local found, err = client:workflow("no-such-" .. env.uuid()):diagnose()
    assert.same({ nil, "not_found" }, { found, err.kind })
    local ok, message = pcall(function() client:workflow("w"):diagnose { after = 1 } end)
    assert.is_false(ok)
    assert.matches('unknown option of workflow:diagnose "after"', message)
  end)
end)

describe("a wait of more than diagnose_after", function()
  local said, client

  before_each(function()
    said = {}
    client = temporal.client { target = env.address, namespace = env.namespace,
      diagnose_after = 0.3, logger = function(level, message, fields)
        said[#said + 1] = { level = level, message = message, fields = fields }
      end }
  end)

  after_each(function()
    temporal.host.use(nil)
    client:close()
  end)

  -- Waits, again and again, until something has been said.
  local function wait_for_words(run)
    local last = env.now() + WAIT
    repeat
      run:get(2)
    until #said > 0 or env.now() > last
  end

  local HOSTS = {
    ["a plain script"] = wait_for_words,
    ["a task of a plain script"] = function(run)
      temporal.spawn(wait_for_words, run):get()
    end,
    ["a frame loop"] = function(run)
      temporal.host.use "loop"
      local task = temporal.spawn(wait_for_words, run)
      repeat until temporal.poll(0.01) == 0
      assert.is_nil(select(2, task:get(0)))
    end,
    cqueues = function(run)
      local controller = cqueues.new()
      controller:wrap(function() wait_for_words(run) end)
      assert(controller:loop())
    end,
    luv = function(run)
      temporal.host.use "luv"
      assert(coroutine.resume(coroutine.create(function() wait_for_words(run) end)))
      uv.run()
    end,
    ["an event loop of the program's own"] = function(run)
      local loop = new_loop()
      loop:spawn(function() wait_for_words(run) end)
      loop:run(2 * WAIT)
    end,
  }

  for name, waits in pairs(HOSTS) do
    it("says that nobody polls: " .. name, function()
      local queue = "nobody-" .. env.uuid()
      local run = client:execute_workflow({ task_queue = queue }, "Echo")
      waits(run)
      temporal.host.use(nil)
      assert.equal(1, #said)
      assert.equal("warn", said[1].level)
      assert.matches("has waited %d+ s for its first task: nobody polls task queue nobody%-",
        said[1].message)
      assert.same({ workflow_id = run.id, run_id = run.run_id, task_queue = queue },
        said[1].fields)
      temporal.assert(run:terminate())
    end)
  end

  it("says that the workflow task fails", function()
    local run = client:execute_workflow({ task_queue = env.task_queue }, "Stuck")
    wait_for_words(run)
    assert.matches("its workflow task has failed %a+: this worker has a bug$", said[1].message)
    temporal.assert(run:terminate())
  end)

  it("says that an activity fails, of one of many that are waited for", function()
    local quiet = client:execute_workflow({ task_queue = env.task_queue }, "Inbox")
    local run = client:execute_workflow({ task_queue = env.task_queue }, "LookPending", "hm")
    env.wait_until(WAIT, function()
      temporal.wait_all({ quiet, run }, 2)
      return #said > 0
    end, "the words")
    assert.matches("LookBeat %(beat%) has failed once: not yet: hm", said[1].message)
    temporal.assert(quiet:terminate())
    temporal.assert(run:terminate())
  end)

  it("says nothing of a workflow that is well", function()
    local run = client:execute_workflow({ task_queue = env.task_queue }, "Inbox")
    assert.equal("timeout", select(2, run:get(2)).kind)
    assert.same({}, said)
    temporal.assert(run:terminate())
  end)
end)

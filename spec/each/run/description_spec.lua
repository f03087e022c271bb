--- workflow:describe on the real server, against what a Python worker does.

local core = require "temporal.core"
local description = require "temporal.run.description"
local env = require "spec.support.environment"
local temporal = require "temporal"

describe("workflow:describe", function()
  local client, nobody

  setup(function()
    client = temporal.client { target = env.address, namespace = env.namespace }
    nobody = "nobody-" .. env.uuid()
  end)

  teardown(function()
    assert(client:close())
  end)

  local function begin(options, workflow, ...)
    options.task_queue = options.task_queue or nobody
    return temporal.assert(client:start_workflow(options, workflow, ...))
  end

  local function finish(run)
    temporal.assert(client:call("TerminateWorkflowExecution",
      { workflow_execution = { workflow_id = run.id } }))
  end

  it("says what was started", function()
    local before = core.time()
    local run = begin({
      id = "describe-öäü-" .. env.uuid(), execution_timeout = "2h", run_timeout = "1h",
      task_timeout = 5, start_delay = 60,
      memo = { text = "grüße", list = temporal.array { 1, 2 },
        big = temporal.int64 "9007199254740993", bytes = temporal.bytes("\0\255"),
        none = temporal.null },
      search_attributes = {
        CustomKeyword = temporal.keyword "käfig", CustomInt = temporal.int "9007199254740993",
        CustomDouble = temporal.double(2), CustomBool = true,
        CustomDatetime = temporal.datetime(1700000000.25),
        CustomKeywordList = temporal.keyword_list { "a", "b" },
      },
      static_summary = "**one** line", static_details = "many\nlines",
      priority = { key = 2, fairness_key = "tenant", fairness_weight = 1.5 },
    }, "Order", 1)
    local found = temporal.assert(run:describe())
    assert.equal(("temporal.description (%s, running)"):format(run.id), tostring(found))
    assert.same({ run.id, run.run_id, "Order", nobody, "running", run.run_id },
      { found.id, found.run_id, found.workflow_type, found.task_queue, found.status,
        found.first_execution_run_id })
    assert.same({ 7200, 3600, 5 },
      { found.execution_timeout, found.run_timeout, found.task_timeout })
    assert.is_true(found.start_time > before - 5 and found.start_time < before + 5)
    assert.is_true(math.abs(found.execution_time - found.start_time - 60) < 0.01)
    assert.is_nil(found.close_time)
    assert.equal(1, found.history_length)
    assert.is_true(found.history_size > 100)
    assert.same({ text = "grüße", list = temporal.array { 1, 2 },
      big = temporal.int64 "9007199254740993", bytes = "\0\255" }, found.memo)
    assert.same({ CustomKeyword = "käfig", CustomInt = temporal.int64 "9007199254740993",
      CustomDouble = 2.0, CustomBool = true, CustomDatetime = 1700000000.25,
      CustomKeywordList = temporal.array { "a", "b" } }, found.search_attributes)
    assert.same({ "**one** line", "many\nlines" }, { found.static_summary, found.static_details })
    assert.same({ key = 2, fairness_key = "tenant", fairness_weight = 1.5 }, found.priority)
    assert.same({ nil, nil, nil }, { found.versioning, found.parent, found.close_time })
    assert.same({ id = run.id, run_id = run.run_id }, found.root)
    assert.same({ {}, {} }, { found.pending_activities, found.pending_children })
    assert.equal("WORKFLOW_EXECUTION_STATUS_RUNNING", found.raw.workflow_execution_info.status)
    finish(run)
    found = temporal.assert(run:describe { timeout = 5, metadata = { ["x-a"] = "b" } })
    assert.equal("terminated", found.status)
    assert.is_true(found.close_time >= found.start_time)
  end)

  it("leaves out what was not set", function()
    local run = begin({}, "Order")
    local found = temporal.assert(run:describe())
    for _, name in ipairs { "execution_timeout", "run_timeout", "static_summary",
      "static_details", "priority", "versioning", "parent" } do
      assert.is_nil(found[name], name)
    end
    assert.equal(10, found.task_timeout)
    assert.same({}, found.memo)
    assert.same({ "scheduled", 1 },
      { found.pending_workflow_task.state, found.pending_workflow_task.attempt })
    assert.is_number(found.pending_workflow_task.scheduled_time)
    finish(run)
  end)

  it("shows pending activities and children, and the parent", function()
    local run = begin({ task_queue = env.task_queue }, "LookPending", "später")
    local found
    env.wait_until(30, function()
      found = temporal.assert(run:describe())
      local activity, child = found.pending_activities[1], found.pending_children[1]
      -- The child has a run id once it has begun.
      return child and child.run_id and activity and activity.last_failure
        and not found.pending_workflow_task
    end, "pending work")
    local activity = found.pending_activities[1]
    assert.same({ "beat", "LookBeat", "scheduled", 2, 7, 3600, false }, {
      activity.activity_id, activity.activity_type, activity.state, activity.attempt,
      activity.maximum_attempts, math.floor(activity.current_retry_interval), activity.paused })
    assert.same({ n = 2, "später", { n = temporal.int64 "9007199254740993" } },
      activity.heartbeat_details)
    assert.is_number(activity.next_attempt_schedule_time)
    assert.is_true(temporal.is_error(activity.last_failure))
    assert.same({ "application", "RuntimeError", "not yet: später" }, {
      activity.last_failure.kind, activity.last_failure.type, activity.last_failure.message })
    local child = found.pending_children[1]
    assert.same({ run.id .. "/child", "Wait", "terminate" },
      { child.id, child.workflow_type, child.parent_close_policy })
    assert.is_true(child.initiated_event_id > 1)
    local of_child = temporal.assert(client:workflow(child.id):describe())
    assert.same({ run.id, run.run_id }, { of_child.parent.id, of_child.parent.run_id })
    assert.same({ id = run.id, run_id = run.run_id }, of_child.root)
    assert.equal(child.run_id, of_child.run_id)
    finish(run)
  end)

  it("is of the latest run, unless the handle is pinned", function()
    local run = begin({ task_queue = env.task_queue }, "ContinueAsNew", 2)
    assert.equal(2, temporal.assert(run:get(30)))
    local found = temporal.assert(run:describe())
    assert.same({ run.result_run_id, "completed", run.run_id },
      { found.run_id, found.status, found.first_execution_run_id })
    found = temporal.assert(client:workflow(run.id):describe())
    assert.equal(run.result_run_id, found.run_id)
    found = temporal.assert(client:workflow(run.id, run.run_id):describe())
    assert.same({ run.run_id, "continued_as_new" }, { found.run_id, found.status })
    assert.is_true(found.history_length > 1)
  end)

  it("puts the error where a value cannot be read", function()
    local reads = 0
    local picky = temporal.client { target = env.address, namespace = env.namespace,
      converter = { { encoding = "x/secret", decode = function(payload)
        reads = reads + 1
        if payload.data == "bad" then
          return nil, "no key"
        end
        return "open " .. payload.data
      end } } }
    local function secret(data)
      return temporal.raw { metadata = { encoding = "x/secret" }, data = data }
    end
    local run = begin({ memo = { good = secret "one", bad = secret "bad", plain = 1,
      odd = temporal.raw { metadata = { encoding = "x/unknown" }, data = "?" } } }, "Order")
    local found = temporal.assert(picky:workflow(run.id):describe())
    assert.same({ "open one", 1 }, { found.memo.good, found.memo.plain })
    assert.is_true(temporal.is_error(found.memo.bad))
    assert.same({ "conversion", "no key", "x/secret", "bad" }, { found.memo.bad.kind,
      found.memo.bad.message, found.memo.bad.encoding, found.memo.bad.raw.data })
    assert.same({ "conversion", "x/unknown" },
      { found.memo.odd.kind, found.memo.odd.encoding })
    assert.equal(2, reads)
    finish(run)
    assert(picky:close())
  end)

  it("waits for the acknowledgement, and says what failed", function()
    local run = client:execute_workflow({ task_queue = nobody }, "Order")
    assert.equal(run.id, temporal.assert(run:describe()).id)
    finish(run)
    local found, missing = client:workflow("no-such-" .. env.uuid()):describe()
    assert.is_nil(found)
    assert.equal("not_found", missing.kind)
    assert.equal("invalid_argument", select(2, client:workflow("x", "no-uuid"):describe()).kind)
    local other = temporal.client { target = env.address, namespace = env.namespace }
    local handle = other:workflow(run.id)
    assert(other:close())
    assert.equal("closed", select(2, handle:describe()).kind)
    local refused = temporal.client { target = "127.0.0.1:1", logger = function() end }
    assert.equal("unavailable", select(2, refused:workflow("x"):describe { timeout = 0.2 }).kind)
    refused:close(0)
  end)

  it("is what the Python SDK's client sees", function()
    local peer = env.spawn { env.python, "spec/support/describe_peer.py", env.address,
      env.namespace, nobody }
    local how, code = peer:wait(60)
    assert.same({ "exit", 0 }, { how, code }, peer:errors())
    local theirs = assert(core.json_decode(peer:output()))
    local run = client:workflow(theirs.id)
    local ours = temporal.assert(run:describe())
    local count, groups = client:count_workflows(theirs.query .. " GROUP BY ExecutionStatus")
    assert.equal(theirs.count, count)
    assert.same(theirs.groups, groups)
    local item = client:list_workflows(theirs.query)()
    for name, value in pairs(theirs.describe) do
      if type(value) == "number" and name:find "_time$" then
        -- Python's times are in microseconds, rounded down.
        assert.is_true(math.abs(value - ours[name]) < 0.000002, name)
      else
        assert.same(value, ours[name], name)
      end
    end
    for name, value in pairs(theirs.list) do
      if type(value) == "number" then
        assert.is_true(math.abs(value - item[name]) < 0.000002, name)
      else
        assert.same(value, item[name], name)
      end
    end
    assert.same(theirs.history, temporal.assert(run:fetch_history()).events[1].event_type)
    finish(run)
  end)

  it("raises on misuse", function()
    local handle = client:workflow("x")
    local function raised(...)
      local ok, message = pcall(handle.describe, handle, ...)
      assert.is_false(ok)
      assert.matches("description_spec%.lua:%d+: ", message)
      return message
    end
    assert.matches("the options of workflow:describe must be a table, got a string", raised "x",
      1, true)
    assert.matches('unknown option of workflow:describe "timout"; did you mean "timeout"?',
      raised { timout = 1 }, 1, true)
    assert.matches('"timeout" must be above 0 s', raised { timeout = 0 }, 1, true)
  end)

  it("goes through interceptors", function()
    local seen = {}
    local run = begin({}, "Order")
    local hooked
    hooked = temporal.client { target = env.address, namespace = env.namespace,
      interceptors = { { describe = function(input, next)
        seen = { input.client == hooked, input.id, input.run_id }
        input.id = run.id
        return next(input)
      end } } }
    assert.equal(run.run_id, temporal.assert(hooked:workflow("elsewhere"):describe()).run_id)
    assert.same({ true, "elsewhere", nil }, seen)
    finish(run)
    assert(hooked:close())
  end)
end)

describe("description.item", function()
  local session = setmetatable({}, { __index = { values = function()
    return require("temporal.value.converter").new()
  end } })

  it("reads whatever a server may leave out", function()
    local found = description.item(session, {})
    assert.same({}, found.memo)
    assert.equal("temporal.description (nil, nil)", tostring(found))
  end)

  it("reads versioning, and enum values of a newer server", function()
    local found = description.item(session, {
      execution = { workflow_id = "w", run_id = "r" }, status = 99,
      versioning_info = {
        behavior = "VERSIONING_BEHAVIOR_PINNED", revision_number = 3,
        deployment_version = { deployment_name = "d", build_id = "b" },
        versioning_override = { pinned = { version = { deployment_name = "e", build_id = "c" } } },
        version_transition = {
          deployment_version = { deployment_name = "f", build_id = "g" } },
      },
    })
    assert.equal(99, found.status)
    assert.same({
      behavior = "pinned", revision = 3, version = { deployment = "d", build_id = "b" },
      override = { pinned = { deployment = "e", build_id = "c" } },
      transition = { deployment = "f", build_id = "g" },
    }, found.versioning)
    local function override(message)
      return description.item(session, { versioning_info = { versioning_override = message } })
        .versioning.override
    end
    assert.equal("auto_upgrade", override { auto_upgrade = true })
    assert.same({ one_time = { deployment = "e", build_id = "c" } }, override {
      one_time = { target_deployment_version = { deployment_name = "e", build_id = "c" } } })
  end)
end)

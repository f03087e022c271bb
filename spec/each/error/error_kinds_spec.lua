-- Every kind of error: raised on the real server where it can produce it, else by the fault peer or
-- here, with its fields. What is in KINDS and raised by no test fails, and so does a kind of the
-- sources that is not in KINDS.

local core = require "temporal.core"
local env = require "spec.support.environment"
local fault_peer = require "spec.support.fault_peer"
local faults = require "spec.support.faults"
local lfs = require "lfs"
local simulation = require "spec.support.simulation"
local temporal = require "temporal"

local KINDS = {
  -- results of workflows and activities, and what is below them
  "workflow_failed", "application", "canceled", "terminated", "timed_out", "activity",
  "child_workflow", "nexus_operation", "nexus_handler", "server", "reset", "activity_failed",
  "continued_as_new",
  -- words of the server
  "already_started", "not_found", "namespace_not_found", "permission_denied", "unauthenticated",
  "invalid_argument", "failed_precondition", "unimplemented", "internal", "unknown", "data_loss",
  "aborted", "out_of_range", "already_exists", "resource_exhausted", "message_too_large",
  -- calls that got no answer
  "unavailable", "deadline_exceeded", "timeout", "call_canceled",
  -- messages to workflows, heartbeats
  "query_failed", "query_rejected", "update_failed", "activity_canceled", "activity_paused",
  "activity_reset",
  -- values, and this process
  "conversion", "codec", "unacknowledged", "closed", "fork", "cannot_wait", "config",
  "task_failed", "nondeterminism",
}

local OPERATOR = "temporal.api.operatorservice.v1.OperatorService/"

local raised = {} -- kind -> true

-- What every error is; then its fields.
local function check(err, kind, fields)
  raised[kind] = true
  assert.is_true(temporal.is_error(err), "no error, but " .. tostring(err))
  assert.equal(kind, err.kind, tostring(err))
  -- A Nexus handler's text is its cause's.
  assert.is_true(err.message ~= "" or err.cause ~= nil)
  assert.matches("^" .. kind .. "[ :]", tostring(err))
  assert.is_nil(tostring(err):find("\n", 1, true))
  assert.equal(err, err:find(kind))
  for name, expected in pairs(fields or {}) do
    assert.same(expected, err[name], kind .. "." .. name)
  end
  return err
end

-- The error of a call that must fail.
local function failure_of(value, err)
  assert.is_nil(value)
  assert.is_not_nil(err)
  return err
end

describe("errors of the real server:", function()
  local client

  setup(function()
    client = temporal.client { target = env.address, namespace = env.namespace,
      identity = "kinds-spec" }
  end)

  teardown(function()
    assert(client:close())
  end)

  local function start(workflow, given, ...)
    local start_options = { task_queue = env.task_queue }
    for name, value in pairs(given) do start_options[name] = value end
    return temporal.assert(client:start_workflow(start_options, workflow, ...))
  end

  local function failed(run, get_options)
    return failure_of(run:get(get_options or 30))
  end

  local function call_fails(method, request, call_options)
    return failure_of(client:call(method, request, call_options))
  end

  -- A workflow and the task of its activity, which this spec then has.
  local function take_activity(attempts)
    local queue = "kinds-" .. env.uuid()
    local run = start("OneActivity", { id = queue }, "Anything", queue, 1, attempts or 1)
    local task = temporal.assert(client:call("PollActivityTaskQueue",
      { task_queue = { name = queue } }, { timeout = 30 }))
    return run, client:async_activity { task_token = task.task_token }
  end

  it("workflow_failed, application", function()
    local run = start("Fail", {}, "declined", { type = "Declined", non_retryable = true,
      category = "benign", next_retry_delay = 90, details = { 7, { a = 1 } },
      cause = { message = "no money", type = "Bank" } })
    local err = check(failed(run), "workflow_failed", { workflow_id = run.id, run_id = run.run_id,
      workflow_type = "Fail", retry_state = "retry_policy_not_set" })
    assert.equal("EVENT_TYPE_WORKFLOW_EXECUTION_FAILED", err.raw.event_type)
    local cause = check(err.cause, "application", { message = "declined", type = "Declined",
      non_retryable = true, category = "benign", next_retry_delay = 90 })
    assert.same({ 7, 1, 2 }, { cause.details[1], cause.details[2].a, cause.details.n })
    assert.same({ "no money", "Bank" }, { cause.cause.message, cause.cause.type })
    assert.matches("^workflow_failed %(Fail, .*: application %(Declined%): declined: "
      .. "application %(Bank%): no money$", tostring(err))
  end)

  it("canceled", function()
    local run = start("Wait", {})
    temporal.assert(run:cancel("no reason"))
    local err = check(failed(run), "workflow_failed")
    check(err.cause, "canceled", { details = { n = 0 } })
  end)

  it("terminated", function()
    local run = start("Wait", {})
    temporal.assert(run:terminate("enough", 1, { two = 2 }))
    local err = check(failed(run), "workflow_failed", { message = "workflow execution was "
      .. "terminated" })
    local cause = check(err.cause, "terminated", { reason = "enough", message = "enough",
      identity = "kinds-spec" })
    assert.same({ 1, 2, 2 }, { cause.details[1], cause.details[2].two, cause.details.n })
  end)

  it("timed_out", function()
    local run = start("Wait", { execution_timeout = 1 })
    local err = check(failed(run), "workflow_failed", { retry_state = "timeout" })
    check(err.cause, "timed_out", { timeout_type = "start_to_close" })
    -- That of an activity comes from a failure, with what it last said.
    run = start("ActivityTimeout", {}, "page 3")
    local cause = check(failed(run):find("timed_out"), "timed_out", { timeout_type = "heartbeat" })
    assert.equal("page 3", cause.last_heartbeat_details[1])
  end)

  it("activity", function()
    local run = start("ActivityFail", {}, "declined", { type = "Declined" })
    local err = check(failed(run).cause, "activity", { activity_type = "FailActivity",
      activity_id = "failing", retry_state = "maximum_attempts_reached", scheduled_event_id = 5,
      started_event_id = 6 })
    assert.matches("@", err.identity)
    local cause = check(err.cause, "application", { type = "Declined" })
    assert.is_string(cause.stack_trace)
  end)

  it("child_workflow", function()
    local run = start("ChildFail", {}, "declined")
    local err = check(failed(run).cause, "child_workflow", { namespace = env.namespace,
      workflow_id = run.id .. "/child", workflow_type = "Fail", initiated_event_id = 5,
      started_event_id = 6, retry_state = "maximum_attempts_reached" })
    assert.is_true(#err.run_id == 36 and err.run_id ~= run.run_id)
    check(err.cause, "application", { message = "declined" })
  end)

  it("nexus_operation, nexus_handler", function()
    local queue = "kinds-" .. env.uuid()
    temporal.assert(client:call(OPERATOR .. "CreateNexusEndpoint", { spec = { name = queue,
      target = { worker = { namespace = env.namespace, task_queue = queue } } } }))
    local run
    -- A new endpoint is not known everywhere at once: the call fails then, not the workflow.
    run = start("NexusCall", { execution_timeout = 60 }, queue)
    local task = temporal.assert(client:call("PollNexusTaskQueue",
      { task_queue = { name = queue } }, { timeout = 40 }))
    temporal.assert(client:call("RespondNexusTaskFailed", { task_token = task.task_token,
      error = { error_type = "BAD_REQUEST", failure = { message = "no such account" } } }))
    local err = check(failed(run).cause, "nexus_operation", { endpoint = queue,
      service = "Billing", operation = "charge", scheduled_event_id = 5 })
    check(err.cause, "nexus_handler", { type = "BAD_REQUEST" })
    assert.matches("no such account", tostring(err))
  end)

  it("server", function()
    local run, activity = take_activity()
    temporal.assert(activity:complete(("x"):rep(2200000)))
    check(failed(run):find("server"), "server", { non_retryable = true })
  end)

  it("activity_failed", function()
    local run = client:execute_activity({ task_queue = env.task_queue,
      start_to_close_timeout = 20 }, "BadActivity", "declined")
    local err = check(failed(run), "activity_failed", { activity_id = run.id, run_id = run.run_id,
      activity_type = "BadActivity", retry_state = "non_retryable_failure" })
    check(err.cause, "application", { type = "Declined" })
  end)

  it("continued_as_new", function()
    local run = start("ContinueAsNew", {}, 1)
    local err = check(failed(run, { follow_runs = false, timeout = 30 }), "continued_as_new",
      { workflow_id = run.id, run_id = run.run_id })
    assert.is_true(#err.new_run_id == 36 and err.new_run_id ~= run.run_id)
  end)

  it("already_started", function()
    local run = start("Wait", {})
    local err = failure_of(client:start_workflow({ id = run.id, task_queue = env.task_queue },
      "Wait"))
    check(err, "already_started", { workflow_id = run.id, run_id = run.run_id,
      first_execution_run_id = run.run_id, outcome = "not_started", code = "already_exists" })
    local alone = { id = run.id, task_queue = run.id, start_to_close_timeout = 20 }
    local activity = client:execute_activity(alone, "Alone")
    assert(activity:started(10))
    check(failed(client:execute_activity(alone, "Alone")), "already_started",
      { activity_id = run.id, run_id = activity.run_id, code = "already_exists" })
    temporal.assert(activity:terminate())
    temporal.assert(run:terminate())
  end)

  it("not_found, namespace_not_found", function()
    check(failed(client:workflow("no-such-workflow")), "not_found",
      { code = "not_found", workflow_id = "no-such-workflow" })
    check(call_fails("DescribeNamespace", { namespace = "nowhere" }), "namespace_not_found",
      { code = "not_found", namespace = "nowhere" })
  end)

  it("permission_denied", function()
    local run = start("Wait", {})
    check(call_fails("UpdateWorkflowExecution", {
      workflow_execution = { workflow_id = run.id }, wait_policy = { lifecycle_stage = 1 },
      request = { meta = { update_id = "u" }, input = { name = "n" } },
    }, { timeout = 10 }), "permission_denied", { code = "permission_denied" })
    temporal.assert(run:terminate())
  end)

  it("invalid_argument", function()
    local err = failure_of(client:start_workflow({ task_queue = "q", cron_schedule = "never" },
      "Wait"))
    check(err, "invalid_argument", { code = "invalid_argument", outcome = "not_started" })
  end)

  it("failed_precondition", function()
    local run = start("Wait", {})
    check(call_fails("UnpauseWorkflowExecution", { workflow_id = run.id }), "failed_precondition",
      { code = "failed_precondition" })
    temporal.assert(run:terminate())
  end)

  it("unimplemented", function()
    local run = start("Wait", {})
    check(failure_of(run:pause()), "unimplemented", { code = "unimplemented" })
    temporal.assert(run:terminate())
  end)

  it("unknown", function()
    check(call_fails("ListWorkflowExecutions", { next_page_token = "junk" }, { retry = false }),
      "unknown", { code = "unknown", attempts = 1 })
  end)

  it("already_exists", function()
    local err = check(call_fails("RegisterNamespace", { namespace = env.namespace,
      workflow_execution_retention_period = { seconds = 86400 } }), "already_exists",
      { code = "already_exists" })
    assert.matches("NamespaceAlreadyExistsFailure", err.details[1].type_url)
  end)

  it("resource_exhausted", function()
    -- More updates than a run may have in flight: no worker takes them.
    local run = start("Wait", { task_queue = "nobody-polls-this" })
    local calls = {}
    for i = 1, 11 do
      calls[i] = client:submit("UpdateWorkflowExecution", {
        workflow_execution = { workflow_id = run.id }, wait_policy = { lifecycle_stage = 2 },
        request = { meta = { update_id = "u-" .. i }, input = { name = "n" } },
      }, { retry = false, timeout = 15 })
    end
    local first = temporal.assert(temporal.wait(calls, 10))
    check(failure_of(first:get()), "resource_exhausted", { code = "resource_exhausted",
      resource_cause = "concurrent_limit", scope = "namespace" })
    for i = 1, #calls do calls[i]:abandon() end
    temporal.assert(run:terminate())
  end)

  it("message_too_large", function()
    local err = failure_of(client:start_workflow({ task_queue = "q" }, "Echo",
      ("x"):rep(4300000)))
    check(err, "message_too_large", { limit = 4194304, attempts = 1, outcome = "not_started" })
    assert.is_true(err.size > 4300000)
  end)

  it("unavailable", function()
    local nobody = temporal.client { target = "127.0.0.1:1", rpc_timeout = 1 }
    local err = failure_of(nobody:call("GetSystemInfo"))
    check(err, "unavailable", { code = "unavailable" })
    assert.matches("refused", err.message)
    assert.is_true(err.attempts > 1)
    nobody:close()
  end)

  it("deadline_exceeded", function()
    local run = start("Wait", { task_queue = "nobody-polls-this" })
    -- The server is still waiting for a worker.
    local err = check(call_fails("QueryWorkflow", { execution = { workflow_id = run.id },
      query = { query_type = "__stack_trace" } }, { timeout = 1 }), "deadline_exceeded")
    assert.equal("deadline_exceeded", err.code)
    temporal.assert(run:terminate())
  end)

  it("timeout", function()
    local run = start("Wait", {})
    check(failed(run, 0.01), "timeout", { acknowledged = true, workflow_id = run.id,
      run_id = run.run_id })
    assert.is_nil(run:get(0.01))
    temporal.assert(run:terminate())
  end)

  it("call_canceled", function()
    local run = start("Wait", {})
    assert.is_false(run:ready())
    run:abandon()
    check(failed(run), "call_canceled", { workflow_id = run.id })
    temporal.assert(run:terminate())
  end)

  it("query_failed, query_rejected", function()
    local run = start("Wait", {})
    local err = check(failure_of(run:query("no such query")), "query_failed",
      { code = "invalid_argument" })
    assert.matches("no such query", err.message)
    temporal.assert(run:terminate())
    check(failure_of(run:query { name = "__stack_trace", reject = "not_open" }), "query_rejected",
      { status = "terminated" })
  end)

  it("update_failed", function()
    local run = start("Wait", {})
    local err = check(failure_of(run:update { name = "no such update", id = "u-1" }),
      "update_failed", { update_id = "u-1", workflow_id = run.id, run_id = run.run_id })
    check(err.cause, "application")
    assert.matches("no such update", err.cause.message)
    temporal.assert(run:terminate())
  end)

  it("activity_canceled, activity_paused, activity_reset", function()
    local run, activity = take_activity(3)
    local execution = { workflow_id = run.id }
    temporal.assert(client:call("PauseActivity", { execution = execution, id = "one" }))
    check(failure_of(activity:heartbeat()), "activity_paused")
    temporal.assert(client:call("ResetActivity", { execution = execution, id = "one",
      keep_paused = true }))
    check(failure_of(activity:heartbeat()), "activity_reset")
    temporal.assert(run:cancel())
    env.wait_until(30, function()
      return select(2, activity:heartbeat()).kind == "activity_canceled"
    end)
    local by_id = client:async_activity { workflow_id = run.id, activity_id = "one" }
    check(failure_of(by_id:heartbeat()), "activity_canceled",
      { workflow_id = run.id, activity_id = "one" })
    temporal.assert(activity:report_canceled())
    check(failed(run).cause, "canceled")
  end)

  it("conversion", function()
    local odd = temporal.raw { metadata = { encoding = "binary/odd" }, data = "\1\2" }
    local run = start("Echo", {}, odd)
    local err = check(failed(run), "conversion", { encoding = "binary/odd", workflow_id = run.id,
      run_id = run.run_id })
    assert.equal("\1\2", err.raw.data)
    assert.matches("binary/odd", err.message)
  end)

  it("codec", function()
    local run = start("Echo", {}, 1)
    local keyless = temporal.client { target = env.address, namespace = env.namespace,
      codecs = { { encode = function() return nil, "no key to encrypt with" end,
                   decode = function() return nil, "no key to decrypt with" end } } }
    local err = check(failed(keyless:workflow(run.id)), "codec", { workflow_id = run.id })
    assert.matches("no key to decrypt with", tostring(err))
    local future = keyless:execute_workflow({ task_queue = "q" }, "Echo", 1)
    err = check(failed(future), "codec", { outcome = "not_started" })
    assert.matches("no key to encrypt with", tostring(err))
    future = keyless:execute_activity({ task_queue = "q", start_to_close_timeout = 1 }, "A", 1)
    check(failure_of(future:started()), "codec", { outcome = "not_started",
      activity_id = future.id })
    local ok, problem = keyless:async_activity({ activity_id = "a" }):complete(1)
    check(failure_of(ok, problem), "codec")
    ok, problem = keyless:async_activity({ activity_id = "a" }):fail({ code = 7 })
    check(failure_of(ok, problem), "codec")
    assert(keyless:close())
  end)

  it("closed", function()
    local other = temporal.client { target = env.address, namespace = env.namespace }
    local future, handle = other:submit("GetSystemInfo"), other:workflow("w")
    assert(other:close())
    check(failure_of(handle:get()), "closed")
    check(failure_of(handle:signal("s")), "closed")
    -- What came before the end stays.
    assert.is_truthy(future:get() or future:get())
  end)
end)

describe("errors of odd answers:", function()
  local peer

  setup(function() peer = faults.start_peer() end)
  teardown(faults.stop_peer)
  before_each(function() peer:reset() end)
  after_each(faults.after_each)

  local function answers(script, options)
    peer:cmd("call 1 GetSystemInfo : %s", script)
    return failure_of(faults.client(options):call("GetSystemInfo"))
  end

  it("reset", function()
    local bytes = assert(core.encode(
      "temporal.api.workflowservice.v1.GetWorkflowExecutionHistoryResponse", { history = {
        events = { { event_id = 9, event_type = "EVENT_TYPE_WORKFLOW_EXECUTION_FAILED",
          workflow_execution_failed_event_attributes = { failure = { message = "reset",
            reset_workflow_failure_info = { last_heartbeat_details = { payloads = {
              { metadata = { encoding = "json/plain" }, data = "7" } } } } } } } } } }))
    peer:cmd("call GetWorkflowExecutionHistory : answer hex %s",
      (bytes:gsub(".", function(c) return ("%02X"):format(c:byte()) end)))
    local err = failure_of(faults.client():workflow("w"):get(10))
    check(err.cause, "reset", { last_heartbeat_details = { 7, n = 1 } })
  end)

  it("unauthenticated, internal, data_loss, aborted, out_of_range", function()
    local codes = { unauthenticated = 16, internal = 13, data_loss = 15, aborted = 10,
                    out_of_range = 11 }
    for kind, code in pairs(codes) do
      check(answers(('only grpc-status=%d "grpc-message=it says so"'):format(code)), kind,
        { code = kind, message = "it says so", attempts = 1 })
    end
  end)

  it("out_of_range with its typed detail", function()
    local detail = "\10\3b-2"
    check(answers("only " .. fault_peer.status(11, "newer",
      "temporal.api.errordetails.v1.NewerBuildExistsFailure", detail)), "out_of_range",
      { default_build_id = "b-2" })
  end)

  it("resource_exhausted of this process", function()
    peer:cmd("listen off") -- the first is tried again and again
    local client = faults.client { max_pending = 1, retry = {} }
    local first, second = faults.submit(client), faults.submit(client)
    check(failure_of(second:get(10)), "resource_exhausted", { resource_cause = "local",
      outcome = "not_started" })
    peer:cmd("listen on")
    assert(first:started(10))
  end)

  it("call_canceled by the server", function()
    check(answers("only grpc-status=1 grpc-message=gone"), "call_canceled",
      { code = "cancelled", message = "gone" })
  end)

  it("unacknowledged", function()
    peer:cmd("call StartWorkflowExecution : await; answer started")
    local client = faults.client { shutdown_timeout = 5 }
    local run = faults.submit(client)
    peer:wait_until("StartWorkflowExecution>=1")
    local err = check(failure_of(client:close(0.05)), "unacknowledged")
    assert.same({ run.id, run.request_id }, { err.details[1].workflow_id,
      err.details[1].request_id })
    check(failure_of(run:get(1)), "closed", { workflow_id = run.id, outcome = "unknown" })
    -- It goes on in the background.
    peer:cmd("release")
  end)

  it("task_failed", function()
    local task = temporal.spawn(function() error({ code = 7 }) end)
    local err = check(failure_of(task:get(30)), "task_failed")
    assert.same({ code = 7 }, err.raw)
  end)

  it("cannot_wait", function()
    temporal.host.use { name = "busy", park = function() end, unpark = function() end,
      can_wait = function() return false, "a frame is being drawn" end }
    local client = faults.client()
    local ok, err = pcall(function()
      check(failure_of(client:call("GetSystemInfo")), "cannot_wait")
      check(failure_of(client:workflow("w"):get()), "cannot_wait", { workflow_id = "w" })
      local activity = client:async_activity { activity_id = "a" }
      check(failure_of(activity:complete()), "cannot_wait")
      local problem = check(failure_of(client:activity("a"):get()), "cannot_wait",
        { activity_id = "a" })
      assert.matches("a frame is being drawn", problem.message)
    end)
    temporal.host.use(nil)
    if not ok then error(err, 0) end
  end)

  it("config", function()
    local path = env.tmp .. "/broken.toml"
    local file = assert(io.open(path, "w"))
    file:write("[profile.default\naddress = 7\n")
    file:close()
    local err = check(failure_of(temporal.config.load { file = path, env = {} }), "config")
    assert.matches("broken.toml", err.message, 1, true)
    err = check(failure_of(temporal.config.load { profile = "missing", file = path .. ".not",
      env = {} }), "config")
    assert.matches("missing", err.message, 1, true)
  end)

  -- fork(2), without any header of the Lua at hand.
  local FORK = [[
    #include <sys/wait.h>
    #include <unistd.h>
    void lua_pushnumber(void *L, double n);
    static pid_t child;
    int begin(void *L) { child = fork(); lua_pushnumber(L, child); return 1; }
    int leave(void *L) { (void)L; _exit(0); }
    int finish(void *L) { lua_pushnumber(L, waitpid(child, NULL, 0)); return 1; }
  ]]

  it("fork", function()
    local source, library = env.tmp .. "/fork.c", env.tmp .. "/fork.so"
    local file = assert(io.open(source, "w"))
    file:write(FORK)
    file:close()
    local compiled = os.execute(("%s -shared -fPIC -o %s %s"):format(os.getenv("CC") or "cc",
      library, source))
    assert.is_true(compiled == true or compiled == 0)
    local begin = assert(package.loadlib(library, "begin"))
    local leave = assert(package.loadlib(library, "leave"))
    local finish = assert(package.loadlib(library, "finish"))
    local client = faults.client()
    local run = faults.must_start(client)
    local told = env.tmp .. "/forked"
    if begin() == 0 then
      local lines = {}
      for _, call in ipairs { function() return client:call("GetSystemInfo") end,
                              function() return run:get(1) end } do
        local ok, value, err = pcall(call)
        lines[#lines + 1] = tostring(ok) .. " " .. tostring(value) .. " " .. tostring(err)
      end
      local output = io.open(told, "w")
      output:write(table.concat(lines, "\n"), "\n")
      output:close()
      leave()
    end
    assert.is_true(finish() > 0)
    local lines = {}
    for line in io.lines(told) do
      assert.matches("^true nil fork[ :]", line)
      lines[#lines + 1] = line
    end
    assert.equal(2, #lines)
    raised.fork = true
    -- The parent goes on.
    temporal.assert(client:call("GetSystemInfo"))
  end)
end)

describe("a workflow's code", function()
  it("nondeterminism", function()
    local sim = simulation.new(function() require("temporal.workflow").sleep(1) end)
    assert.equal("start_timer", sim:task())
    check(failure_of(sim:replay(function() end)), "nondeterminism",
      { event_id = 5, expected = 'timer "1"', actual = "the completion of the workflow" })
  end)
end)

describe("the kinds of errors", function()
  local known = {}
  for _, kind in ipairs(KINDS) do known[kind] = true end

  it("are all raised by the tests above", function()
    local missing = {}
    for _, kind in ipairs(KINDS) do
      if not raised[kind] then missing[#missing + 1] = kind end
    end
    assert.same({}, missing)
  end)

  it("are all known", function()
    local function look(path, pattern)
      for line in io.lines(path) do
        for kind in line:gmatch(pattern) do
          assert.is_true(known[kind] or false, ("%s has an error of kind %s"):format(path, kind))
        end
      end
    end
    local function walk(folder, ending, pattern)
      for name in lfs.dir(folder) do
        local path = folder .. "/" .. name
        if name:sub(1, 1) ~= "." and lfs.attributes(path, "mode") == "directory" then
          walk(path, ending, pattern)
        elseif name:sub(-#ending) == ending then
          look(path, pattern)
        end
      end
    end
    walk("lua/temporal", ".lua", '[^%w_.]kind = "([%l_]+)"')
    walk("lua/temporal", ".lua", 'err%.kind = "([%l_]+)"')
    for _, says in ipairs({ "tp_call_fail", "tp_failure_set", "tp_future_refuse" }) do
      walk("csrc", ".c", says .. '%([^,]+, "([%l_]+)"')
    end
  end)
end)

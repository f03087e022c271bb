-- Updates on a real server with a Python worker.

local core = require "temporal.core"
local env = require "spec.support.environment"
local fault_peer = require "spec.support.fault_peer"
local temporal = require "temporal"

local WAIT = 30

describe("workflow:update", function()
  local client, run

  setup(function()
    client = temporal.client { target = env.address, namespace = env.namespace,
      identity = "update-spec" }
    run = temporal.assert(client:start_workflow({ task_queue = env.task_queue }, "Inbox"))
  end)

  teardown(function()
    temporal.assert(run:terminate())
    assert(client:close())
  end)

  local function inbox()
    return temporal.assert(client:start_workflow({ task_queue = env.task_queue }, "Inbox"))
  end

  local function failed(kind, value, err)
    assert.is_nil(value)
    assert.equal(kind, err and err.kind, tostring(err))
    return err
  end

  local function raised(fn, ...)
    local ok, message = pcall(fn, ...)
    assert.is_false(ok, "expected an error")
    assert.matches("update_spec%.lua:%d+: ", message)
    return message
  end

  it("gives the handler's answer, nil and false too", function()
    for _, value in ipairs { "caf\195\169", 7, 0.1, true, false } do
      assert.equal(value, temporal.assert(run:update("echo", value)))
    end
    assert.same({ a = { 1, { b = "c" } } },
      temporal.assert(run:update("echo", { a = { 1, { b = "c" } } })))
    assert.equal("\0\255", temporal.assert(run:update("echo", temporal.bytes("\0\255"))))
    local value, err = run:update("echo")
    assert.is_nil(err)
    assert.is_nil(value)
    assert.equal(4, temporal.assert(run:update({ name = "count", timeout = 10 }, 1, nil, 3, nil)))
  end)

  it("waits for the acknowledgement of a start first", function()
    local other = client:execute_workflow({ task_queue = env.task_queue }, "Inbox")
    assert.equal(6, temporal.assert(other:update("positive", 3)))
    temporal.assert(other:terminate())
  end)

  it("is update_failed with the whole cause when it is rejected or fails", function()
    local err = failed("update_failed", run:update({ name = "positive", id = "negative" }, -1))
    assert.same({ "negative", run.id, run.run_id }, { err.update_id, err.workflow_id, err.run_id })
    assert.same({ "application", "must be positive", "NotPositive", -1 },
      { err.cause.kind, err.cause.message, err.cause.type, err.cause.details[1] })
    err = failed("update_failed", run:update("fails", "it broke"))
    assert.same({ "it broke", "Broken", true, 1 }, { err.cause.message, err.cause.type,
      err.cause.non_retryable, err.cause.details[1].a })
    assert.same({ "application", "the cause", "Cause" },
      { err.cause.cause.kind, err.cause.cause.message, err.cause.cause.type })
    assert.matches("^update_failed %(.*%): .*application %(Broken%): it broke: ", tostring(err))
    err = failed("update_failed", run:update("no_such_update"))
    assert.matches("no_such_update", err.cause.message)
  end)

  it("is carried out once for an id, whatever is asked again", function()
    local other = inbox()
    local id = "once-" .. env.uuid()
    assert.equal(1, temporal.assert(other:update({ name = "count", id = id }, "a")))
    assert.equal(1, temporal.assert(other:update({ name = "count", id = id }, "a", "b")))
    assert.equal(1, temporal.assert(other:update({ name = "echo", id = id }, 7)))
    assert.equal(1, temporal.assert(other:update_handle(id):get(WAIT)))
    temporal.assert(other:signal("finish"))
    assert.equal(1, #temporal.assert(other:get(WAIT)).signals)
    -- Also after the workflow closed.
    assert.equal(1, temporal.assert(other:update({ name = "count", id = id })))
    assert.equal(1, temporal.assert(other:update_handle(id):get(WAIT)))
  end)

  it("returns a future once it is durable", function()
    local other = inbox()
    local future = temporal.assert(other:start_update("gate", "a"))
    assert.matches("^%x+%-%x+%-4", future.id)
    assert.same({ other.id, other.run_id }, { future.workflow_id, future.run_id })
    assert.equal(("temporal.update (%s of %s, not known to be completed)")
      :format(future.id, other.id), tostring(future))
    assert.is_false(future:ready())
    local before = env.now()
    assert.is_false(future:wait(0.1))
    local err = failed("timeout", future:get(0.1))
    assert.same({ future.id, other.id, true }, { err.update_id, err.workflow_id,
      err.acknowledged })
    assert.matches("; it goes on$", err.message)
    assert.is_true(env.now() - before < 10)
    failed("timeout", future:get(0))
    failed("timeout", future:get { timeout = 0.01 })
    local same = temporal.assert(other:update_handle(future.id))
    temporal.assert(other:signal("open", "a"))
    assert.is_true(future:wait(WAIT))
    assert.is_true(future:ready())
    for _ = 1, 2 do
      assert.equal("through a", temporal.assert(future:get()))
    end
    assert.equal("through a", temporal.assert(same:get(WAIT)))
    assert.equal(other.run_id, same.run_id)
    assert.equal(("temporal.update (%s of %s, completed)"):format(future.id, other.id),
      tostring(future))
    temporal.assert(other:terminate())
  end)

  it("can be waited for with others", function()
    local other = inbox()
    local slow = temporal.assert(other:start_update("gate", "a"))
    local await = getmetatable(slow).__temporal_await
    local poll = await(slow)
    assert.is_userdata(poll)
    temporal.assert(other:signal("open", "a"))
    assert.is_true(poll:wait(WAIT))
    assert.is_nil(await(slow))
    assert.equal("through a", temporal.assert(slow:get(0)))
    assert.is_nil(await(slow))
    local third = temporal.assert(other:start_update("gate", "b"))
    local fourth = temporal.assert(other:start_update("gate", "c"))
    temporal.assert(other:signal("open", "c"))
    local ready, index = temporal.wait({ third, fourth, other }, WAIT)
    assert.equal(fourth, ready, tostring(index))
    assert.equal(2, index)
    assert.same({ nil, "timeout" }, { nil, select(2, temporal.wait_all({ third, fourth },
      0.1)).kind })
    temporal.assert(other:signal("open", "b"))
    assert.is_true(temporal.wait_all({ third, fourth }, WAIT))
    temporal.assert(other:terminate())
  end)

  it("has no deadline but the call's own", function()
    local brief = temporal.client { target = env.address, namespace = env.namespace,
      rpc_timeout = 0.5 }
    local other = temporal.assert(brief:start_workflow({ task_queue = env.task_queue,
      timeout = 60 }, "Inbox"))
    assert.equal(1.5, temporal.assert(other:update("sleep", 1.5)))
    local update = temporal.assert(other:start_update("sleep", 1.25))
    assert.equal(1.25, temporal.assert(update:get()))
    temporal.assert(other:terminate { timeout = 30 })
    assert(brief:close())
  end)

  it("goes through codecs", function()
    local contexts, broken = {}, false
    local function encode(payloads, context)
      if broken then
        return nil, "no key today"
      end
      contexts[#contexts + 1] = context.kind .. " " .. tostring(context.workflow_id)
      local list = {}
      for i, payload in ipairs(payloads) do
        list[i] = { metadata = { encoding = "binary/reversed",
          was = payload.metadata.encoding }, data = payload.data:reverse() }
      end
      return list
    end
    local function decode(payloads)
      local list = {}
      for i, payload in ipairs(payloads) do
        local was = payload.metadata.was
        list[i] = was and { metadata = { encoding = was }, data = payload.data:reverse() }
          or payload
      end
      return list
    end
    local coded = temporal.client { target = env.address, namespace = env.namespace,
      codecs = { { encode = encode, decode = decode } } }
    local given = { id = "coded-" .. env.uuid(), task_queue = env.task_queue,
      id_conflict_policy = "use_existing" }
    local other = coded:signal_with_start(given, { "s", 1 }, "Inbox")
    assert.equal("caf\195\169", temporal.assert(other:update("echo", "caf\195\169")))
    assert.equal(12, temporal.assert(other:query("echo", 12)))
    assert.same({ 1, 2 }, temporal.assert(temporal.assert(
      coded:update_with_start(given, { "echo", { 1, 2 } }, "Inbox")):get()))
    temporal.assert(other:signal("s", 1))
    assert.equal("binary/reversed",
      temporal.assert(other:query("signals"))[2].values[1].metadata.encoding)
    for _, context in ipairs(contexts) do
      assert.equal("arguments " .. given.id, context)
    end
    broken = true
    failed("codec", other:signal("s", 1))
    failed("codec", other:query("echo", 1))
    failed("codec", other:terminate("why", 1))
    local err = failed("codec", other:update({ name = "echo", id = "u" }, 1))
    assert.same({ "u", given.id }, { err.update_id, err.workflow_id })
    failed("codec", coded:update_with_start(given, { "echo", 1 }, "Inbox"))
    failed("codec", coded:update_with_start(given, { "echo" }, "Inbox", 1))
    err = failed("codec", coded:signal_with_start(given, { "s", 1 }, "Inbox"):get(WAIT))
    assert.equal("not_started", err.outcome)
    broken = false
    temporal.assert(other:terminate("why", "detail"))
    assert.equal("details " .. given.id, contexts[#contexts])
    assert.equal("detail", failed("workflow_failed", other:get(WAIT)).cause.details[1])
    assert(coded:close())
  end)

  it("goes through interceptors", function()
    local seen = {}
    local function see(name)
      return function(input, next)
        seen[#seen + 1] = ("%s %s %s"):format(name, tostring(input.name), tostring(input.update_id))
        if name == "update" then
          input.args = { n = 1, input.args[1] + 1 }
          input.header.trace = "x"
        end
        return next(input)
      end
    end
    local watched = temporal.client { target = env.address, namespace = env.namespace,
      interceptors = { { update = see "update", start_update = see "start_update",
        get_update_result = see "get_update_result", signal = see "signal",
        query = see "query", cancel = see "cancel", terminate = see "terminate",
        signal_with_start = see "signal_with_start",
        update_with_start = see "update_with_start" } } }
    local given = { id = "seen-" .. env.uuid(), task_queue = env.task_queue,
      id_conflict_policy = "use_existing" }
    local other = watched:signal_with_start(given, { "a" }, "Inbox")
    assert.equal(8, temporal.assert(other:update({ name = "echo", id = "1" }, 7)))
    temporal.assert(temporal.assert(other:start_update { name = "count", id = "2" }):get())
    temporal.assert(watched:update_with_start(given, { name = "count", id = "3" }, "Inbox"))
    temporal.assert(other:signal("b"))
    temporal.assert(other:query("signals"))
    temporal.assert(other:cancel())
    failed("not_found", client:workflow("no-such-" .. env.uuid()):terminate())
    failed("not_found", watched:workflow("no-such-" .. env.uuid()):terminate())
    assert.same({ "signal_with_start nil nil", "update echo 1", "start_update count 2",
      "get_update_result nil 2", "update_with_start nil nil", "signal b nil",
      "query signals nil", "cancel nil nil", "terminate nil nil" }, seen)
    assert(watched:close())
  end)

  it("waits for the stage that is asked for", function()
    local other = inbox()
    local done = temporal.assert(other:start_update({ name = "echo", wait = "completed" }, 1))
    assert.equal(1, temporal.assert(done:get(0)))
    local accepted = temporal.assert(other:start_update({ name = "gate", wait = "accepted" }, "a"))
    assert.is_false(accepted:ready())
    local id = "slow-" .. env.uuid()
    local before = env.now()
    local err = failed("timeout", other:start_update({ name = "gate", wait = "completed", id = id,
      timeout = 2 }, "b"))
    assert.same({ id, true }, { err.update_id, env.now() - before < 8 })
    temporal.assert(other:signal("open", "b"))
    assert.equal("through b", temporal.assert(other:update_handle(id):get(WAIT)))
    temporal.assert(other:terminate())
  end)

  it("goes on when the wait for it runs out", function()
    local other = inbox()
    local err = failed("timeout", other:update({ name = "gate", timeout = 2 }, "a"))
    assert.equal(other.id, err.workflow_id)
    temporal.assert(other:signal("open", "a"))
    assert.equal("through a", temporal.assert(other:update_handle(err.update_id):get(WAIT)))
    temporal.assert(other:terminate())
  end)

  it("is a future whose get fails when it was rejected", function()
    local future = temporal.assert(run:start_update({ name = "positive", id = "rejected" }, 0))
    local err = failed("update_failed", future:get())
    assert.equal("NotPositive", err.cause.type)
    assert.equal(err, select(2, future:get(0)))
    assert.matches("rejected of .*, failed%)$", tostring(future))
    -- A rejected update leaves no trace.
    err = failed("not_found", run:update_handle("rejected"):get(WAIT))
    assert.same({ "rejected", run.id }, { err.update_id, err.workflow_id })
    -- Asked twice, told twice.
    local handle = run:update_handle("no-such-update")
    failed("not_found", handle:get(WAIT))
    failed("not_found", handle:get(WAIT))
    assert.is_true(handle:wait(WAIT))
    failed("not_found", handle:get(0))
  end)

  it("fails when the workflow closes before it is completed", function()
    for _, close in ipairs { "finish", "terminate" } do
      local other = inbox()
      local future = temporal.assert(other:start_update("gate", "never"))
      if close == "finish" then
        temporal.assert(other:signal("finish"))
      else
        temporal.assert(other:terminate())
      end
      local err = failed("update_failed", future:get(WAIT))
      assert.same({ "application", "AcceptedUpdateCompletedWorkflow", true },
        { err.cause.kind, err.cause.type, err.cause.non_retryable })
    end
  end)

  it("is an error for a workflow that is closed, or is not", function()
    local other = inbox()
    temporal.assert(other:signal("finish"))
    temporal.assert(other:get(WAIT))
    local err = failed("not_found", other:update({ name = "echo", id = "late" }, 1))
    assert.same({ "workflow execution already completed", "late" }, { err.message, err.update_id })
    failed("not_found", other:start_update("echo", 1))
    failed("not_found", client:workflow("no-such-" .. env.uuid()):update("echo"))
    -- A start that failed is the update's error.
    local again = client:execute_workflow({ id = other.id, id_reuse_policy = "reject_duplicate",
      task_queue = env.task_queue }, "Inbox")
    failed("already_started", again:update("echo"))
    failed("already_started", again:update_handle("x"))
  end)

  it("acts on the live run of its own chain, and no other", function()
    local other = inbox()
    temporal.assert(other:update({ name = "count", id = "before" }))
    temporal.assert(other:signal("continue"))
    env.wait_until(WAIT, function()
      return #temporal.assert(other:query("signals")) == 0
    end, "the next run")
    local future = temporal.assert(other:start_update("gate", "a"))
    assert.not_equal(other.run_id, future.run_id)
    temporal.assert(other:signal("open", "a"))
    assert.equal("through a", temporal.assert(future:get(WAIT)))
    failed("not_found", client:workflow(other.id, other.run_id):update("count"))
    failed("not_found",
      client:workflow(other.id, { first_execution_run_id = env.uuid() }):update("count"))
    -- An update of the first run is found there only.
    failed("not_found", other:update_handle("before"):get(WAIT))
    local pinned = client:workflow(other.id, other.run_id)
    assert.equal(0, temporal.assert(pinned:update_handle("before"):get(WAIT)))
    temporal.assert(other:terminate())
  end)

  it("is not lost when no worker has taken it yet", function()
    local queue = "nobody-" .. env.uuid()
    local waiting = temporal.assert(client:start_workflow({ task_queue = queue }, "Inbox"))
    local err = failed("timeout", waiting:update({ name = "echo", timeout = 0.5 }, 1))
    assert.is_string(err.update_id)
    assert.is_false(err.acknowledged)
    err = failed("timeout", waiting:start_update({ name = "echo", timeout = 2 }, 1))
    -- The server has it: it is no unknown one.
    local handle = waiting:update_handle(err.update_id)
    failed("timeout", handle:get(0.5))
    -- Accepted by nobody, it ends with the workflow.
    temporal.assert(waiting:terminate())
    err = failed("not_found", handle:get(WAIT))
    assert.equal("workflow update was aborted by closing workflow", err.message)
  end)

  it("may be the eleventh in flight", function()
    local other = inbox()
    local pending = {}
    for i = 1, 10 do
      pending[i] = temporal.assert(other:start_update("gate", "a"))
    end
    local hasty = temporal.client { target = env.address, namespace = env.namespace,
      retry = false }
    local err = failed("resource_exhausted", hasty:workflow(other.id):update("gate", "a"))
    assert.same({ "concurrent_limit", "namespace" }, { err.resource_cause, err.scope })
    assert.is_string(err.update_id)
    assert(hasty:close())
    -- Otherwise it is tried again until there is room.
    assert.is_true(temporal.assert(other:signal("open", "a")))
    assert.equal("through a", temporal.assert(other:update("gate", "a")))
    for i = 1, 10 do
      assert.equal("through a", temporal.assert(pending[i]:get(WAIT)))
    end
    temporal.assert(other:terminate())
  end)

  it("is not sent when its arguments are larger than the namespace takes", function()
    local err = failed("message_too_large", run:update({ name = "count", id = "big" },
      ("x"):rep(2097152)))
    assert.same({ 2097152, "big", run.id, "not_started" },
      { err.limit, err.update_id, err.workflow_id, err.outcome })
    assert.is_true(err.size > 2097152)
    failed("message_too_large", run:start_update("count", ("x"):rep(1048576), ("y"):rep(1048576)))
    -- The workflow is unharmed, and what just fits goes through.
    local fits = 2097152 - (err.size - err.limit)
    failed("message_too_large", run:update({ name = "count", id = "big" }, ("x"):rep(fits + 10)))
    assert.equal(1, temporal.assert(run:update({ name = "count", id = "fit" }, ("x"):rep(fits))))
  end)

  it("carries a header and who sent it", function()
    local other = inbox()
    temporal.assert(other:update({ name = "count", header = { trace = { id = 7 } } }))
    local found
    for _, event in ipairs(temporal.assert(client:call("GetWorkflowExecutionHistory",
      { execution = { workflow_id = other.id } })).history.events) do
      found = event.workflow_execution_update_accepted_event_attributes or found
    end
    assert.equal('{"id":7}', found.accepted_request.input.header.fields.trace.data)
    assert.equal("update-spec", found.accepted_request.meta.identity)
    temporal.assert(other:terminate())
  end)

  it("keeps a result that nobody can read, and decodes it again", function()
    local future = temporal.assert(run:start_update({ name = "echo", wait = "completed" },
      temporal.raw { metadata = { encoding = "binary/odd" }, data = "?" }))
    for _ = 1, 2 do
      local err = failed("conversion", future:get())
      assert.same({ "binary/odd", future.id, run.id },
        { err.encoding, err.update_id, err.workflow_id })
    end
  end)

  it("says closed after the client was", function()
    local other = temporal.client { target = env.address, namespace = env.namespace }
    local handle = other:workflow(run.id)
    local future = temporal.assert(handle:start_update("gate", "closed"))
    local asked = temporal.assert(handle:start_update("gate", "closed"))
    assert.is_false(asked:ready())
    assert(other:close())
    failed("closed", handle:update("echo"))
    failed("closed", future:get(1))
    failed("closed", asked:get(1))
    temporal.assert(run:signal("open", "closed"))
  end)

  it("cannot wait where waiting is not possible, and sends nothing", function()
    temporal.host.use { name = "never", can_wait = function() return false, "a test" end,
      park = error, unpark = error }
    local value, err = run:update("count", "never")
    temporal.host.use(nil)
    assert.same({ nil, "cannot_wait" }, { value, err.kind })
    for _, signal in ipairs(temporal.assert(run:query("signals"))) do
      assert.not_equal("never", signal.values[1])
    end
  end)

  it("raises on misuse", function()
    assert.matches("workflow:update takes a name", raised(run.update, run))
    assert.matches("workflow:start_update takes a name", raised(run.start_update, run, 7))
    assert.matches('the option "name" is missing', raised(run.update, run, { id = "x" }))
    assert.matches('unknown option of workflow:update "wait"', raised(run.update, run,
      { name = "x", wait = "completed" }))
    assert.matches('"wait" must be one of "accepted", "completed", got "admitted"',
      raised(run.start_update, run, { name = "x", wait = "admitted" }))
    assert.matches("workflow:update: argument 1", raised(run.update, run, "x", print))
    assert.matches("workflow:start_update: argument 1", raised(run.start_update, run, "x", print))
    assert.matches("the update id must be a string that is not empty, got nothing",
      raised(run.update_handle, run))
    assert.matches("the options of workflow:update_handle must be a table, got 5",
      raised(run.update_handle, run, "x", 5))
    local future = temporal.assert(run:start_update("echo"))
    assert.matches("the timeout of update:get", raised(future.get, future, "soon"))
    assert.matches("the timeout of update:wait", raised(future.wait, future, -1))
  end)
end)

describe("workflow:update on a server in trouble", function()
  local peer, client

  before_each(function()
    peer = fault_peer.start()
    client = temporal.client { target = peer.address,
      retry = { initial = 0.01, max = 0.05, attempts = 3 } }
  end)

  after_each(function()
    assert(client:close())
    peer:stop()
  end)

  local function hex(type_name, message)
    local bytes = assert(core.encode("temporal.api.workflowservice.v1." .. type_name, message))
    return (bytes:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
  end

  local function answer(count, method, message)
    peer:cmd("call %s %s : answer hex %s", count, method, hex(method .. "Response", message))
  end

  local function requests(method)
    local list = {}
    for i, bytes in ipairs(peer:requests(method)) do
      list[i] = assert(core.decode("temporal.api.workflowservice.v1." .. method .. "Request",
        bytes))
    end
    return list
  end

  local ACCEPTED = { stage = "UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_ACCEPTED",
    update_ref = { update_id = "u", workflow_execution = { workflow_id = "w", run_id = "r2" } } }
  local SEVEN = { success = { payloads = {
    { metadata = { encoding = "json/plain" }, data = "7" } } } }

  it("is sent until it is durable, then polled for its outcome in its own run", function()
    answer("2", "UpdateWorkflowExecution",
      { stage = "UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_ADMITTED" })
    answer("", "UpdateWorkflowExecution", ACCEPTED)
    answer("1", "PollWorkflowExecutionUpdate", { stage = ACCEPTED.stage })
    answer("", "PollWorkflowExecutionUpdate", { outcome = SEVEN })
    assert.equal(7, temporal.assert(client:workflow("w"):update({ name = "x", id = "u" }, 1)))
    local sent = requests("UpdateWorkflowExecution")
    assert.equal(3, #sent)
    assert.same(sent[1], sent[3])
    assert.same({ "u", "x", "UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_COMPLETED" },
      { sent[1].request.meta.update_id, sent[1].request.input.name,
        sent[1].wait_policy.lifecycle_stage })
    local polls = requests("PollWorkflowExecutionUpdate")
    assert.equal(2, #polls)
    assert.same({ workflow_execution = { workflow_id = "w", run_id = "r2" }, update_id = "u" },
      polls[1].update_ref)
  end)

  it("asks for the namespace's limit once, and keeps to it", function()
    answer("", "DescribeNamespace",
      { namespace_info = { limits = { blob_size_limit_error = 1000 } } })
    answer("", "UpdateWorkflowExecution", { outcome = SEVEN })
    local run = client:workflow("w")
    local _, err = run:update("x", ("y"):rep(1000))
    assert.same({ "message_too_large", 1000 }, { err.kind, err.limit })
    assert.equal(7, temporal.assert(run:update("x", ("y"):rep(500))))
    assert.same({ 1, 1 },
      { peer:stats().DescribeNamespace, peer:stats().UpdateWorkflowExecution })
  end)

  it("supposes the server's default where the limit is not told", function()
    peer:cmd("call DescribeNamespace : only grpc-status=7")
    answer("", "UpdateWorkflowExecution", { outcome = SEVEN })
    local run = client:workflow("w")
    for _ = 1, 2 do
      assert.equal(7, temporal.assert(run:update("x", ("y"):rep(2000000))))
      local _, err = run:update("x", ("y"):rep(2200000))
      assert.same({ "message_too_large", 2097152 }, { err.kind, err.limit })
    end
    assert.equal(1, peer:stats().DescribeNamespace)
  end)

  it("polls again after a failed poll", function()
    answer("", "UpdateWorkflowExecution", ACCEPTED)
    local future = temporal.assert(client:workflow("w"):start_update("x"))
    peer:cmd('call 1 PollWorkflowExecutionUpdate : only grpc-status=13 "grpc-message=broken"')
    local _, err = future:get(WAIT)
    assert.same({ "internal", "broken", future.id, "r2" },
      { err.kind, err.message, err.update_id, err.run_id })
    answer("", "PollWorkflowExecutionUpdate", { outcome = SEVEN })
    assert.equal(7, temporal.assert(future:get(WAIT)))
  end)

  it("names itself in every error", function()
    peer:cmd("call UpdateWorkflowExecution : only grpc-status=13")
    local _, err = client:workflow("w"):update { name = "x", id = "u" }
    assert.same({ "internal", "u", "w" }, { err.kind, err.update_id, err.workflow_id })
    peer:cmd("listen off")
    local other = temporal.client { target = peer.address, retry = false }
    _, err = other:workflow("w"):update { name = "x", id = "u" }
    assert.same({ "unavailable", "u", "w" }, { err.kind, err.update_id, err.workflow_id })
    assert(other:close())
  end)
end)

--- workflow:history and fetch_history on the real server; what is written as JSON is replayed by
-- the Python SDK.

local core = require "temporal.core"
local env = require "spec.support.environment"
local fault_peer = require "spec.support.fault_peer"
local service = require "temporal.call.service"
local temporal = require "temporal"

local STARTED = "EVENT_TYPE_WORKFLOW_EXECUTION_STARTED"

describe("workflow:history", function()
  local client, nobody

  setup(function()
    client = temporal.client { target = env.address, namespace = env.namespace }
    nobody = "nobody-" .. env.uuid()
  end)

  teardown(function()
    assert(client:close())
  end)

  local function begin(options, workflow, ...)
    options.task_queue = options.task_queue or env.task_queue
    return temporal.assert(client:start_workflow(options, workflow, ...))
  end

  local function finish(run)
    temporal.assert(client:call("TerminateWorkflowExecution",
      { workflow_execution = { workflow_id = run.id } }))
  end

  local function signal(run, name)
    temporal.assert(client:call("SignalWorkflowExecution",
      { workflow_execution = { workflow_id = run.id }, signal_name = name }))
  end

  -- An event each.
  local function signals(run, count)
    local calls = {}
    for i = 1, count do
      calls[i] = client:submit("SignalWorkflowExecution",
        { workflow_execution = { workflow_id = run.id }, signal_name = "note" })
    end
    temporal.assert(temporal.wait_all(calls, 60))
    for _, call in ipairs(calls) do temporal.assert(call:get()) end
  end

  local function collect(...)
    local list = {}
    for event in ... do
      list[#list + 1] = event
    end
    return list
  end

  local function ids(events)
    local list = {}
    for i, event in ipairs(events) do
      list[i] = event.event_id
    end
    return list
  end

  local function last_type(events)
    return events[#events].event_type
  end

  it("iterates over the events there are", function()
    local run = begin({}, "Echo", "grüße")
    assert.equal("grüße", temporal.assert(run:get(30)))
    local events = collect(run:history())
    assert.equal(STARTED, events[1].event_type)
    local attributes = events[1].workflow_execution_started_event_attributes
    assert.same({ "Echo", '"grüße"' },
      { attributes.workflow_type.name, attributes.input.payloads[1].data })
    assert.equal("EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED", last_type(events))
    for i, id in ipairs(ids(events)) do
      assert.equal(i, id)
    end
    -- An open run: what there is, without waiting.
    run = begin({ task_queue = nobody }, "Order")
    assert.same({ 1, 2 }, ids(collect(run:history())))
    finish(run)
  end)

  it("pages, forwards and backwards, in the same order", function()
    local run = begin({ task_queue = nobody }, "Order")
    signals(run, 300)
    finish(run)
    local all = ids(collect(run:history()))
    assert.equal(303, #all)
    assert.same(all, ids(collect(run:history { page_size = 7 })))
    local backwards = ids(collect(run:history { reverse = true, page_size = 50 }))
    assert.equal(#all, #backwards)
    for i, id in ipairs(backwards) do
      assert.equal(#all + 1 - i, id)
    end
  end)

  it("only the close event", function()
    local run = begin({}, "Wait")
    local before = env.now()
    assert.same({}, collect(run:history { filter = "close" }))
    assert.same({}, collect(run:history { filter = "close", reverse = true }))
    assert.is_true(env.now() - before < 10)
    signal(run, "finish")
    local events = collect(run:history { filter = "close", wait = true })
    assert.equal(1, #events)
    assert.equal("EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED", events[1].event_type)
    assert.same(ids(events), ids(collect(run:history { filter = "close" })))
    assert.same(ids(events), ids(collect(run:history { filter = "close", reverse = true })))
  end)

  it("waits for events until the close event", function()
    local run = begin({}, "Wait")
    local seen = {}
    local signalled = 0
    for event in run:history { wait = true } do
      seen[#seen + 1] = event.event_type
      if signalled < 1 and event.event_type == "EVENT_TYPE_WORKFLOW_TASK_COMPLETED" then
        signalled = signalled + 1
        signal(run, "finish")
      end
    end
    assert.equal("EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED", seen[#seen])
    assert.equal(1, signalled)
  end)

  it("that runs out of its timeout says so, and can go on", function()
    local run = begin({ task_queue = nobody }, "Order")
    local events = run:history { wait = true, timeout = 1.5 }
    assert.equal(1, events().event_id)
    assert.equal(2, events().event_id)
    local before = env.now()
    local ok, err = pcall(events)
    assert.is_false(ok)
    assert.is_true(temporal.is_error(err))
    assert.equal("timeout", err.kind)
    assert.matches("no further event after 1.5 s", err.message, 1, true)
    assert.is_true(env.now() - before > 1 and env.now() - before < 10)
    finish(run)
  end)

  it("waits through empty answers and lost connections", function()
    local peer = fault_peer.start()
    local patient = temporal.client { target = peer.address, logger = function() end,
      retry = { initial = 0.01 } }
    peer:cmd("call 2 GetWorkflowExecutionHistory : answer empty aa")
    peer:cmd("call 1 GetWorkflowExecutionHistory : only grpc-status=14")
    peer:cmd("call 1 GetWorkflowExecutionHistory : abort")
    peer:cmd("call 1 GetWorkflowExecutionHistory : answer empty bb")
    peer:cmd('call GetWorkflowExecutionHistory : answer completed "1"')
    local events = collect(patient:workflow("w"):history { wait = true, timeout = 20 })
    assert.equal("EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED", last_type(events))
    assert.equal(1, #events)
    assert.equal(6, peer:stats().GetWorkflowExecutionHistory)
    local tokens = {}
    for body in peer:cmd("bodies GetWorkflowExecutionHistory"):gmatch("%x+") do
      local bytes = body:gsub("%x%x", function(pair)
        return string.char(tonumber(pair, 16))
      end)
      local request = core.decode(
        "temporal.api.workflowservice.v1.GetWorkflowExecutionHistoryRequest", bytes)
        or core.decode("temporal.api.workflowservice.v1.GetWorkflowExecutionHistoryRequest",
          bytes:sub(6))
      assert.is_true(request.wait_new_event)
      tokens[#tokens + 1] = request.next_page_token
    end
    assert.same({ "", "aa", "aa", "aa", "aa", "bb" }, tokens)
    patient:close(0)
    peer:stop()
  end)

  it("is bound to one run", function()
    for _, options in ipairs { { page_size = 5 }, { page_size = 5, reverse = true } } do
      local id = "history-" .. env.uuid()
      local run = begin({ id = id, task_queue = nobody }, "Order")
      signals(run, 20)
      finish(run)
      local count = #collect(run:history())
      local other
      local read = 0
      for _ in client:workflow(id):history(options) do
        read = read + 1
        if read == 2 then
          -- Another run of the id is the latest now: the pages stay with the first.
          other = begin({ id = id, task_queue = nobody }, "Order")
          assert.equal(2, #collect(client:workflow(id):history(options)))
        end
      end
      assert.equal(count, read)
      -- Pinned: that run, whatever is the latest.
      assert.equal(count, #collect(client:workflow(id, run.run_id):history(options)))
      finish(other)
    end
  end)

  it("of a chain: the latest run, or the pinned one", function()
    local run = begin({}, "ContinueAsNew", 1)
    assert.equal(1, temporal.assert(run:get(30)))
    assert.equal("EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED", last_type(collect(run:history())))
    local pinned = client:workflow(run.id, run.run_id)
    assert.equal("EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW",
      last_type(collect(pinned:history { wait = true })))
    assert.equal("EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW",
      pinned:history { filter = "close" }().event_type)
  end)

  it("raises what goes wrong from the iterator", function()
    local function raised(handle, options)
      local ok, err = pcall(handle:history(options))
      assert.is_false(ok)
      assert.is_true(temporal.is_error(err), tostring(err))
      return err.kind
    end
    local missing = client:workflow("no-such-" .. env.uuid())
    assert.equal("not_found", raised(missing))
    assert.equal("not_found", raised(missing, { wait = true }))
    assert.equal("not_found", raised(missing, { reverse = true }))
    assert.equal("not_found", raised(missing, { filter = "close" }))
    local other = temporal.client { target = env.address, namespace = env.namespace }
    local handle = other:workflow("x")
    assert(other:close())
    assert.equal("closed", raised(handle))
  end)

  it("goes on after an error where it was", function()
    local run = begin({ task_queue = nobody }, "Order")
    local fails = 1
    local hooked = temporal.client { target = env.address, namespace = env.namespace }
    finish(run)
    local events = hooked:workflow(run.id, run.run_id):history { page_size = 1 }
    assert.equal(1, events().event_id)
    assert.equal(2, events().event_id)
    local session = require("temporal.call.session").of(hooked)
    local channel = session.channel
    session.channel = { call = function(_, ...)
      if fails > 0 then
        fails = fails - 1
        error("no luck", 0)
      end
      return channel:call(...)
    end }
    assert.has_error(events, "no luck")
    assert.equal(3, events().event_id)
    assert.is_nil(events())
    assert.is_nil(events())
    session.channel = channel
    assert(hooked:close())
  end)

  it("where waiting is not possible raises that", function()
    local run = begin({ task_queue = nobody }, "Order")
    local events, listed = run:history(), client:list_workflows()
    local plain = require "temporal.wait.host_plain"
    temporal.host.use { name = "strict", can_wait = function() return false, "not here" end,
      park = plain.park, unpark = plain.unpark }
    local outcomes = { { pcall(events) }, { pcall(listed) }, { pcall(run.describe, run) },
      { pcall(run.delete, run) } }
    temporal.host.use(nil)
    assert.same({ false, "cannot_wait" }, { outcomes[1][1], outcomes[1][2].kind })
    assert.same({ false, "cannot_wait" }, { outcomes[2][1], outcomes[2][2].kind })
    assert.same({ true, nil, "cannot_wait" },
      { outcomes[3][1], outcomes[3][2], outcomes[3][3].kind })
    assert.same({ true, nil, "cannot_wait" },
      { outcomes[4][1], outcomes[4][2], outcomes[4][3].kind })
    finish(run)
  end)

  it("raises on misuse, before anything is sent", function()
    local handle = client:workflow("x")
    local function raised(...)
      local ok, message = pcall(handle.history, handle, ...)
      assert.is_false(ok)
      assert.matches("history_spec%.lua:%d+: ", message)
      return message
    end
    assert.matches('"wait" and "reverse" of workflow:history exclude each other',
      raised { wait = true, reverse = true }, 1, true)
    assert.matches('"filter" must be one of "all", "close", got "open"', raised { filter = "open" },
      1, true)
    assert.matches('"page_size" must be a whole number from 1 to 2147483647, got 0',
      raised { page_size = 0 }, 1, true)
    assert.matches('"wait" must be true or false', raised { wait = 1 }, 1, true)
    assert.matches("must be a table, got a function", raised(print), 1, true)
    assert.matches('unknown option of workflow:history "pagesize"; did you mean "page_size"?',
      raised { pagesize = 1 }, 1, true)
    local ok, message = pcall(handle.fetch_history, handle, { json = "yes" })
    assert.is_false(ok)
    assert.matches('"json" must be true or false', message, 1, true)
  end)

  it("as a server sends it that does not decode it", function()
    local server = env.fresh_server {
      flags = { "--dynamic-config-value", "frontend.sendRawWorkflowHistory=true" } }
    local raw = temporal.client { target = server.address, namespace = server.namespace }
    local run = temporal.assert(raw:start_workflow({ task_queue = nobody }, "Order", "é"))
    local answer = temporal.assert(raw:call("GetWorkflowExecutionHistory",
      { execution = { workflow_id = run.id } }))
    assert.is_true(#answer.raw_history > 0, "this server decodes it")
    local events = collect(run:history())
    assert.same({ 1, 2 }, ids(events))
    assert.equal('"é"',
      events[1].workflow_execution_started_event_attributes.input.payloads[1].data)
    assert.same(ids(events), ids(temporal.assert(run:fetch_history()).events))
    temporal.assert(raw:call("TerminateWorkflowExecution",
      { workflow_execution = { workflow_id = run.id } }))
    assert.equal("EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED",
      last_type(collect(run:history { wait = true })))
    assert.equal("EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED",
      run:history { wait = true, filter = "close" }().event_type)
    assert(raw:close())
    server:kill()
  end)

  it("raw, in a form nobody knows, is an error that keeps it", function()
    local start = service.start
    local blob = { encoding_type = "ENCODING_TYPE_JSON", data = "{}" }
    service.start = function()
      return { wait = function() return true end, get = function()
        return { raw_history = { blob }, next_page_token = "" }
      end }
    end
    local ok, err = pcall(client:workflow("x"):history())
    local whole, problem = client:workflow("x"):fetch_history { json = true }
    blob.encoding_type, blob.data = "ENCODING_TYPE_PROTO3", "\255"
    local _, broken = client:workflow("x"):fetch_history()
    service.start = start
    assert.is_false(ok)
    assert.same({ "conversion", "ENCODING_TYPE_JSON", blob }, { err.kind, err.encoding, err.raw })
    assert.is_nil(whole)
    assert.matches("a part of the raw history cannot be read: it is ENCODING_TYPE_JSON",
      problem.message, 1, true)
    assert.equal("conversion", broken.kind)
  end)

  it("fetch_history: all of it in one table", function()
    local run = begin({ task_queue = nobody }, "Order")
    signals(run, 300)
    local history = temporal.assert(run:fetch_history())
    assert.same(ids(collect(run:history())), ids(history.events))
    assert.is_true(#history.events > 256)
    local bytes = assert(core.encode("temporal.api.history.v1.History", history))
    assert.same(history.events[1],
      core.decode("temporal.api.history.v1.History", bytes).events[1])
    local found, err = client:workflow("no-such-" .. env.uuid()):fetch_history()
    assert.is_nil(found)
    assert.equal("not_found", err.kind)
  end)

  it("fetch_history{json=true}: what the Python SDK replays", function()
    local run = begin({}, "LookPending", "grüße \240\159\152\128 \0 9007199254740993")
    env.wait_until(30, function()
      local found = temporal.assert(run:describe())
      return #found.pending_children == 1 and #found.pending_activities == 1
        and found.pending_activities[1].last_failure
    end, "the activity's first attempt")
    signal(run, "finish")
    temporal.assert(run:get(30))
    local text = temporal.assert(run:fetch_history { json = true })
    assert.is_string(text)
    local path = env.tmp .. "/history-" .. env.uuid() .. ".json"
    local file = assert(io.open(path, "wb"))
    file:write(text)
    file:close()
    local peer = env.spawn { env.python, "spec/support/replay_peer.py", run.id, path }
    local how, code = peer:wait(60)
    assert.same({ "exit", 0 }, { how, code }, peer:errors())
    assert.equal(("replayed %d\n"):format(#temporal.assert(run:fetch_history()).events),
      peer:output())
  end)
end)

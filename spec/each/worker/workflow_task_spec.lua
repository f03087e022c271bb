--- The edges of workflow tasks, on a peer that does what it is told: what comes too early, twice,
-- in pages, too large, or is refused.

local activity = require "temporal.activity"
local core = require "temporal.core"
local env = require "spec.support.environment"
local fault_peer = require "spec.support.fault_peer"
local promise = require "temporal.wait.promise"
local simulation = require "spec.support.simulation"
local temporal = require "temporal"
local workflow = require "temporal.workflow"
local workflow_task = require "temporal.worker.workflow_task"

if simulation.impossible(describe, it) then return end

local SERVICE = "temporal.api.workflowservice.v1."
local POLL, COMPLETE = "PollWorkflowTaskQueue", "RespondWorkflowTaskCompleted"
local FAILED, QUERIED = "RespondWorkflowTaskFailed", "RespondQueryTaskCompleted"
local HISTORY = "GetWorkflowExecutionHistory"
local HUNG = 60

local function hex(name, value)
  return "hex " .. (core.encode(SERVICE .. name, value):gsub(".", function(c)
    return ("%02x"):format(c:byte())
  end))
end

local function event(id, kind, attributes)
  return {
    event_id = id, event_type = "EVENT_TYPE_" .. kind:upper(),
    event_time = { seconds = 1000000000 + id }, [kind .. "_event_attributes"] = attributes or {},
  }
end

-- The events of a run that waits for signals: the first task's, and those of each later one.
local function first_events()
  return {
    event(1, "workflow_execution_started", {
      workflow_type = { name = "Waits" }, task_queue = { name = "q" }, attempt = 1,
      workflow_task_timeout = { seconds = 10 }, original_execution_run_id = "r",
    }),
    event(2, "workflow_task_scheduled"), event(3, "workflow_task_started"),
  }
end

local function later_events(started)
  return {
    event(started - 3, "workflow_task_completed", { scheduled_event_id = started - 5,
      started_event_id = started - 4 }),
    event(started - 2, "workflow_execution_signaled", { signal_name = "say" }),
    event(started - 1, "workflow_task_scheduled"), event(started, "workflow_task_started"),
  }
end

local function all_events(started)
  local list = first_events()
  for last = 7, started, 4 do
    for _, each in ipairs(later_events(last)) do list[#list + 1] = each end
  end
  return list
end

local function task_of(started, events, fields)
  local response = {
    task_token = "task " .. started, workflow_execution = { workflow_id = "w", run_id = "r" },
    workflow_type = { name = "Waits" }, started_event_id = started, attempt = 1,
    previous_started_event_id = started > 3 and started - 4 or 0,
    history = { events = events },
  }
  for name, value in pairs(fields or {}) do response[name] = value end
  return hex("PollWorkflowTaskQueueResponse", response)
end

-- A later task, as it comes with the answer to the one before.
local function following(started)
  return "answer " .. hex("RespondWorkflowTaskCompletedResponse", { workflow_task = {
    task_token = "task " .. started, workflow_execution = { workflow_id = "w", run_id = "r" },
    workflow_type = { name = "Waits" }, started_event_id = started, attempt = 1,
    previous_started_event_id = started - 4, history = { events = later_events(started) },
  } })
end

local function Waits()
  local said = 0
  workflow.on_signal("say", function() said = said + 1 end)
  workflow.on_query("said", function() return said end)
  workflow.on_query("large", function() return ("x"):rep(3000000) end)
  workflow.on_query("unreadable", function() return print end)
  workflow.wait_condition(function() return said == 2 end)
  return said
end

-- Runs an activity in its task until `gate` is opened.
local gate, calls, canceled

local function Local()
  workflow.on_query("words", function() return "here" end)
  return workflow.execute_local_activity({ start_to_close_timeout = 60 }, "Gated"):get()
end

local function Gated()
  calls = calls + 1
  local ok, err = pcall(gate.wait, gate, HUNG)
  if not ok then
    canceled[#canceled + 1] = activity.canceled()
    error(err, 0)
  end
  return "opened"
end

describe("a workflow task", function()
  local peer, client, logged

  before_each(function()
    logged, gate, calls, canceled = {}, promise.new(), 0, {}
    peer = fault_peer.start()
    client = temporal.client { target = peer.address, shutdown_timeout = 5, rpc_timeout = 20,
      retry = { initial = 0.02, factor = 1, max = 0.02 },
      logger = function(level, text) logged[#logged + 1] = level .. ": " .. text end }
  end)
  after_each(function()
    client:close(0)
    peer:stop()
  end)

  local function rule(method, steps) peer:cmd("call 1 %s : %s", method, steps) end

  -- Runs a worker on the peer until `done` holds.
  local function beside(what, done, cached)
    peer:cmd("call %s : hold", POLL) -- behind the rules of the test
    local running = temporal.worker { client = client, task_queue = "q",
      workflows = { Waits = Waits, Local = Local }, activities = { Gated = Gated },
      max_cached_workflows = cached, local_activities_only = true }
    temporal.assert(running:start())
    env.wait_until(HUNG, function()
      temporal.poll(0.01)
      return done()
    end, what)
    assert.is_true(running:stop(HUNG))
    return running
  end

  -- What the worker sent to a method, decoded.
  local function requests(method)
    local list = {}
    for bytes in peer:cmd("bodies %s", method):gmatch "%x+" do
      bytes = bytes:gsub("%x%x", function(pair) return string.char(tonumber(pair, 16)) end)
      list[#list + 1] = assert(core.decode(SERVICE .. method .. "Request", bytes:sub(6)))
    end
    return list
  end

  local function sent(method, n)
    return function() return peer:stats()[method] >= (n or 1) end
  end

  local function log_has(words)
    for _, line in ipairs(logged) do
      if line:find(words, 1, true) then return true end
    end
    return false
  end

  it("waits for the answer to the one before it, and replays nothing", function()
    rule(POLL, "answer " .. task_of(3, first_events()))
    rule(COMPLETE, "wait 500; answer none")
    rule(COMPLETE, following(11))
    rule(POLL, "await; answer " .. task_of(7, later_events(7)))
    beside("three answers", function()
      if peer:stats()[COMPLETE] == 1 then peer:cmd "release" end
      return peer:stats()[COMPLETE] == 3
    end)
    assert.equal(0, peer:stats()[HISTORY])
    local answers = requests(COMPLETE)
    assert.same({ "task 3", "task 7", "task 11" },
      { answers[1].task_token, answers[2].task_token, answers[3].task_token })
    assert.equal("COMMAND_TYPE_COMPLETE_WORKFLOW_EXECUTION", answers[3].commands[1].command_type)
  end)

  it("that comes with the answer to the one before is done at once", function()
    rule(COMPLETE, following(7))
    rule(POLL, "answer " .. task_of(3, first_events()))
    beside("two answers", sent(COMPLETE, 2))
    assert.equal("task 7", requests(COMPLETE)[2].task_token)
    assert.equal(0, peer:stats()[HISTORY])
  end)

  it("of a run that is not here any more has all pages of its history fetched", function()
    local events = all_events(11)
    rule(HISTORY, "answer " .. hex("GetWorkflowExecutionHistoryResponse", {
      history = { events = { events[1], events[2], events[3] } },
      next_page_token = "a" }))
    rule(HISTORY, "answer " .. hex("GetWorkflowExecutionHistoryResponse", {
      next_page_token = "b" })) -- empty, and not the last
    rule(HISTORY, "answer " .. hex("GetWorkflowExecutionHistoryResponse", {
      history = { events = { events[3], events[4], events[5], events[6], events[7] } },
      next_page_token = "c" }))
    rule(HISTORY, "answer none")
    rule(POLL, "answer " .. task_of(11, later_events(11)))
    beside("an answer", sent(COMPLETE))
    local tokens = {}
    for i, request in ipairs(requests(HISTORY)) do tokens[i] = request.next_page_token end
    assert.same({ "", "a", "b", "c" }, tokens)
    assert.equal("COMMAND_TYPE_COMPLETE_WORKFLOW_EXECUTION",
      requests(COMPLETE)[1].commands[1].command_type)
  end)

  it("whose history cannot be fetched is left to its timeout", function()
    rule(HISTORY, 'only grpc-status=5 "grpc-message=no such run"')
    rule(POLL, "answer " .. task_of(11, later_events(11)))
    beside("a warning", function() return log_has "is left to its timeout" end)
    assert.is_true(log_has "no such run")
    assert.same({ 0, 0 }, { peer:stats()[COMPLETE], peer:stats()[FAILED] })
  end)

  it("whose history has a gap is left to its timeout", function()
    local events = all_events(7)
    table.remove(events, 4)
    rule(POLL, "answer " .. task_of(7, events))
    beside("a warning", function() return log_has "event 5 follows event 3" end)
    assert.same({ 0, 0 }, { peer:stats()[COMPLETE], peer:stats()[FAILED] })
  end)

  it("that is over is dropped: the history goes on behind it", function()
    rule(HISTORY, "answer " .. hex("GetWorkflowExecutionHistoryResponse",
      { history = { events = all_events(11) } }))
    rule(POLL, "answer " .. task_of(7, later_events(7)))
    beside("a line", function() return log_has "that is over" end)
    assert.same({ 0, 0 }, { peer:stats()[COMPLETE], peer:stats()[FAILED] })
  end)

  it("that is over is dropped: its run has gone on", function()
    for _ = 1, 2 do rule(COMPLETE, following(7)) end
    rule(POLL, "answer " .. task_of(3, first_events()))
    local running = beside("a line", function() return log_has "that is over" end)
    assert.same({ 2, 0, 0 }, { peer:stats()[COMPLETE], peer:stats()[FAILED],
      peer:stats()[HISTORY] })
    assert.equal("stopped", running:status().state)
  end)

  it("whose answer comes too late, since something came in between, is done again", function()
    rule(COMPLETE, "only grpc-status=3 grpc-message=UnhandledCommand")
    rule(POLL, "answer " .. task_of(3, first_events()))
    local running = beside("an answer", sent(COMPLETE, 1))
    assert.equal(0, running:status().cached)
    assert.is_false(log_has "error:")
    assert.equal(0, peer:stats()[FAILED])
  end)

  it("whose answer the server refuses is said, and its run forgotten", function()
    rule(COMPLETE, 'only grpc-status=3 "grpc-message=BadScheduleActivityAttributes: no"')
    rule(POLL, "answer " .. task_of(3, first_events()))
    local running = beside("an error", function() return log_has "error: the answer to" end)
    assert.is_true(log_has "BadScheduleActivityAttributes: no")
    assert.equal(0, running:status().cached)
  end)

  it("whose answer is too large for the server's gRPC fails, and the run lives on", function()
    rule(COMPLETE, 'only grpc-status=8 "grpc-message=grpc: received message larger than max '
      .. '(4194327 vs. 4194304)"')
    rule(POLL, "answer " .. task_of(3, first_events()))
    beside("a failure", sent(FAILED))
    -- GRPC_MESSAGE_TOO_LARGE would have the server terminate it.
    assert.equal("WORKFLOW_TASK_FAILED_CAUSE_PAYLOADS_TOO_LARGE", requests(FAILED)[1].cause)
  end)

  it("that fails is reported at its first attempt only", function()
    rule(POLL, "answer " .. task_of(3, first_events(),
      { attempt = 2, workflow_type = { name = "Unknown" } }))
    beside("a log line", function() return log_has 'no workflow "Unknown" is known' end)
    assert.equal(0, peer:stats()[FAILED])
  end)

  it("does not match the code: the cause says so", function()
    local events = all_events(7)
    table.insert(events, 5, event(5, "timer_started", { timer_id = "1" }))
    for i = 6, #events do events[i].event_id = i end
    rule(POLL, "answer " .. task_of(8, events))
    beside("a failure", sent(FAILED))
    local failed = requests(FAILED)[1]
    assert.equal("WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR", failed.cause)
    assert.matches("[TMPRL1100] event 5", failed.failure.message, 1, true)
  end)

  it("of a query alone is answered from what the run knows", function()
    rule(POLL, "answer " .. task_of(3, first_events()))
    rule(POLL, "await; answer " .. task_of(0, {}, { query = { query_type = "said" },
      previous_started_event_id = 3 }))
    beside("an answer", function()
      if peer:stats()[COMPLETE] == 1 then peer:cmd "release" end
      return peer:stats()[QUERIED] == 1
    end)
    local answer = requests(QUERIED)[1]
    assert.equal("QUERY_RESULT_TYPE_ANSWERED", answer.completed_type)
    assert.equal("0", answer.query_result.payloads[1].data)
  end)

  it("of a query whose result is too large, or cannot be written, fails the query", function()
    rule("DescribeNamespace", "answer " .. hex("DescribeNamespaceResponse", {
      namespace_info = { limits = { blob_size_limit_error = 2000000 } } }))
    for _, name in ipairs { "large", "unreadable", "none" } do
      rule(POLL, "answer " .. task_of(0, first_events(), { query = { query_type = name },
        previous_started_event_id = 3 }))
    end
    beside("three answers", sent(QUERIED, 3))
    local words = {}
    for _, answer in ipairs(requests(QUERIED)) do
      assert.equal("QUERY_RESULT_TYPE_FAILED", answer.completed_type)
      words[#words + 1] = answer.error_message
    end
    table.sort(words)
    assert.matches('the result of query "large": 3000036 bytes; the namespace allows 2000000',
      words[1], 1, true)
    assert.matches('the result of query "unreadable": ', words[2], 1, true)
    assert.matches('unknown query "none"; known are: .*large, said, unreadable', words[3])
  end)

  -- The task of a run whose local activity is under way: one that lasts a second, so that the next
  -- one is asked for at 0.8 s.
  local function local_events(started)
    local list = first_events()
    list[1].workflow_execution_started_event_attributes.workflow_type.name = "Local"
    list[1].workflow_execution_started_event_attributes.workflow_task_timeout.seconds = 1
    for last = 6, started, 3 do
      list[#list + 1] = event(last - 2, "workflow_task_completed")
      list[#list + 1] = event(last - 1, "workflow_task_scheduled")
      list[#list + 1] = event(last, "workflow_task_started")
    end
    return list
  end

  local function local_task(started, events)
    return task_of(started, events, { workflow_type = { name = "Local" },
      previous_started_event_id = started > 3 and started - 3 or 0 })
  end

  local function tail(started)
    local events = local_events(started)
    return { events[#events - 2], events[#events - 1], events[#events] }
  end

  for _, cached in ipairs { 1000, 0 } do
    it(("goes on with the local activities of the one before, wherever it comes from; "
      .. "max_cached_workflows = %d"):format(cached), function()
      rule(POLL, "answer " .. local_task(3, local_events(3)))
      rule(COMPLETE, "answer none") -- without the next task, which a poll brings
      rule(POLL, "await; answer " .. local_task(6, cached == 0 and local_events(6) or tail(6)))
      beside("the last answer", function()
        if peer:stats()[COMPLETE] == 1 then
          peer:cmd "release"
          if #requests(POLL) >= 3 then gate:finish() end
        end
        return peer:stats()[COMPLETE] == 2
      end, cached)
      local answers = requests(COMPLETE)
      assert.is_true(answers[1].force_create_new_workflow_task)
      assert.is_true(answers[1].return_new_workflow_task)
      assert.same({}, answers[1].commands)
      assert.is_false(answers[2].force_create_new_workflow_task)
      assert.same({ "COMMAND_TYPE_RECORD_MARKER", "COMMAND_TYPE_COMPLETE_WORKFLOW_EXECUTION" },
        { answers[2].commands[1].command_type, answers[2].commands[2].command_type })
      assert.equal(1, calls)
      assert.equal(0, peer:stats()[HISTORY])
    end)
  end

  it("of a query alone is answered while local activities run", function()
    local events = local_events(3)
    events[1].workflow_execution_started_event_attributes.workflow_task_timeout.seconds = 60
    rule(POLL, "answer " .. local_task(3, events))
    rule(POLL, "await; answer " .. task_of(0, {}, { query = { query_type = "words" },
      previous_started_event_id = 3, workflow_type = { name = "Local" } }))
    beside("an answer, and the end", function()
      if calls == 1 then peer:cmd "release" end
      if peer:stats()[QUERIED] == 1 then gate:finish() end
      return peer:stats()[COMPLETE] == 1
    end)
    assert.equal('"here"', requests(QUERIED)[1].query_result.payloads[1].data)
  end)

  it("that is over ends the local activities of its run", function()
    rule(POLL, "answer " .. local_task(3, local_events(3)))
    rule(COMPLETE, 'only grpc-status=5 "grpc-message=Workflow task not found."')
    local running = beside("the activity's end", function() return #canceled > 0 end)
    assert.same({ "not_found" }, canceled)
    assert.equal(0, running:status().cached)
    assert.equal(1, peer:stats()[COMPLETE])
  end)

  it("that a fault of ours ends keeps no other task of its run waiting", function()
    local worker = { busy = {}, cache = { get = function() error "a fault" end,
      remove = function() end } }
    for _ = 1, 2 do
      local ok, problem = pcall(workflow_task.run, worker,
        { workflow_execution = { workflow_id = "w", run_id = "r" } })
      assert.is_false(ok)
      assert.matches("a fault", problem)
      assert.is_nil(next(worker.busy))
    end
  end)
end)

--- Calls that are wrong as a whole: arguments that are missing or of another kind, methods called
-- with a dot, text that is no UTF-8 or much too long, clients that are closed. What is the
-- caller's mistake is raised at the caller's line; what the server has to say is `nil, err`; and
-- the client goes on.

local env = require "spec.support.environment"
local temporal = require "temporal"

local NOT_UTF8 = "\255\254"

describe("bad calls:", function()
  local client, run, schedule, activity, async, update
  local derived -- another client that a test has made

  setup(function()
    -- Without retries: what a server calls temporary it says of hopeless requests too.
    client = temporal.client { target = env.address, namespace = env.namespace, retry = false }
    run = client:workflow("bad-calls-nobody")
    schedule = client:schedule("bad-calls-nobody")
    activity = client:activity("bad-calls-nobody")
    async = client:async_activity { workflow_id = "bad-calls-nobody", activity_id = "a" }
    update = temporal.assert(run:update_handle("bad-calls-nobody"))
  end)

  teardown(function() assert(client:close()) end)

  after_each(function()
    if derived then
      derived:close()
      derived = nil
    end
    assert.is_truthy(temporal.assert(client:system_info()).server_version)
  end)

  local function raises(pattern, call, ...)
    local ok, message = pcall(call, ...)
    assert.is_false(ok, "nothing was raised; wanted " .. pattern)
    assert.equal("string", type(message), tostring(message))
    assert.matches("bad_calls_spec%.lua:%d+: ", message)
    assert.matches(pattern, message)
  end

  -- Arguments: of every method that takes more than a table of options.
  local GOOD = { task_queue = "q" }
  local arguments = {
    { "signal", "workflow:signal takes a name", function(v) return run:signal(v) end },
    { "query", "workflow:query takes a name", function(v) return run:query(v) end },
    { "update", "workflow:update takes a name", function(v) return run:update(v) end },
    { "start_update", "workflow:start_update takes a name",
      function(v) return run:start_update(v) end },
    { "update_handle", "update id must be a string", function(v) return run:update_handle(v) end,
      tables = true },
    { "schedule", "schedule id must be a string", function(v) return client:schedule(v) end,
      tables = true },
    { "create_schedule", "schedule id must be a string",
      function(v) return client:create_schedule(v, { action = { workflow = "X" } }) end,
      tables = true },
    { "activity", "activity id must be a string", function(v) return client:activity(v) end,
      tables = true },
    { "workflow", "workflow id must be a string", function(v) return client:workflow(v) end,
      tables = true },
    { "execute_activity", "must be its type name",
      function(v) return client:execute_activity({ task_queue = "q" }, v) end, tables = true },
    { "describe_task_queue", "client:describe_task_queue takes a name",
      function(v) return client:describe_task_queue(v) end },
  }
  for _, row in ipairs(arguments) do
    it(row[1] .. " of what is no name", function()
      local bad = { 1, true, print, "" }
      if row.tables then table.insert(bad, {}) end
      for _, value in ipairs(bad) do raises(row[2], row[3], value) end
      raises(row[2], row[3], nil)
      if not row.tables then raises('"name" is missing', row[3], {}) end
    end)
  end

  local tables = {
    create_schedule = function(v) return client:create_schedule("s", v) end,
    execute_activity = function(v) return client:execute_activity(v, "X") end,
    async_activity = function(v) return client:async_activity(v) end,
    ["with"] = function(v) return client:with(v) end,
    signal_with_start = function(v) return client:signal_with_start(v, { "s" }, "X") end,
    update_with_start = function(v) return client:update_with_start(v, { "s" }, "X") end,
    ["the signal of signal_with_start"] = function(v)
      return client:signal_with_start(GOOD, v, "X")
    end,
    ["the update of update_with_start"] = function(v)
      return client:update_with_start({ task_queue = "q", id_conflict_policy = "fail" }, v, "X")
    end,
    ["schedule:backfill"] = function(v) return schedule:backfill(v) end,
    ["schedule:update"] = function(v) return schedule:update(v) end,
  }
  for name, call in pairs(tables) do
    it(name .. " of what is no table", function()
      for _, value in ipairs { 1, true, "text" } do raises("got", call, value) end
      raises("", call, nil)
    end)
  end

  it("an empty message with a start", function()
    raises("name of the signal is missing", function()
      return client:signal_with_start(GOOD, {}, "X")
    end)
    raises("name of the update is missing", function()
      return client:update_with_start({ task_queue = "q", id_conflict_policy = "fail" }, {}, "X")
    end)
    raises('"id_conflict_policy" is required', function()
      return client:update_with_start(GOOD, { "u" }, "X")
    end)
  end)

  it("queries, times and notes of another kind", function()
    for _, name in ipairs { "list_workflows", "list_workflows_page", "count_workflows",
      "list_schedules", "count_schedules", "list_activities", "count_activities" } do
      raises(name, function() return client[name](client, 1) end)
      raises(name, function() return client[name](client, true) end)
    end
    for _, bad in ipairs { "soon", 0 / 0, true, {} } do
      raises("matching_times", function() return schedule:matching_times(bad, 1) end)
      raises("matching_times", function() return schedule:matching_times(1, bad) end)
    end
    raises("matching_times", function() return schedule:matching_times() end)
    for _, name in ipairs { "pause", "unpause" } do
      raises("note", function() return schedule[name](schedule, 1) end)
      raises("note", function() return schedule[name](schedule, "") end)
      raises("reason", function() return run[name](run, 1) end)
    end
    raises("reason", function() return run:cancel(1) end)
    raises("reason", function() return run:terminate(true) end)
    raises("details go into the table", function() return run:terminate({}, "detail") end)
    raises("event_id", function() return run:reset {} end)
    raises("reset", function() return run:reset(3) end)
    raises("nothing to change", function() return run:update_options {} end)
    raises("takes the error", function() return async:fail() end)
    raises("takes a function", function() return schedule:update {} end)
  end)

  it("timeouts of waits", function()
    for _, bad in ipairs { -1, 0 / 0, math.huge, "soon", true } do
      for _, object in ipairs { run, activity, update } do
        raises("timeout", function() return object:get(bad) end)
        raises("timeout", function() return object:wait(bad) end)
      end
      raises("timeout", function() return run:started(bad) end)
      raises("timeout", function() return temporal.wait({ update }, bad) end)
      raises("timeout", function() return client:connect(bad) end)
    end
  end)

  it("values that cannot be sent", function()
    local cycle = {}
    cycle[1] = cycle
    for _, bad in ipairs { print, cycle, 0 / 0, math.huge, NOT_UTF8, { [1] = 1, x = 2 },
      coroutine.create(function() end) } do
      raises("workflow:signal: argument 2", function() return run:signal("x", 1, bad) end)
      raises("workflow:query: argument 1", function() return run:query("x", bad) end)
      raises("workflow:update: argument 1", function() return run:update("x", bad) end)
      raises("header%.a", function() return run:signal { name = "x", header = { a = bad } } end)
      raises("workflow:terminate: ", function() return run:terminate("x", bad) end)
      raises("async_activity:complete: ", function() return async:complete(bad) end)
      raises("async_activity:heartbeat: ", function() return async:heartbeat(bad) end)
      raises("execute_activity: argument 1", function()
        return client:execute_activity({ task_queue = "q", start_to_close_timeout = 1 }, "X", bad)
      end)
      raises("memo", function()
        return client:create_schedule("s", { memo = { a = bad }, action = { workflow = "X",
          task_queue = "q" } })
      end)
      raises("arg", function()
        return client:create_schedule("s", { action = { workflow = "X", task_queue = "q",
          args = { bad } } })
      end)
      raises("argument 1", function()
        return client:signal_with_start(GOOD, { "s", bad }, "X")
      end)
      raises("argument 1", function()
        return client:update_with_start({ task_queue = "q", id_conflict_policy = "fail" },
          { "u", bad }, "X")
      end)
    end
  end)

  -- With a dot. (The first argument is then no object of ours.)
  it("methods of a client called with a dot", function()
    for _, name in ipairs { "execute_workflow", "start_workflow", "workflow", "call", "submit",
      "connect", "close", "with", "set_api_key", "signal_with_start", "update_with_start",
      "list_workflows", "list_workflows_page", "count_workflows", "create_schedule", "schedule",
      "list_schedules", "count_schedules", "async_activity", "execute_activity", "activity",
      "list_activities", "count_activities", "describe_task_queue", "describe_namespace",
      "system_info", "check_health", "metrics" } do
      raises("write client:", function() return client[name]() end)
      raises("write client:", function() return client[name]("text") end)
      raises("write client:", function() return client[name] {} end)
      raises("write client:", function() return client[name](run) end)
    end
  end)

  local function dotted(object, word, names)
    for _, name in ipairs(names) do
      for _, first in ipairs { "text", 1, {}, client } do
        raises(word, function() return object[name](first) end)
      end
      raises(word, function() return object[name]() end)
    end
  end

  it("methods of a workflow called with a dot", function()
    dotted(run, "write workflow:", { "signal", "query", "update", "start_update",
      "update_handle", "cancel", "terminate", "describe", "history", "fetch_history", "reset",
      "delete", "pause", "unpause", "update_options", "get", "wait", "ready", "started",
      "abandon" })
  end)

  it("methods of a call's future called with a dot", function()
    dotted(client:submit("GetSystemInfo"), "write future:", { "get", "wait", "ready", "abandon" })
  end)

  it("methods of an update called with a dot", function()
    dotted(update, "write update:", { "get", "wait", "ready" })
  end)

  it("methods of a schedule called with a dot", function()
    dotted(schedule, "write schedule:", { "describe", "trigger", "pause", "unpause", "backfill",
      "update", "delete", "matching_times" })
  end)

  it("methods of activities called with a dot", function()
    dotted(activity, "write activity:", { "get", "ready", "wait", "started", "describe", "cancel",
      "terminate", "delete", "abandon" })
    dotted(async, "write activity:", { "complete", "fail", "heartbeat", "report_canceled" })
  end)

  -- Text that is hostile: whatever comes of it, it is an error of ours or the server's.
  local function refused(call, ...)
    local results = { pcall(call, ...) }
    if not results[1] then
      assert.equal("string", type(results[2]), tostring(results[2]))
      assert.matches("bad_calls_spec%.lua:%d+: ", results[2])
      assert.is_nil(results[2]:find("attempt to", 1, true), results[2])
      return
    end
    local value, err = results[2], results[3]
    -- A future is asked.
    if err == nil and (type(value) == "userdata" or type(value) == "table" and value.get) then
      value, err = value:get(10)
    end
    assert.is_nil(value)
    assert.is_true(temporal.is_error(err), tostring(err))
    assert.is_true(#err.message > 0)
  end

  local hostile = {
    ["a signal's name"] = function(t) return run:signal(t) end,
    ["a query's name"] = function(t) return run:query(t) end,
    ["an update's name"] = function(t) return run:update(t) end,
    ["an update's id"] = function(t) return run:update { name = "x", id = t } end,
    ["an update handle's id"] = function(t) return run:update_handle(t):get(30) end,
    ["a workflow's id"] = function(t) return client:workflow(t):describe() end,
    ["a run id"] = function(t) return client:workflow("x", t):describe() end,
    ["a first run id"] = function(t)
      return client:workflow("x", { first_execution_run_id = t }):cancel()
    end,
    ["a reason"] = function(t) return run:terminate(t) end,
    ["a query of a list"] = function(t) return client:count_workflows(t) end,
    ["a page token"] = function(t) return client:list_workflows_page { page_token = t } end,
    ["a task queue"] = function(t)
      return client:execute_workflow({ task_queue = t, run_timeout = 1 }, "X")
    end,
    ["an activity's id"] = function(t) return client:activity(t):describe() end,
    ["an activity of a workflow"] = function(t)
      return client:async_activity({ workflow_id = t, activity_id = t }):complete()
    end,
    ["a task token"] = function(t)
      return client:async_activity({ task_token = t }):complete()
    end,
    ["a message of a failure"] = function(t) return async:fail(t) end,
    ["a namespace's name"] = function(t) return client:describe_namespace(t) end,
    ["a service's name"] = function(t) return client:check_health(t) end,
    ["a schedule's id"] = function(t) return client:schedule(t):describe() end,
    ["a schedule's time zone"] = function(t)
      return client:create_schedule("s", { spec = { timezone = t }, action = { workflow = "X",
        task_queue = "q" } })
    end,
    ["a cron string"] = function(t)
      return client:create_schedule("s", { spec = { cron = { t } }, action = { workflow = "X",
        task_queue = "q" } })
    end,
    ["a search attribute's name"] = function(t)
      return client:execute_workflow({ task_queue = "q", search_attributes = { [t] = 1 } }, "X")
    end,
    ["the namespace of a client"] = function(t)
      derived = client:with { namespace = t }
      return derived:workflow("x"):describe()
    end,
    ["metadata"] = function(t) return run:describe { metadata = { x = t .. "\n" } } end,
    ["a key of metadata"] = function(t)
      return run:describe { metadata = { [t .. "\n"] = "x" } }
    end,
    ["a reset's request id"] = function(t) return run:reset { event_id = 3, request_id = t } end,
  }
  local texts = {
    ["that is no UTF-8"] = NOT_UTF8, ["with a zero byte"] = "a\0b",
    ["of five megabytes"] = ("x"):rep(5 * 1024 * 1024),
  }
  for name, call in pairs(hostile) do
    for which, text in pairs(texts) do
      it(name .. " " .. which, function() refused(call, text) end)
    end
  end

  it("arguments of five megabytes", function()
    local big = ("x"):rep(5 * 1024 * 1024)
    refused(function() return run:signal("x", big) end)
    refused(function() return run:query("x", big) end)
    refused(function() return run:update("x", big) end)
    refused(function() return async:complete(big) end)
    refused(function() return client:signal_with_start(GOOD, { "s", big }, "X") end)
    refused(function()
      return client:update_with_start({ task_queue = "q", id_conflict_policy = "fail" },
        { "u", big }, "X")
    end)
    refused(function()
      return client:execute_activity({ task_queue = "q", start_to_close_timeout = 1 }, "X", big)
    end)
    refused(function() return run:describe { metadata = { x = big } } end)
  end)
end)

describe("after client:close", function()
  local client, run, schedule, activity, async, update, sibling

  setup(function()
    client = temporal.client { target = env.address, namespace = env.namespace }
    assert(client:connect())
    run, schedule = client:workflow("closed-nobody"), client:schedule("closed-nobody")
    activity = client:activity("closed-nobody")
    async = client:async_activity { task_token = "x" }
    update = temporal.assert(run:update_handle("closed-nobody"))
    sibling = client:with {}
    assert(client:close())
  end)

  teardown(function() assert(sibling:close()) end)

  it("every method of the client raises", function()
    for _, name in ipairs { "execute_workflow", "start_workflow", "workflow", "call", "submit",
      "connect", "with", "set_api_key", "signal_with_start", "update_with_start",
      "list_workflows", "list_workflows_page", "count_workflows", "create_schedule", "schedule",
      "list_schedules", "count_schedules", "async_activity", "execute_activity", "activity",
      "list_activities", "count_activities", "describe_task_queue", "describe_namespace",
      "system_info", "check_health" } do
      local ok, message = pcall(function() return client[name](client, {}, {}) end)
      assert.is_false(ok, name)
      assert.matches("bad_calls_spec%.lua:%d+: .*closed client", message, name)
    end
    assert.is_true(client:close())
  end)

  local closed = {
    ["workflow:signal"] = function() return run:signal("x") end,
    ["workflow:signal without waiting"] = function()
      return run:signal { name = "x", wait = false }
    end,
    ["workflow:query"] = function() return run:query("x") end,
    ["workflow:update"] = function() return run:update("x") end,
    ["workflow:start_update"] = function() return run:start_update("x") end,
    ["workflow:cancel"] = function() return run:cancel() end,
    ["workflow:terminate"] = function() return run:terminate() end,
    ["workflow:describe"] = function() return run:describe() end,
    ["workflow:fetch_history"] = function() return run:fetch_history() end,
    ["workflow:reset"] = function() return run:reset { event_id = 3 } end,
    ["workflow:delete"] = function() return run:delete() end,
    ["workflow:pause"] = function() return run:pause() end,
    ["workflow:unpause"] = function() return run:unpause() end,
    ["workflow:update_options"] = function()
      return run:update_options { priority = { key = 1 } }
    end,
    ["future:get"] = function() return run:get() end,
    ["update:get"] = function() return update:get() end,
    ["schedule:describe"] = function() return schedule:describe() end,
    ["schedule:trigger"] = function() return schedule:trigger() end,
    ["schedule:pause"] = function() return schedule:pause() end,
    ["schedule:unpause"] = function() return schedule:unpause() end,
    ["schedule:backfill"] = function()
      return schedule:backfill { { start_at = 1, end_at = 2 } }
    end,
    ["schedule:update"] = function() return schedule:update(function() end) end,
    ["schedule:delete"] = function() return schedule:delete() end,
    ["schedule:matching_times"] = function() return schedule:matching_times(1, 2) end,
    ["activity:get"] = function() return activity:get() end,
    ["activity:describe"] = function() return activity:describe() end,
    ["activity:cancel"] = function() return activity:cancel() end,
    ["activity:terminate"] = function() return activity:terminate() end,
    ["activity:delete"] = function() return activity:delete() end,
    ["async_activity:complete"] = function() return async:complete() end,
    ["async_activity:fail"] = function() return async:fail("x") end,
    ["async_activity:heartbeat"] = function() return async:heartbeat() end,
    ["async_activity:report_canceled"] = function() return async:report_canceled() end,
  }
  for name, call in pairs(closed) do
    it(name .. " is nil and an error of kind closed", function()
      local value, err = call()
      assert.is_nil(value)
      assert.is_true(temporal.is_error(err), tostring(err))
      assert.equal("closed", err.kind)
    end)
  end

  it("an iterator raises that error", function()
    local ok, err = pcall(run:history())
    assert.is_false(ok)
    assert.is_true(temporal.is_error(err), tostring(err))
    assert.equal("closed", err.kind)
  end)

  it("nothing waits", function()
    assert.is_true(run:ready())
    assert.is_true(update:ready())
    assert.is_true(activity:ready())
    assert.equal(update, (temporal.wait({ update }, 5)))
    assert.is_true(temporal.wait_all({ run, update, activity }, 5))
    for _, object in ipairs { client, run, schedule, activity, async, update } do
      assert.matches("^temporal%.", tostring(object))
    end
  end)

  it("a sibling on the same connection goes on", function()
    assert.is_truthy(temporal.assert(sibling:system_info()).server_version)
  end)
end)

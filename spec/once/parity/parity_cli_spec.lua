--- The `temporal` command line on the other side: what Lua did, it shows; what it did, Lua reads.
-- Its JSON is the protobuf's, so the whole messages are compared.

local core = require "temporal.core"
local env = require "spec.support.environment"
local parity = require "spec.support.parity"
local temporal = require "temporal"

local SERVICE = "temporal.api.workflowservice.v1."

describe("the command line", function()
  local client, program

  setup(function()
    client = temporal.client { target = env.address, namespace = env.namespace }
    program = env.python:match("^.*/") .. "temporal"
  end)

  teardown(function()
    assert(client:close())
  end)

  -- Runs the program: all it prints.
  local function cli(...)
    local process = env.spawn { program, "--address", env.address, "--namespace", env.namespace,
      "--disable-config-file", "--disable-config-env", "-o", "json", ... }
    local how, code = process:wait(60)
    assert.same({ "exit", 0 }, { how, code }, process:errors())
    return process:output()
  end

  local function start(options, workflow, ...)
    options.id, options.task_queue = "cli-" .. env.uuid(), options.task_queue or env.task_queue
    return temporal.assert(client:start_workflow(options, workflow, ...))
  end

  local function same(expected, got)
    assert.equal(parity.canonical(expected), parity.canonical(got))
  end

  local function message(type_name, text)
    return (assert(core.protojson_decode(type_name, text, { ignore_unknown = true })))
  end

  it("describes a workflow", function()
    local run = start({ task_queue = "cli-nobody", execution_timeout = 7200, start_delay = 60,
      memo = { text = "größe", n = 1 }, static_summary = "**kurz**",
      search_attributes = { CustomKeyword = "schlüssel", CustomInt = -42, CustomBool = true,
        CustomDatetime = temporal.datetime(1700000000.25),
        CustomKeywordList = temporal.keyword_list { "a", "ß" } },
      priority = { key = 2 } }, "Order", 1)
    local shown = message(SERVICE .. "DescribeWorkflowExecutionResponse",
      cli("--no-json-shorthand-payloads", "workflow", "describe", "-w", run.id))
    same(temporal.assert(run:describe()).raw, shown)
    temporal.assert(run:terminate())
  end)

  it("shows a history", function()
    local run = start({}, "LookLong", 2)
    temporal.assert(run:get(20))
    local ours = temporal.assert(run:fetch_history { json = true })
    same(core.json_decode(ours), core.json_decode(cli("--no-json-shorthand-payloads", "workflow",
      "show", "-w", run.id)))
  end)

  for name, row in pairs {
    completed = { "Greeting", { "Ünïcode" } }, failed = { "Fail", { "kaputt-ß" } },
  } do
    it("tells the result of one that " .. name, function()
      local run = start({}, row[1], row[2][1])
      local value, err = run:get(20)
      local process = env.spawn { program, "--address", env.address, "--namespace", env.namespace,
        "-o", "json", "workflow", "result", "-w", run.id }
      assert.equal("exit", (process:wait(60)))
      local shown = assert(core.json_decode(process:output()))
      assert.equal(run.id, shown.workflowId)
      assert.equal(run.run_id, shown.runId)
      assert.equal(name:upper(), shown.status)
      if value then
        same(value, shown.result)
      else
        assert.equal(err.cause.message,
          shown.closeEvent.workflowExecutionFailedEventAttributes.failure.message)
      end
    end)
  end

  it("lists and counts workflows", function()
    local mark = "cli-" .. env.uuid()
    local run = start({ search_attributes = { CustomKeyword = mark }, memo = { text = "ß" } },
      "Greeting", "Ada")
    temporal.assert(run:get(20))
    local query = ("CustomKeyword = '%s' AND ExecutionStatus = 'Completed'"):format(mark)
    env.wait_until(30, function() return client:count_workflows(query) == 1 end, "the listing")
    local listed = core.json_decode(cli("--no-json-shorthand-payloads", "workflow", "list", "-q",
      query))
    assert.equal(1, #listed)
    local shown = message("temporal.api.workflow.v1.WorkflowExecutionInfo",
      core.json_encode(listed[1]))
    same(client:list_workflows(query)().raw, shown)
    local counted = core.json_decode(cli("workflow", "count", "-q", query))
    assert.equal("1", tostring(counted.count))
  end)

  it("describes a schedule", function()
    local id = "cli-" .. env.uuid()
    local schedule = temporal.assert(client:create_schedule(id, {
      spec = { calendars = { { hour = { { start = 8, ["end"] = 18, step = 2 } }, minute = 30,
        comment = "büro" } }, intervals = { { every = "1h", offset = "7m" } }, jitter = 2.5,
        timezone = "Europe/Berlin" },
      action = { workflow = "Order", args = { "ü", nil, 3, n = 3 }, task_queue = "cli-nobody",
        memo = { m = 1 } },
      overlap = "buffer_one", paused = true, note = "nötig", limit = 3, memo = { owner = "Ada" },
    }))
    local shown = message(SERVICE .. "DescribeScheduleResponse",
      cli("--no-json-shorthand-payloads", "schedule", "describe", "-s", id))
    same(temporal.assert(schedule:describe()).raw, shown)
    temporal.assert(schedule:delete())
  end)

  it("starts, signals, queries and updates what Lua reads", function()
    local id = "cli-" .. env.uuid()
    cli("workflow", "start", "-w", id, "--type", "Inbox", "-t", env.task_queue,
      "-i", '{"a":[1,2.5,"ü",null]}', "--memo", 'who="ß"',
      "--search-attribute", 'CustomKeyword="von außen"')
    local run = client:workflow(id)
    local found = temporal.assert(run:describe())
    same({ who = "ß" }, found.memo)
    assert.equal("von außen", found.search_attributes.CustomKeyword)
    cli("workflow", "signal", "-w", id, "--name", "from-cli", "-i", '"grüße"')
    assert.equal("from-cli", temporal.assert(run:query("signals"))[1].name)
    local answered = cli("workflow", "update", "execute", "-w", id, "--name", "positive", "-i",
      "21", "--update-id", "by-cli")
    assert.matches("42", answered)
    assert.equal(42, temporal.assert(temporal.assert(run:update_handle("by-cli")):get(20)))
    assert.matches("grüße", cli("workflow", "query", "-w", id, "--type", "one", "-i", '"grüße"'))
    temporal.assert(run:signal("finish"))
    same({ a = { 1, 2.5, "ü", temporal.null } }, temporal.assert(run:get(20)).arguments[1])
  end)

  it("cancels and terminates, and Lua says who and why", function()
    local run = start({}, "Wait")
    cli("workflow", "cancel", "-w", run.id)
    local _, err = run:get(20)
    assert.same({ "workflow_failed", "canceled" }, { err.kind, err.cause.kind })
    run = start({}, "Wait")
    cli("workflow", "terminate", "-w", run.id, "--reason", "schluß")
    _, err = run:get(20)
    assert.same({ "terminated", "schluß" }, { err.cause.kind, err.cause.reason })
    assert.matches("temporal%-cli", err.cause.identity)
  end)
end)

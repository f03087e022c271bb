-- Names that other SDKs have, and options in the wrong place: one message says what is right here.

local temporal = require "temporal"

describe("names of other SDKs", function()
  local client, run

  before_each(function()
    client = temporal.client { target = "127.0.0.1:1", retry = false, logger = function() end }
    run = client:workflow("order-42")
  end)

  after_each(function() client:close(0) end)

  local function says(expected, fn, ...)
    local ok, message = pcall(fn, ...)
    assert.is_false(ok, expected)
    assert.matches("foreign_spec%.lua:%d+: ", message)
    assert.matches(expected, message, 1, true)
  end

  local function starts(options)
    return function() client:execute_workflow(options, "Order", 1) end
  end

  it("are recognised among the options of a client", function()
    local cases = { address = "target", host_port = "target", hostPort = "target",
      target_host = "target", HostPort = "target", rpc_metadata = "metadata",
      data_converter = "converter", payload_codec = "codecs", tls_config = "tls" }
    for name, here in pairs(cases) do
      says(('unknown client option "%s": here it is %s'):format(name, here),
        function() temporal.client { [name] = "x" } end)
    end
    says('unknown client option "address": here it is target',
      function() client:with { address = "x" } end)
  end)

  it("are recognised among the options of a start", function()
    says('unknown start option "workflow_id": here it is id',
      starts { workflow_id = "a", task_queue = "q" })
    says('unknown start option "task_queue_name": here it is task_queue',
      starts { task_queue_name = "q" })
    says('unknown start option "args": the arguments are no option: they follow the name',
      starts { args = {}, task_queue = "q" })
    says('unknown start option "workflow_run_timeout": here it is run_timeout',
      starts { workflow_run_timeout = 1, task_queue = "q" })
    says('unknown start option "start_signal": here it is client:signal_with_start',
      starts { start_signal = "x", task_queue = "q" })
    says('unknown start option "activity_id": here it is id', function()
      client:execute_activity({ activity_id = "a", task_queue = "q" }, "Charge")
    end)
    says('unknown start option "workflow_id": here it is id', function()
      client:signal_with_start({ workflow_id = "a", task_queue = "q" }, { "s" }, "Order")
    end)
  end)

  it("are recognised among the options of messages, schedules and lists", function()
    says('unknown option of workflow:signal "args": the arguments are no option',
      function() run:signal { name = "s", args = {} } end)
    says('unknown option of workflow:signal "rpc_timeout": here it is timeout',
      function() run:signal { name = "s", rpc_timeout = 1 } end)
    says('unknown option of workflow:query "reject_condition": here it is reject',
      function() run:query { name = "s", reject_condition = 1 } end)
    says('unknown option of workflow:update "update_id": here it is id',
      function() run:update { name = "s", update_id = "u" } end)
    says('unknown option of workflow:start_update "wait_for_stage": here it is wait',
      function() run:start_update { name = "s", wait_for_stage = "accepted" } end)
    says('unknown option of workflow:history "wait_new_event": here it is wait',
      function() run:history { wait_new_event = true } end)
    says('unknown option of client:list_workflows_page "next_page_token": here it is page_token',
      function() client:list_workflows_page { next_page_token = "x" } end)
    says('unknown schedule option "action.workflow_id": here it is id', function()
      client:create_schedule("s", { action = { workflow = "W", task_queue = "q",
        workflow_id = "a" } })
    end)
    says('unknown schedule option "action.task_queue_name": here it is task_queue', function()
      client:create_schedule("s", { action = { workflow = "W", task_queue_name = "q" } })
    end)
  end)

  it("options in the wrong place say where they belong", function()
    says('unknown client option "id": it is a start option: give it to client:execute_workflow',
      function() temporal.client { id = "a" } end)
    says('unknown client option "task_queue": it is a start option',
      function() temporal.client { task_queue = "q" } end)
    says('unknown start option "namespace": it is a client option: give it to temporal.client',
      starts { namespace = "n", task_queue = "q" })
    says("the start options must be a table, got a string: they come first",
      function() client:execute_workflow("Order", 1, { task_queue = "q" }) end)
    -- Slips are still told from the names of others.
    says('unknown start option "task_queu"; did you mean "task_queue"?', starts { task_queu = "q" })
  end)

  it("are recognised among functions and methods", function()
    says('there is no member of the name "get_workflow_handle": here it is client:workflow(id)',
      function() client:get_workflow_handle("a") end)
    says('there is no member of the name "result": here it is future:get()',
      function() run:result() end)
    says('there is no member of the name "workflow_id": here it is future.id',
      function() return run.workflow_id end)
    says('there is no function of the name "Client": here it is temporal.client{...}',
      function() temporal.Client.connect("localhost:7233") end)
    assert.is_nil(client.nothing)
    assert.is_nil(run.nothing)
    assert.is_nil(temporal.nothing)
  end)

  it("functions called with a colon say so", function()
    says("temporal.client is a function, no method: write temporal.client(...), with a dot",
      function() temporal:client { target = "x" } end)
    says("temporal.wait is a function, no method", function() temporal:wait { run } end)
    says("temporal.wait takes a list of futures: write temporal.wait{ one, other }, got a future",
      function() temporal.wait(run, run) end)
    says("temporal.wait_all takes a list of futures: write temporal.wait_all{",
      function() temporal.wait_all(temporal.spawn(function() end), run) end)
  end)

  it("a future as an argument or inside of one says to call get", function()
    local task = temporal.spawn(function() return 1 end)
    for _, future in ipairs { run, task, client:activity("a"), run:update_handle("u") } do
      for _, value in ipairs { future, { order = { future } } } do
        says("a future is not its value; call :get() first, and pass what it returns",
          function() client:execute_workflow({ task_queue = "q" }, "Order", value) end)
        says("a future is not its value", function()
          client:execute_workflow({ task_queue = "q", memo = { m = value } }, "Order")
        end)
        says("a future is not its value", function()
          client:create_schedule("s", { action = { workflow = "W", task_queue = "q",
            args = { value } } })
        end)
      end
    end
  end)
end)

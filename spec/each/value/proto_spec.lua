-- temporal.proto: messages as values, here and with a Python worker.

local converter = require "temporal.value.converter"
local core = require "temporal.core"
local env = require "spec.support.environment"
local proto = require("temporal.value.proto").new
local temporal = require "temporal"

local EXECUTION = "temporal.api.common.v1.WorkflowExecution"
local RETRY = "temporal.api.common.v1.RetryPolicy"
local HISTORY = "temporal.api.history.v1.History"
local DURATION = "google.protobuf.Duration"

local function payload_of(value)
  return assert(core.decode("temporal.api.common.v1.Payload", assert(core.payload(value))))
end

describe("temporal.proto", function()
  local function raises(expected, ...)
    local ok, message = pcall(proto, ...)
    assert.is_false(ok)
    assert.matches("^spec/each/value/proto_spec%.lua:%d+: ", message)
    assert.equal(expected, (message:gsub("^spec/each/value/proto_spec%.lua:%d+: ", "")))
  end

  it("is a payload of either encoding, made at once", function()
    local message = { workflow_id = "w" }
    local json = proto(EXECUTION, message)
    local binary = proto(EXECUTION, message, { encoding = "binary/protobuf" })
    message.workflow_id = "changed"
    assert.same({ metadata = { encoding = "json/protobuf", messageType = EXECUTION },
      data = '{"workflowId":"w"}', external_payloads = {} }, payload_of(json))
    assert.same({ metadata = { encoding = "binary/protobuf", messageType = EXECUTION },
      data = "\10\1w", external_payloads = {} }, payload_of(binary))
    assert.equal("raw", core.value_kind(json))
    assert.equal("temporal.raw (json/protobuf, 18 bytes)", tostring(json))
  end)

  it("decodes to a table", function()
    local object = converter.new()
    for _, encoding in ipairs { "json/protobuf", "binary/protobuf" } do
      local given = { initial_interval = { seconds = 1, nanos = 5 }, maximum_attempts = 3 }
      local value = object:value(payload_of(proto(RETRY, given, { encoding = encoding })))
      assert.same(core.decode(RETRY, core.encode(RETRY, given)), value)
    end
    assert.same({ seconds = -1, nanos = -500000000 },
      object:value(payload_of(proto(DURATION, { seconds = -1, nanos = -500000000 }))))
  end)

  it("stays raw when the type is unknown or not named", function()
    local object = converter.new()
    for _, metadata in ipairs {
      { encoding = "json/protobuf", messageType = "my.Type" },
      { encoding = "json/protobuf" },
      { encoding = "binary/protobuf", messageType = "my.Type" },
      { encoding = "binary/protobuf", messageType = "" },
    } do
      local value = object:value { metadata = metadata, data = "{" }
      assert.equal("raw", core.value_kind(value))
      assert.same(metadata, value.metadata)
      assert.equal("{", value.data)
    end
  end)

  it("reads what a newer peer wrote: fields we know", function()
    local object = converter.new()
    local metadata = { encoding = "json/protobuf", messageType = EXECUTION }
    local value = object:value { metadata = metadata, data = '{"runId":"r","brandNew":{"a":[1]}}' }
    assert.same({ workflow_id = "", run_id = "r" }, value)
  end)

  it("tells what cannot be read in a conversion record", function()
    local object = converter.new()
    for encoding, case in pairs {
      ["json/protobuf"] = { '{"runId":1}',
        "WorkflowExecution.run_id: expected a string, got a number at offset 9" },
      ["binary/protobuf"] = { "\10\9w",
        "WorkflowExecution.workflow_id: ends in the middle of a field at offset 0" },
    } do
      local payload = { metadata = { encoding = encoding, messageType = EXECUTION },
        data = case[1] }
      local value, problem = object:value(payload)
      assert.is_nil(value)
      assert.equal("conversion", problem.kind)
      assert.equal(encoding, problem.encoding)
      assert.equal("the payload's message cannot be read: " .. case[2], problem.message)
      assert.equal(payload, problem.raw)
    end
  end)

  it("leaves a decoder of the user's in its place", function()
    local object = assert(converter.new { {
      encoding = "json/protobuf", decode = function(payload) return payload.data:upper() end,
    } })
    assert.equal('{"WORKFLOWID":"W"}',
      object:value(payload_of(proto(EXECUTION, { workflow_id = "w" }))))
  end)

  it("raises for what does not fit, at the caller's line", function()
    raises("temporal.proto: expected a message type's full name, got nil")
    raises("temporal.proto: expected " .. EXECUTION .. " as a table, got string", EXECUTION, "x")
    raises('temporal.proto: unknown message "temporal.api.common.v1.WorkflowExecutio"; did you'
      .. ' mean "temporal.api.common.v1.WorkflowExecution"?',
      "temporal.api.common.v1.WorkflowExecutio", {})
    raises('temporal.proto: WorkflowExecution: unknown field "workflowId"; did you mean'
      .. ' "workflow_id"?', EXECUTION, { workflowId = "w" })
    raises("temporal.proto: options must be a table {encoding=}, got string", EXECUTION, {}, "x")
    raises('temporal.proto: unknown option "codec"; it takes encoding', EXECUTION, {},
      { codec = 1 })
    raises('temporal.proto: encoding must be "json/protobuf" or "binary/protobuf", got'
      .. ' "json/plain"', EXECUTION, {}, { encoding = "json/plain" })
    raises('temporal.proto: encoding must be "json/protobuf" or "binary/protobuf", got table',
      EXECUTION, {}, { encoding = {} })
    raises("temporal.proto: Duration: a Duration has JSON text up to 315576000000 seconds, with"
      .. " nanos below 1000000000 and of the same sign", DURATION, { seconds = 1, nanos = -1 })
  end)
end)

describe("a message", function()
  local client

  setup(function()
    client = temporal.client { target = env.address, namespace = env.namespace }
  end)

  teardown(function()
    assert(client:close())
  end)

  local function result(...)
    local run = client:execute_workflow({ task_queue = env.task_queue }, ...)
    local value, err = run:get(30)
    assert.is_nil(err)
    return value
  end

  it("comes back from a Python workflow that declares it", function()
    local message = { workflow_id = 'caf\195\169 "\\\n\0', run_id = ("r"):rep(1000) }
    for _, encoding in ipairs { "json/protobuf", "binary/protobuf" } do
      local value = proto(EXECUTION, message, { encoding = encoding })
      assert.same(message, result("ProtoEcho", value))
    end
    local raw = client:execute_workflow({ task_queue = env.task_queue }, "ProtoEcho",
      proto(EXECUTION, message)):get { timeout = 30, raw = true }
    assert.equal(EXECUTION, raw.metadata.messageType)
    assert.equal("json/protobuf", raw.metadata.encoding)
  end)

  it("is read there field by field", function()
    for _, encoding in ipairs { "json/protobuf", "binary/protobuf" } do
      local options = { encoding = encoding }
      local seen = result("ProtoSeen", proto(EXECUTION, { workflow_id = "w" }, options),
        proto(RETRY, { initial_interval = { seconds = 1, nanos = 250000000 },
          backoff_coefficient = 1.5, non_retryable_error_types = { "A", "\195\169" } }, options),
        proto("temporal.api.taskqueue.v1.TaskQueue", { kind = "sticky" }, options),
        proto("temporal.api.common.v1.Payloads", { payloads = { {
          metadata = { encoding = "binary/plain" }, data = "\0\255\251" } } }, options))
      assert.same({ "w", 1250, 1.5, { "A", "\195\169" }, 2, { { "binary/plain", "00fffb" } } },
        seen)
    end
  end)

  it("in binary form is a table as well", function()
    assert.equal(7, result("ProtoBinary", 7).maximum_attempts)
  end)

  it("History is the JSON that Python and the CLI read and write", function()
    local run = assert(client:start_workflow({ task_queue = env.task_queue, memo = { a = 1 } },
      "ProtoEcho", proto(EXECUTION, { workflow_id = "w" })))
    assert(run:get(30))
    local response = assert(client:call("GetWorkflowExecutionHistory",
      { execution = { workflow_id = run.id } }))
    local text = assert(core.protojson_encode(HISTORY, response.history))
    local path = env.tmp .. "/history-" .. env.uuid()
    local file = assert(io.open(path, "w"))
    file:write(text)
    file:close()
    local cli = (env.python:gsub("[^/]+$", "temporal"))
    local process = env.spawn { env.python, "-c", [[
import json, subprocess, sys
from temporalio.client import WorkflowHistory
cli, address, namespace, workflow_id, path = sys.argv[1:]
shown = subprocess.run([cli, "workflow", "show", "-o", "json", "--address", address,
    "-n", namespace, "-w", workflow_id], check=True, capture_output=True, text=True).stdout
ours = WorkflowHistory.from_json("id", open(path).read())
theirs = WorkflowHistory.from_json("id", shown)
print("equal" if list(ours.events) == list(theirs.events) and len(ours.events) > 3 else shown)
print(json.dumps(json.loads(shown)))
sys.stdout.flush()
]], cli, env.address, env.namespace, run.id, path }
    assert.equal("equal", process:readline(30) or process:errors())
    local shown = process:readline()
    assert.matches('"EVENT_TYPE_WORKFLOW_EXECUTION_STARTED"', shown)
    assert.same(response.history, assert(core.protojson_decode(HISTORY, shown)))
    assert.same({ "exit", 0 }, { process:wait(60) })
    os.remove(path)
  end)
end)

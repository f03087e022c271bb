-- Lua tables to protobuf and back. The last part compares every message with the
-- official runtime (spec/support/proto_peer.py); TEMPORAL_LUA_SEED repeats a run,
-- TEMPORAL_LUA_PYTHON names the Python with the pinned packages.
local core = require "temporal.core"
local peer = require "spec.support.proto_peer"

local python = os.getenv("TEMPORAL_LUA_PYTHON") or os.getenv("TEMPORAL_TEST_PYTHON")
  or ".deps/venv/bin/python"
local lua = os.getenv("TEMPORAL_TEST_LUA") or arg and arg[-1] or "lua"
local seed = tonumber(os.getenv("TEMPORAL_LUA_SEED")) or os.time() % 1000000
local has_integers = math.type ~= nil

local function short(name)
  return "temporal.api." .. name
end

local START = short "workflowservice.v1.StartWorkflowExecutionRequest"
local EVENT = short "history.v1.HistoryEvent"
local EXECUTION = short "common.v1.WorkflowExecution"
local PAYLOAD = short "common.v1.Payload"
local FAILURE = short "failure.v1.Failure"
local RETRY = short "common.v1.RetryPolicy"
local MEMO = short "common.v1.Memo"
local STATUS = "google.rpc.Status"

local function hex(s)
  return (s:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

local function bytes(s)
  return (s:gsub("%s", ""):gsub("%x%x", function(x) return string.char(tonumber(x, 16)) end))
end

local function encodes(name, value, expected)
  assert.equal((expected:gsub("%s", "")), hex(assert(core.encode(name, value))))
end

local function refuses(name, value, expected)
  local result, message = core.encode(name, value)
  assert.is_nil(result)
  assert.equal(expected, message)
end

local function decode(name, s)
  return assert(core.decode(name, bytes(s)))
end

local function fails(name, s, expected)
  local result, message = core.decode(name, bytes(s))
  assert.is_nil(result)
  assert.equal(expected, message)
end

-- A message of `depth` levels below the outermost.
local function nested(depth)
  local failure = { message = "root" }
  for _ = 1, depth do
    failure = { cause = failure }
  end
  return failure
end

describe("encode", function()
  it("writes scalars as the wire has them", function()
    encodes(EVENT, { event_id = 150 }, "08 96 01")
    encodes(EVENT, { event_id = -1 }, "08 ff ff ff ff ff ff ff ff ff 01")
    encodes(EVENT, { worker_may_ignore = true }, "e0 12 01")
    encodes(RETRY, { backoff_coefficient = 2 }, "11 00 00 00 00 00 00 00 40")
    encodes(RETRY, { maximum_attempts = -2 }, "20 fe ff ff ff ff ff ff ff ff 01")
    encodes(short "common.v1.Priority", { fairness_weight = 0.5 }, "1d 00 00 00 3f")
    encodes(short "sdk.v1.StackTraceFileSlice", { line_offset = 4294967295 },
      "08 ff ff ff ff 0f")
    encodes(EXECUTION, { workflow_id = "é" }, "0a 02 c3 a9")
    encodes(PAYLOAD, { data = "\0\255" }, "12 02 00 ff")
  end)

  it("writes fields in the order of their numbers", function()
    encodes(EXECUTION, { run_id = "b", workflow_id = "a" }, "0a 01 61 12 01 62")
  end)

  it("leaves out zero where absent reads as zero, except minus zero", function()
    encodes(EXECUTION, { workflow_id = "", run_id = "" }, "")
    encodes(EVENT, { event_id = 0, worker_may_ignore = false, links = {} }, "")
    encodes(RETRY, { backoff_coefficient = 0.0, initial_interval = {} }, "0a 00")
    encodes(RETRY, { backoff_coefficient = -1 / math.huge }, "11 00 00 00 00 00 00 00 80")
    encodes(short "taskqueue.v1.TaskQueueMetadata", {}, "")
  end)

  it("takes integers, integral numbers and decimal strings", function()
    for _, spelled in ipairs{ 300, 300.0, "300" } do
      encodes(EVENT, { event_id = spelled }, "08 ac 02")
    end
    encodes(EVENT, { event_id = "9223372036854775807" }, "08 ff ff ff ff ff ff ff ff 7f")
    encodes(EVENT, { event_id = "-9223372036854775808" }, "08 80 80 80 80 80 80 80 80 80 01")
    encodes(EVENT, { event_id = -2 ^ 63 }, "08 80 80 80 80 80 80 80 80 80 01")
    refuses(EVENT, { event_id = 2 ^ 63 },
      "HistoryEvent.event_id: out of range for int64: number 9.223372036854776e18")
    refuses(EVENT, { event_id = "9223372036854775808" },
      'HistoryEvent.event_id: out of range for int64: string "9223372036854775808"')
    for _, wrong in ipairs{ 1.5, 1e300, 1 / 0, 0 / 0, "", "-", "1.0", " 1", "0x1",
      "99999999999999999999999", true, {} } do
      local result, message = core.encode(EVENT, { event_id = wrong })
      assert.is_nil(result)
      assert.matches("^HistoryEvent%.event_id: expected an integer, got ", message)
    end
  end)

  it("keeps int64 exact where Lua has integers", function()
    if has_integers then
      encodes(EVENT, { event_id = math.maxinteger }, "08 ff ff ff ff ff ff ff ff 7f")
      encodes(EVENT, { event_id = math.mininteger }, "08 80 80 80 80 80 80 80 80 80 01")
    end
    encodes(EVENT, { event_id = 2 ^ 53 }, "08 80 80 80 80 80 80 80 10")
  end)

  it("holds every integer type to its range", function()
    encodes(STATUS, { code = 2147483647 }, "08 ff ff ff ff 07")
    encodes(STATUS, { code = -2147483648 }, "08 80 80 80 80 f8 ff ff ff ff 01")
    refuses(STATUS, { code = 2147483648 },
      "Status.code: out of range for int32: number 2147483648")
    refuses(STATUS, { code = "-2147483649" },
      'Status.code: out of range for int32: string "-2147483649"')
    local slice = short "sdk.v1.StackTraceFileSlice"
    refuses(slice, { line_offset = -1 },
      "StackTraceFileSlice.line_offset: out of range for uint32: number -1")
    refuses(slice, { line_offset = 4294967296 },
      "StackTraceFileSlice.line_offset: out of range for uint32: number 4294967296")
    local priority = short "common.v1.Priority"
    refuses(priority, { fairness_weight = 1e39 },
      "Priority.fairness_weight: out of range for float: number 1e39")
    encodes(priority, { fairness_weight = 1 / 0 }, "1d 00 00 80 7f")
    for _, nan in ipairs{ 0 / 0, -(0 / 0) } do
      encodes(priority, { fairness_weight = nan }, "1d 00 00 c0 7f")
      encodes(RETRY, { backoff_coefficient = nan }, "11 00 00 00 00 00 00 f8 7f")
    end
  end)

  it("takes an enum's full name, short name, or any number", function()
    for _, spelled in ipairs{ "allow_duplicate", "WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE", 1 } do
      encodes(START, { workflow_id_reuse_policy = spelled }, "58 01")
    end
    encodes(START, { workflow_id_reuse_policy = 900 }, "58 84 07")
    encodes(START, { workflow_id_reuse_policy = -1 }, "58 ff ff ff ff ff ff ff ff ff 01")
    refuses(START, { workflow_id_reuse_policy = "allow_duplicat" },
      'StartWorkflowExecutionRequest.workflow_id_reuse_policy: "allow_duplicat" is no value of '
      .. 'temporal.api.enums.v1.WorkflowIdReusePolicy; did you mean "allow_duplicate"?')
    refuses(START, { workflow_id_reuse_policy = "x" },
      'StartWorkflowExecutionRequest.workflow_id_reuse_policy: "x" is no value of '
      .. "temporal.api.enums.v1.WorkflowIdReusePolicy")
    refuses(START, { workflow_id_reuse_policy = true },
      "StartWorkflowExecutionRequest.workflow_id_reuse_policy: "
      .. "expected an enum's name or number, got boolean true")
    refuses(START, { workflow_id_reuse_policy = 2 ^ 31 },
      "StartWorkflowExecutionRequest.workflow_id_reuse_policy: "
      .. "out of range for enum: number 2147483648")
  end)

  it("writes lists up to n, or to the first nil", function()
    local metadata = short "sdk.v1.WorkflowTaskCompletedMetadata"
    encodes(metadata, { core_used_flags = { 1, 300 } }, "0a 03 01 ac 02") -- packed
    encodes(metadata, { core_used_flags = { 1, 300, n = 1 } }, "0a 01 01")
    encodes(metadata, { core_used_flags = { 1, nil, 300 } }, "0a 01 01")
    encodes(metadata, { core_used_flags = { 0, 0 } }, "0a 02 00 00")
    encodes(metadata, { core_used_flags = { n = 0 } }, "")
    encodes(STATUS, { details = { {}, { type_url = "x" } } }, "1a 00 1a 03 0a 01 78")
    refuses(metadata, { core_used_flags = { 1, n = 2 } },
      "WorkflowTaskCompletedMetadata.core_used_flags[2]: nil within a list")
    refuses(metadata, { core_used_flags = { n = -1 } },
      "WorkflowTaskCompletedMetadata.core_used_flags: n: expected a length, got number -1")
    refuses(metadata, { core_used_flags = { first = 1 } },
      "WorkflowTaskCompletedMetadata.core_used_flags: "
      .. 'expected a list, got a table with key string "first"')
    refuses(metadata, { core_used_flags = 1 },
      "WorkflowTaskCompletedMetadata.core_used_flags: expected a list (table), got number 1")
  end)

  it("writes map entries in the order of their keys", function()
    encodes(MEMO, { fields = { b = {}, a = { data = "x" }, [""] = {} } },
      "0a 04 0a 00 12 00 0a 08 0a 01 61 12 03 12 01 78 0a 05 0a 01 62 12 00")
    local many, previous = {}, nil
    for i = 1, 500 do
      many["key" .. i] = { data = ("x"):rep(i) }
    end
    local encoded = assert(core.encode(MEMO, { fields = many }))
    for key in encoded:gmatch("key%d+") do
      assert.is_true(previous == nil or previous < key)
      previous = key
    end
    assert.same(many.key77.data, core.decode(MEMO, encoded).fields.key77.data)
    refuses(MEMO, { fields = { [1] = {} } },
      "Memo.fields[1]: expected a string, got number 1")
    refuses(MEMO, { fields = { k = 1 } },
      'Memo.fields["k"]: expected a table (Payload), got number 1')
    refuses(MEMO, { fields = "x" }, 'Memo.fields: expected a table of keys, got string "x"')
  end)

  it("orders the integer keys of maps as numbers", function()
    local version = short "workflowservice.v1.DescribeTaskQueueResponse"
    encodes(version, { stats_by_priority_key = { [10] = {}, [-1] = {}, [9] = {} } },
      "42 0d 08 ff ff ff ff ff ff ff ff ff 01 12 00 42 04 08 09 12 00 42 04 08 0a 12 00")
  end)

  it("gives equal bytes for equal tables", function()
    local keys, first = {}, nil
    for i = 1, 40 do
      keys[i] = "key" .. i
    end
    for _ = 1, 20 do
      local fields = {}
      for i = #keys, 2, -1 do
        local j = math.random(i)
        keys[i], keys[j] = keys[j], keys[i]
      end
      for _, key in ipairs(keys) do
        fields[key] = { metadata = { b = key, a = "1" } }
      end
      local encoded = assert(core.encode(MEMO, { fields = fields }))
      first = first or encoded
      assert.equal(first, encoded)
    end
  end)

  it("takes one member of a oneof, zero too", function()
    encodes(FAILURE, { timeout_failure_info = {} }, "32 00")
    refuses(EVENT, {
      workflow_execution_started_event_attributes = {},
      workflow_execution_completed_event_attributes = {},
    }, "HistoryEvent.workflow_execution_completed_event_attributes: only one of this and "
      .. '"workflow_execution_started_event_attributes" can be set')
  end)

  it("takes a wrapper as its plain value or as a message", function()
    local queue = short "taskqueue.v1.TaskQueueMetadata"
    local half = "0a 09 09 00 00 00 00 00 00 e0 3f"
    encodes(queue, { max_tasks_per_second = 0.5 }, half)
    encodes(queue, { max_tasks_per_second = { value = 0.5 } }, half)
    encodes(queue, { max_tasks_per_second = 0 }, "0a 00")
    refuses(queue, { max_tasks_per_second = "0.5" },
      'TaskQueueMetadata.max_tasks_per_second: expected a number, got string "0.5"')
  end)

  it("takes serialized messages only where it is allowed to", function()
    local payload = core.encode(PAYLOAD, { data = "x" })
    local value = { input = { payloads = { payload } }, memo = { fields = { k = payload } } }
    local plain = { input = { payloads = { { data = "x" } } },
      memo = { fields = { k = { data = "x" } } } }
    assert.equal(core.encode(START, plain), core.encode(START, value, true))
    assert.equal(payload, core.encode(PAYLOAD, payload, true))
    refuses(START, value, "StartWorkflowExecutionRequest.input.payloads[1]: "
      .. 'expected a table (Payload), got string "??x"')
    refuses(PAYLOAD, payload, 'Payload: expected a table, got string "??x"')
  end)

  it("writes unknown fields back, and only well-formed ones", function()
    encodes(EXECUTION, { _unknown = "\200\62\1", workflow_id = "a" }, "0a 01 61 c8 3e 01")
    refuses(EXECUTION, { _unknown = "\200\62\1\200" }, "WorkflowExecution: _unknown: "
      .. "not a protobuf field at offset 3: ends in the middle of a field")
    refuses(EXECUTION, { _unknown = 1 },
      "WorkflowExecution: _unknown: expected bytes, got number 1")
  end)

  it("names the path of what is wrong", function()
    refuses(START, { retry_policy = { initial_interval = { seconds = "x" } } },
      "StartWorkflowExecutionRequest.retry_policy.initial_interval.seconds: "
      .. 'expected an integer, got string "x"')
    refuses(START, { worflow_id = "x" }, "StartWorkflowExecutionRequest: "
      .. 'unknown field "worflow_id"; did you mean "workflow_id"?')
    refuses(START, { input = { payloads = { {}, { dta = "" } } } },
      "StartWorkflowExecutionRequest.input.payloads[2]: "
      .. 'unknown field "dta"; did you mean "data"?')
    refuses("temporal.api.workflowservice.v1.DescribeWorkflowExecutionRequest", { zzzzzz = 1 },
      'DescribeWorkflowExecutionRequest: unknown field "zzzzzz"; known are: execution, namespace')
    -- A long list is cut between two names.
    local _, message = core.encode(START, { zzzzzzzzzzz = 1 })
    assert.matches('^StartWorkflowExecutionRequest: unknown field "zzzzzzzzzzz"; known are: '
      .. "completion_callbacks, .*[%l_]+, %.%.%.$", message)
    assert.is_true(#message < 450)
    refuses(START, { "x" }, "StartWorkflowExecutionRequest: "
      .. "expected field names as keys, got number 1")
    refuses(START, { workflow_id = 7 },
      "StartWorkflowExecutionRequest.workflow_id: expected a string, got number 7")
    refuses(START, { request_eager_execution = 1 },
      "StartWorkflowExecutionRequest.request_eager_execution: expected a boolean, got number 1")
    refuses(RETRY, { backoff_coefficient = "2" },
      'RetryPolicy.backoff_coefficient: expected a number, got string "2"')
    refuses(MEMO, { fields = { ["a\nb"] = { metadata = { x = 1 } } } },
      'Memo.fields["a?b"].metadata["x"]: expected a string, got number 1')
    refuses(MEMO, { fields = { [("k"):rep(90)] = 1 } },
      'Memo.fields["' .. ("k"):rep(40) .. '..."]: expected a table (Payload), got number 1')
    refuses(MEMO, { fields = { k = print } },
      'Memo.fields["k"]: expected a table (Payload), got function')
  end)

  it("refuses text that is not UTF-8, and takes any bytes", function()
    refuses(EXECUTION, { workflow_id = "ab\255" },
      "WorkflowExecution.workflow_id: not valid UTF-8 at byte 3")
    refuses(MEMO, { fields = { ["\255"] = {} } },
      "Memo.fields[(not UTF-8)]: not valid UTF-8 at byte 1")
    encodes(PAYLOAD, { data = "\255" }, "12 01 ff")
  end)

  it("goes 100 levels deep and no further", function()
    assert.is_truthy(core.encode(FAILURE, nested(100)))
    local result, message = core.encode(FAILURE, nested(101))
    assert.is_nil(result)
    assert.matches("^Failure%.cause%.cause%..*%.cause: nested deeper than 100 levels$", message)
    local loop = {}
    loop.cause = loop
    assert.is_nil((core.encode(FAILURE, loop)))
  end)

  it("stops at the largest message", function()
    local megabyte = { data = ("x"):rep(2 ^ 20) }
    local list = {}
    for i = 1, 128 do
      list[i] = megabyte
    end
    refuses(short "common.v1.Payloads", { payloads = list },
      "Payloads: larger than the limit of 134217728 bytes")
  end)

  it("runs no metamethods", function()
    local function trap()
      error("a metamethod ran")
    end
    local haunted = setmetatable({}, { __index = trap, __len = trap, __pairs = trap,
      __newindex = trap, __tostring = trap, __name = "haunted" })
    encodes(START, { links = haunted, memo = haunted, retry_policy = haunted }, "62 00 72 00")
    encodes(START, haunted, "")
  end)

  it("leaves the table as it was", function()
    local value = { workflow_id = "a", input = { payloads = { { data = "1" } } } }
    local copy = peer.dump(value)
    assert(core.encode(START, value))
    assert.equal(copy, peer.dump(value))
  end)

  it("suggests the nearest message type", function()
    local result, message = core.encode("temporal.api.common.v1.Paylod", {})
    assert.is_nil(result)
    assert.equal('unknown message "temporal.api.common.v1.Paylod"; '
      .. 'did you mean "temporal.api.common.v1.Payload"?', message)
    assert.same({ nil, 'unknown message "x"' }, { core.decode("x", "") })
  end)
end)

describe("decode", function()
  it("gives absent fields their zero value, messages nil, lists and maps a table", function()
    local event = decode(EVENT, "")
    assert.equal(0, event.event_id)
    assert.equal(false, event.worker_may_ignore)
    assert.equal("EVENT_TYPE_UNSPECIFIED", event.event_type)
    assert.same({}, event.links)
    assert.is_nil(event.event_time)
    assert.is_nil(event.workflow_execution_started_event_attributes)
    assert.is_nil(event._unknown)
    assert.same({ metadata = {}, data = "", external_payloads = {} }, decode(PAYLOAD, ""))
    assert.not_equal(decode(PAYLOAD, "").metadata, decode(PAYLOAD, "").metadata)
    assert.same({ seconds = 0, nanos = 0 }, decode(RETRY, "0a 00").initial_interval)
  end)

  it("tells integers from floats where Lua does", function()
    if has_integers then
      assert.equal("integer", math.type(decode(EVENT, "08 05").event_id))
      assert.equal("float", math.type(decode(RETRY, "").backoff_coefficient))
    end
    local event = decode(EVENT, "08 ff ff ff ff ff ff ff ff 7f")
    assert.equal(has_integers and math.maxinteger or "9223372036854775807", event.event_id)
    event = decode(EVENT, "08 80 80 80 80 80 80 80 80 80 01")
    assert.equal(has_integers and math.mininteger or "-9223372036854775808", event.event_id)
  end)

  it("gives enums their full name, unknown ones their number", function()
    assert.equal("WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE",
      decode(START, "58 03").workflow_id_reuse_policy)
    assert.equal(77, decode(START, "58 4d").workflow_id_reuse_policy)
    assert.equal(-1, decode(START, "58 ff ff ff ff ff ff ff ff ff 01").workflow_id_reuse_policy)
  end)

  it("gives wrappers as plain values", function()
    local queue = short "taskqueue.v1.TaskQueueMetadata"
    assert.equal(0.5, decode(queue, "0a 09 09 00 00 00 00 00 00 e0 3f").max_tasks_per_second)
    assert.equal(0, decode(queue, "0a 00").max_tasks_per_second)
    assert.is_nil(decode(queue, "").max_tasks_per_second)
  end)

  it("reads numbers packed, not packed, and in parts", function()
    local metadata = short "sdk.v1.WorkflowTaskCompletedMetadata"
    assert.same({ 1, 300 }, decode(metadata, "0a 03 01 ac 02").core_used_flags)
    assert.same({ 1, 300 }, decode(metadata, "08 01 08 ac 02").core_used_flags)
    assert.same({ 1, 300, 2, 3 },
      decode(metadata, "08 01 0a 02 ac 02 10 09 08 02 0a 01 03").core_used_flags)
    assert.same({}, decode(metadata, "0a 00").core_used_flags)
    fails(metadata, "0a 02 01 ac", "WorkflowTaskCompletedMetadata.core_used_flags[2]: "
      .. "ends in the middle of a field at offset 3")
  end)

  it("reads maps: the last of equal keys wins, halves may be missing", function()
    local memo = decode(MEMO, "0a 05 0a 01 61 12 00")
    assert.same({ metadata = {}, data = "", external_payloads = {} }, memo.fields.a)
    memo = decode(MEMO, "0a 08 0a 01 61 12 03 12 01 78 0a 08 0a 01 61 12 03 12 01 79")
    assert.equal("y", memo.fields.a.data)
    memo = decode(MEMO, "0a 05 12 03 12 01 78 0a 03 0a 01 62")
    assert.equal("x", memo.fields[""].data)
    assert.equal("", memo.fields.b.data)
    fails(MEMO, "0a 08 0a 01 61 12 03 12 05 78", 'Memo.fields["a"].data: '
      .. "ends in the middle of a field at offset 7")
  end)

  it("takes the last scalar, merges messages, keeps the last member of a oneof", function()
    assert.equal("b", decode(EXECUTION, "0a 01 61 0a 01 62").workflow_id)
    local request = decode(START, "1a 03 0a 01 61 22 03 0a 01 62 1a 00 22 02 10 01")
    assert.same({ name = "a" }, request.workflow_type)
    assert.same({ name = "b", kind = "TASK_QUEUE_KIND_NORMAL", normal_name = "" },
      request.task_queue)
    local failure = decode(FAILURE, "2a 03 0a 01 61 32 00")
    assert.is_nil(failure.application_failure_info)
    assert.is_table(failure.timeout_failure_info)
    failure = decode(FAILURE, "2a 03 0a 01 61 32 00 2a 00")
    assert.equal("", failure.application_failure_info.type)
    assert.is_nil(failure.timeout_failure_info)
    failure = decode(FAILURE, "22 05 2a 03 0a 01 61 22 02 32 00")
    assert.is_nil(failure.cause.application_failure_info)
    assert.is_table(failure.cause.timeout_failure_info)
  end)

  it("keeps unknown fields of every kind, wherever they are", function()
    local unknown = { "c8 3e 05", "c9 3e 01 02 03 04 05 06 07 08", "ca 3e 01 78",
      "cb 3e 08 01 13 14 cc 3e", "cd 3e 01 02 03 04" }
    for _, field in ipairs(unknown) do
      local execution = decode(EXECUTION, field .. "0a 01 61")
      assert.equal("a", execution.workflow_id)
      assert.equal(bytes(field), execution._unknown)
      encodes(EXECUTION, execution, "0a 01 61" .. field)
    end
    local all = table.concat(unknown, " 0a 01 61 ")
    assert.equal(bytes(table.concat(unknown)), decode(EXECUTION, all)._unknown)
    local request = decode(START, "22 03 c8 3e 05 22 06 c8 3e 06 0a 01 62")
    assert.equal(bytes("c8 3e 05 c8 3e 06"), request.task_queue._unknown)
    assert.equal("b", request.task_queue.name)
  end)

  it("keeps a known number with another wire type as unknown", function()
    local execution = decode(EXECUTION, "08 05 12 01 62")
    assert.equal("", execution.workflow_id)
    assert.equal("b", execution.run_id)
    assert.equal(bytes("08 05"), execution._unknown)
  end)

  it("fails at every byte where a message is cut, except between its fields", function()
    local parts = {
      { workflow_id = "order-42" }, { workflow_type = { name = "Order" } },
      { input = { payloads = { { metadata = { encoding = "json/plain" }, data = "{}" } } } },
      { workflow_run_timeout = { seconds = 300, nanos = 5 } },
      { workflow_id_reuse_policy = 300 }, { retry_policy = { backoff_coefficient = 1.5 } },
      { memo = { fields = { k = { data = ("x"):rep(200) } } } },
      { priority = { fairness_weight = 2 } },
    }
    local between, whole = { [0] = true }, ""
    for _, part in ipairs(parts) do
      whole = whole .. assert(core.encode(START, part))
      between[#whole] = true
    end
    for n = 0, #whole do
      local result, message = core.decode(START, whole:sub(1, n))
      if between[n] then
        assert.is_table(result)
      else
        assert.is_nil(result)
        assert.matches("^StartWorkflowExecutionRequest[%.%w_]*: "
          .. "ends in the middle of a field at offset %d+$", message)
        assert.is_true(tonumber(message:match("%d+$")) < n)
      end
    end
  end)

  it("names the path and the offset of what is wrong", function()
    fails(EXECUTION, "0a 01 61 12 05 62",
      "WorkflowExecution.run_id: ends in the middle of a field at offset 3")
    fails(EXECUTION, "0a 02 61 ff", "WorkflowExecution.workflow_id: not valid UTF-8 at offset 3")
    fails(EXECUTION, "0f", "WorkflowExecution: invalid field tag at offset 0")
    fails(EXECUTION, "0a 01 61 00", "WorkflowExecution: invalid field tag at offset 3")
    fails(EXECUTION, "0a 01 61 c8 3e ff ff ff ff ff ff ff ff ff ff 01",
      "WorkflowExecution: varint longer than 10 bytes at offset 3")
    fails(EXECUTION, "0b 14", "WorkflowExecution.workflow_id: unbalanced group at offset 0")
    fails(EXECUTION, "0c", "WorkflowExecution.workflow_id: unbalanced group at offset 0")
    fails(START, "1a 03 0a 05 61",
      "StartWorkflowExecutionRequest.workflow_type.name: ends in the middle of a field at offset 2")
    fails(STATUS, "1a 00 1a 03 0a 01 ff", "Status.details[2].type_url: not valid UTF-8 at offset 6")
    fails(MEMO, "0a 08 0a 01 61 12 03 12 01 78 0a 03 0a 01 ff",
      "Memo.fields: not valid UTF-8 at offset 14")
  end)

  it("goes 100 levels deep and no further", function()
    local function failure(depth)
      local s = ""
      for _ = 1, depth do
        s = core.encode(FAILURE, { cause = s }, true)
      end
      return s
    end
    local value = assert(core.decode(FAILURE, failure(100)))
    assert.equal(failure(100), core.encode(FAILURE, value))
    local result, message = core.decode(FAILURE, failure(101))
    assert.is_nil(result)
    assert.matches("^Failure%.cause%.cause%..*: nested deeper than 100 levels at offset %d+$",
      message)
  end)

  it("encodes what it decoded at the deepest level, empty maps too", function()
    local function deepest(payload)
      local details = { payloads = { payload } }
      local value = { timeout_failure_info = { last_heartbeat_details = details } }
      for _ = 1, 97 do
        value = { cause = value }
      end
      return value
    end
    local encoded = assert(core.encode(FAILURE, deepest{ data = "x" }))
    assert.equal(encoded, core.encode(FAILURE, assert(core.decode(FAILURE, encoded))))
    local result, message = core.encode(FAILURE, deepest{ metadata = { encoding = "x" } })
    assert.is_nil(result)
    assert.matches("%.payloads%[1%]%.metadata: nested deeper than 100 levels$", message)
  end)

  it("counts unknown groups as levels", function()
    local function group(depth)
      return ("\203\62"):rep(depth) .. ("\204\62"):rep(depth)
    end
    assert.equal(group(100), core.decode(EXECUTION, group(100))._unknown)
    local result, message = core.decode(EXECUTION, group(101))
    assert.is_nil(result)
    assert.equal("WorkflowExecution: nested deeper than 100 levels at offset 0", message)
    for depth, expected in pairs{ [40] = true, [41] = false } do
      local s = core.encode(FAILURE, { _unknown = group(depth) })
      for _ = 1, 60 do
        s = core.encode(FAILURE, { cause = s }, true)
      end
      assert.equal(expected, core.decode(FAILURE, s) ~= nil)
    end
  end)

  it("survives 50,000 nested causes", function()
    local s = {}
    local length = 0
    for i = 1, 50000 do
      local head = string.char(0x22)
      local n = length
      repeat
        local low = n % 128
        n = (n - low) / 128
        head = head .. string.char(n > 0 and low + 128 or low)
      until n == 0
      s[i] = head
      length = length + #head
    end
    for i = 1, #s / 2 do
      s[i], s[#s + 1 - i] = s[#s + 1 - i], s[i]
    end
    assert.is_nil((core.decode(FAILURE, table.concat(s))))
  end)

  it("takes time in proportion to the input, whatever its order", function()
    local element, name = "\26\3\10\1x", "\18\1y" -- details[] and message of Status
    local started = os.clock()
    local status = assert(core.decode(STATUS, (element .. name):rep(200000)))
    assert.equal(200000, #status.details)
    local unknown = "\200\62\1"
    status = assert(core.decode(STATUS, (unknown .. name):rep(200000)))
    assert.equal(#unknown * 200000, #status._unknown)
    local pieces = ("\34\3" .. unknown):rep(100000) -- task_queue, merged
    local request = assert(core.decode(START, pieces))
    assert.equal(#unknown * 100000, #request.task_queue._unknown)
    assert.is_true(os.clock() - started < 20)
  end)
end)

describe("random messages", function()
  it(("of every type agree with the official runtime (seed %d)"):format(seed), function()
    local n, message = peer.run{ core = core, python = python, seed = seed, count = 8,
      set = "schema" }
    assert.is_truthy(n, message)
    assert.is_true(n >= 5000)
  end)

  it(("with every kind of field agree too (seed %d)"):format(seed), function()
    local n, message = peer.run_every{ lua = lua, python = python, seed = seed, count = 150 }
    assert.is_truthy(n, message)
    assert.equal(300, n)
  end)
end)

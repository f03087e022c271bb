-- ProtoJSON: every message both ways against google.protobuf.json_format, and what must be
-- refused. TEMPORAL_LUA_SEED repeats a run, TEMPORAL_LUA_PYTHON names the Python with protobuf.
local core = require "temporal.core"
local peer = require "spec.support.protojson_peer"

local python = os.getenv("TEMPORAL_LUA_PYTHON") or os.getenv("TEMPORAL_TEST_PYTHON")
  or ".deps/venv/bin/python"
local lua = os.getenv("TEMPORAL_TEST_LUA") or arg and arg[-1] or "lua"
local seed = tonumber(os.getenv("TEMPORAL_LUA_SEED")) or os.time() % 1000000

local API = "temporal.api."
local START = API .. "workflowservice.v1.StartWorkflowExecutionRequest"
local EXECUTION = API .. "common.v1.WorkflowExecution"
local RETRY = API .. "common.v1.RetryPolicy"
local PAYLOAD = API .. "common.v1.Payload"
local MEMO = API .. "common.v1.Memo"
local PRIORITY = API .. "common.v1.Priority"
local EVENT = API .. "history.v1.HistoryEvent"
local FAILURE = API .. "failure.v1.Failure"
local PENDING = API .. "workflow.v1.PendingActivityInfo"
local STATUS = "google.rpc.Status"
local MASK = "google.protobuf.FieldMask"
local TIMESTAMP, DURATION = "google.protobuf.Timestamp", "google.protobuf.Duration"
local URL = "type.googleapis.com/"

local function encodes(name, value, expected, options)
  assert.equal(expected, (assert(core.protojson_encode(name, value, options))))
end

local function decode(name, text, options)
  return assert(core.protojson_decode(name, text, options))
end

local function refuses(name, text, expected, options)
  local value, message = core.protojson_decode(name, text, options)
  assert.is_nil(value)
  assert.equal(expected, message)
end

-- Failures within failures, `depth` below the outermost.
local function nested(depth)
  local failure = { message = "root" }
  for _ = 1, depth do
    failure = { cause = failure }
  end
  return failure
end

describe("protojson", function()
  it("agrees with json_format on every message, with random values", function()
    local n, message = peer.run { core = core, python = python, seed = seed, count = 4,
      set = "schema" }
    assert.is_truthy(n, ("seed %d: %s"):format(seed, tostring(message)))
    assert.equal(4 * #core.schema_messages(), n)
  end)

  it("agrees on every kind of field and every well-known type", function()
    local n, message = peer.run_known { lua = lua, python = python, seed = seed, count = 12 }
    assert.is_truthy(n, ("seed %d: %s"):format(seed, tostring(message)))
    assert.is_true(n > 200, n)
  end)

  it("writes fields in their order, maps by key, and no defaults", function()
    encodes(EXECUTION, {}, "{}")
    encodes(EXECUTION, { workflow_id = "", run_id = "r" }, '{"runId":"r"}')
    encodes(EXECUTION, { run_id = "r", workflow_id = "w" }, '{"workflowId":"w","runId":"r"}')
    encodes(EXECUTION, { run_id = "r", workflow_id = "w" }, '{"workflow_id":"w","run_id":"r"}',
      { proto_names = true })
    encodes(PAYLOAD, { metadata = { b = "2", a = "1", c = "\0\255" }, data = "\251\255" },
      '{"metadata":{"a":"MQ==","b":"Mg==","c":"AP8="},"data":"+/8="}')
    encodes(RETRY, { maximum_attempts = 3, backoff_coefficient = 2,
      initial_interval = { seconds = 1, nanos = 500000000 } },
      '{"initialInterval":"1.500s","backoffCoefficient":2,"maximumAttempts":3}')
    encodes(EVENT, { event_id = 7, event_type = "timer_fired",
      event_time = { seconds = 1795381568, nanos = 1000 } },
      '{"eventId":"7","eventTime":"2026-11-22T21:06:08.000001Z",'
      .. '"eventType":"EVENT_TYPE_TIMER_FIRED"}')
    encodes(EXECUTION, { workflow_id = 'a"\\\n\1\195\169' },
      '{"workflowId":"a\\"\\\\\\n\\u0001\195\169"}')
  end)

  it("writes the extremes of numbers", function()
    encodes(EVENT, { event_id = "9223372036854775807" }, '{"eventId":"9223372036854775807"}')
    encodes(EVENT, { event_id = "-9223372036854775808" }, '{"eventId":"-9223372036854775808"}')
    encodes(RETRY, { maximum_attempts = -2147483648 }, '{"maximumAttempts":-2147483648}')
    for value, text in pairs {
      [0.1] = "0.1", [1e300] = "1e300", [5e-324] = "5e-324", [2 ^ 53] = "9007199254740992",
      [1 / 0] = '"Infinity"', [-1 / 0] = '"-Infinity"', [-1.5] = "-1.5",
    } do
      encodes(RETRY, { backoff_coefficient = value }, ('{"backoffCoefficient":%s}'):format(text))
    end
    encodes(RETRY, { backoff_coefficient = 0 / 0 }, '{"backoffCoefficient":"NaN"}')
    encodes(RETRY, { backoff_coefficient = -1 / math.huge }, '{"backoffCoefficient":-0.0}')
    encodes(PRIORITY, { fairness_weight = 0.1 }, '{"fairnessWeight":0.1}')
    encodes(EVENT, { event_type = 9999 }, '{"eventType":9999}')
  end)

  it("takes and gives bytes, too", function()
    local bytes = assert(core.encode(EXECUTION, { workflow_id = "w" }))
    encodes(EXECUTION, bytes, '{"workflowId":"w"}')
    encodes(EXECUTION, "", "{}")
    assert.equal(bytes, decode(EXECUTION, '{"workflowId":"w"}', { encoded = true }))
    local text, message = core.protojson_encode(EXECUTION, "\10\255")
    assert.is_nil(text)
    assert.equal("WorkflowExecution: ends in the middle of a field", message)
  end)

  it("reads bytes that no encoder writes: pieces, repetitions, unknown fields", function()
    local first = core.encode(START, { workflow_id = "a", retry_policy = { maximum_attempts = 1 } })
    local second = core.encode(START, { namespace = "n", workflow_id = "b",
      retry_policy = { backoff_coefficient = 1.5 } })
    encodes(START, first .. "\248\255\1\7" .. second, '{"namespace":"n","workflowId":"b",'
      .. '"retryPolicy":{"backoffCoefficient":1.5,"maximumAttempts":1}}')
    local one = core.encode(PAYLOAD, { metadata = { k = "1" } })
    local two = core.encode(PAYLOAD, { metadata = { a = "0", k = "2" } })
    encodes(PAYLOAD, one .. two, '{"metadata":{"a":"MA==","k":"Mg=="}}')
    -- Of a oneof the last member counts, and what it had before another came does not.
    local timer = core.encode(EVENT, { timer_fired_event_attributes = { timer_id = "t" } })
    local cancel = core.encode(EVENT, { timer_canceled_event_attributes = { timer_id = "c" } })
    local again = core.encode(EVENT, { timer_fired_event_attributes = { started_event_id = 5 } })
    encodes(EVENT, timer .. cancel .. again,
      '{"timerFiredEventAttributes":{"startedEventId":"5"}}')
    encodes(EVENT, timer .. again,
      '{"timerFiredEventAttributes":{"timerId":"t","startedEventId":"5"}}')
  end)

  it("reads both names, spellings of numbers, and both alphabets of base64", function()
    assert.equal("w", decode(EXECUTION, '{"workflow_id":"w"}').workflow_id)
    assert.equal("w", decode(EXECUTION, ' { "workflowId" : "w" } ').workflow_id)
    for _, text in ipairs { "10", '"10"', "1e1", '"1.0e1"', "10.0", '"100e-1"' } do
      assert.equal(10, decode(RETRY, ('{"maximumAttempts":%s}'):format(text)).maximum_attempts)
    end
    for _, text in ipairs { '"+/8="', '"-_8="', '"-_8"', '"+/8"' } do
      assert.equal("\251\255", decode(PAYLOAD, ('{"data":%s}'):format(text)).data)
    end
    assert.equal("EVENT_TYPE_TIMER_FIRED", decode(EVENT, '{"eventType":18}').event_type)
    assert.equal(0.5, decode(RETRY, '{"backoffCoefficient":"0.5"}').backoff_coefficient)
    assert.equal(math.huge, decode(RETRY, '{"backoffCoefficient":"Infinity"}').backoff_coefficient)
    assert.same({ seconds = -1, nanos = -500000000 },
      decode(RETRY, '{"initialInterval":"-1.5s"}').initial_interval)
    assert.same(decode(EXECUTION, "{}"), decode(EXECUTION, '{"workflowId":null,"runId":null}'))
  end)

  it("keeps an Any, with its fields or with the value of a known type", function()
    local inner = core.encode(EXECUTION, { workflow_id = "w" })
    local any = { type_url = URL .. EXECUTION, value = inner }
    local duration = { type_url = URL .. DURATION, value = core.encode(DURATION, { seconds = 1 }) }
    local text = ('{"code":2,"details":[{"@type":"%s","workflowId":"w"},'
      .. '{"@type":"%s","value":"1s"},{}]}'):format(URL .. EXECUTION, URL .. DURATION)
    encodes(STATUS, { code = 2, details = { any, duration, {} } }, text)
    assert.same({ any, duration, { type_url = "", value = "" } }, decode(STATUS, text).details)
    local late = decode(STATUS, ('{"details":[{"workflowId":"w","@type":"%s"}]}')
      :format(URL .. EXECUTION))
    assert.same({ any }, late.details)
    local result, message = core.protojson_encode(STATUS,
      { details = { { type_url = "x/no.Such" } } })
    assert.is_nil(result)
    assert.equal('Status.details[1]: an Any of an unknown type, "x/no.Such", has no JSON form',
      message)
  end)

  it("goes as deep as messages do, and as JSON text may", function()
    local deep = assert(core.protojson_encode(FAILURE, nested(99)))
    assert.equal(deep, core.protojson_encode(FAILURE, decode(FAILURE, deep)))
    assert.is_string((core.protojson_encode(FAILURE, nested(100))))
    local result, message = core.protojson_encode(FAILURE, nested(101))
    assert.is_nil(result)
    assert.matches("nested deeper than 100 levels", message)
    result, message = core.protojson_decode(FAILURE, ('{"cause":'):rep(101) .. "{}"
      .. ("}"):rep(101))
    assert.is_nil(result)
    assert.matches("nested deeper than 100 levels at offset 900$", message)
    -- bytes within bytes, and an Any within an Any
    local bytes = ""
    for _ = 1, 101 do
      bytes = core.encode(FAILURE, { cause = bytes }, true)
    end
    result, message = core.protojson_encode(FAILURE, bytes)
    assert.is_nil(result)
    assert.matches("nested deeper than 100 levels$", message)
    local any = "{}"
    for _ = 1, 60 do
      any = ('{"@type":"%sgoogle.protobuf.Any","value":%s}'):format(URL, any)
    end
    assert.equal(any, core.protojson_encode("google.protobuf.Any",
      decode("google.protobuf.Any", any)))
  end)

  it("refuses what does not fit, and says where", function()
    for _, case in ipairs {
      { EXECUTION, "[]", "WorkflowExecution: expected an object, got an array at offset 0" },
      { EXECUTION, "null", "WorkflowExecution: expected an object, got null at offset 0" },
      { EXECUTION, "", "WorkflowExecution: the text ends: expected a value at offset 0" },
      { EXECUTION, "{} 1", "WorkflowExecution: expected the end of the text after its one value"
        .. " at offset 3" },
      { EXECUTION, '{"workflowld":"w"}', 'WorkflowExecution: unknown field "workflowld" at'
        .. ' offset 1; did you mean "workflow_id"?' },
      { EXECUTION, '{"workflowId":1}', "WorkflowExecution.workflow_id: expected a string, got a"
        .. " number at offset 14" },
      { EXECUTION, '{"workflowId":"a","workflow_id":"b"}', "WorkflowExecution.workflow_id: the"
        .. " field is given a second time at offset 18" },
      { EXECUTION, '{"workflowId":"a"', "WorkflowExecution: expected ',' or '}' at offset 17" },
      { RETRY, '{"maximumAttempts":1.5}', "RetryPolicy.maximum_attempts: expected an integer, got"
        .. " a fraction at offset 19" },
      { RETRY, '{"maximumAttempts":2147483648}', "RetryPolicy.maximum_attempts: the number is out"
        .. " of the range of int32 at offset 19" },
      { RETRY, '{"initialInterval":"1m"}', 'RetryPolicy.initial_interval: expected a Duration such'
        .. ' as "1.5s", of at most 315576000000 seconds, got "1m" at offset 19' },
      { RETRY, '{"nonRetryableErrorTypes":["a",null]}', "RetryPolicy.non_retryable_error_types[2]:"
        .. " expected a value, got null at offset 31" },
      { EVENT, '{"eventType":"TIMER"}', 'HistoryEvent.event_type: unknown enum value "TIMER" at'
        .. " offset 13" },
      { EVENT, '{"eventType":"EVENT_TYPE_TIMER_FIRE"}', "HistoryEvent.event_type: unknown enum"
        .. ' value "EVENT_TYPE_TIMER_FIRE" at offset 13; did you mean "EVENT_TYPE_TIMER_FIRED"?' },
      { PAYLOAD, '{"data":"a"}', "Payload.data: expected base64 text at offset 8" },
      { MEMO, '{"fields":{"a":{},"b":{},"a":{}}}', "Memo.fields: the object has a key twice; it"
        .. " ends at offset 31" },
      { MEMO, '{"fields":{"a":null}}', "Memo.fields: expected a value, got null at offset 15" },
      { EVENT, '{"timerStartedEventAttributes":{},"timerFiredEventAttributes":{}}',
        "HistoryEvent.timer_fired_event_attributes: a second field of the same oneof is given at"
        .. " offset 62" },
      { STATUS, '{"details":[{"a":1}]}', 'Status.details[1]: the Any has no "@type"; it ends at'
        .. " offset 18" },
      { STATUS, '{"details":[{"@type":"x"}]}', 'Status.details[1]: unknown message in "@type", "x"'
        .. " at offset 21" },
    } do
      refuses(case[1], case[2], case[3])
    end
    refuses("no.Such", "{}", 'unknown message "no.Such"')
    local result, message = core.protojson_encode(TIMESTAMP, { seconds = 253402300800 })
    assert.is_nil(result)
    assert.matches("^Timestamp: a Timestamp has JSON text from the year 1 to 9999", message)
    result, message = core.protojson_encode(RETRY,
      { initial_interval = { seconds = 1, nanos = -1 } })
    assert.is_nil(result)
    assert.matches("^RetryPolicy%.initial_interval: a Duration has JSON text", message)
    result, message = core.protojson_encode(MASK, { paths = { "a", "bC" } })
    assert.is_nil(result)
    assert.equal('FieldMask: the path "bC" of a FieldMask has no JSON form: it must be'
      .. " lower_snake_case", message)
  end)

  it("leaves out unknown fields and enum values when told to", function()
    local ignore = { ignore_unknown = true }
    assert.equal("w", decode(EXECUTION, '{"new":{"a":[1,{"b":null}]},"workflowId":"w","n":"x"}',
      ignore).workflow_id)
    assert.equal("EVENT_TYPE_UNSPECIFIED", decode(EVENT, '{"eventType":"NEW"}', ignore).event_type)
    refuses(EXECUTION, '{"new":[1,}', "WorkflowExecution: expected a value at offset 10", ignore)
    refuses(EXECUTION, '{"new":', "WorkflowExecution: the text ends: expected a value at offset 7",
      ignore)
  end)

  -- What both sides must take or refuse alike.
  local ALIKE = {
    { EXECUTION, '{"workflowId":"\\ud83d\\ude00"}' }, { EXECUTION, '{"workflowId":"\\ud83d"}' },
    { EXECUTION, '{"workflowId":true}' }, { EXECUTION, '{"workflowId":{}}' },
    { EXECUTION, '{"workflowId":"a","workflowId":"a"}' }, { EXECUTION, '{"":1}' },
    { EXECUTION, '{"WorkflowId":"a"}' }, { EXECUTION, '{"workflowID":"a"}' },
    { EXECUTION, '{"workflowId":"a",}' }, { EXECUTION, "{'workflowId':'a'}" },
    { RETRY, '{"maximumAttempts":-2147483648}' }, { RETRY, '{"maximumAttempts":-2147483649}' },
    { RETRY, '{"maximumAttempts":true}' }, { RETRY, '{"maximumAttempts":""}' },
    { RETRY, '{"maximumAttempts":"1 "}' }, { RETRY, '{"maximumAttempts":"a"}' },
    { RETRY, '{"maximumAttempts":1e2}' }, { RETRY, '{"maximumAttempts":"1.5"}' },
    { RETRY, '{"maximumAttempts":[1]}' }, { RETRY, '{"backoffCoefficient":"NaN"}' },
    { RETRY, '{"backoffCoefficient":NaN}' }, { RETRY, '{"backoffCoefficient":"nan"}' },
    { RETRY, '{"backoffCoefficient":1e400}' }, { RETRY, '{"backoffCoefficient":"x"}' },
    { RETRY, '{"backoffCoefficient":{}}' },
    { RETRY, '{"nonRetryableErrorTypes":"a"}' }, { RETRY, '{"nonRetryableErrorTypes":[1]}' },
    { RETRY, '{"nonRetryableErrorTypes":{}}' }, { RETRY, '{"nonRetryableErrorTypes":null}' },
    { RETRY, '{"nonRetryableErrorTypes":[null]}' }, { RETRY, '{"initialInterval":{}}' },
    { RETRY, '{"initialInterval":1}' }, { RETRY, '{"initialInterval":null}' },
    { EVENT, '{"eventId":9223372036854775807}' }, { EVENT, '{"eventId":9223372036854775808}' },
    { EVENT, '{"eventId":"-9223372036854775808"}' }, { EVENT, '{"eventId":-9223372036854775809}' },
    { EVENT, '{"eventType":"event_type_timer_fired"}' }, { EVENT, '{"eventType":"timer_fired"}' },
    { EVENT, '{"eventType":2147483648}' }, { EVENT, '{"eventType":-5}' },
    { EVENT, '{"eventType":[]}' },
    { EVENT, '{"timerFiredEventAttributes":null,"timerStartedEventAttributes":{}}' },
    { EVENT, '{"timerFiredEventAttributes":{},"timerStartedEventAttributes":{}}' },
    { PRIORITY, '{"fairnessWeight":3.4028234e38}' }, { PRIORITY, '{"fairnessWeight":3.5e38}' },
    { PRIORITY, '{"priorityKey":1,"fairnessWeight":1e-50}' },
    { PAYLOAD, '{"data":"AA=="}' }, { PAYLOAD, '{"data":"AA"}' }, { PAYLOAD, '{"data":"_-"}' },
    { PAYLOAD, '{"data":1}' }, { PAYLOAD, '{"data":""}' }, { PAYLOAD, '{"metadata":{"a":1}}' },
    { PAYLOAD, '{"metadata":[]}' }, { PAYLOAD, '{"metadata":{"a":null}}' },
    { PAYLOAD, '{"metadata":{"a":"AA==","a":"AA=="}}' }, { MEMO, '{"fields":{"a":1}}' },
    { TIMESTAMP, '"2024-02-29T23:59:59Z"' }, { TIMESTAMP, '"2023-02-29T00:00:00Z"' },
    { TIMESTAMP, '"0001-01-01T00:00:00Z"' }, { TIMESTAMP, '"0000-01-01T00:00:00Z"' },
    { TIMESTAMP, '"9999-12-31T23:59:59.999999999Z"' },
    { TIMESTAMP, '"9999-12-31T23:59:59-00:01"' }, { TIMESTAMP, '"0001-01-01T00:00:00+00:01"' },
    { TIMESTAMP, '"2024-01-01T00:00:00+05:30"' }, { TIMESTAMP, '"2024-01-01T00:00:00.5-08:00"' },
    { TIMESTAMP, '"2024-01-01T00:00:00"' }, { TIMESTAMP, '"2024-01-01t00:00:00Z"' },
    { TIMESTAMP, '"2024-01-01T00:00:00z"' }, { TIMESTAMP, '"2024-01-01T00:00:00.1234567891Z"' },
    { TIMESTAMP, '"2024-01-01T24:00:00Z"' }, { TIMESTAMP, '"2024-01-01T00:00:60Z"' },
    { TIMESTAMP, '"2024-13-01T00:00:00Z"' }, { TIMESTAMP, '"2024-01-01T00:00:00ZZ"' },
    { TIMESTAMP, '"2024-01-01 00:00:00Z"' }, { TIMESTAMP, "1" }, { TIMESTAMP, "{}" },
    { DURATION, '"0s"' }, { DURATION, '"-0.5s"' }, { DURATION, '"1.000000001s"' },
    { DURATION, '"315576000000s"' }, { DURATION, '"315576000001s"' }, { DURATION, '"1"' },
    { DURATION, '"s"' }, { DURATION, '"1.5"' }, { DURATION, '"1,5s"' }, { DURATION, '".5s"' },
    { MASK, '"a,bC.dE"' }, { MASK, '""' }, { MASK, '"a_b"' }, { MASK, '","' }, { MASK, "[]" },
    { STATUS, '{"details":[{"@type":"type.googleapis.com/no.Such"}]}' },
    { STATUS, '{"details":[{"@type":1}]}' }, { STATUS, '{"details":[1]}' },
    { STATUS, '{"details":[{"@type":"x/google.protobuf.Duration","value":"1s"}]}' },
    { STATUS, '{"details":[{"@type":"x/google.protobuf.Duration"}]}' },
    { STATUS, '{"details":[{"@type":"x/google.protobuf.Empty"}]}' },
    { STATUS, '{"details":[{"@type":"x/' .. EXECUTION .. '","runId":"r","no":1}]}' },
  }

  it("takes and refuses what json_format takes and refuses", function()
    local verdicts = peer.verdicts { python = python, cases = ALIKE }
    assert.equal(#ALIKE, #verdicts)
    for i, case in ipairs(ALIKE) do
      local value, problem = core.protojson_decode(case[1], case[2])
      if type(verdicts[i]) == "string" then
        assert.is_truthy(value, ("%s: %s"):format(case[2], tostring(problem)))
        assert.equal(peer.dump(core.decode(case[1], verdicts[i])), peer.dump(value), case[2])
      else
        assert.is_nil(value, ("%s: Python says %s"):format(case[2], verdicts[i].refused))
      end
    end
  end)

  it("is strict where the mapping's text is and Python is not", function()
    for _, case in ipairs {
      { EXECUTION, '{"workflowId":"a","workflow_id":"b"}' }, -- the same field twice
      { RETRY, '{"maximumAttempts":"007"}' }, { EVENT, '{"eventType":"17"}' },
      { EVENT, '{"eventType":1.5}' },
      { PAYLOAD, '{"data":"A*A="}' }, { TIMESTAMP, '"2024-1-1T0:0:0Z"' }, { DURATION, '"1.s"' },
      { DURATION, '"0.1234567891s"' },
    } do
      assert.is_nil((core.protojson_decode(case[1], case[2])), case[2])
    end
  end)

  it("reads what Python writes for wrappers in the API's own messages", function()
    assert.is_nil(decode(PENDING, "{}").last_failure)
    local name = API .. "taskqueue.v1.TaskQueueMetadata"
    assert.equal(2.5, decode(name, '{"maxTasksPerSecond":2.5}').max_tasks_per_second)
    encodes(name, { max_tasks_per_second = 0 }, '{"maxTasksPerSecond":0}')
    encodes(name, {}, "{}")
  end)
end)

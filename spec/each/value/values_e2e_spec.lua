-- Values on their way to a Python worker and back, and search attributes as a
-- real server keeps them.

local core = require "temporal.core"
local env = require "spec.support.environment"
local search_attributes = require "temporal.value.search_attributes"
local temporal = require "temporal"

describe("a value", function()
  local client

  setup(function()
    client = temporal.client { target = env.address, namespace = env.namespace }
  end)

  teardown(function()
    assert(client:close())
  end)

  local function start(...)
    return client:execute_workflow({ task_queue = env.task_queue }, ...)
  end

  local function finish(run)
    local value, err = run:get(30)
    assert.is_nil(err)
    return value
  end

  it("comes back equal: integers, doubles, text", function()
    local values = {
      0, 1, -1, 9007199254740991, -9007199254740991, 0.1 + 0.2, 1.5, 1e308, 5e-324, -2.5e-10, 1e21,
      true, false, "", "text", "caf\195\169 \240\159\152\128", "quote \" slash \\ / tab \t nul \0",
      "\226\128\168", ("long "):rep(10000),
    }
    local runs = {}
    for i, value in ipairs(values) do
      runs[i] = start("Echo", value)
    end
    for i, run in ipairs(runs) do
      assert.equal(values[i], finish(run))
    end
    -- 5.1 takes the constant -0.0 for the 0 above.
    local zero = finish(start("Echo", -1 / math.huge))
    assert.equal(-1 / 0, 1 / zero)
  end)

  it("comes back of the same kind, where the VM tells integers from floats", function()
    local math_type = rawget(math, "type")
    if math_type then
      local largest, smallest = math.maxinteger, math.mininteger
      local list = { 1, 1.0, 9007199254740993, largest, smallest, 2.0 ^ 53 }
      local back = finish(start("Echo", list))
      for i, value in ipairs(list) do
        assert.equal(value, back[i])
        assert.equal(math_type(value), math_type(back[i]))
      end
    else
      local back = finish(start("Echo", temporal.int64 "9007199254740993"))
      assert.equal("9007199254740993", (tostring(back):gsub("LL$", "")))
    end
  end)

  it("comes back as the structure it was", function()
    local value = {
      object = {}, list = temporal.array {}, nested = { { { { "deep" } } } },
      mixed = { 1, "two", temporal.null, false, { a = temporal.null } }, [""] = "empty key",
    }
    local back = finish(start("Echo", value))
    assert.same({ { { { "deep" } } } }, back.nested)
    assert.equal("empty key", back[""])
    assert.equal(temporal.null, back.mixed[3])
    assert.equal(temporal.null, back.mixed[5].a)
    assert.is_false(back.mixed[4])
    -- And goes out again as what it came: {} an object, [] a list.
    local raw = temporal.assert(start("Echo", { back.object, back.list }):get {
      raw = true, timeout = 30 })
    assert.equal("[{},[]]", raw.data)
  end)

  it("is for others what it was here", function()
    local run = start("WhatArrived", nil, temporal.bytes("\0\255"), true, 1, "s", { 1 }, { a = 1 },
      temporal.null, temporal.raw { metadata = { encoding = "x/y", key = "v" }, data = "d" }, nil)
    local encodings, data = {}, {}
    local arrived = finish(run)
    for i, payload in ipairs(arrived) do
      encodings[i], data[i] = payload.metadata.encoding, payload.data
    end
    assert.same({ "binary/null", "binary/plain", "json/plain", "json/plain", "json/plain",
      "json/plain", "json/plain", "json/plain", "x/y", "binary/null" }, encodings)
    -- base64 of what each is
    assert.same({ "", "AP8=", "dHJ1ZQ==", "MQ==", "InMi", "WzFd", "eyJhIjoxfQ==", "bnVsbA==",
      "ZA==", "" }, data)
    assert.equal("v", arrived[9].metadata.key)
  end)

  it("of Python is one of Lua", function()
    assert.equal("Hello, Lua!", finish(start("Greeting", "Lua")))
    local info = finish(client:execute_workflow({ task_queue = env.task_queue,
      memo = { note = "m" }, header = { trace = "t" }, run_timeout = 90.5,
      retry_policy = { maximum_attempts = 2 }, priority = { key = 4, fairness_key = "f" },
    }, "Info"))
    assert.same({ "Info", env.task_queue, 90.5, 2, 1, 2, 4, "f" }, {
      info.workflow_type, info.task_queue, info.run_timeout, info.retry_policy.maximum_attempts,
      info.retry_policy.initial_interval, info.retry_policy.backoff_coefficient,
      info.priority.key, info.priority.fairness_key,
    })
    -- base64 of "m" and "t" in quotes
    assert.equal("Im0i", info.memo.note.data)
    assert.equal("InQi", info.headers.trace.data)
  end)
end)

describe("search attributes", function()
  local client

  setup(function()
    client = temporal.client { target = env.address, namespace = env.namespace }
  end)

  teardown(function()
    assert(client:close())
  end)

  local function read_back(attributes)
    local run = temporal.assert(client:start_workflow({ task_queue = env.task_queue,
      search_attributes = attributes }, "Echo", 1))
    local description = temporal.assert(client:call("DescribeWorkflowExecution",
      { execution = { workflow_id = run.id } }))
    temporal.assert(run:get(30))
    return search_attributes.decode(description.workflow_execution_info.search_attributes)
  end

  it("come back by their types", function()
    local back = read_back {
      CustomKeyword = temporal.keyword "k", CustomText = temporal.text "some text",
      CustomInt = temporal.int(-7), CustomDouble = temporal.double(2),
      CustomBool = temporal.bool(false),
      CustomDatetime = temporal.datetime "2026-11-22T21:06:08.5Z",
      CustomKeywordList = temporal.keyword_list { "a", "b" },
    }
    assert.same({ "k", "some text", -7, 2, false, 1795381568.5 }, { back.CustomKeyword,
      back.CustomText, back.CustomInt, back.CustomDouble, back.CustomBool, back.CustomDatetime })
    assert.same({ "a", "b" }, { back.CustomKeywordList[1], back.CustomKeywordList[2] })
  end)

  it("come back by the types that plain values have", function()
    local back = read_back { CustomKeyword = "k", CustomInt = 7, CustomDouble = 2.5,
      CustomBool = true, CustomKeywordList = { "a" } }
    assert.same({ "k", 7, 2.5, true, "a" }, { back.CustomKeyword, back.CustomInt,
      back.CustomDouble, back.CustomBool, back.CustomKeywordList[1] })
    back = read_back { CustomDatetime = temporal.datetime(1795381568.123456) }
    assert.equal(1795381568.123456, back.CustomDatetime)
    -- An Int is exact where the VM has integers.
    local exact = core.int64 "9007199254740993"
    assert.equal(exact, read_back({ CustomInt = temporal.int "9007199254740993" }).CustomInt)
  end)

  it("of untyped calls (lists of one) come back as those of typed ones", function()
    local fields = {}
    for name, data in pairs { CustomKeyword = '["k"]', CustomText = '["some text"]',
      CustomInt = "[5]", CustomDouble = "[2.5]", CustomBool = "[false]",
      CustomDatetime = '["2024-07-05T15:43:07.875302+02:00"]', CustomKeywordList = '["one"]' } do
      fields[name] = { metadata = { encoding = "json/plain" }, data = data }
    end
    local id, sent = "untyped-" .. env.uuid(), { indexed_fields = fields }
    local queue = { name = "nobody-" .. id }
    temporal.assert(client:call("StartWorkflowExecution", { workflow_id = id, task_queue = queue,
      workflow_type = { name = "W" }, search_attributes = sent }))
    temporal.assert(client:call("CreateSchedule", { schedule_id = id, search_attributes = sent,
      schedule = { state = { paused = true }, action = { start_workflow = { workflow_id = id,
        workflow_type = { name = "W" }, task_queue = queue } } } }))
    temporal.assert(client:call("StartActivityExecution", { activity_id = id,
      activity_type = { name = "A" }, task_queue = queue, search_attributes = sent,
      start_to_close_timeout = { seconds = 60 } }))
    local run = client:workflow(id)
    for _, handle in ipairs { run, client:schedule(id) } do
      local back = temporal.assert(handle:describe()).search_attributes
      assert.same({ "k", "some text", 5, 2.5, false, 1720186987.875302, { "one" } }, {
        back.CustomKeyword, back.CustomText, back.CustomInt, back.CustomDouble, back.CustomBool,
        back.CustomDatetime, back.CustomKeywordList })
    end
    -- Of activities the server does not say the types.
    local back = temporal.assert(client:activity(id):describe()).search_attributes
    assert.same({ 5, 2.5, false, { "one" } }, { back.CustomInt, back.CustomDouble,
      back.CustomBool, back.CustomKeywordList })
    temporal.assert(run:terminate())
    temporal.assert(client:schedule(id):delete())
    temporal.assert(client:activity(id):terminate())
  end)

  it("are unset by null", function()
    assert.is_nil(read_back({ CustomKeyword = temporal.null }).CustomKeyword)
  end)
end)

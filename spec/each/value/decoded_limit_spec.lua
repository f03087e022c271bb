-- What decoding may make: tables and elements are counted, since two bytes of a message can be a
-- table with all its fields. See spec/once/connection/gzip_spec.lua for whole answers.
local converter = require "temporal.value.converter"
local core = require "temporal.core"

local HISTORY = "temporal.api.history.v1.History"
local LISTING = "temporal.api.workflowservice.v1.ListWorkflowExecutionsResponse"
local PAYLOAD = "temporal.api.common.v1.Payload"
local METADATA = "temporal.api.sdk.v1.WorkflowTaskCompletedMetadata"

-- The tables and elements of a value.
local function count(value)
  local n = 1
  for _, element in pairs(value) do
    n = n + (type(element) == "table" and count(element) or 0) + 1
  end
  return n
end

local function refused(type_name, bytes, max)
  local value, message, too_much = core.decode(type_name, bytes, max)
  assert.is_true(value == nil and too_much, message)
  return message
end

-- As many as a history has at least: identifiers, times and the smallest attributes.
local function history(n)
  local time = { seconds = 1700000000, nanos = 123456789 }
  local kinds = {
    { event_type = "EVENT_TYPE_TIMER_FIRED",
      timer_fired_event_attributes = { timer_id = "5", started_event_id = 5 } },
    { event_type = "EVENT_TYPE_WORKFLOW_TASK_SCHEDULED",
      workflow_task_scheduled_event_attributes = { task_queue = { name = "q" }, attempt = 1 } },
    { event_type = "EVENT_TYPE_WORKFLOW_TASK_SCHEDULED" },
  }
  local events = {}
  for i = 1, n do
    events[i] = kinds[i % #kinds + 1]
    events[i].event_id, events[i].event_time, events[i].task_id = 1000, time, 1048577
  end
  return assert(core.encode(HISTORY, { events = events }))
end

describe("decoding", function()
  it("makes no more than it may, exactly", function()
    local bytes = assert(core.encode(HISTORY, { events = { { event_id = 1 }, { event_id = 2 } } }))
    -- All that is in it; a list's place counts for its first element.
    local all = count(assert(core.decode(HISTORY, bytes))) - 1
    assert.equal(2, #assert(core.decode(HISTORY, bytes, all)).events)
    assert.equal(("History.events[2]: more than %d tables and elements"):format(all - 1),
      refused(HISTORY, bytes, all - 1))
  end)

  it("of a few bytes makes no bomb, whatever they repeat", function()
    for _, case in ipairs {
      { HISTORY, "\10\0" }, { LISTING, "\10\0" },
      { "temporal.api.common.v1.Memo", "\10\0" }, -- one key again and again
      { "temporal.api.common.v1.Payloads", "\10\0" },
    } do
      local message = refused(case[1], case[2]:rep(300000))
      assert.matches("^%a+%.%a+%S*: more than 1450000 tables and elements$", message)
    end
  end)

  it("takes what is honest, of any size, by a wide margin", function()
    local bytes = history(100000)
    assert.is_true(#bytes > 2000000)
    local value = assert(core.decode(HISTORY, bytes))
    assert.equal(100000, #value.events)
    -- As dense as no server's history is, and half of what is allowed for each byte.
    assert.is_true(count(value) < #bytes)
  end)

  it("counts the elements of packed lists and maps", function()
    local flags = assert(core.encode(METADATA, { lang_used_flags = { 1, 2, 3, 4, 5, 6, 7, 8 } }))
    assert.equal(8, #assert(core.decode(METADATA, flags, 30)).lang_used_flags)
    assert.matches("lang_used_flags%[%d%]: more than 5 tables", refused(METADATA, flags, 5))
    local map = assert(core.encode(PAYLOAD, { metadata = { a = "1", b = "2", c = "3" } }))
    assert.is_table(core.decode(PAYLOAD, map, 30))
    assert.matches("more than 3 tables", refused(PAYLOAD, map, 3))
  end)

  it("grows long lists as they come", function()
    -- The first of many elements cannot be read: no room was made for the others.
    local bytes = "\10\2\255\255" .. ("\10\0"):rep(10000000)
    collectgarbage()
    local before = collectgarbage "count"
    collectgarbage "stop"
    local read = core.decode(HISTORY, bytes) ~= nil
    local kilobytes = collectgarbage "count" - before
    collectgarbage "restart"
    assert.is_false(read)
    assert.is_true(kilobytes < 1000, kilobytes .. " KB")
  end)

  it("of JSON is bounded in the same way", function()
    local payload = { metadata = { encoding = "json/plain" }, data = "[1,[2],{\"a\":3}]" }
    -- Three tables, and five elements.
    assert.same({ 1, { 2 }, { a = 3 } }, core.payload_value(payload, 8))
    local value, message, encoding, too_much = core.payload_value(payload, 7)
    assert.is_nil(value)
    assert.equal("json/plain", encoding)
    assert.is_true(too_much)
    assert.matches("more than 7 tables and elements, at byte offset 15: a larger client option "
      .. "max_decoded allows it", message)
    value, message = core.json_decode("[" .. ("[],"):rep(3000000) .. "1]")
    assert.is_true(value == nil)
    assert.matches("^more than 6000000 tables and elements", message)
  end)

  it("of values is bounded by the client's option", function()
    local values = assert(converter.new(nil, { max_decoded = 10 }))
    local payload = { metadata = { encoding = "json/plain" }, data = "[1,2,3,4,5,6,7,8,9]" }
    assert.equal(9, #values:value(payload))
    payload.data = "[1,2,3,4,5,6,7,8,9,10]"
    local value, problem = values:value(payload)
    assert.is_nil(value)
    assert.same({ "message_too_large", 10, payload },
      { problem.kind, problem.limit, problem.raw })
    for _, encoding in ipairs { "json/protobuf", "binary/protobuf" } do
      payload = { metadata = { encoding = encoding, messageType = HISTORY },
        data = encoding == "json/protobuf" and '{"events":[{},{}]}' or "\10\0\10\0" }
      value, problem = values:value(payload)
      assert.is_nil(value)
      assert.equal("message_too_large", problem.kind)
      assert.matches("History%.events%[%d%].*max_decoded", problem.message)
    end
  end)
end)

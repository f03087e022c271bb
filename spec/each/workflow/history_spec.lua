--- Histories as the engine reads them: an index over bytes, against the full decode of every type
-- of event; pages; bytes that are no history.

local core = require "temporal.core"
local errors = require "temporal.error.error"
local histories = require "temporal.workflow.history"

local EVENT = "temporal.api.history.v1.HistoryEvent"
local HISTORY = "temporal.api.history.v1.History"
local PAYLOADS = "temporal.api.common.v1.Payloads"

-- Any field reads it: as text, as bytes, as a message with fields of its own, as packed numbers.
local ANYTHING = "\8\1\18\2\8\1\26\2\8\2\34\4\10\2\8\1"

-- Attributes with fields of every number, as a varint and as bytes: what does not suit is unknown.
local function attributes_bytes()
  local parts = {}
  local function tag(number, wire)
    local value = number * 8 + wire
    return value < 128 and string.char(value)
      or string.char(value % 128 + 128, math.floor(value / 128))
  end
  for number = 1, 80 do
    parts[#parts + 1] = tag(number, 0) .. "\1"
    parts[#parts + 1] = tag(number, 2) .. string.char(#ANYTHING) .. ANYTHING
  end
  return table.concat(parts)
end

local function kinds()
  local list = {}
  for name, number in next, core.enum "temporal.api.enums.v1.EventType" do
    if type(name) == "string" and number > 0 then
      list[#list + 1] = name:gsub("^EVENT_TYPE_", ""):lower()
    end
  end
  table.sort(list)
  return list
end

local function encoded(id, kind, attributes)
  return assert(core.encode(EVENT, {
    event_id = id, event_type = "EVENT_TYPE_" .. kind:upper(),
    event_time = { seconds = 1700000000 + id, nanos = 500000000 },
    [kind .. "_event_attributes"] = attributes,
  }, true))
end

local function history_of(...)
  return assert(core.encode(HISTORY, { events = { ... } }, true))
end

-- Every field of a full message reads so in a sparse one, which has no others.
local function assert_same(full, sparse, place)
  if type(full) ~= "table" then
    return assert.equal(full, sparse, place)
  elseif type(sparse) == "string" then
    sparse = assert(core.decode(PAYLOADS, sparse))
  end
  for name, value in next, full do
    assert_same(value, sparse[name], place .. "." .. tostring(name))
  end
  for name in next, sparse do
    assert.is_not_nil(full[name], place .. "." .. tostring(name))
  end
end

local function append(events, last_id)
  local history = histories.new(last_id)
  local ok, problem = history:append(events)
  return ok and history, problem
end

describe("the index of a history", function()
  it("gives what the full decode gives, of every type of event", function()
    local list, events = kinds(), {}
    assert.is_true(#list > 50)
    for id, kind in ipairs(list) do events[id] = encoded(id, kind, attributes_bytes()) end
    local full = assert(core.decode(HISTORY, history_of((table.unpack or unpack)(events)))).events
    local history = assert(append(history_of((table.unpack or unpack)(events))))
    local wanted = require("temporal.workflow.event").wanted_of
    assert.equal(#list, history.count)
    for id, kind in ipairs(list) do
      assert.equal(kind, history:kind(id))
      assert.equal(id, history:id(id))
      assert.equal(1700000000.5 + id, history:time(id))
      local attributes = full[id][kind .. "_event_attributes"]
      if wanted[kind] then
        local some = history:attributes(id)
        for name, value in next, some do
          if name ~= "_unknown" then assert_same(attributes[name], value, kind) end
        end
      else
        assert_same(attributes, history:attributes(id), kind)
      end
    end
  end)

  it("reads what is absent as its default, without changing it", function()
    local history = assert(append(history_of(encoded(1, "workflow_execution_started", ""))))
    local attributes = history:attributes(1)
    assert.is_nil(next(attributes))
    assert.equal("", attributes.identity)
    assert.equal(0, attributes.attempt)
    assert.equal("CONTINUE_AS_NEW_INITIATOR_UNSPECIFIED", attributes.initiator)
    assert.is_nil(attributes.workflow_type)
    local list = history:attributes(1).completion_callbacks
    assert.equal(0, #list)
    assert.is_false(pcall(function() list[1] = true end))
    history = assert(append { { event_id = 1, event_type = "EVENT_TYPE_TIMER_FIRED" } })
    assert.equal("", history:attributes(1).timer_id)
    assert.equal(0, history:time(1))
  end)

  it("decodes only what the engine reads of common events", function()
    local history = assert(append(history_of(encoded(1, "activity_task_scheduled",
      { activity_id = "a", activity_type = { name = "A" }, task_queue = { name = "q" } }))))
    assert.same({ activity_id = "a", activity_type = { name = "A" } }, history:attributes(1))
  end)

  it("knows, without decoding, whether there is anything to read", function()
    local history = assert(append(history_of(
      encoded(1, "workflow_task_completed", { identity = "i", scheduled_event_id = 1 }),
      encoded(2, "workflow_task_completed", { identity = "i", sdk_metadata = {} }),
      encoded(3, "workflow_task_completed"), encoded(4, "workflow_task_completed", "\255"))))
    assert.is_false(history:says_something(1))
    assert.is_true(history:says_something(2))
    assert.is_false(history:says_something(3))
    assert.is_true(history:says_something(4))
  end)

  it("takes decoded events too", function()
    local history = assert(append { { event_id = 1, event_type = "EVENT_TYPE_TIMER_FIRED",
      timer_fired_event_attributes = { timer_id = "t", started_event_id = 7 } } })
    assert.equal("timer_fired", history:kind(1))
    assert.same(7, history:attributes(1).started_event_id)
    local ok, problem = append { { event_id = "x" } }
    assert.is_nil(ok)
    assert.matches("History.events[1].event_id", problem.message, 1, true)
  end)

  it("has pages that overlap, and none with a gap", function()
    local function page(from, to)
      local events = {}
      for id = from, to do
        events[#events + 1] = encoded(id, "timer_fired", { started_event_id = id })
      end
      return history_of((table.unpack or unpack)(events))
    end
    local history = assert(append(page(1, 3)))
    assert.is_true(history:append(page(2, 5)))
    assert.is_true(history:append(page(4, 5)))
    assert.is_true(history:append "")
    assert.is_true(history:append(page(6, 6)))
    assert.equal(6, history.count)
    for _, id in ipairs { 1, 6, 4, 3, 5, 2 } do
      assert.equal(id, history:attributes(id).started_event_id)
    end
    local ok, problem = history:append(page(8, 9))
    assert.is_nil(ok)
    assert.equal("the history has a gap: event 8 follows event 6", problem.message)
    assert.equal(6, history.count)
    assert.is_nil(history:kind(7))
    assert.is_nil(history:kind(8))
    history:clear()
    assert.equal(0, history.count)
    assert.is_true(history:append(page(5, 8)))
    assert.equal(2, history.count)
    assert.equal(7, history:id(1))
    assert.equal(8, history:attributes(2).started_event_id)
    assert.equal(5, histories.first_id(page(5, 8)))
    assert.is_nil(histories.first_id "")
  end)

  it("knows types of a newer server by their numbers, and whether they may be ignored", function()
    local history = assert(append {
      { event_id = 1, event_type = 4321 },
      { event_id = 2, event_type = -5, worker_may_ignore = true },
    })
    assert.equal(4321, history:kind(1))
    assert.is_false(history:may_be_ignored(1))
    assert.equal(-5, history:kind(2))
    assert.is_true(history:may_be_ignored(2))
    assert.is_nil(history:attributes(1))
  end)

  it("reads attributes that come in pieces, or that are of another type", function()
    local first = encoded(1, "timer_fired", { timer_id = "t" })
    local second = assert(core.encode(EVENT,
      { timer_fired_event_attributes = { started_event_id = 9 } }))
    local history = assert(append(history_of(first .. second)))
    assert.same({ timer_id = "t", started_event_id = 9 }, history:attributes(1))
    local message = "temporal.api.history.v1.WorkflowExecutionStartedEventAttributes"
    local started = ""
    for _, each in ipairs {
      { header = {}, retry_policy = { maximum_attempts = 3 }, input = { payloads = { {} } } },
      { header = { fields = { k = { data = "x" } } }, input = { payloads = { {} } },
        retry_policy = { non_retryable_error_types = { "T" } } },
    } do
      started = started .. assert(core.encode(message, each))
    end
    history = assert(append(history_of(encoded(1, "workflow_execution_started", started))))
    local full = assert(core.decode(message, started))
    assert.same(full.input, core.decode(PAYLOADS, history:attributes(1).input))
    full.input = nil
    assert_same(full, history:late_attributes(1), "pieces")
    assert.is_nil(history:late_attributes(1).input)
    local other = assert(core.encode(EVENT,
      { timer_canceled_event_attributes = { timer_id = "u" } }))
    history = assert(append(history_of(first .. other)))
    assert.equal("", history:attributes(1).timer_id)
    history = assert(append(history_of(encoded(1, "timer_fired") .. other)))
    assert.equal("", history:attributes(1).timer_id)
  end)

  it("refuses bytes that are no history, with the offset", function()
    local whole = history_of(encoded(1, "timer_fired", { timer_id = "t" }))
    local cut = {}
    for n = 1, #whole - 1 do
      local ok, problem = append(whole:sub(1, n))
      if ok then
        cut[#cut + 1] = n
      else
        assert.matches("^temporal%.api%.history%.v1%.History: .* at offset %d+$", problem.message)
      end
    end
    assert.same({}, cut)
    for _, event in ipairs { "\8", "\18\2\8", "\18\1\255", "\255" } do
      local ok, problem = append(history_of(event))
      assert.is_nil(ok)
      assert.matches("at offset", problem.message, 1, true)
    end
  end)

  it("says which event has attributes that cannot be read", function()
    local history = assert(append(history_of(encoded(1, "timer_started", "\10\1t"),
      encoded(2, "timer_fired", "\10\2\255\254"))))
    assert.equal("t", history:attributes(1).timer_id)
    history = assert(append(history_of(encoded(1, "timer_started", "\10\1t"),
      encoded(2, "timer_canceled", "\10\2\255\254"))))
    local ok, problem = pcall(history.attributes, history, 2)
    assert.is_false(ok)
    assert.is_true(errors.is_error(problem))
    assert.matches("^event 2 of the history cannot be read: .*timer_id", problem.message)
  end)
end)

if _VERSION == "Lua 5.1" and not rawget(_G, "jit") then return end

local runs = require "temporal.workflow.run"
local temporal = require "temporal"

describe("a run", function()
  local function apply(...)
    local history = assert(append(history_of(...)))
    local run = runs.new {
      definition = function() end, converter = temporal.converter.new(), namespace = "default",
      workflow_id = "w", run_id = "11111111-1111-4111-8111-111111111111",
    }
    return run:apply(history, 0)
  end

  it("fails its task for events that are not what they should be", function()
    local commands, problem = apply(encoded(1, "workflow_execution_started",
      { workflow_type = { name = "W" } }), encoded(2, "workflow_execution_update_admitted", ""))
    assert.is_nil(commands)
    assert.equal("internal", problem.kind)
    assert.matches("^events 1 to 2 of the history are not what they should be: ", problem.message)
    commands, problem = apply(encoded(1, "workflow_execution_started", "\10\2\10\255"))
    assert.is_nil(commands)
    assert.matches("^event 1 of the history cannot be read: ", problem.message)
  end)
end)

describe("payload bytes", function()
  local converter = temporal.converter.new()

  local function bytes(...)
    return assert(converter:payloads(select("#", ...), ...))
  end

  it("become the values that their table becomes", function()
    local all = bytes(nil, "text", 1.5, { a = { 1, 2 } }, temporal.bytes "\0\255", false,
      temporal.null)
    local list = assert(converter:values(all))
    assert.same(converter:values(core.decode(PAYLOADS, all)), list)
    assert.equal(7, list.n)
    assert.same({ n = 0 }, converter:values "")
    assert.same({ n = 0 }, converter:values(nil))
  end)

  it("are left to Lua where they are unusual or wrong", function()
    local function payload(metadata, data)
      return assert(core.encode(PAYLOADS, { payloads = { { metadata = metadata, data = data } } }))
    end
    assert.is_nil(core.payload_values(payload({ encoding = "own" }, "x")))
    local values, problem = converter:values(payload({ encoding = "own" }, "x"))
    assert.is_nil(values)
    assert.matches('no converter reads the encoding "own"', problem.message, 1, true)
    assert.equal(1, problem.index)
    values, problem = converter:values(payload({ encoding = "json/plain" }, "{"))
    assert.is_nil(values)
    assert.matches("the payload's JSON cannot be read", problem.message, 1, true)
    values, problem = converter:values(payload({}, "x"))
    assert.is_nil(values)
    assert.matches('no metadata "encoding"', problem.message, 1, true)
    values, problem = converter:values "\10\5x"
    assert.is_nil(values)
    assert.equal("conversion", problem.kind)
    assert.matches("Payloads", problem.message, 1, true)
    local own = temporal.converter.new { { encoding = "own",
      decode = function(each) return "own " .. each.data end } }
    assert.same({ n = 1, "own x" }, own:values(payload({ encoding = "own" }, "x")))
  end)
end)

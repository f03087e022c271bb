--- Rows of parity_values_spec.lua: values on their way. What Lua writes Python reads, as the result
-- and in the workflow; and the reverse; and both read what they wrote themselves.

local assert = require "luassert"
local core = require "temporal.core"
local env = require "spec.support.environment"
local parity = require "spec.support.parity"
local temporal = require "temporal"

local unpack = table.unpack or unpack -- luacheck: ignore 113 143

local rows = {}

local function must(...) return (temporal.assert(...)) end

-- Bytes decode to a string here: the two forms are brought together.
local function with_bytes(value)
  if type(value) == "table" and value["$bytes"] then
    return (value["$bytes"]:gsub("%x%x", function(pair)
      return string.char(tonumber(pair, 16))
    end))
  end
  return value
end

local function value_row(name, value, sent)
  if sent == nil then sent = value end
  if sent == nil then sent = temporal.null end
  table.insert(rows, {
    "a value there and back: " .. name,
    lua = function(case)
      return case.client:execute_workflow({ id = case.id, task_queue = env.task_queue }, "Echo",
        value):get(30)
    end,
    python = { op = "start", workflow = "Echo", args = temporal.array { sent }, get = true },
    normalise = function(outcome)
      outcome.value = with_bytes(outcome.value)
      return outcome
    end,
    -- The other client reads it too.
    after = function(case)
      if case.side == "lua" then
        return with_bytes(parity.ask({ op = "get", id = case.id }).value)
      end
      return (must(case:run():get(30)))
    end,
  })
end

local every_byte = {}
for i = 0, 255 do every_byte[i + 1] = string.char(i) end
every_byte = table.concat(every_byte)

local deep, wide = { "bottom" }, {}
for _ = 1, 60 do deep = { deep } end
for i = 1, 2000 do wide["key-" .. i] = i end

value_row("text", "plain")
value_row("no text", "")
value_row("Unicode", "ß é ü 漢字 \240\159\152\128 \226\128\168 \239\187\191 \239\191\191")
value_row("control characters and quotes", "\0\1\31\127 \"quoted\" back\\slash / \r\n\t")
-- Python spells each of these letters in six bytes; the server takes two megabytes.
value_row("much text", ("ü"):rep(300000))
value_row("bytes", temporal.bytes(every_byte), parity.bytes(every_byte))
value_row("no bytes", temporal.bytes "", parity.bytes "")
value_row("true", true)
value_row("false", false)
value_row("nil", nil)
value_row("zero", 0)
value_row("minus zero", -0.0)
value_row("an integer", -42)
value_row("the integers around 2^53", { temporal.int64 "9007199254740991",
  temporal.int64 "9007199254740992", temporal.int64 "9007199254740993",
  temporal.int64 "-9007199254740993" })
value_row("the largest int64", temporal.int64 "9223372036854775807")
value_row("the least int64", temporal.int64 "-9223372036854775808")
for name, number in pairs {
  ["a tenth"] = 0.1, ["0.1 + 0.2"] = 0.1 + 0.2, ["a third"] = 1 / 3, ["an integral float"] = 3.0,
  ["the largest double"] = 1.7976931348623157e308, ["the least double"] = 4.9406564584124654e-324,
  ["the least normal double"] = 2.2250738585072014e-308, ["1e21"] = 1e21, ["-1e-7"] = -1e-7,
  ["2^63 as a double"] = 2 ^ 63,
} do
  value_row("the number " .. name, number)
end
value_row("a list", { 1, "two", 3.5, true })
value_row("a list with nulls", temporal.array { 1, temporal.null, 3, temporal.null })
value_row("an empty list", temporal.array {})
value_row("an empty table", {})
value_row("empties inside", { list = temporal.array {}, table = {}, null = temporal.null,
  both = { temporal.array {}, {} } })
value_row("nested", { a = { b = { c = { 1, { d = "ü" }, temporal.null } } }, [""] = "empty key" })
value_row("keys that need quotes", { ["a b"] = 1, ["\"q\""] = 2, ["ключ"] = 3, ["\n"] = 4,
  ["1"] = "a digit" })
value_row("sixty levels deep", deep)
value_row("two thousand keys", wide)

-- Arguments: how many there are, and what each is to the worker. The same data, not the same
-- bytes: JSON has many spellings, and the decoded values are compared above.
local function arguments_row(name, args, sent)
  table.insert(rows, {
    "arguments: " .. name,
    lua = function(case)
      return case.client:execute_workflow({ id = case.id, task_queue = env.task_queue },
        "Any" .. case.side, unpack(args, 1, args.n or #args)):get(30)
    end,
    python = { op = "start", workflow = "Anypython", args = sent or parity.list(args),
      get = true },
    normalise = function(outcome)
      for _, shown in ipairs(outcome.value or {}) do
        -- base64: what JSON without spaces is the same
        if shown.metadata.encoding == "json/plain" and #shown.data > 8 then shown.data = nil end
      end
    end,
  })
end

arguments_row("none", {})
arguments_row("one nil", { nil, n = 1 })
arguments_row("nil in the middle", { 1, nil, "three", n = 3 })
arguments_row("nil at both ends", { nil, 2, nil, n = 3 })
arguments_row("bytes among others", { "a", temporal.bytes "\0\255", 2 },
  temporal.array { "a", parity.bytes "\0\255", 2 })
arguments_row("twenty", { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20 })

-- Search attributes: of each type, written by either and read by both.

local function shown(value)
  return type(value) == "number" and parity.stamp(value) or value
end

local function attribute_row(name, key, kind, value)
  table.insert(rows, {
    "a search attribute: " .. name,
    lua = function(case)
      local run, err = case.client:start_workflow({ id = case.id, task_queue = "parity-nobody",
        search_attributes = { [key] = temporal[kind](value) } }, "Order")
      return run and { id = run.id, run_id = run.run_id }, err
    end,
    python = { op = "start", workflow = "Order", options = { task_queue = "parity-nobody",
      search_attributes = { [key] = temporal.array { kind, value } } } },
    after = function(case)
      local found = must(case:run():describe()).search_attributes[key]
      if kind == "datetime" then found = shown(found) end
      local theirs = parity.ask({ op = "describe", id = case.id }).value.search_attributes[key]
      if kind == "datetime" then
        assert.is_true(math.abs(theirs:sub(2) - found:sub(2)) < 2e-6)
      else
        assert.equal(parity.canonical(theirs), parity.canonical(found))
      end
      return { found }
    end,
  })
end

attribute_row("a keyword of Unicode", "CustomKeyword", "keyword", "schlüssel 漢字 '\"")
attribute_row("an empty keyword", "CustomKeyword", "keyword", "")
attribute_row("a text", "CustomText", "text", "viele Wörter, and more of them")
attribute_row("zero", "CustomInt", "int", 0)
attribute_row("the largest int64", "CustomInt", "int", temporal.int64 "9223372036854775807")
attribute_row("the least int64", "CustomInt", "int", temporal.int64 "-9223372036854775808")
attribute_row("2^53 + 1", "CustomInt", "int", temporal.int64 "9007199254740993")
attribute_row("a double", "CustomDouble", "double", 0.1)
attribute_row("an integral double", "CustomDouble", "double", 7.0)
attribute_row("a huge double", "CustomDouble", "double", 1.5e300)
attribute_row("true", "CustomBool", "bool", true)
attribute_row("false", "CustomBool", "bool", false)
attribute_row("a list of keywords", "CustomKeywordList", "keyword_list", { "a", "ß", "" })
attribute_row("an empty list of keywords", "CustomKeywordList", "keyword_list",
  temporal.array {})
attribute_row("now", "CustomDatetime", "datetime", 1795401557.123456)
attribute_row("the epoch", "CustomDatetime", "datetime", 0)
attribute_row("before the epoch", "CustomDatetime", "datetime", -86400.5)
attribute_row("the year 1900", "CustomDatetime", "datetime", "1900-01-01T00:00:00+00:00")
attribute_row("a date with a zone", "CustomDatetime", "datetime", "2026-02-28T23:30:00+05:30")
attribute_row("the year 9999", "CustomDatetime", "datetime", "9999-12-31T23:59:59+00:00")

-- Headers and memos.

local function last_header(case)
  local header
  for event in case:run():history() do
    local attributes = event.workflow_execution_signaled_event_attributes
    header = attributes and attributes.header and attributes.header.fields or header
  end
  local made = {}
  for name, payload in pairs(header or {}) do
    made[name] = { payload.metadata.encoding, core.json_decode(payload.data) }
  end
  return made
end

table.insert(rows, {
  "the header of a signal",
  setup = function(case)
    must(case.client:start_workflow({ id = case.id, task_queue = "parity-nobody" }, "Order"))
  end,
  lua = function(case)
    return case:run():signal { name = "x", header = { ["_tracer-data"] = "ß", n = 7, yes = true } }
  end,
  python = { op = "signal", name = "x",
    header = { ["_tracer-data"] = "ß", n = 7, yes = true } },
  after = last_header,
})

table.insert(rows, {
  "a memo with everything",
  lua = function(case)
    local run, err = case.client:start_workflow({ id = case.id, task_queue = "parity-nobody",
      memo = { text = "ß", big = temporal.int64 "9223372036854775807", float = 0.1, no = false,
        bytes = temporal.bytes "\0\255", list = { 1, { a = "b" } }, empty = temporal.array {},
        ["ключ"] = {} } }, "Order")
    return run and { id = run.id, run_id = run.run_id }, err
  end,
  python = { op = "start", workflow = "Order", options = { task_queue = "parity-nobody",
    memo = { text = "ß", big = temporal.int64 "9223372036854775807", float = 0.1, no = false,
      bytes = parity.bytes "\0\255", list = { 1, { a = "b" } }, empty = temporal.array {},
      ["ключ"] = {} } } },
  after = function(case)
    local ours = must(case:run():describe()).memo
    local theirs = parity.ask({ op = "describe", id = case.id }).value.memo
    theirs.bytes = with_bytes(theirs.bytes)
    assert.equal(parity.canonical(theirs), parity.canonical(ours))
    return ours
  end,
})

return rows

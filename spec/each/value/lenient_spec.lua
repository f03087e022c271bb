-- temporal.converter.lenient: what other languages' JSON writers make of values that JSON has no
-- form for. The strict reader, which stays the default, refuses all of it (json_spec.lua).

local converter = require "temporal.value.converter"
local core = require "temporal.core"
local env = require "spec.support.environment"
local temporal = require "temporal"

local HALF = "\239\191\189" -- U+FFFD
local DEEPEST = 1000

local function read(text)
  local value, problem = core.json_decode(text, true)
  assert.is_nil(problem, text)
  return value
end

local function refused(text)
  local value, problem = core.json_decode(text, true)
  assert.is_nil(value)
  return problem
end

local function nested(depth, open, close)
  return open:rep(depth) .. "1" .. close:rep(depth)
end

local function depth_of(value)
  local depth = 0
  while type(value) == "table" do
    depth, value = depth + 1, value[1] or value.a
  end
  return depth, value
end

describe("the lenient JSON reader", function()
  it("takes U+FFFD for half a pair, and for each byte that is no UTF-8", function()
    for text, value in pairs {
      ['"\\ud83d"'] = HALF, ['"\\ude00"'] = HALF, ['"cut \\ud83d"'] = "cut " .. HALF,
      ['"\\ud83d\\ud83d\\ude00"'] = HALF .. "\240\159\152\128",
      ['"\\ud83dx"'] = HALF .. "x", ['"\\ud83d\\n"'] = HALF .. "\n",
      ['"\\ud83d\\u0041"'] = HALF .. "A", ['"\\ude00\\ud83d"'] = HALF .. HALF,
      ['"\\ud83d\\ude00"'] = "\240\159\152\128",
      ['"a\255b"'] = "a" .. HALF .. "b", ['"\240\159\152"'] = HALF:rep(3),
      ['"\237\160\189"'] = HALF:rep(3),
      ['"\195\169\255\\t\254"'] = "\195\169" .. HALF .. "\t" .. HALF,
      ['"\\n\192\128"'] = "\n" .. HALF:rep(2),
    } do
      assert.equal(value, read(text))
      assert.same({ [value] = 1 }, read("{" .. text .. ":1}"))
      if value:find(HALF, 1, true) then
        assert.is_nil(core.json_decode(text))
      end
    end
  end)

  it("takes NaN and infinities", function()
    local list = read "[NaN, Infinity, -Infinity,-1]"
    assert.is_true(list[1] ~= list[1])
    assert.same({ math.huge, -math.huge, -1 }, { list[2], list[3], list[4] })
    assert.equal(math.huge, read(" Infinity "))
    assert.equal(-math.huge, read('{"a":-Infinity}').a)
    for _, text in ipairs { "NaN", "[Infinity]", "[-Infinity]" } do
      assert.is_nil(core.json_decode(text))
    end
  end)

  it("takes 1000 levels", function()
    for _, pair in ipairs { { "[", "]" }, { '{"a":', "}" }, { '[{"a":', "}]" } } do
      local width = #pair[2]
      local depth, leaf = depth_of(read(nested(DEEPEST / width, pair[1], pair[2])))
      assert.same({ DEEPEST, 1 }, { depth, leaf })
      assert.matches("^nested deeper than 1000 levels, at byte offset",
        refused(nested(DEEPEST / width + 1, pair[1], pair[2])))
    end
    -- What was an object at a level may be an array next.
    assert.same({ { a = { { 1 } } }, { { { b = 2 } } } }, read '[{"a":[[1]]},[[{"b":2}]]]')
  end)

  it("takes nothing else that is not JSON", function()
    for _, text in ipairs {
      "nan", "+Infinity", "-NaN", "Inf", "-I", "-", "N", "[1,]", "'a'", "{a:1}", '"\\ud83"', '"\1"',
      '"\\ud83d', "01", "1e400", "\239\187\191[]", "[NaN", "NaN1", "",
    } do
      assert.is_string(refused(text), text)
    end
  end)
end)

describe("temporal.converter.lenient", function()
  it("reads, and leaves writing to the built-in conversion", function()
    assert.equal(require "temporal.value.lenient", temporal.converter.lenient)
    local object = assert(converter.new { temporal.converter.lenient })
    local function value(data)
      return object:value { metadata = { encoding = "json/plain" }, data = data }
    end
    assert.same({ text = "cut " .. HALF }, value '{"text":"cut \\ud83d"}')
    assert.same({ nil, nil }, { value "null" })
    assert.is_false(value "false")
    assert.equal(temporal.null, value("[null]")[1])
    local got, problem = value "[1,"
    assert.is_nil(got)
    assert.same({ "conversion", "json/plain" }, { problem.kind, problem.encoding })
    assert.matches("^the payload's JSON cannot be read: .*at byte offset 3", problem.message)
    got, problem = object:payload(0 / 0)
    assert.is_nil(got)
    assert.matches("has no JSON form", problem)
  end)

  it("reads what Python writes, as a client's results", function()
    local python = env.spawn{ env.python, "-c", [[if True:
      import json
      deep = 1
      for _ in range(150): deep = [deep]
      print(json.dumps({"text": "cut \ud83d", "mean": float("nan"), "top": float("inf"),
                        "low": -float("inf"), "deep": deep}))]] }
    local text = python:readline()
    python:wait()
    local client = temporal.client { target = env.address, namespace = env.namespace }
    local lenient = client:with { converter = { temporal.converter.lenient } }
    local run = temporal.assert(lenient:start_workflow({ task_queue = env.task_queue }, "Echo",
      temporal.raw { metadata = { encoding = "json/plain" }, data = text }))
    local value = temporal.assert(run:get(30))
    assert.same({ "cut " .. HALF, math.huge, -math.huge, 150 },
      { value.text, value.top, value.low, (depth_of(value.deep)) })
    assert.is_true(value.mean ~= value.mean)
    local refusal
    value, refusal = client:workflow(run.id):get(30)
    assert.is_nil(value)
    assert.same({ "conversion", text }, { refusal.kind, refusal.raw.data })
    lenient:close()
    client:close()
  end)
end)

local core = require "temporal.core"
local search_attributes = require "temporal.value.search_attributes"
local types = require "temporal.value.types"
local values = require "spec.support.json_values"

local NAME = "temporal.api.common.v1.SearchAttributes"

-- Through the wire format, as the server and we see it.
local function sent(attributes)
  local message = assert(search_attributes.encode(attributes))
  return assert(core.decode(NAME, assert(core.encode(NAME, message, true))))
end

local function field(value)
  local got = sent({ A = value }).indexed_fields.A
  return got.metadata.type, got.data, got.metadata.encoding
end

local function is(type_name, data, value)
  local got_type, got_data, encoding = field(value)
  assert.equal(type_name, got_type)
  assert.equal(data, got_data)
  assert.equal("json/plain", encoding)
end

local function datetime(value)
  return (select(2, field(types.datetime(value))):gsub('"', ""))
end

local function payload(type_name, data)
  return { metadata = { encoding = "json/plain", type = type_name }, data = data }
end

local function decoded(type_name, data)
  return search_attributes.decode({ indexed_fields = { A = payload(type_name, data) } }).A
end

describe("search attributes", function()
  it("of a given type", function()
    is("Keyword", '"order"', types.keyword "order")
    is("Keyword", '""', types.keyword "")
    is("Text", '"a \195\169"', types.text "a \195\169")
    is("Int", "42", types.int(42))
    is("Int", "5", types.int(5.0)) -- the server refuses 5.0
    is("Int", "-9223372036854775808", types.int "-9223372036854775808")
    is("Int", "9007199254740993", types.int(types.int64 "9007199254740993"))
    is("Double", "1.5", types.double(1.5))
    is("Double", rawget(math, "type") and "3.0" or "3", types.double(3))
    is("Bool", "true", types.bool(true))
    is("Bool", "false", types.bool(false))
    is("KeywordList", '["a","b"]', types.keyword_list { "a", "b" })
    is("KeywordList", "[]", types.keyword_list {})
    is("Datetime", '"2026-11-22T21:06:08.000000Z"', types.datetime "2026-11-22T21:06:08Z")
  end)

  it("infer the type of plain values", function()
    is("Keyword", '"order"', "order")
    is("Int", "42", 42)
    is("Int", "-1", -1)
    is("Double", "0.5", 0.5)
    is("Bool", "false", false)
    is("KeywordList", '["a"]', { "a" })
    is("KeywordList", "[]", types.array {})
    is("KeywordList", '["x","y"]', core.json_decode '["x","y"]')
    is("Int", "9223372036854775807", types.int64 "9223372036854775807")
    if rawget(math, "type") then
      is("Double", "2.0", 2.0)
    end
  end)

  it("are unset by null, without a type", function()
    local got = sent({ A = types.null }).indexed_fields.A
    assert.same({ encoding = "binary/null" }, got.metadata)
    assert.equal("", got.data)
    assert.same({}, search_attributes.decode(sent { A = types.null }))
  end)

  it("are any number of names", function()
    assert.same({}, sent({}).indexed_fields)
    local got = search_attributes.decode(sent {
      CustomerId = "c-1", Priority = 3, Score = 0.25, Paid = true, Tags = { "a", "b" },
      Note = types.text "hello", Due = types.datetime(1795381568.25),
    })
    assert.same({ CustomerId = "c-1", Priority = 3, Score = 0.25, Paid = true, Tags = { "a", "b" },
      Note = "hello", Due = 1795381568.25 }, got)
  end)

  it("say what they cannot be", function()
    local function refuses(attributes, message)
      local got, problem = search_attributes.encode(attributes)
      assert.is_nil(got)
      assert.matches(message, problem)
    end
    local expected = "expected a string, a number, a boolean, a list of strings, temporal%.null,"
      .. " or one of temporal%.keyword, .*; got "
    for text, value in pairs {
      ["table"] = {}, ["function"] = print, ["userdata"] = io.stdout, ["bytes"] = types.bytes "x",
      ["raw"] = types.raw {},
    } do
      refuses({ Name = value }, "^search_attributes%.Name: " .. expected .. text .. "$")
    end
    for _, value in ipairs { { 1 }, { "a", 2 }, { a = "b" }, { "a", x = "b" },
      { "a", nil, "c" } } do
      refuses({ Name = value }, "^search_attributes%.Name: " .. expected .. "table$")
    end
    refuses({ Name = 0 / 0 }, "^search_attributes%.Name: NaN has no JSON form")
    refuses({ Name = math.huge }, "^search_attributes%.Name: infinity has no JSON form")
    refuses({ Name = "\255" },
      "^search_attributes%.Name: the string is not valid UTF%-8 at byte offset 0$")
    refuses({ Name = { "a", "\255" } },
      "^search_attributes%.Name%[2%]: the string is not valid UTF%-8 at byte offset 0$")
    refuses({ "x" }, "^search_attributes: the names must be strings, got 1$")
    refuses({ [true] = "x" }, "^search_attributes: the names must be strings, got boolean$")
    refuses({ [""] = "x" }, "^search_attributes: the names must be strings, got an empty one$")
  end)
end)

describe("a typed search attribute", function()
  it("is in UTC with microseconds when it is a point in time", function()
    assert.equal("1970-01-01T00:00:00.000000Z", datetime(0))
    assert.equal("2026-11-22T21:06:08.123456Z", datetime(1795381568.123456))
    assert.equal("2026-11-22T21:06:08.123456Z", datetime "2026-11-22T22:36:08.123456789+01:30")
    assert.equal("1969-12-31T23:59:59.500000Z", datetime(-0.5))
    assert.equal("2000-02-29T00:00:00.000000Z", datetime(951782400))
    assert.equal("1900-03-01T00:00:00.000000Z", datetime "1900-03-01t00:00:00z")
    assert.equal("2024-12-31T23:00:00.000000Z", datetime "2025-01-01T00:00:00+01:00")
    assert.equal("0001-01-01T00:00:00.000000Z", datetime "0001-01-01T00:00:00Z")
    assert.equal("9999-12-31T23:59:59.999999Z", datetime "9999-12-31T23:59:59.999999999Z")
  end)

  it("has the right date on every day of five centuries", function()
    local day = -135140 -- 1600-01-01
    for year = 1600, 2100 do
      local leap = year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0)
      local lengths = { 31, leap and 29 or 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }
      for month = 1, 12 do
        for _, of_month in ipairs { 1, lengths[month] } do
          local expected = ("%04d-%02d-%02dT12:34:56.000000Z"):format(year, month, of_month)
          local seconds = (day + of_month - 1) * 86400 + 45296
          assert.equal(expected, (types.datetime(seconds).value))
        end
        day = day + lengths[month]
      end
    end
  end)

  it("raises misuse at the caller's line", function()
    local function raises(message, name, value)
      local function caller()
        types[name](value)
      end
      local ok, problem = pcall(caller)
      assert.is_false(ok)
      local line = debug.getinfo(caller, "S").linedefined + 1
      assert.equal(("search_attributes_spec.lua:%d: temporal.%s: %s"):format(line, name, message),
        problem:match("search_attributes_spec.*"))
    end
    raises("expected a string, got number", "keyword", 5)
    raises("expected a string, got bytes", "text", types.bytes "x")
    raises("the string is not valid UTF-8 at byte offset 1", "keyword", "a\255")
    local int = "expected an integral number or decimal digits, from -9223372036854775808 to"
      .. " 9223372036854775807, got "
    raises(int .. "1.5", "int", 1.5)
    raises(int .. "true", "int", true)
    raises(int .. "one", "int", "one")
    raises("expected a finite number, got string", "double", "1")
    raises("expected a finite number, got inf", "double", math.huge)
    raises("expected a boolean, got nil", "bool", nil)
    raises("expected a list of strings, got string", "keyword_list", "a")
    raises('expected a list of strings, got the key "a"', "keyword_list", { a = "b" })
    raises("item 2: expected a string, got number", "keyword_list", { "a", 2 })
    raises("item 1: expected a string, got nil", "keyword_list", { [2] = "a" })
    raises("item 1: the string is not valid UTF-8 at byte offset 0", "keyword_list", { "\255" })
    local time = 'must be epoch seconds or RFC 3339 text such as "2026-11-22T21:06:08Z", got '
    raises(time .. "tomorrow", "datetime", "tomorrow")
    raises(time .. "table", "datetime", {})
    raises("must be between the years 1 and 9999, got 1e20", "datetime", 1e20)
  end)

  it("keeps a copy of a list", function()
    local list = { "a" }
    local typed = types.keyword_list(list)
    list[1] = "b"
    is("KeywordList", '["a"]', typed)
  end)
end)

describe("search attributes from the server", function()
  it("decode by type, under both names of it", function()
    for short, long in pairs { Keyword = "KEYWORD", Text = "TEXT", Int = "INT", Double = "DOUBLE",
      Bool = "BOOL", Datetime = "DATETIME", KeywordList = "KEYWORD_LIST" } do
      for _, name in ipairs { short, "INDEXED_VALUE_TYPE_" .. long } do
        if short == "Datetime" then
          assert.equal(1795381568.123456, decoded(name, '"2026-11-22T21:06:08.123456Z"'))
        elseif short == "Double" then
          assert.is_true(values.same(5.0, decoded(name, "5")))
        elseif short == "Int" then
          assert.is_true(values.same(5, decoded(name, "5")))
          assert.equal(types.int64 "9007199254740993", decoded(name, "9007199254740993"))
        elseif short == "KeywordList" then
          assert.same({ "a", "b" }, decoded(name, '["a","b"]'))
          assert.equal("[]", core.json_encode(decoded(name, "[]")))
        elseif short == "Bool" then
          assert.is_false(decoded(name, "false"))
        else
          assert.equal("2026-11-22T21:06:08Z", decoded(name, '"2026-11-22T21:06:08Z"'))
        end
      end
    end
  end)

  it("are the element of a list of one, where the type is no list", function()
    for short, element in pairs { Keyword = '"x"', Text = '"x"', Int = "5", Double = "5",
      Bool = "false", Datetime = '"2026-11-22T21:06:08.123456Z"' } do
      local alone = decoded(short, element)
      assert.not_equal("table", type(alone))
      assert.is_true(values.same(alone, decoded(short, "[" .. element .. "]")), short)
      -- None at all is unset.
      assert.is_nil(decoded(short, "[]"))
      assert.is_nil(decoded(short, "[null]"))
      assert.equal(2, #decoded(short, ("[%s,%s]"):format(element, element)))
    end
    assert.equal(types.int64 "9007199254740993", decoded("Int", "[9007199254740993]"))
    -- Without a type it may be a list, of strings only.
    assert.equal(5, decoded(nil, "[5]"))
    assert.is_false(decoded(nil, "[false]"))
    assert.same("[]", core.json_encode(decoded(nil, "[]")))
    assert.same({ "x" }, decoded(nil, '["x"]'))
    assert.same({ "x" }, decoded("INDEXED_VALUE_TYPE_UNSPECIFIED", '["x"]'))
  end)

  it("lose nothing that is strange", function()
    assert.equal("soon", decoded("Datetime", '"soon"'))
    assert.equal("x", decoded("Int", '"x"'))
    assert.equal("x", decoded(nil, '"x"'))
    assert.equal("x", decoded("INDEXED_VALUE_TYPE_UNSPECIFIED", '"x"'))
    assert.is_nil(decoded("Keyword", "null"))
    local broken = decoded("Keyword", "{")
    assert.equal("raw", core.value_kind(broken))
    assert.equal("{", broken.data)
    assert.same({}, search_attributes.decode(nil))
    assert.same({}, search_attributes.decode {})
  end)
end)

local core = require "temporal.core"
local types = require "temporal.value.types"
local values = require "spec.support.json_values"

local NULL = core.null
local A = types.array
local MINUS_ZERO = -1 / math.huge -- 5.1 takes the literal for 0

-- RFC 8259, rule by rule, in the three classes of the public JSONTestSuite: what every reader must
-- take, what none may take, and what the RFC leaves to the reader.

-- { text, value }
local ACCEPT = {
  -- arrays
  { "[]", A {} }, { "[ ]", A {} }, { "[\n]", A {} }, { "[[]]", A { A {} } },
  { "[[]   ]", A { A {} } }, { "[1]", A { 1 } }, { "[1,2]", A { 1, 2 } },
  { " [1] ", A { 1 } }, { "[1 , 2]", A { 1, 2 } }, { "[\"\"]", A { "" } },
  { "[null]", A { NULL } }, { "[null, 1, \"1\", {}]", A { NULL, 1, "1", {} } },
  { "[1,null,null,null,2]", A { 1, NULL, NULL, NULL, 2 } }, { "[false]", A { false } },
  { "[[],[[]],[]]", A { A {}, A { A {} }, A {} } }, { "[1\n,2\r,3\t,4 ]", A { 1, 2, 3, 4 } },
  -- objects
  { "{}", {} }, { "{ }", {} }, { "{\n}", {} }, { '{"":0}', { [""] = 0 } },
  { '{"a":1}', { a = 1 } }, { '{ "a" : 1 , "b" : 2 }', { a = 1, b = 2 } },
  { '{"a":[]}', { a = A {} } }, { '{"a":{"b":{"c":null}}}', { a = { b = { c = NULL } } } },
  { '{"a":"b","a":"c"}', { a = "c" } }, { '{"a":1,"b":2,"a":{}}', { a = {}, b = 2 } },
  { '{"a":"b","a":"b"}', { a = "b" } }, { '{"1":"x","2":"y"}', { ["1"] = "x", ["2"] = "y" } },
  { '{"a\\u0000b":1}', { ["a\0b"] = 1 } }, { '{"\\u0061":1}', { a = 1 } },
  { '{"k":"' .. ("v"):rep(40) .. '"}', { k = ("v"):rep(40) } },
  { '{"\195\169":"\226\130\172"}', { ["\195\169"] = "\226\130\172" } },
  -- the value alone, and white space around it
  { "null", NULL }, { "true", true }, { "false", false }, { '""', "" }, { '" "', " " },
  { "42", 42 }, { "-0.1", -0.1 }, { '"text"', "text" }, { " true", true }, { "true\n", true },
  { "\t\r\n true \n\r\t", true }, { '["a"]\n', A { "a" } },
  -- integers: exact within int64
  { "0", 0 }, { "1", 1 }, { "-1", -1 }, { "123", 123 }, { "-123", -123 },
  { "9007199254740991", 9007199254740991 },
  { "9007199254740993", types.int64 "9007199254740993" },
  { "-9007199254740993", types.int64 "-9007199254740993" },
  { "9223372036854775807", types.int64 "9223372036854775807" },
  { "-9223372036854775808", types.int64 "-9223372036854775808" },
  { "1000000000000000000", types.int64 "1000000000000000000" },
  -- floats: the nearest double, ties to even
  { "0.5", 0.5 }, { "123.456789", 123.456789 }, { "1.0", 1.0 }, { "-1.5", -1.5 },
  { "0.0", 0.0 }, { "-0.0", MINUS_ZERO }, { "0e1", 0.0 }, { "0e+1", 0.0 }, { "-0e-1", MINUS_ZERO },
  { "1E22", 1e22 }, { "1E-2", 0.01 }, { "1E+2", 100.0 }, { "123e45", 123e45 },
  { "123.456e78", 123.456e78 }, { "1e-2", 0.01 }, { "1e+2", 100.0 }, { "1e00", 1.0 },
  { "1e0000000000000000000000000000002", 100.0 }, { "20e1", 200.0 }, { "1e23", 1e23 },
  { "5e-324", 2.0 ^ -1074 }, { "2.5e-324", 2.0 ^ -1074 },
  { "2.2250738585072014e-308", 2.0 ^ -1022 },
  { "2.2250738585072011e-308", 2.0 ^ -1022 - 2.0 ^ -1074 },
  { "1.7976931348623157e308", (2.0 - 2.0 ^ -52) * 2.0 ^ 1023 },
  { "179769313486231570000" .. ("0"):rep(288), (2.0 - 2.0 ^ -52) * 2.0 ^ 1023 },
  { "1.7976931348623158e308", (2.0 - 2.0 ^ -52) * 2.0 ^ 1023 },
  { "9007199254740993.0", 9007199254740992.0 }, { "9007199254740995.0", 9007199254740996.0 },
  { "9007199254740993." .. ("0"):rep(800) .. "1", 9007199254740994.0 },
  { "9007199254740993." .. ("0"):rep(800), 9007199254740992.0 },
  { "0." .. ("0"):rep(400) .. "1e401", 1.0 }, { "1" .. ("0"):rep(400) .. "e-400", 1.0 },
  { "0.1000000000000000055511151231257827021181583404541015625", 0.1 },
  { "1.00000000000000011102230246251565404236316680908203125", 1.0 },
  { "1.00000000000000011102230246251565404236316680908203126", 1.0 + 2.0 ^ -52 },
  { "1.00000000000000033306690738754696212708950042724609375", 1.0 + 2.0 ^ -51 },
  { "[0.1,0.2,0.3]", A { 0.1, 0.2, 0.3 } },
  -- strings
  { '"\\"\\\\\\/\\b\\f\\n\\r\\t"', '"\\/\b\f\n\r\t' },
  { '"\\u0060\\u012a\\u12AB"', "`\196\170\225\138\171" },
  { '"\\u0000"', "\0" }, { '"\\u0001"', "\1" }, { '"\\u0012"', "\18" }, { '"\\u0022"', '"' },
  { '"\\u005C"', "\\" }, { '"\\uD801\\udc37"', "\240\144\144\183" },
  { '"\\ud83d\\ude39\\ud83d\\udc8d"', "\240\159\152\185\240\159\146\141" },
  { '"\\uDBFF\\uDFFF"', "\244\143\191\191" }, { '"\\ud7ff\\ue000"', "\237\159\191\238\128\128" },
  { '"\\uFFFF\\uFFFE\\uFDD0"', "\239\191\191\239\191\190\239\183\144" },
  { '"\\u00e9\\u20ac"', "\195\169\226\130\172" }, { '"\\\\u0041"', "\\u0041" },
  { '"\\\\n"', "\\n" }, { '"a/*b*/c"', "a/*b*/c" }, { '"\127"', "\127" },
  { '"\226\128\168\226\128\169"', "\226\128\168\226\128\169" },
  { '"\239\187\191"', "\239\187\191" }, { '"\194\128\223\191"', "\194\128\223\191" },
  { '"\224\160\128\239\191\191"', "\224\160\128\239\191\191" },
  { '"\240\144\128\128\244\143\191\191"', "\240\144\128\128\244\143\191\191" },
  { '"\240\157\132\158"', "\240\157\132\158" }, { '"a\\nb"', "a\nb" },
  { '"' .. ("x"):rep(300) .. '\\t"', ("x"):rep(300) .. "\t" },
  { '"' .. ("\\u00e9"):rep(200) .. '"', ("\195\169"):rep(200) },
}

-- { text, byte offset of the error, a part of its text }
local REJECT = {
  -- structure of arrays
  { "[", 1, "value" }, { "[1", 2, "',' or ']'" }, { "[1,", 3, "value" }, { "[1,]", 3, "value" },
  { "[,]", 1, "value" }, { "[,1]", 1, "value" }, { "[1,,2]", 3, "value" }, { "[1,,]", 3, "value" },
  { "[1 2]", 3, "',' or ']'" }, { '["a" "b"]', 5, "',' or ']'" }, { '["": 1]', 3, "',' or ']'" },
  { "[3[4]]", 2, "',' or ']'" }, { "]", 0, "value" }, { "[]]", 2, "end" }, { "[1]]", 3, "end" },
  { "[1}", 2, "',' or ']'" }, { "[1:2]", 2, "',' or ']'" }, { "[\n1\n,1", 6, "',' or ']'" },
  { "[{}", 3, "',' or ']'" }, { "[1;2]", 2, "',' or ']'" }, { "[x", 1, "value" },
  { "[*]", 1, "value" }, { "[<null>]", 1, "value" }, { "[\\n]", 1, "value" },
  { "[a\195\165]", 1, "value" }, { "[\11 1]", 1, "value" }, { "[\f]", 1, "value" },
  -- structure of objects
  { "{", 1, "key in double quotes, or '}'" }, { "{,}", 1, "key" }, { '{"a"', 4, "':'" },
  { '{"a":', 5, "value" }, { '{"a":1', 6, "',' or '}'" }, { '{"a":1,', 7, "key" },
  { '{"a":1,}', 7, "key" }, { '{"a":1,,"b":2}', 7, "key" }, { '{"a" 1}', 5, "':'" },
  { '{"a","b"}', 4, "':'" }, { '{"a"::1}', 5, "value" }, { '{"a":1 "b":2}', 7, "',' or '}'" },
  { "{a:1}", 1, "key" }, { "{'a':1}", 1, "key" }, { "{1:1}", 1, "key" }, { "{null:1}", 1, "key" },
  { "{[]:1}", 1, "key" }, { '{"a":1]', 6, "',' or '}'" }, { '{"a":1}}', 7, "end" },
  { '{"a":1}#', 7, "end" }, { '{"a":"b"}/**/', 9, "end" }, { '{"a":"b"}//', 9, "end" },
  { '{"a":/*c*/1}', 5, "value" }, { '{"a"=1}', 4, "':'" }, { '{"a":}', 5, "value" },
  { '{:"b"}', 1, "key" }, { "}", 0, "value" }, { '{"a":"a" 123}', 9, "',' or '}'" },
  { '{"\\q":1}', 2, "escape" }, { '{"a', 3, "end" }, { '{"a":b}', 5, "value" },
  -- numbers
  { "-", 1, "digit" }, { "+1", 0, "value" }, { "++1", 0, "value" }, { "--1", 1, "digit" },
  { "01", 0, "begin with 0" }, { "-01", 1, "begin with 0" }, { "00", 0, "begin with 0" },
  { "012.5", 0, "begin with 0" }, { "-012", 1, "begin with 0" }, { ".5", 0, "value" },
  { "-.5", 1, "digit" }, { "1.", 2, "decimal point" }, { "-2.", 3, "decimal point" },
  { "1.e1", 2, "decimal point" }, { "0.e1", 2, "decimal point" }, { "1.2.3", 3, "end" },
  { "1e", 2, "exponent" }, { "1E", 2, "exponent" }, { "1e+", 3, "exponent" },
  { "1E-", 3, "exponent" }, { "0.3e", 4, "exponent" }, { "0.3e+", 5, "exponent" },
  { "1e1.5", 3, "end" }, { "1eE2", 2, "exponent" }, { "1e 2", 2, "exponent" },
  { "1 000", 2, "end" },
  { "0x1F", 1, "end" }, { "0x", 1, "end" }, { "1_000", 1, "end" }, { "1a", 1, "end" },
  { "-a", 1, "digit" }, { "- 1", 1, "digit" }, { "1e1e1", 3, "end" }, { "1+2", 1, "end" },
  { "NaN", 0, "value" }, { "-NaN", 1, "digit" }, { "Infinity", 0, "value" }, { "Inf", 0, "value" },
  { "-Infinity", 1, "digit" }, { "0.1.2", 3, "end" }, { "2.e+3", 2, "decimal point" },
  { "1,5", 1, "end" }, { "\239\188\145", 0, "value" }, { "[1-2]", 2, "',' or ']'" },
  { "1" .. ("0"):rep(30) .. ".", 32, "decimal point" }, { "123\0", 3, "end" },
  -- words
  { "nul", 0, "true, false, null" }, { "tru", 0, "true, false, null" },
  { "fals", 0, "true, false, null" }, { "nulll", 4, "end" }, { "True", 0, "value" },
  { "NULL", 0, "value" }, { "nan", 0, "true, false, null" }, { "undefined", 0, "value" },
  { "true false", 5, "end" }, { "[truth]", 1, "true, false, null" },
  -- strings
  { '"', 1, "end" }, { '"a', 2, "end" }, { '"\\', 2, "end" }, { '"\\"', 3, "end" },
  { "'a'", 0, "value" }, { '"\\x41"', 1, "escape" }, { '"\\a"', 1, "escape" },
  { '"\\\0"', 1, "escape" }, { '"\\\t"', 1, "escape" }, { '"\\u"', 1, "hexadecimal" },
  { '"\\u1"', 1, "hexadecimal" }, { '"\\u12"', 1, "hexadecimal" }, { '"\\u123"', 1, "hexadecimal" },
  { '"\\u12G4"', 1, "hexadecimal" }, { '"\\u00A', 1, "hexadecimal" },
  { '"\\u{41}"', 1, "hexadecimal" },
  { '"\\u+041"', 1, "hexadecimal" }, { '"\\U0041"', 1, "escape" }, { '"\\\195\169"', 1, "escape" },
  { '"\\\240\159\140\128"', 1, "escape" }, { '"a\tb"', 2, "control" }, { '"a\nb"', 2, "control" },
  { '"a\0b"', 2, "control" }, { '"\31"', 1, "control" }, { '"\\ud800\\"', 1, "surrogate" },
  { '"\\ud800\\u"', 1, "surrogate" }, { '"\\ud800\\u1"', 1, "surrogate" }, { '"a"b', 3, "end" },
  { '"a" "b"', 4, "end" }, { '"\\ ', 1, "escape" }, { '["a\\u00', 3, "hexadecimal" },
  -- outside of any value
  { "", 0, "text ends" }, { " ", 1, "text ends" }, { "\n\t", 2, "text ends" }, { "1 1", 2, "end" },
  { "[] []", 3, "end" }, { "{} {}", 3, "end" }, { "// c\n1", 0, "value" }, { "/**/1", 0, "value" },
  { "# c\n1", 0, "value" }, { "1 // c", 2, "end" }, { "\0", 0, "value" }, { "[\0]", 1, "value" },
  { "\11" .. "1", 0, "value" }, { "1\f", 1, "end" }, { "\194\160" .. "1", 0, "value" },
  { "1\226\128\168", 1, "end" }, { "*", 0, "value" }, { "$", 0, "value" }, { "abc", 0, "value" },
  { "<.>", 0, "value" }, { "{\"a\":1}\0", 7, "end" }, { "\226\129\160[]", 0, "value" },
}

-- { text, value } or { text, nil, offset, part }: the rules of this reader.
local DECIDED = {
  -- A surrogate without its other half is no character: refused, never replaced.
  { '"\\uD800"', nil, 1, "surrogate" }, { '"\\uDFFF"', nil, 1, "surrogate" },
  { '"\\uDC00\\uD800"', nil, 1, "surrogate" }, { '"\\uD888\\u1234"', nil, 1, "surrogate" },
  { '"\\uD800\\uD800\\uDC00"', nil, 1, "surrogate" }, { '"\\uD800\\n"', nil, 1, "surrogate" },
  { '"\\uD800abc"', nil, 1, "surrogate" }, { '"\\uDd1ea"', nil, 1, "surrogate" },
  { '{"\\uDFAA":0}', nil, 2, "surrogate" }, { '"ab\\uDADA"', nil, 3, "surrogate" },
  -- Bytes that are not UTF-8 are refused where they are.
  { '"\255"', nil, 1, "UTF-8" }, { '"ab\129"', nil, 3, "UTF-8" }, { '"\192\175"', nil, 1, "UTF-8" },
  { '"\224\128\175"', nil, 1, "UTF-8" }, { '"\252\131\191\191\191\191"', nil, 1, "UTF-8" },
  { '"\237\160\128"', nil, 1, "UTF-8" }, { '"\244\144\128\128"', nil, 1, "UTF-8" },
  { '"\230\151"', nil, 1, "UTF-8" }, { '"a\\nb\233"', nil, 5, "UTF-8" },
  { '{"\233":1}', nil, 2, "UTF-8" }, { '["\224\255"]', nil, 2, "UTF-8" },
  -- Other encodings and the byte order mark are refused.
  { "\239\187\191{}", nil, 0, "byte order mark" }, { "\239\187\191", nil, 0, "byte order mark" },
  { "\239\187", nil, 0, "value" }, { "\255\254[\0]\0", nil, 0, "value" },
  { "\0[\0]", nil, 0, "value" }, { "[\239\187\191]", nil, 1, "value" },
  -- Beyond the largest double there is no number; below the smallest it is 0.
  { "1e309", nil, 0, "1.8e308" }, { "[-1e9999]", nil, 1, "1.8e308" },
  { "1.7976931348623159e308", nil, 0, "1.8e308" }, { "1" .. ("0"):rep(309), nil, 0, "1.8e308" },
  { "0.4e0066999999999999999999999999999999999999", nil, 0, "1.8e308" },
  { "1.5e+9999", nil, 0, "1.8e308" }, { "123123e100000", nil, 0, "1.8e308" },
  { "123.456e-789", 0.0 }, { "-1e-400", MINUS_ZERO }, { "2.4e-324", 0.0 },
  { "1e-99999999999999999999", 0.0 }, { "0e99999999999999999999", 0.0 },
  -- An integer beyond int64 is the nearest double.
  { "9223372036854775808", 2.0 ^ 63 }, { "-9223372036854775809", -2.0 ^ 63 },
  { "18446744073709551615", 2.0 ^ 64 }, { "100000000000000000000", 1e20 },
  { "-123123123123123123123123123123", -123123123123123123123123123123.0 },
  { "10000000000000000999", 10000000000000000999.0 },
  -- "-0" keeps its sign, which only a float has.
  { "-0", MINUS_ZERO }, { "[-0]", A { MINUS_ZERO } },
}

local function show(text)
  return (text:sub(1, 60):gsub("[^\32-\126]", function(c)
    return ("\\x%02x"):format(c:byte())
  end))
end

local function accepts(case)
  local got, problem = core.json_decode(case[1])
  assert.is_nil(problem, case[1])
  assert.equal(values.form(case[2]), values.form(got), case[1])
end

local function rejects(case, offset, part)
  local got, problem = core.json_decode(case[1])
  assert.is_nil(got, case[1])
  assert.equal(offset, tonumber(problem:match(", at byte offset (%d+)$")), problem)
  assert.truthy(problem:find(part, 1, true), problem)
end

describe("the JSON reader", function()
  for i, case in ipairs(ACCEPT) do
    it(("must take %d: %s"):format(i, show(case[1])), function()
      accepts(case)
    end)
  end

  for i, case in ipairs(REJECT) do
    it(("must refuse %d: %s"):format(i, show(case[1])), function()
      rejects(case, case[2], case[3])
    end)
  end

  for i, case in ipairs(DECIDED) do
    it(("decides %d: %s"):format(i, show(case[1])), function()
      if case[2] == nil then
        rejects(case, case[3], case[4])
      else
        accepts(case)
      end
    end)
  end

  it("takes 100 levels and not 101", function()
    local value = core.json_decode(("["):rep(100) .. ("]"):rep(100))
    for _ = 1, 99 do
      value = value[1]
    end
    assert.same(types.array {}, value)
    assert.is_table(core.json_decode(('{"a":'):rep(99) .. "{}" .. ("}"):rep(99)))
    rejects({ ("["):rep(101) .. ("]"):rep(101) }, 100, "100 levels")
    rejects({ ('{"a":'):rep(100) .. "{}" .. ("}"):rep(100) }, 500, "100 levels")
    rejects({ ("["):rep(1000000) }, 100, "100 levels")
    -- Levels that are closed again do not count.
    assert.is_table(core.json_decode("[" .. ("[],"):rep(1000) .. "[]]"))
  end)

  it("refuses every prefix of a text, and no prefix of a number alone", function()
    local text = '{"a":[1.5e3,true,null,"\\u00e9\\ud83d\\ude00\\n"],"b":{"c":-1}}'
    assert.is_table(core.json_decode(text))
    for n = 0, #text - 1 do
      local got, problem = core.json_decode(text:sub(1, n))
      assert.is_nil(got)
      assert.is_string(problem)
    end
  end)

  it("reads a long text", function()
    local items = {}
    for i = 1, 20000 do
      items[i] = ('{"id":%d,"name":"n\\u00e9 %d","price":%d.25}'):format(i, i, i)
    end
    local got = assert(core.json_decode("[" .. table.concat(items, ",\n") .. "]"))
    assert.equal(20000, #got)
    assert.same({ id = 20000, name = "n\195\169 20000", price = 20000.25 }, got[20000])
  end)

  it("is not fooled by what is not a string", function()
    assert.has_error(function() core.json_decode(nil) end)
    assert.has_error(function() core.json_decode(12) end)
  end)
end)

-- { value, text }
local WRITTEN = {
  { 0, "0" }, { -1, "-1" }, { 1.5, "1.5" }, { 0.1, "0.1" }, { 0.1 + 0.2, "0.30000000000000004" },
  { MINUS_ZERO, "-0.0" }, { 19.99, "19.99" }, { 1e300, "1e300" }, { -1.5e-300, "-1.5e-300" },
  { 5e-324, "5e-324" }, { 1.7976931348623157e308, "1.7976931348623157e308" },
  { 2.2250738585072014e-308, "2.2250738585072014e-308" }, { 2.0 ^ -44, "5.684341886080802e-14" },
  { 1e23, "1e23" }, { 9.5e-3, "0.0095" }, { 1e-5, "0.00001" }, { 1e-6, "1e-6" },
  { 1.25e-5, "0.0000125" }, { 123456789.125, "123456789.125" },
  { 2.0 ^ 60 * 3, "3.458764513820541e18" }, { 12345678901234567.5, "12345678901234568.0" },
  { 1 / 3, "0.3333333333333333" }, { 2 / 3, "0.6666666666666666" }, { 1e100, "1e100" },
  { types.int64 "9223372036854775807", "9223372036854775807" },
  { types.int64 "-9223372036854775808", "-9223372036854775808" },
  { types.int64 "9007199254740993", "9007199254740993" },
  { "", '""' }, { 'a"b\\c/d', '"a\\"b\\\\c/d"' }, { "\b\f\n\r\t", '"\\b\\f\\n\\r\\t"' },
  { "\0\1\31\127", '"\\u0000\\u0001\\u001f\127"' },
  { "\195\169\240\159\152\128", '"\195\169\240\159\152\128"' },
  { true, "true" }, { false, "false" }, { NULL, "null" }, { {}, "{}" }, { A {}, "[]" },
  { { 1, 2, 3 }, "[1,2,3]" }, { { a = { b = {} } }, '{"a":{"b":{}}}' },
  { { { 1 }, { 2 } }, "[[1],[2]]" },
  { { x = A { A {} } }, '{"x":[[]]}' },
  { { [""] = 1 }, '{"":1}' },
}

describe("the JSON writer", function()
  for i, case in ipairs(WRITTEN) do
    it(("writes %d: %s"):format(i, show(case[2])), function()
      local expected = case[2]
      assert.equal(expected, core.json_encode(case[1]))
      assert.is_true(values.same(case[1], core.json_decode(expected)))
    end)
  end

  it("tells floats from integers where the VM does", function()
    local two = core.json_encode(2.0)
    assert.equal(rawget(math, "type") and "2.0" or "2", two)
    assert.is_true(values.same(2.0, core.json_decode(two)))
    assert.is_true(values.same(1e15, core.json_decode(core.json_encode(1e15))))
    assert.is_true(values.same(2.0 ^ 53, core.json_decode(core.json_encode(2.0 ^ 53))))
  end)

  it("writes the members of an object in the order of their keys", function()
    local function text(v) return core.decode("temporal.api.common.v1.Payload",
      (core.payload(v))).data end
    assert.equal('{"":0,"A":{"x":[{"b":2,"c":"},\\"{"}],"y":{}},"\\"":1,"a":3,"ab":4,"b":5}', text {
      b = 5, ab = 4, a = 3, ['"'] = 1, A = { y = {}, x = { { c = '},"{', b = 2 } } }, [""] = 0 })
    -- More than are sorted without an allocation, of members and of bytes.
    for _, count in ipairs { 15, 16, 17, 500 } do
      local value, expected = {}, {}
      for i = 1, count do
        local key = ("k%05d"):format(i * 7919 % 10007)
        value[key], expected[i] = i, ('"%s":%d'):format(key, i)
      end
      table.sort(expected)
      assert.equal("{" .. table.concat(expected, ",") .. "}", text(value))
    end
  end)

  it("writes up to the limit of a message and not one byte more", function()
    local megabyte = 2 ^ 20
    local item = ("x"):rep(megabyte - 3)
    local list = {}
    for i = 1, 127 do
      list[i] = item
    end
    list[128] = ("x"):rep(megabyte - 4)
    local text = assert(core.json_encode(list))
    assert.equal(128 * megabyte, #text)
    text = nil -- luacheck: ignore 311 (so that it can be collected)
    list[128] = list[128] .. "x"
    local got, problem = core.json_encode(list, "argument 1")
    assert.is_nil(got)
    assert.equal("argument 1: longer than 128 MiB as JSON", problem)
    collectgarbage()
  end)
end)

local COUNT = 3000

describe("JSON between Lua and Python", function()
  local seed = tonumber(os.getenv("JSON_SEED")) or os.time()

  it("is the same to Python when Lua writes it, doubles in their shortest form", function()
    assert.is_true(values.to_python(seed, COUNT) > COUNT)
  end)

  it("is the same to Lua when Python writes it", function()
    assert.is_true(values.from_python(seed, COUNT) > COUNT)
  end)

  it("does not depend on the locale", function()
    local output = require("spec.support.locale").run("spec/support/json_locale.lua", seed)
    assert.equal("ok 1,5\n", output)
  end)
end)

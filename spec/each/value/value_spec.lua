local core = require "temporal.core"
local types = require "temporal.value.types"
local values = require "spec.support.json_values"

local NULL = core.null

local function payload(bytes)
  return assert(core.decode("temporal.api.common.v1.Payload", bytes))
end

local function chain(depth, leaf)
  local value = leaf
  for _ = 1, depth do
    value = { value }
  end
  return value
end

describe("a value as JSON", function()
  it("is a list with the keys 1..n, whatever their order in memory", function()
    local backwards = {}
    for i = 100, 1, -1 do
      backwards[i] = i
    end
    local expected = {}
    for i = 1, 100 do
      expected[i] = tostring(i)
    end
    assert.equal("[" .. table.concat(expected, ",") .. "]", core.json_encode(backwards))
    local holed = { 1, 2, 3, 4, nil, 6 }
    holed[5] = 5
    assert.equal("[1,2,3,4,5,6]", core.json_encode(holed))
    local nested = { [2] = { b = 1 }, [1] = { [2] = "y", [1] = "x" } }
    assert.equal('[["x","y"],{"b":1}]', core.json_encode(nested))
  end)

  it("is an object when it is an empty table, and a list when it is marked", function()
    assert.equal("{}", core.json_encode {})
    assert.equal("[]", core.json_encode(types.array()))
    assert.equal("[]", core.json_encode(types.array {}))
    assert.equal("[[],{}]", core.json_encode { types.array {}, {} })
    assert.equal("[1]", core.json_encode(types.array { 1 }))
    local list = {}
    assert.equal(list, types.array(list))
    assert.equal(list, types.array(list))
  end)

  it("keeps lists lists and objects objects", function()
    for _, text in ipairs { "[]", "{}", "[[],{},[[]]]", '{"a":[],"b":{}}', "[null,[null]]" } do
      local decoded = core.json_decode(text)
      assert.is_true(values.same(decoded, core.json_decode(core.json_encode(decoded))), text)
    end
    local emptied = core.json_decode("[1,2]")
    emptied[1], emptied[2] = nil, nil
    assert.equal("[]", core.json_encode(emptied))
    emptied[1] = "again"
    assert.equal('["again"]', core.json_encode(emptied))
  end)

  it("has temporal.null for null", function()
    local decoded = core.json_decode('{"a":null,"b":[null]}')
    assert.equal(NULL, decoded.a)
    assert.equal(NULL, decoded.b[1])
    assert.equal(NULL, types.null)
    assert.equal("null", core.json_encode(NULL))
    assert.equal(NULL, core.json_decode("null"))
    local found, cjson = pcall(require, "cjson")
    assert.is_true(found, "lua-cjson is missing")
    assert.equal(cjson.null, types.null)
  end)

  it("never runs a metamethod", function()
    local function trap()
      error("user code ran")
    end
    local metatable = {}
    for _, name in ipairs { "__index", "__newindex", "__len", "__pairs", "__ipairs", "__call",
      "__tostring", "__eq", "__concat", "__unm", "__lt", "__le", "__metatable" } do
      metatable[name] = trap
    end
    assert.equal('{"a":{}}', core.json_encode(setmetatable({ a = setmetatable({}, metatable) },
      metatable)))
    assert.equal("[1,2]", core.json_encode(setmetatable({ 1, 2 }, metatable)))
    local got, problem = core.json_encode { f = setmetatable({ trap }, metatable) }
    assert.is_nil(got)
    assert.matches("^value%.f%[1%]: a function has no JSON form", problem)
    local broken = setmetatable({ metadata = setmetatable({}, metatable) }, metatable)
    assert.is_nil((core.payload_value(broken)))
  end)

  it("survives a finaliser that converts in the middle", function()
    local inside, met = false, 0
    local function finalise()
      met = met + (inside and 1 or 0)
      assert(core.json_decode('["\\u0041\\n","' .. ("z"):rep(200) .. '\\t"]')[1] == "A\n")
      local text = ("i"):rep(300)
      assert(core.json_encode { inner = text } == '{"inner":"' .. text .. '"}')
    end
    local newproxy = rawget(_G, "newproxy") -- 5.1, where tables have no __gc
    local function garbage()
      if newproxy then
        getmetatable(newproxy(true)).__gc = finalise
      else
        setmetatable({}, { __gc = finalise })
      end
    end
    local text = '["' .. ("\\u00e9"):rep(50) .. '",{"k\\n":"\\t' .. ("y"):rep(100) .. '"}]'
    local size
    local raw = types.raw { metadata = { encoding = "x", a = "1", b = "2" }, data = "d" }
    local deadline = os.clock() + 20
    repeat
      garbage()
      inside = true
      local decoded = core.json_decode(text)
      local encoded = core.payloads(3, decoded, raw, "tail")
      inside = false
      assert(decoded[1] == ("\195\169"):rep(50) and decoded[2]["k\n"] == "\t" .. ("y"):rep(100))
      size = size or #encoded
      assert(encoded:sub(-6) == '"tail"' and #encoded == size)
    until met >= 20 or os.clock() > deadline
    assert.is_true(met >= 20, "no finaliser ran inside: " .. met)
  end)

  it("shares tables freely", function()
    local shared = { 1 }
    assert.equal("[[1],[1]]", core.json_encode { shared, shared })
  end)

  it("goes 100 levels deep and not 101", function()
    assert.equal(("["):rep(99) .. "{}" .. ("]"):rep(99), core.json_encode(chain(99, {})))
    local got, problem = core.json_encode(chain(100, {}), "argument 3")
    assert.is_nil(got)
    assert.equal("argument 3[1][1][1][1][1][1]...[1][1][1][1][1][1]: tables are nested deeper than"
      .. " 100 levels", problem)
  end)
end)

describe("what has no JSON form", function()
  local coroutine_value = coroutine.create(function() end)

  local function refuses(value, message)
    local got, problem = core.json_encode(value, "argument 2")
    assert.is_nil(got)
    assert.equal(message, problem)
  end

  it("NaN and infinities, with the path", function()
    local rest = " has no JSON form; send temporal.null or a string in its place"
    refuses({ items = { 1, 2, { price = 0 / 0 } } },
      "argument 2.items[3].price: NaN" .. rest)
    refuses(math.huge, "argument 2: infinity" .. rest)
    refuses({ -math.huge }, "argument 2[1]: -infinity" .. rest)
  end)

  it("functions, coroutines and userdata", function()
    local rest = " has no JSON form; a value is nil, a boolean, a number, a string or a table"
      .. " of these"
    refuses(print, "argument 2: a function" .. rest)
    refuses({ a = { coroutine_value } }, "argument 2.a[1]: a thread" .. rest)
    refuses({ f = io.stdout }, "argument 2.f: a userdata" .. rest)
  end)

  it("cycles, naming both ends", function()
    local self = {}
    self.self = self
    refuses(self, "argument 2.self: the table contains itself (it is argument 2 as well); a cycle"
      .. " has no JSON form")
    local order = { items = { { name = "a" } } }
    order.items[1].order = order.items
    refuses(order, "argument 2.items[1].order: the table contains itself (it is argument 2.items as"
      .. " well); a cycle has no JSON form")
  end)

  it("tables that are neither list nor object", function()
    local rest = " does not fit; a table is a list with the keys 1..n or an object with string"
      .. " keys, not both"
    refuses({ 1, 2, x = 3 }, 'argument 2: the key "x"' .. rest)
    refuses({ a = { [0] = 1 } }, "argument 2.a: the key 0" .. rest)
    refuses({ a = { [-7] = 1 } }, "argument 2.a: the key -7" .. rest)
    refuses({ [1.5] = 1 }, "argument 2: the key 1.5" .. rest)
    refuses({ [math.huge] = 1 }, "argument 2: the key inf" .. rest)
    refuses({ [true] = 1 }, "argument 2: the key of type boolean" .. rest)
    refuses({ [print] = 1 }, "argument 2: the key of type function" .. rest)
    refuses(types.array { x = 1 }, 'argument 2: the key "x"' .. rest)
    local got, problem = core.json_encode { x = 1, [3] = 2 }
    assert.is_nil(got)
    assert.matches("^value: the key .* does not fit", problem)
  end)

  it("lists with holes, naming the first", function()
    local rest = "; use temporal.null for an empty place, or string keys"
    refuses({ 1, nil, 3 }, "argument 2: the list has no item 2 though it has an item 3" .. rest)
    refuses({ l = { [5] = 1 } },
      "argument 2.l: the list has no item 1 though it has an item 5" .. rest)
    refuses({ [1000000000] = 1 },
      "argument 2: the list has no item 1 though it has an item 1000000000" .. rest)
    refuses(types.array { [2] = 1 },
      "argument 2: the list has no item 1 though it has an item 2" .. rest)
  end)

  it("text that is not UTF-8, in values and keys", function()
    refuses("ab\255", "argument 2: the string is not valid UTF-8 at byte offset 2; use"
      .. " temporal.bytes(s) for binary data")
    refuses({ { "\237\160\128" } }, "argument 2[1][1]: the string is not valid UTF-8 at byte"
      .. " offset 0; use temporal.bytes(s) for binary data, as a value of its own, or text such"
      .. " as base64")
    refuses({ a = { ["k\255\n\"y"] = 1 } },
      'argument 2.a: the key "k????" is not valid UTF-8 at byte offset 1')
  end)

  it("marked values inside of others", function()
    refuses({ file = types.bytes("x") }, "argument 2.file: temporal.bytes has no JSON form; pass it"
      .. " as a value of its own, or text such as base64")
    refuses({ types.raw {} }, "argument 2[1]: temporal.raw is a whole payload and has no JSON form;"
      .. " pass it as a value of its own")
    refuses({ types.keyword "x" }, "argument 2[1]: a typed search attribute (temporal.keyword and"
      .. " the like) is for search_attributes only; pass the plain value")
  end)

  it("shows any key in a path", function()
    local function path(key)
      local _, problem = core.json_encode({ [key] = print }, "v")
      return problem:match("^(.-): a function")
    end
    assert.equal("v.name_1", path "name_1")
    assert.equal('v["two words"]', path "two words")
    assert.equal('v["1"]', path "1")
    assert.equal('v[""]', path "")
    assert.equal('v["a?b?c"]', path 'a"b\0c')
    assert.equal('v["' .. ("n"):rep(60) .. '..."]', path(("n"):rep(61)))
    assert.equal("v." .. ("n"):rep(60), path(("n"):rep(60)))
    assert.equal('v["\195\169t\195\169"]', path "\195\169t\195\169")
    assert.equal('v["x' .. ("\195\169"):rep(29) .. '..."]', path("x" .. ("\195\169"):rep(40)))
  end)

  it("leaves the buffer usable after a failure", function()
    for _ = 1, 100 do
      assert.is_nil((core.payloads(2, { good = true }, { print })))
      assert.equal("[true]", core.json_encode { true })
    end
  end)
end)

describe("a value as a payload", function()
  it("is one of four encodings", function()
    local function is(value, encoding, data)
      local got = payload(core.payload(value))
      assert.same({ encoding = encoding }, got.metadata)
      assert.equal(data, got.data)
    end
    is(nil, "binary/null", "")
    is(types.bytes("\0\255"), "binary/plain", "\0\255")
    is(types.bytes(""), "binary/plain", "")
    is(true, "json/plain", "true")
    is(12, "json/plain", "12")
    is("text", "json/plain", '"text"')
    is({ a = 1 }, "json/plain", '{"a":1}')
    is(NULL, "json/plain", "null")
    is(("x"):rep(200), "json/plain", '"' .. ("x"):rep(200) .. '"')
    is(("x"):rep(100000), "json/plain", '"' .. ("x"):rep(100000) .. '"')
    is(types.bytes(("\255"):rep(20000)), "binary/plain", ("\255"):rep(20000))
  end)

  it("is as it is when it is raw", function()
    local given = { metadata = { encoding = "json/mine", extra = "\255" }, data = "{}" }
    local got = payload(core.payload(types.raw(given)))
    assert.same(given.metadata, got.metadata)
    assert.equal("{}", got.data)
    local _, problem = core.payload(core.raw { metadata = { encoding = 5 } }, "argument 1")
    assert.matches("^argument 1: temporal%.raw: .*metadata", problem)
  end)

  it("names the value in a message", function()
    local _, problem = core.payload(print)
    assert.matches("^value: a function has no JSON form", problem)
    _, problem = core.payload({ x = print }, "memo.note")
    assert.matches("^memo%.note%.x: a function has no JSON form", problem)
    _, problem = core.payloads(3, 1, nil, { { 0 / 0 } })
    assert.matches("^argument 3%[1%]%[1%]: NaN", problem)
  end)

  it("is one of many arguments, nil ones included", function()
    local function decoded(...)
      local bytes = assert(core.payloads(select("#", ...), ...))
      return core.decode("temporal.api.common.v1.Payloads", bytes).payloads
    end
    assert.same({}, decoded())
    assert.equal("", core.payloads(0))
    local three = decoded(nil, "a", nil)
    assert.equal(3, #three)
    assert.equal("binary/null", three[3].metadata.encoding)
    assert.equal('"a"', three[2].data)
    local many = {}
    for i = 1, 200 do
      many[i] = { i = i, text = ("t"):rep(i) }
    end
    local got = decoded((table.unpack or unpack)(many))
    for i = 1, 200 do
      assert.same(many[i], core.payload_value(got[i]))
    end
  end)

  it("comes back as it was", function()
    for _, value in ipairs { true, false, 0, -1.5, "", "\240\159\152\128", { a = { 1 } } } do
      local got, problem, encoding = core.payload_value(payload(core.payload(value)))
      assert.same(value, got)
      assert.is_nil(problem)
      assert.is_nil(encoding)
    end
    assert.equal("\0\255", core.payload_value(payload(core.payload(types.bytes "\0\255"))))
    assert.is_nil((core.payload_value(payload(core.payload(nil)))))
    assert.is_nil((core.payload_value { metadata = { encoding = "json/plain" }, data = " null " }))
    assert.is_nil((core.payload_value { metadata = { encoding = "binary/null" }, data = "" }))
    assert.equal("", core.payload_value { metadata = { encoding = "binary/plain" } })
  end)

  it("says why it cannot be read", function()
    local function fails(given, message, encoding)
      local got, problem, told = core.payload_value(given)
      assert.is_nil(got)
      assert.matches(message, problem)
      assert.equal(encoding, told)
    end
    fails({ metadata = { encoding = "json/plain" }, data = "{" },
      "^the payload's JSON cannot be read: expected a key .*, at byte offset 1$", "json/plain")
    fails({ metadata = { encoding = "json/plain" } }, "the text ends", "json/plain")
    fails({ metadata = { encoding = "mine" }, data = "" },
      '^no converter reads the encoding "mine"; the client\'s converter option', "mine")
    fails({ metadata = { encoding = "a\0b" }, data = "" }, "not a name", "a\0b")
    fails({ metadata = { encoding = ("e"):rep(5000) }, data = "" }, "not a name", ("e"):rep(5000))
    fails({ metadata = {}, data = "" }, '^the payload has no metadata "encoding"$', nil)
    fails({}, '^the payload has no metadata "encoding"$', nil)
  end)

  it("stays raw while its protobuf type is unknown", function()
    for _, encoding in ipairs { "json/protobuf", "binary/protobuf" } do
      local given = { metadata = { encoding = encoding, messageType = "a.B" }, data = "x" }
      local got = core.payload_value(given)
      assert.equal("raw", core.value_kind(got))
      assert.same(given.metadata, got.metadata)
      assert.equal("x", got.data)
      assert.same(given.metadata, payload(core.payload(got)).metadata)
    end
  end)

  it("is raw bytes that a newer server may have extended", function()
    local bytes = core.payload("a") .. "\250\1\3new" -- field 31
    local got = payload(bytes)
    assert.equal(bytes, core.payload(core.raw(got)))
  end)
end)

describe("lua-cjson's marks", function()
  -- Once found, lua-cjson is not looked for again: each test needs a state of its own.
  local function in_new_state(script)
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write(script)
    file:close()
    local pipe = io.popen(("LUA_PATH='%s' LUA_CPATH='%s' %s %s 2>&1"):format(package.path,
      package.cpath, os.getenv("TEMPORAL_TEST_LUA") or "lua5.4", path))
    local output = pipe:read("*a")
    pipe:close()
    os.remove(path)
    return output
  end

  it("are understood and used", function()
    assert.equal("ok\n", in_new_state [==[
      local core = require "temporal.core"
      local types = require "temporal.value.types"
      local early = core.json_decode("[]")
      assert(package.loaded.cjson == nil, "lua-cjson was loaded by us")
      local array_mt, empty_array_mt = {}, {}
      package.loaded["cjson.safe"] = { null = core.null, array_mt = array_mt,
        empty_array_mt = empty_array_mt }
      assert(getmetatable(core.json_decode("[]")) == array_mt)
      assert(getmetatable(core.json_decode("[[1]]")[1]) == array_mt)
      assert(getmetatable(types.array {}) == array_mt)
      assert(core.json_encode(setmetatable({}, array_mt)) == "[]")
      assert(core.json_encode(setmetatable({}, empty_array_mt)) == "[]")
      assert(core.json_encode(setmetatable({ a = 1 }, empty_array_mt)) == '{"a":1}')
      assert(core.json_encode(setmetatable({ 1 }, empty_array_mt)) == "[1]")
      assert(not core.json_encode(setmetatable({ a = 1 }, array_mt)))
      assert(core.json_encode(early) == "[]")
      assert(types.array(early) == early and getmetatable(early) == array_mt)
      print("ok")
    ]==])
  end)

  it("are not needed", function()
    assert.equal("ok\n", in_new_state [==[
      local core = require "temporal.core"
      local cjson = require "cjson"
      assert(core.json_encode(cjson.decode('{"a":[1,{"b":null}]}').a[2]) == '{"b":null}')
      assert(core.json_encode(core.json_decode("[]")) == "[]")
      assert(cjson.encode(core.json_decode('[1,null,{"a":true}]')):find("null", 1, true))
      print("ok")
    ]==])
  end)

  it("cannot be faked into failures", function()
    for _, fake in ipairs { "true", "{}", "{ array_mt = 5, empty_array = 'x' }" } do
      assert.equal("ok\n", in_new_state("package.loaded.cjson = " .. fake .. [==[

        local core = require "temporal.core"
        assert(core.json_encode(core.array {}) == "[]")
        assert(core.json_encode(setmetatable({}, {})) == "{}")
        assert(core.json_encode(core.json_decode("[]")) == "[]")
        print("ok")
      ]==]))
    end
  end)
end)

describe("temporal.types", function()
  it("makes bytes and raw payloads that say what they are", function()
    assert.equal("temporal.bytes (3 bytes)", tostring(types.bytes("abc")))
    assert.equal("abc", types.bytes("abc").data)
    assert.equal("temporal.raw (json/x, 2 bytes)",
      tostring(types.raw { metadata = { encoding = "json/x" }, data = "{}" }))
    assert.equal("temporal.raw (no encoding, 0 bytes)", tostring(types.raw {}))
    local given = { metadata = { encoding = "a" }, data = "b" }
    local raw = types.raw(given)
    given.metadata.encoding, given.data = "changed", "changed"
    assert.same({ encoding = "a" }, raw.metadata)
    assert.equal("b", raw.data)
  end)

  it("has exact integers", function()
    assert.equal("9223372036854775807", (tostring(types.int64 "9223372036854775807"):match("^%d+")))
    assert.equal(types.int64 "9007199254740993", types.int64 "9007199254740993")
    assert.is_true(types.int64 "9007199254740993" ~= types.int64 "9007199254740992")
    assert.equal("-5", core.json_encode(types.int64(-5)))
    assert.equal("5", core.json_encode(types.int64(5.0)))
    assert.equal("-9223372036854775808", core.json_encode(types.int64 "-9223372036854775808"))
    assert.equal("0", core.json_encode(types.int64 "-0"))
    if rawget(math, "type") then
      assert.equal("integer", math.type(types.int64 "7"))
    end
  end)

  it("raises misuse at the caller's line", function()
    local function raises(message, fn, ...)
      local arguments = { ... }
      local function caller()
        fn(arguments[1])
      end
      local ok, problem = pcall(caller)
      assert.is_false(ok)
      local line = debug.getinfo(caller, "S").linedefined + 1
      assert.equal(("value_spec.lua:%d: %s"):format(line, message), problem:match("value_spec.*"))
    end
    raises("temporal.bytes: expected a string, got number", types.bytes, 5)
    raises("temporal.array: expected a table, got string", types.array, "x")
    raises("temporal.array: the table has a metatable of its own; copy its items into a new table",
      types.array, setmetatable({}, {}))
    raises("temporal.raw: expected a table {metadata=, data=}, got nil", types.raw, nil)
    raises('temporal.raw: unknown field "meta"; it takes metadata and data', types.raw,
      { meta = {} })
    raises("temporal.raw: data must be a string, got number", types.raw, { data = 5 })
    raises("temporal.raw: metadata must be a table of strings by name, got string", types.raw,
      { metadata = "x" })
    raises('temporal.raw: metadata["n"] must be a string by name, got number', types.raw,
      { metadata = { n = 1 } })
    local range = "temporal.int64: expected an integral number or decimal digits, from"
      .. " -9223372036854775808 to 9223372036854775807, got "
    raises(range .. "1.5", types.int64, 1.5)
    raises(range .. "9223372036854775808", types.int64, "9223372036854775808")
    raises(range .. "-9223372036854775809", types.int64, "-9223372036854775809")
    raises(range .. "0x10", types.int64, "0x10")
    raises(range .. "", types.int64, "")
    raises(range .. "-", types.int64, "-")
    raises(range .. "nil", types.int64, nil)
    raises(range .. "table", types.int64, {})
  end)

  it("tells kinds apart", function()
    assert.equal("null", core.value_kind(NULL))
    assert.equal("array", core.value_kind(types.array {}))
    assert.equal("array", core.value_kind(core.json_decode("[]")))
    assert.equal("bytes", core.value_kind(types.bytes ""))
    assert.equal("raw", core.value_kind(types.raw {}))
    assert.equal("search_attribute", core.value_kind(types.bool(true)))
    for _, plain in ipairs { {}, 1, "x", true, print, io.stdout } do
      assert.is_nil(core.value_kind(plain))
    end
  end)

  it("finds the first byte that is not UTF-8", function()
    assert.is_nil(core.utf8_offset "")
    assert.is_nil(core.utf8_offset "\195\169")
    assert.equal(0, core.utf8_offset "\255")
    assert.equal(10, core.utf8_offset "0123456789\128")
  end)
end)

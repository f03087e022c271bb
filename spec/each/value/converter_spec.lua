local converter = require "temporal.value.converter"
local core = require "temporal.core"
local types = require "temporal.value.types"

-- What the server would hold of a Payload or Payloads field.
local function on_the_wire(field)
  if type(field) == "string" then
    return field
  end
  return assert(core.encode("temporal.api.common.v1.Payload", field))
end

local function payload_of(object, v)
  return core.decode("temporal.api.common.v1.Payload", on_the_wire(assert(object:payload(v))))
end

local function payloads_of(object, ...)
  local field = assert(object:payloads(select("#", ...), ...))
  if type(field) == "table" then
    field = assert(core.encode("temporal.api.common.v1.Payloads", field, true))
  end
  return core.decode("temporal.api.common.v1.Payloads", field)
end

-- An encoder for points, and one for everything that notes what it is asked.
local point = { __name = "point" }
local points = {
  encoding = "json/point",
  encode = function(v)
    if getmetatable(v) ~= point then
      return nil
    end
    return { data = ("%d;%d"):format(v.x, v.y) }
  end,
  decode = function(payload)
    local x, y = payload.data:match("^(%d+);(%d+)$")
    return x and setmetatable({ x = tonumber(x), y = tonumber(y) }, point) or nil, "no point"
  end,
}

describe("temporal.converter", function()
  it("without encoders is the built-in conversion, in bytes", function()
    for _, list in ipairs { false, {} } do
      local object = assert(converter.new(list or nil))
      assert.equal(core.payload({ 1 }), object:payload({ 1 }))
      assert.equal(core.payloads(3, 1, nil, "a"), object:payloads(3, 1, nil, "a"))
      assert.equal("", object:payloads(0))
      local got, problem = object:payload({ print }, "memo.x")
      assert.is_nil(got)
      assert.matches("^memo%.x%[1%]: a function has no JSON form", problem)
      got, problem = object:payloads(2, 1, print)
      assert.is_nil(got)
      assert.matches("^argument 2: a function has no JSON form", problem)
    end
  end)

  it("reads every built-in encoding", function()
    local object = converter.new()
    for _, value in ipairs { true, 12, "text", { a = { 1, 2 } }, false } do
      assert.same(value, object:value(payload_of(object, value)))
    end
    assert.equal("\0\255", object:value(payload_of(object, types.bytes "\0\255")))
    assert.is_nil((object:value(payload_of(object, nil))))
    assert.is_nil((object:value(payload_of(object, types.null))))
    assert.is_nil((object:value(nil)))
    local proto = { encoding = "binary/protobuf", messageType = "a.B" }
    assert.equal("raw", core.value_kind(object:value { metadata = proto, data = "\8\1" }))
  end)

  it("tells what it cannot read in a record", function()
    local object = converter.new()
    for encoding, message in pairs {
      ["json/plain"] = "^the payload's JSON cannot be read: .* at byte offset 0$",
      ["binary/zlib"] = '^no converter reads the encoding "binary/zlib"',
    } do
      local payload = { metadata = { encoding = encoding }, data = "x" }
      local value, problem = object:value(payload)
      assert.is_nil(value)
      assert.equal("conversion", problem.kind)
      assert.equal(encoding, problem.encoding)
      assert.equal(payload, problem.raw)
      assert.matches(message, problem.message)
    end
    local _, problem = object:value { metadata = {}, data = "" }
    assert.equal('the payload has no metadata "encoding"', problem.message)
    assert.is_nil(problem.encoding)
  end)

  it("reads lists of payloads", function()
    local object = converter.new()
    assert.same({ n = 0 }, object:values(nil))
    assert.same({ n = 0 }, object:values { payloads = {} })
    local got = object:values(payloads_of(object, nil, "a", nil))
    assert.equal(3, got.n)
    assert.same({ nil, "a", nil, n = 3 }, got)
    local broken = payloads_of(object, 1, 2)
    broken.payloads[2].data = "{"
    local values, problem = object:values(broken)
    assert.is_nil(values)
    assert.equal(2, problem.index)
    assert.equal("conversion", problem.kind)
  end)

  it("tries encoders in order before the built-in ones", function()
    local asked = {}
    local nothing = { encoding = "x/y", encode = function(v) asked[#asked + 1] = v end }
    local object = assert(converter.new { nothing, points })
    local sent = payloads_of(object, setmetatable({ x = 3, y = 4 }, point), "plain", nil).payloads
    assert.same({ encoding = "json/point" }, sent[1].metadata)
    assert.equal("3;4", sent[1].data)
    assert.same({ encoding = "json/plain" }, sent[2].metadata)
    assert.same({ encoding = "binary/null" }, sent[3].metadata)
    assert.equal(2, #asked) -- and nil once more
    local back = object:value(sent[1])
    assert.equal(point, getmetatable(back))
    assert.same({ x = 3, y = 4 }, { x = back.x, y = back.y })
    assert.equal("plain", object:value(sent[2]))
    -- What an encoder leaves to the built-in conversion keeps its name.
    local got, problem = object:payloads(2, setmetatable({ x = 1, y = 1 }, point), { print })
    assert.is_nil(got)
    assert.matches("^argument 2%[1%]: a function", problem)
  end)

  it("takes metadata from the encoder and does not keep its tables", function()
    local metadata = { encoding = "mine/2", key = "k\255" }
    local object = converter.new {
      { encoding = "mine/1", encode = function() return { metadata = metadata, data = "d" } end },
    }
    local sent = payload_of(object, 1)
    assert.same(metadata, sent.metadata)
    local field = object:payload(1)
    metadata.key = "changed"
    assert.equal("k\255", field.metadata.key)
  end)

  it("leaves raw payloads to nobody", function()
    local object = converter.new {
      { encoding = "all", encode = function() return { data = "taken" } end },
    }
    local sent = payload_of(object, types.raw { metadata = { encoding = "own" }, data = "mine" })
    assert.same({ encoding = "own" }, sent.metadata)
    assert.equal("mine", sent.data)
    assert.equal("taken", payload_of(object, types.bytes "b").data)
    assert.equal("taken", payload_of(object, nil).data)
  end)

  it("replaces a built-in decoder of the same encoding, the first in the list", function()
    local object = converter.new {
      { encoding = "json/plain", decode = function(p) return "first " .. p.data end },
      { encoding = "json/plain", decode = function(p) return "second " .. p.data end },
      { encoding = "binary/null", decode = function() return "nothing" end },
    }
    assert.equal("first 1", object:value(payload_of(object, 1)))
    assert.equal("nothing", object:value(payload_of(object, nil)))
    assert.equal("b", object:value(payload_of(object, types.bytes "b")))
  end)

  it("lets encoders refuse with a message", function()
    local object = converter.new {
      { encoding = "json/point", encode = function() return nil, "no points today" end,
        decode = points.decode },
    }
    local got, problem = object:payload(1, "argument 4")
    assert.is_nil(got)
    assert.equal("argument 4: no points today", problem)
    got, problem = object:value { metadata = { encoding = "json/point" }, data = "?" }
    assert.is_nil(got)
    assert.equal("no point", problem.message)
    assert.equal("json/point", problem.encoding)
  end)

  it("takes false for a value", function()
    local object = converter.new { { encoding = "f", decode = function() return false, "x" end } }
    local got, problem = object:value { metadata = { encoding = "f" }, data = "" }
    assert.is_false(got)
    assert.is_nil(problem)
  end)

  it("passes on what user code raises, unchanged", function()
    local thrown = { "an object" }
    local function raise()
      error(thrown)
    end
    local object = converter.new { { encoding = "e", encode = raise, decode = raise } }
    for _, call in ipairs {
      function() object:payload(1) end,
      function() object:payloads(1, 1) end,
      function() object:value { metadata = { encoding = "e" }, data = "" } end,
      function() object:values { payloads = { { metadata = { encoding = "e" }, data = "" } } } end,
    } do
      local ok, problem = pcall(call)
      assert.is_false(ok)
      assert.equal(thrown, problem)
    end
  end)

  it("can be used by its own encoders", function()
    local object
    object = converter.new {
      {
        encoding = "wrapped",
        encode = function(v)
          if type(v) ~= "table" or not v.wrap then
            return nil
          end
          return { data = on_the_wire(object:payload(v.wrap)) }
        end,
        decode = function(payload)
          local inner = core.decode("temporal.api.common.v1.Payload", payload.data)
          return { wrap = object:value(inner) }
        end,
      },
    }
    local nested = { wrap = { wrap = { wrap = "deep" } } }
    assert.same(nested, object:value(payload_of(object, nested)))
  end)

  it("says what an encoder returned wrongly", function()
    local function complains(returned, message)
      local object = converter.new { { encoding = "e", encode = function() return returned end } }
      local got, problem = object:payload(1, "argument 1")
      assert.is_nil(got)
      assert.equal('argument 1: the converter for "e" returned ' .. message .. "; encode must"
        .. " return {metadata={name=string}, data=string}, or nil to pass", problem)
    end
    complains("text", "a string")
    complains(true, "a boolean")
    complains(false, "a boolean")
    complains({ data = 5 }, "data of type number")
    complains({ data = "", metadata = "x" }, "metadata of type string")
    complains({ data = "", metadata = { n = 5 } }, "metadata[n] of type number")
    complains({ data = "", metadata = { "x" } }, "metadata[1] of type string")
  end)

  it("says what is wrong with a list of encoders", function()
    local function complains(list, message)
      local object, problem = converter.new(list)
      assert.is_nil(object)
      assert.equal(message, problem)
    end
    complains("x", "must be a list of encoders {encoding=, encode=, decode=}, got string")
    complains({ points, 5 }, "encoder 2 must be a table {encoding=, encode=, decode=}, got number")
    local nameless = 'encoder 1 has no encoding; it must be a name such as "json/plain"'
    complains({ {} }, nameless)
    complains({ { encoding = "" } }, nameless)
    complains({ { encoding = "e" } }, 'encoder 1 ("e") has neither encode nor decode')
    complains({ { encoding = "e", encode = 5 } },
      'encoder 1 ("e"): encode must be a function, got number')
    complains({ { encoding = "e", encode = print, decode = {} } },
      'encoder 1 ("e"): decode must be a function, got table')
  end)

  it("does not change when the list does", function()
    local encoder = { encoding = "e", encode = function() return { data = "one" } end }
    local list = { encoder }
    local object = converter.new(list)
    encoder.encode, list[1] = nil, nil
    assert.equal("one", payload_of(object, 1).data)
  end)
end)

describe("temporal.converter.cjson", function()
  local object = assert(converter.new { converter.cjson })

  it("is found under its name", function()
    assert.equal(require "temporal.value.cjson", converter.cjson)
    assert.is_nil(converter.no_such_encoder)
  end)

  it("has lua-cjson write and read", function()
    local sent = payload_of(object, { path = "a/b" })
    assert.same({ encoding = "json/plain" }, sent.metadata)
    assert.equal('{"path":"a\\/b"}', sent.data) -- lua-cjson's own escape
    for _, value in ipairs { true, false, 12, "text", { a = { 1, 2, { b = "c" } } }, 0.5 } do
      assert.same(value, object:value(payload_of(object, value)))
    end
    assert.equal(types.null, object:value(payload_of(object, { types.null }))[1])
    assert.is_nil((object:value { metadata = { encoding = "json/plain" }, data = "null" }))
  end)

  it("leaves to the built-in conversion what is not JSON to it", function()
    assert.equal("binary/null", payload_of(object, nil).metadata.encoding)
    assert.equal("binary/plain", payload_of(object, types.bytes "\255").metadata.encoding)
    assert.equal("null", payload_of(object, types.null).data)
    for value, message in pairs {
      [print] = "^argument 1: a function has no JSON form",
      ["\255"] = "^argument 1: the string is not valid UTF%-8",
      [{ x = { math.huge } }] = "^argument 1%.x%[1%]: infinity has no JSON form",
    } do
      local got, problem = object:payloads(1, value)
      assert.is_nil(got)
      assert.matches(message, problem)
    end
    local cycle = {}
    cycle.cycle = cycle
    local got, problem = object:payloads(1, cycle)
    assert.is_nil(got)
    assert.matches("contains itself", problem)
  end)

  it("tells what lua-cjson cannot read", function()
    local payload = { metadata = { encoding = "json/plain" }, data = "[1," }
    local got, problem = object:value(payload)
    assert.is_nil(got)
    assert.equal("conversion", problem.kind)
    assert.matches("^lua%-cjson cannot read the payload: ", problem.message)
    assert.equal(payload, problem.raw)
  end)

  it("does not touch the settings of the program's lua-cjson", function()
    local cjson = require "cjson"
    local before = cjson.encode_number_precision()
    payload_of(object, { 1 / 3 })
    assert.equal(before, cjson.encode_number_precision())
  end)
end)

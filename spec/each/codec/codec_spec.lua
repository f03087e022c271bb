--- Codec chains: what they are given, what they may return, and which values pass through them.

local converter = require "temporal.value.converter"
local core = require "temporal.core"
local errors = require "temporal.error.error"
local types = require "temporal.value.types"

local PAYLOAD = "temporal.api.common.v1.Payload"

local function bind(object, kind)
  return object:bind(kind or "arguments", nil, "wf")
end

-- A codec that wraps the data as NAME(data), and notes each call.
local function wrap(name, calls)
  local pattern = "^" .. name .. "%((.*)%)$"
  return {
    encode = function(payloads, context)
      calls[#calls + 1] = { name, "encode", #payloads, context }
      local list = {}
      for i, payload in ipairs(payloads) do
        list[i] = {
          metadata = { encoding = name, inner = payload.metadata.encoding .. ";"
            .. (payload.metadata.inner or "") },
          data = name .. "(" .. payload.data .. ")",
        }
      end
      return list
    end,
    decode = function(payloads, context)
      calls[#calls + 1] = { name, "decode", #payloads, context }
      for _, payload in ipairs(payloads) do
        if payload.metadata.encoding == name then
          local encoding, inner = payload.metadata.inner:match("^([^;]*);(.*)$")
          payload.metadata = { encoding = encoding, inner = inner }
          payload.data = payload.data:match(pattern)
        end
      end
      return payloads
    end,
  }
end

local function through(encode, decode)
  local function same(payloads) return payloads end
  return { encode = encode or same, decode = decode or same }
end

describe("temporal.converter with codecs", function()
  it("is the plain converter when there are none", function()
    for _, settings in ipairs { {}, { codecs = {} }, { codecs = {}, codec_headers = true } } do
      local object = assert(converter.new(nil, settings))
      assert.equal(object, object:bind("arguments", "ns", "wf"))
      assert.equal(core.payload(5), object:payload(5))
      local list = {}
      assert.equal(list, object:encode(list))
      assert.equal(list, object:decode(list))
    end
  end)

  it("encodes first to last and decodes last to first, the whole list at once", function()
    local calls = {}
    local object = bind(assert(converter.new(nil, {
      codecs = { wrap("a", calls), wrap("b", calls) }, namespace = "ns",
    })))
    local sent = assert(object:payloads(3, 1, nil, "x"))
    assert.equal("b(a(1))", sent.payloads[1].data)
    assert.equal("b(a())", sent.payloads[2].data)
    assert.equal('b(a("x"))', sent.payloads[3].data)
    assert.same({ encoding = "b", inner = "a;json/plain;" }, sent.payloads[1].metadata)
    local back = assert(object:values(sent))
    assert.same({ 1, nil, "x", n = 3 }, back)
    local order = {}
    for i, call in ipairs(calls) do
      order[i] = call[1] .. " " .. call[2] .. " " .. call[3]
      assert.same({ namespace = "ns", workflow_id = "wf", kind = "arguments" }, call[4])
    end
    assert.same({ "a encode 3", "b encode 3", "b decode 3", "a decode 3" }, order)
    -- What was received is not what the codec changed: it can be decoded again.
    assert.same({ 1, nil, "x", n = 3 }, object:values(sent))
  end)

  it("takes single values", function()
    local calls = {}
    local object = bind(converter.new(nil, { codecs = { wrap("a", calls) } }), "memo")
    local sent = assert(object:payload({ 1 }, "memo.x"))
    assert.equal("a([1])", sent.data)
    assert.same({ 1 }, object:value(sent))
    assert.is_nil(object:value(nil))
    assert.equal(2, #calls)
    assert.equal("memo", calls[1][4].kind)
    local got, problem = object:payload(print, "memo.x")
    assert.is_nil(got)
    assert.matches("^memo%.x: a function has no JSON form", problem)
    got, problem = object:payloads(2, 1, print)
    assert.is_nil(got)
    assert.matches("^argument 2: a function", problem)
    assert.equal(2, #calls)
  end)

  it("asks no codec for no payloads", function()
    local calls = {}
    local object = bind(converter.new(nil, { codecs = { wrap("a", calls) } }))
    assert.equal("", object:payloads(0))
    assert.same({ n = 0 }, object:values(nil))
    assert.same({ n = 0 }, object:values { payloads = {} })
    assert.same({}, calls)
  end)

  it("comes after the encoders, and before the decoders", function()
    local calls = {}
    local object = bind(converter.new({
      { encoding = "e", encode = function(v) return v == 1 and { data = "one" } or nil end,
        decode = function(payload) return payload.data .. "!" end },
    }, { codecs = { wrap("a", calls) } }))
    local sent = assert(object:payloads(2, 1, 2))
    assert.equal("a(one)", sent.payloads[1].data)
    assert.equal("a(2)", sent.payloads[2].data)
    assert.same({ "one!", 2, n = 2 }, object:values(sent))
  end)

  it("takes raw payloads too, and gives them back to who asks for the payload", function()
    local object = bind(converter.new(nil, { codecs = { wrap("a", {}) } }))
    local sent = assert(object:payload(types.raw { metadata = { encoding = "own" }, data = "d" }))
    assert.equal("a(d)", sent.data)
    assert.same({ metadata = { encoding = "own", inner = "" }, data = "d" },
      object:decode { sent }[1])
  end)

  it("passes on what it does not know", function()
    local object = bind(converter.new(nil, { codecs = { wrap("a", {}) } }))
    assert.equal(7, object:value { metadata = { encoding = "json/plain" }, data = "7" })
    local got, problem = object:value { metadata = { encoding = "b" }, data = "7" }
    assert.is_nil(got)
    assert.equal("conversion", problem.kind)
  end)

  it("keeps a payload's other fields", function()
    local bytes = assert(core.encode(PAYLOAD, { metadata = { encoding = "own" }, data = "d" }))
      .. "\200\6\1" -- field 105, which no schema has: 1
    local object = bind(converter.new(nil, { codecs = { through() } }))
    local sent = assert(object:payload(types.raw(core.decode(PAYLOAD, bytes))))
    assert.equal(bytes, core.encode(PAYLOAD, sent))
  end)

  it("leaves headers alone unless told", function()
    local codecs = { wrap("a", {}) }
    local object = converter.new(nil, { codecs = codecs })
    assert.equal(core.payload(1), object:bind("header"):payload(1))
    object = converter.new(nil, { codecs = codecs, codec_headers = true })
    assert.equal("a(1)", object:bind("header"):payload(1).data)
  end)

  it("converts nothing that is not bound", function()
    local object = converter.new(nil, { codecs = { wrap("a", {}) } })
    assert.is_nil(object.payload)
    assert.is_nil(object.values)
  end)

  it("tells the namespace, the activity and whether failures are encoded", function()
    local calls = {}
    local object = converter.new(nil, {
      codecs = { wrap("a", calls) }, namespace = "ns",
      failure_converter = { encode_common_attributes = true },
    })
    local bound = object:bind("failure", "other", "wf", "act")
    bound:payload(1)
    assert.same({ namespace = "other", workflow_id = "wf", activity_id = "act", kind = "failure" },
      calls[1][4])
    assert.is_true(bound.encode_common_attributes)
    local plain = converter.new(nil, { failure_converter = { encode_common_attributes = true } })
    assert.is_true(plain:bind("failure").encode_common_attributes)
    assert.is_false(converter.new():bind("failure").encode_common_attributes)
  end)

  describe("whose codec", function()
    -- Every way to a codec, with the codec in both places of a chain.
    local function ways(codec, check)
      for _, codecs in ipairs { { codec }, { through(), codec }, { codec, through() } } do
        local object = bind(converter.new(nil, { codecs = codecs }))
        local index = codecs[1] == codec and 1 or 2
        local payload = { metadata = { encoding = "json/plain" }, data = "1" }
        check("encode", index, object.payload, object, 1)
        check("encode", index, object.payloads, object, 1, 1)
        check("decode", index, object.value, object, payload)
        check("decode", index, object.values, object, { payloads = { payload } })
      end
    end

    it("raises, raises to the caller, unchanged", function()
      local thrown = { "an object" }
      local function raise() error(thrown) end
      ways(through(raise, raise), function(_, _, method, ...)
        local ok, problem = pcall(method, ...)
        assert.is_false(ok)
        assert.equal(thrown, problem)
      end)
    end)

    it("refuses with a text, gives an error of kind codec", function()
      local function refuse() return nil, "no key" end
      ways(through(refuse, refuse), function(what, index, method, ...)
        local got, err = method(...)
        assert.is_nil(got)
        assert.is_true(errors.is_error(err))
        assert.equal("codec", err.kind)
        assert.equal(("codec %d could not %s: no key"):format(index, what), err.message)
        assert.is_nil(err.cause)
      end)
    end)

    it("refuses with an error, gives its cause", function()
      local cause = errors.new { kind = "unavailable", message = "connection refused" }
      local function refuse() return nil, cause end
      ways(through(refuse, refuse), function(what, index, method, ...)
        local _, err = method(...)
        assert.equal("codec", err.kind)
        assert.equal(cause, err.cause)
        assert.equal(("codec: codec %d could not %s: unavailable: connection refused")
          :format(index, what), tostring(err))
      end)
    end)

    it("returns something else, is told so", function()
      local good = { metadata = {}, data = "" }
      for _, case in ipairs {
        { "text", "a string" },
        { false, "a boolean" },
        { {}, "0 payloads for 1" },
        { { good, good }, "more than 1 payloads for 1" },
        { { 5 }, "a number as payload 1" },
        { { { data = 5 } }, "data of type number as payload 1" },
        { { { metadata = 5 } }, "metadata of type number as payload 1" },
        { { { metadata = { n = 5 } } }, "metadata[n] of type number as payload 1" },
      } do
        local function wrong() return case[1] end
        ways(through(wrong, wrong), function(what, index, method, ...)
          local got, err = method(...)
          assert.is_nil(got)
          assert.equal("codec", err.kind)
          assert.equal(("codec %d: %s returned %s; it must return a list of as many payloads "
            .. "{metadata={name=string}, data=string}"):format(index, what, case[2]), err.message)
        end)
      end
      local function nothing() end
      ways(through(nothing, nothing), function(what, index, method, ...)
        local _, err = method(...)
        assert.equal(("codec %d could not %s: it returned nothing"):format(index, what),
          err.message)
      end)
    end)

    it("cannot decode, leaves the payload in the error", function()
      local object = bind(converter.new(nil, {
        codecs = { through(nil, function() return nil, "no" end) },
      }))
      local payload = { metadata = { encoding = "x" }, data = "1" }
      local _, err = object:value(payload)
      assert.equal(payload, err.raw)
      assert.equal("x", err.encoding)
      local list = { payload, payload }
      _, err = object:values { payloads = list }
      assert.equal(list, err.raw)
    end)

    it("waits, makes its caller wait", function()
      local function wait(payloads)
        coroutine.yield("waiting")
        return payloads
      end
      ways(through(wait, wait), function(_, _, method, ...)
        local thread = coroutine.create(method)
        local _, said = assert(coroutine.resume(thread, ...))
        assert.equal("waiting", said)
        local ok, got = coroutine.resume(thread)
        assert.is_true(ok)
        assert.is_truthy(got)
        assert.equal("dead", coroutine.status(thread))
      end)
    end)

    it("keeps its payloads, does not share them with us", function()
      local kept
      local object = bind(converter.new(nil, {
        codecs = { through(function(payloads) kept = payloads return payloads end) },
      }))
      local sent = object:payload(1)
      kept[1].data = "changed"
      kept[1].metadata.encoding = "changed"
      assert.equal("1", sent.data)
      assert.equal("json/plain", sent.metadata.encoding)
    end)
  end)

  it("does not change when the list does", function()
    local codec = wrap("a", {})
    local list = { codec }
    local object = bind(converter.new(nil, { codecs = list }))
    codec.encode, list[1] = nil, nil
    assert.equal("a(1)", object:payload(1).data)
  end)

  it("says what is wrong with the list", function()
    local good = through()
    for _, case in ipairs {
      { "x", "must be a list of codecs {encode=, decode=}, got string" },
      { good, "must be a list of codecs with the keys 1 to n; a single codec goes in a list too" },
      { { good, 5 }, "codec 2 must be a table {encode=, decode=}, got number" },
      { { { encode = print } }, "codec 1: decode must be a function, got nil" },
      { { { encode = {}, decode = print } }, "codec 1: encode must be a function, got table" },
    } do
      local ok, message = converter.check_codecs(case[1])
      assert.is_nil(ok)
      assert.equal(case[2], message)
      local object, problem = converter.new(nil, { codecs = case[1] })
      assert.is_nil(object)
      assert.equal(case[2], problem)
    end
    assert.is_true(converter.check_codecs { good, good })
    assert.is_true(converter.check_codecs {})
  end)
end)

describe("temporal.codec", function()
  local codec = require "temporal.codec.codec"

  it("has the codecs by name, and a payload's bytes", function()
    assert.equal(require "temporal.codec.zlib", codec.zlib)
    assert.equal(require "temporal.codec.remote", codec.remote)
    assert.is_nil(codec.no_such_codec)
    local payload = { metadata = { encoding = "json/plain", n = "\255" }, data = "1\0" }
    local bytes = assert(codec.serialize(payload))
    assert.equal(assert(core.encode(PAYLOAD, payload)), bytes)
    local back = codec.parse(bytes)
    assert.same(payload.metadata, back.metadata)
    assert.equal(payload.data, back.data)
    local got, problem = codec.parse("\255\255")
    assert.is_nil(got)
    assert.is_string(problem)
    got, problem = codec.serialize { data = 5 }
    assert.is_nil(got)
    assert.matches("data", problem)
  end)
end)

describe("temporal.failure_converter", function()
  local failure_converter = require "temporal.error.failure_converter"

  it("takes its options", function()
    assert.is_false(failure_converter.new().encode_common_attributes)
    assert.is_false(failure_converter.new({}).encode_common_attributes)
    local object = failure_converter.new { encode_common_attributes = true }
    assert.is_true(object.encode_common_attributes)
    assert.is_true(failure_converter.is(object))
    assert.is_false(failure_converter.is { encode_common_attributes = true })
    assert.has_error(function() failure_converter.new { encode_attributes = true } end)
    assert.has_error(function() failure_converter.new "x" end)
    assert.has_error(function() failure_converter.new { encode_common_attributes = 1 } end)
  end)
end)

--- The zlib codec and the functions of C below it, against Python's zlib.

local codec = require "temporal.codec.codec"
local converter = require "temporal.value.converter"
local core = require "temporal.core"
local env = require "spec.support.environment"

local zlib = codec.zlib

-- Payloads of all sorts: empty, small, compressible, random, with metadata that is not text.
local function samples()
  local random = {}
  for i = 1, 3000 do
    random[i] = string.char((i * 7919 + i * i) % 256)
  end
  local plain = { encoding = "json/plain" }
  return {
    { metadata = {}, data = "" },
    { metadata = plain, data = "1" },
    { metadata = plain, data = '"' .. ("abc"):rep(1000) .. '"' },
    { metadata = { encoding = "binary/plain", key = "\0\255" }, data = table.concat(random) },
    { metadata = plain, data = ("\0"):rep(100000) },
    { metadata = { encoding = "binary/null" } },
  }
end

local function hex(bytes)
  return (bytes:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

local function unhex(text)
  return (text:gsub("%x%x", function(pair) return string.char(tonumber(pair, 16)) end))
end

-- The payloads as the Python codec returns them.
local function python(mode, payloads)
  local path = env.tmp .. "/zlib-" .. mode
  local file = assert(io.open(path, "w"))
  for _, payload in ipairs(payloads) do
    file:write(hex(assert(codec.serialize(payload))), "\n")
  end
  file:close()
  local peer = env.spawn(("%s spec/support/zlib_peer.py %s < %s"):format(env.python, mode, path))
  local how, status = peer:wait(30)
  assert.equal("", peer:errors())
  assert.same({ "exit", 0 }, { how, status })
  local list = {}
  for line in peer:output():gmatch("(%x*)\n") do
    list[#list + 1] = assert(codec.parse(unhex(line)))
  end
  assert.equal(#payloads, #list)
  return list
end

local function same_payloads(expected, got)
  assert.equal(#expected, #got)
  for i = 1, #expected do
    assert.same(expected[i].metadata, got[i].metadata)
    assert.equal(expected[i].data or "", got[i].data or "")
  end
end

describe("temporal.codec.zlib", function()
  it("compresses the serialized payload, where that makes it smaller", function()
    local list = samples()
    local encoded = assert(zlib.encode(list))
    for i, payload in ipairs(encoded) do
      local bytes = codec.serialize(list[i])
      local packed = core.zlib_compress(bytes)
      if #packed < #bytes then
        assert.same({ encoding = "binary/zlib" }, payload.metadata)
        assert.equal(packed, payload.data)
      else
        assert.equal(list[i], payload)
      end
    end
    assert.equal(list[2], encoded[2])
    assert.is_true(#encoded[3].data < 100)
    same_payloads(list, assert(zlib.decode(encoded)))
  end)

  it("is read by Python, and reads what Python writes", function()
    local list = samples()
    local always = zlib { always = true }
    local encoded = assert(always.encode(list))
    for _, payload in ipairs(encoded) do
      assert.same({ encoding = "binary/zlib" }, payload.metadata)
    end
    same_payloads(list, python("decode", encoded))
    local theirs = python("encode", list)
    same_payloads(list, assert(zlib.decode(theirs)))
    same_payloads(list, python("decode", theirs))
  end)

  it("leaves other encodings alone", function()
    local list = { { metadata = { encoding = "json/plain" }, data = "1" }, { metadata = {} } }
    local decoded = assert(zlib.decode(list))
    assert.equal(list[1], decoded[1])
    assert.equal(list[2], decoded[2])
  end)

  it("works in a chain", function()
    local object = assert(converter.new(nil, { codecs = { zlib, zlib { always = true } } }))
      :bind("arguments")
    local text = ("x"):rep(5000)
    local sent = assert(object:payloads(2, text, 1))
    assert.equal("binary/zlib", sent.payloads[1].metadata.encoding)
    assert.same({ text, 1, n = 2 }, object:values(sent))
  end)

  it("has options", function()
    local payload = { metadata = { encoding = "json/plain" }, data = ("a"):rep(1000) }
    local size = #codec.serialize(payload)
    local function encodes(options)
      return zlib(options).encode({ payload })[1] ~= payload
    end
    assert.is_true(encodes {})
    assert.is_true(encodes { min_size = size })
    assert.is_false(encodes { min_size = size + 1 })
    assert.is_true(encodes { min_size = size + 1, always = true })
    local text = { metadata = {}, data = io.open("LICENSE"):read("*a") }
    local fast, small = zlib { level = 1 }, zlib { level = 9 }
    assert.is_true(#small.encode({ text })[1].data < #fast.encode({ text })[1].data)
    local encoded = zlib.encode { payload }
    assert.is_table(zlib { max_size = size }.decode(encoded))
    local list, problem = zlib { max_size = size - 1 }.decode(encoded)
    assert.is_nil(list)
    assert.equal(("zlib, payload 1: it holds more than %d bytes"):format(size - 1), problem)
  end)

  it("bounds what a list of payloads becomes, not each of them", function()
    local payload = { metadata = { encoding = "json/plain" }, data = ("a"):rep(1000) }
    local size = #codec.serialize(payload)
    local encoded = zlib.encode { payload, payload, payload }
    assert.equal(3, #zlib { max_size = 3 * size }.decode(encoded))
    local list, problem = zlib { max_size = 3 * size - 1 }.decode(encoded)
    assert.is_nil(list)
    assert.equal(("zlib, payload 3: it holds more than %d bytes: with those before it, more than "
      .. "max_size (%d)"):format(size - 1, 3 * size - 1), problem)
  end)

  it("says what is wrong with its options", function()
    for _, case in ipairs {
      { "x", "temporal.codec.zlib takes a table of options, got" },
      { { levels = 5 }, 'unknown option of temporal.codec.zlib "levels".*level' },
      { { level = 0 }, '"level" must be' }, { { level = 10 }, '"level" must be' },
      { { level = 1.5 }, '"level" must be' }, { { always = 1 }, '"always" must be' },
      { { min_size = -1 }, '"min_size" must be' }, { { max_size = 0 }, '"max_size" must be' },
      { { max_size = 2 ^ 31 }, '"max_size" must be' },
    } do
      local ok, problem = pcall(zlib, case[1])
      assert.is_false(ok)
      assert.matches(case[2], problem)
    end
  end)

  it("says what it cannot read", function()
    local good = zlib { always = true }.encode(samples())[4]
    local function complains(data, message)
      local list, problem = zlib.decode {
        { metadata = {} }, { metadata = { encoding = "binary/zlib" }, data = data },
      }
      assert.is_nil(list)
      assert.matches("^zlib, payload 2: " .. message, problem)
    end
    complains("", "it ends in the middle of the zlib stream")
    complains("no zlib", "it is not a zlib stream, or is damaged")
    complains(good.data:sub(1, -2), "it ends in the middle of the zlib stream")
    complains(good.data:sub(1, -2) .. "\0", "it is not a zlib stream, or is damaged")
    complains(core.zlib_compress("\255\255"), "Payload: ")
    -- No damage of one byte goes unnoticed or does worse than be told.
    for place = 1, #good.data, 7 do
      local byte = good.data:byte(place)
      local data = good.data:sub(1, place - 1) .. string.char((byte + 1) % 256)
        .. good.data:sub(place + 1)
      complains(data, "")
    end
  end)
end)

describe("core.zlib_*", function()
  it("gives back every length at its limit", function()
    for _, length in ipairs { 0, 1, 4095, 4096, 4097, 12288, 1000000 } do
      local text = ("0123456789"):rep(math.floor(length / 10) + 1):sub(1, length)
      for _, level in ipairs { -1, 1, 9 } do
        local packed = core.zlib_compress(text, level)
        assert.equal(text, core.zlib_decompress(packed, length))
        if length > 0 then
          local got, problem = core.zlib_decompress(packed, length - 1)
          assert.is_nil(got)
          assert.equal(("it holds more than %d bytes"):format(length - 1), problem)
        end
      end
    end
  end)

  it("does not fill the memory with what it refuses", function()
    local bomb = core.zlib_compress(("\0"):rep(50000000))
    assert.is_true(#bomb < 100000)
    local got, problem = core.zlib_decompress(bomb, 1000)
    assert.is_nil(got)
    assert.equal("it holds more than 1000 bytes", problem)
  end)
end)

--- examples/encryption: its codec by itself, the example, and what the Python worker makes of it.

local codec = require "temporal.codec.codec"
local env = require "spec.support.environment"
local temporal = require "temporal"

package.path = "examples/encryption/?.lua;" .. package.path
local aes_codec = require "aes_codec"

local KEYS = {
  ["test-key-id"] = "test-key-test-key-test-key-test!", other = ("k"):rep(32),
}
local CARD = "4111 1111 1111 1111"

local function payload(data)
  return { metadata = { encoding = "json/plain" }, data = data }
end

describe("the codec of examples/encryption", function()
  local aes = aes_codec(KEYS, "test-key-id")

  it("seals each payload on its own, and opens it", function()
    local list = { payload("1"), payload(""), payload(("\0\255"):rep(500000)) }
    local sealed = assert(aes.encode(list))
    local opened = assert(aes.decode(sealed))
    for i = 1, #list do
      assert.same({ encoding = "binary/encrypted", ["encryption-key-id"] = "test-key-id" },
        sealed[i].metadata)
      assert.equal(12 + #codec.serialize(list[i]) + 16, #sealed[i].data)
      assert.equal(list[i].data, opened[i].data)
      assert.same(list[i].metadata, opened[i].metadata)
    end
    assert.not_equal(sealed[1].data, aes.encode({ list[1] })[1].data)
  end)

  it("opens what another of its keys sealed", function()
    local sealed = aes_codec(KEYS, "other").encode { payload("1") }
    assert.equal("other", sealed[1].metadata["encryption-key-id"])
    assert.equal("1", aes.decode(sealed)[1].data)
  end)

  it("leaves alone what is not encrypted", function()
    local plain = payload("1")
    assert.equal(plain, aes.decode({ plain })[1])
  end)

  it("says what it cannot open", function()
    local function complains(change, message)
      local sealed = aes.encode({ payload("secret") })[1]
      change(sealed)
      local list, problem = aes.decode { sealed }
      assert.is_nil(list)
      assert.equal(message, problem)
    end
    complains(function(p) p.metadata["encryption-key-id"] = "gone" end, 'there is no key "gone"')
    complains(function(p) p.metadata["encryption-key-id"] = nil end, 'there is no key "nil"')
    complains(function(p) p.data = p.data:sub(1, 27) end, "the encrypted payload is too short")
    local changed = "the encrypted payload was changed, or its key is another one"
    complains(function(p) p.metadata["encryption-key-id"] = "other" end, changed)
    for _, place in ipairs { 1, 12, 13, 20, -16, -1 } do
      complains(function(p)
        local at = place < 0 and #p.data + 1 + place or place
        p.data = p.data:sub(1, at - 1) .. string.char((p.data:byte(at) + 1) % 256)
          .. p.data:sub(at + 1)
      end, changed)
    end
  end)
end)

describe("examples/encryption", function()
  local where, worker, client

  setup(function()
    where = { TEMPORAL_ADDRESS = env.address, TEMPORAL_NAMESPACE = env.namespace }
    worker = env.spawn{ env.python, "examples/encryption/worker.py", env = where }
    assert.equal("ready", worker:readline(60))
    client = temporal.client{
      target = env.address, namespace = env.namespace,
      codecs = { codec.zlib, aes_codec(KEYS, "test-key-id") },
    }
  end)

  teardown(function()
    client:close()
    worker:stop(1)
  end)

  it("runs", function()
    local program = env.spawn{ env.lua, "examples/encryption/start.lua", env = where }
    local how, code = program:wait(60)
    assert.equal("", program:errors())
    assert.same({ "exit", 0 }, { how, code })
    assert.equal("result\tAda paid 3 with " .. CARD .. "\n"
      .. "without the key\tbinary/encrypted\ttest-key-id\n"
      .. "failed\tcannot pay -1 with " .. CARD .. "\tthe server saw\tEncoded failure\n",
      program:output())
  end)

  it("leaves nothing on the server that could be read", function()
    local run = client:execute_workflow({ task_queue = "payments", memo = { holder = CARD } },
      "Pay", { amount = 5, number = CARD, padding = ("x"):rep(5000) })
    assert.equal(CARD .. " paid 5 with " .. CARD, temporal.assert(run:get(30)))
    local history = temporal.assert(client:call("GetWorkflowExecutionHistory",
      { execution = { workflow_id = run.id } }))
    local count = 0
    local function look(value)
      if type(value) == "string" then
        assert.is_nil(value:find("4111", 1, true))
      elseif type(value) == "table" then
        if value.metadata and value.metadata.encoding then
          assert.equal("binary/encrypted", value.metadata.encoding)
          count = count + 1
        end
        for _, inner in pairs(value) do look(inner) end
      end
    end
    look(history.history)
    assert.equal(3, count) -- the argument, the memo, the result
    -- Compressed before it was encrypted.
    local input = history.history.events[1].workflow_execution_started_event_attributes.input
    assert.is_true(#input.payloads[1].data < 500)
  end)

  it("fails where the key is missing, and says so", function()
    local keyless = temporal.client{
      target = env.address, namespace = env.namespace,
      codecs = { aes_codec({ new = KEYS.other }, "new") },
    }
    local run = client:execute_workflow({ task_queue = "payments" }, "Pay",
      { amount = 5, number = CARD })
    temporal.assert(run:get(30))
    local value, err = keyless:workflow(run.id):get(30)
    assert.is_nil(value)
    assert.equal("codec", err.kind)
    assert.equal('codec 1 could not decode: there is no key "test-key-id"', err.message)
    assert.equal("binary/encrypted", err.encoding)
    keyless:close()
  end)
end)

--- An error thrown from each function that a user gives: it arrives at whoever called, the client
-- works on, and nothing is left behind. Converters, loggers and debug hooks: life_spec.lua.

local fault_peer = require "spec.support.fault_peer"
local growth = require "spec.support.growth"
local temporal = require "temporal"

local START = "StartWorkflowExecution"
local OBJECT = setmetatable({}, { __tostring = function() return "the user's own" end })

describe("an error of the user's", function()
  local answering, bad

  before_each(function()
    answering = fault_peer.start()
    answering:cmd "call GetWorkflowExecutionHistory : answer completed 7"
    bad = true
  end)

  after_each(function()
    answering:stop()
  end)

  local function raise(...)
    if bad then error(OBJECT, 0) end
    return ...
  end

  local function same(list) return list end

  local function start(client)
    return client:execute_workflow({ task_queue = "q" }, "Life", 1)
  end

  local function run_to_its_end(client)
    local value, err = start(client):get(10)
    if err then error(err, 0) end
    return value
  end

  -- The error itself, or one of ours that has it as its reason.
  local function arrives(ok, err)
    assert.is_false(ok)
    assert.matches("the user's own", tostring(err))
  end

  local function kilobytes(count, round)
    for _ = 1, count do round() end
    growth.collect()
    return collectgarbage "count"
  end

  -- What the function is given to, and the option.
  local ENDPOINTS = {
    ["an interceptor, before"] = { interceptors = { {
      execute_workflow = function(input, perform) raise() return perform(input) end } } },
    ["an interceptor, after"] = { interceptors = { {
      execute_workflow = function(input, perform) return raise(perform(input)) end } } },
    ["an interceptor of an RPC, before"] = { interceptors = { {
      call = { before = function() raise() end } } } },
    ["metadata"] = { metadata = function() return raise {} end },
    ["an api_key"] = { tls = false, api_key = function() return raise "key" end },
    ["a codec's encode"] = { codecs = { { encode = raise, decode = same } } },
    ["a codec's decode"] = { codecs = { { encode = same, decode = raise } } },
  }
  for name, options in pairs(ENDPOINTS) do
    it("from " .. name, function()
      options.target = answering.address
      options.logger = function() end
      local client = temporal.client(options)
      local function fails() arrives(pcall(run_to_its_end, client)) end
      local before = kilobytes(300, fails)
      local after = kilobytes(300, fails)
      -- Tables of Lua's own grow by the way; a round holds more than 200 bytes.
      assert.is_true(after - before < 50, ("%.1f KB more"):format(after - before))
      bad = false
      assert.equal(7, run_to_its_end(client))
      assert.is_true(client:close(10))
    end)
  end

  it("from any of them, in a coroutine that is dropped then", function()
    local client = temporal.client { target = answering.address, metadata = raise,
      logger = function() end }
    for _ = 1, 100 do
      local thread = coroutine.create(function() return run_to_its_end(client) end)
      arrives(coroutine.resume(thread))
    end
    collectgarbage()
    assert.equal(0, answering:stats()[START] or 0)
    bad = false
    local other = client:with { metadata = function() return {} end }
    assert.equal(7, run_to_its_end(other))
    assert.is_true(client:close(10))
    assert.is_true(other:close(10))
  end)
end)

--- Interceptors and hooks where something ends early, and whose tables they change.

local fault_peer = require "spec.support.fault_peer"
local temporal = require "temporal"

local START = "StartWorkflowExecution"

describe("an interceptor", function()
  local peer, client

  before_each(function() peer = fault_peer.start() end)

  after_each(function()
    client:close(0)
    peer:stop()
  end)

  local function open(one, options)
    options = options or {}
    options.target, options.interceptors, options.tls = peer.address, { one }, false
    options.logger = function() end
    client = temporal.client(options)
  end

  it("that starts nothing may say why, to start_workflow too", function()
    open { execute_workflow = function() return nil, "not today" end }
    assert.same({ n = 2, [2] = "not today" },
      { n = 2, client:start_workflow({ task_queue = "q" }, "W") })
    assert.equal(0, peer:stats()[START])
  end)

  it("that takes every header away has none sent", function()
    open { execute_workflow = function(input, next)
      input.header = {}
      return next(input)
    end }
    local given = { task_queue = "q", header = { secret = "s" } }
    temporal.assert(client:start_workflow(given, "W"))
    assert.is_nil(peer:requests(START)[1]:find("secret", 1, true))
    assert.equal("s", given.header.secret)
  end)

  it("changes no table of the caller's", function()
    local function change(input, next)
      input.header.extra = "1"
      input.options.metadata.extra = "2"
      if input.signal then input.signal.args[1] = "changed" end
      return next(input)
    end
    open { signal = change, signal_with_start = change }
    local header, metadata, args = {}, {}, { "mine" }
    peer:cmd("call SignalWithStartWorkflowExecution : answer started")
    temporal.assert(client:workflow("x"):signal { name = "s", header = header,
      metadata = metadata })
    temporal.assert(client:signal_with_start({ task_queue = "q", metadata = { a = "1" } },
      { name = "s", args = args }, "W"):started(30))
    assert.same({ {}, {}, { "mine" } }, { header, metadata, args })
    assert.equal("2", peer:headers("SignalWorkflowExecution").extra)
  end)

  it("hears after each RPC it heard before, refused ones too", function()
    local log = {}
    open({ call = {
      before = function(input) log[#log + 1] = "before " .. input.method end,
      after = function(input, outcome)
        log[#log + 1] = "after " .. input.method .. " " .. outcome.error.kind
      end,
    } }, { api_key = function() return nil, "no key" end })
    client:call("GetSystemInfo")
    client:start_workflow({ task_queue = "q" }, "W")
    assert.same({ "before GetSystemInfo", "after GetSystemInfo unauthenticated",
      "before " .. START, "after " .. START .. " unauthenticated" }, log)
  end)
end)

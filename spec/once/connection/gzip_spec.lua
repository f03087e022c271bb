--- Answers that are compressed: those of servers and proxies that take our grpc-accept-encoding at
-- its word. See spec/c/gzip_test.c for the inflating itself.

local core = require "temporal.core"
local faults = require "spec.support.faults"

local ANY = "DescribeNamespace"
local RESPONSE = "temporal.api.workflowservice.v1.DescribeNamespaceResponse"

describe("a gzip answer", function()
  local peer

  setup(function() peer = faults.start_peer() end)
  teardown(faults.stop_peer)
  before_each(function() peer:reset() end)
  after_each(faults.after_each)

  -- The bytes through gzip(1), in hex.
  local function gzip(bytes)
    local path = os.tmpname()
    local file = assert(io.open(path, "wb"))
    file:write(bytes)
    file:close()
    local dump = assert(io.popen(("gzip -nc '%s' | od -An -v -tx1"):format(path)))
    local hex = dump:read("*a"):gsub("%s", "")
    dump:close()
    os.remove(path)
    return hex
  end

  -- A response that is `size` bytes long, and says so.
  local function response(size)
    local function encode(n)
      return assert(core.encode(RESPONSE, { namespace_info = { description = ("x"):rep(n) } }))
    end
    local bytes = encode(size)
    bytes = encode(size - (#bytes - size))
    assert.equal(size, #bytes)
    return bytes
  end

  local function answer(hex, more)
    peer:cmd("call %s : headers grpc-encoding=gzip; message flag=1 %s hex %s; trailers", ANY,
      more or "", hex)
  end

  local function ask(options)
    return faults.client(options):call(ANY, {}, { timeout = 30 })
  end

  it("is understood, and was asked for", function()
    answer(gzip(response(3000)))
    local described, err = ask()
    assert.is_nil(err)
    assert.equal(("x"):rep(2990), described.namespace_info.description:sub(1, 2990))
    assert.equal("gzip", peer:headers(ANY)["grpc-accept-encoding"])
  end)

  it("is understood in pieces, too", function()
    local hex = gzip(response(3000))
    local half = 2 * math.floor(#hex / 4)
    peer:cmd("call %s : headers grpc-encoding=gzip; message flag=1 length=%d hex %s; wait 30; "
      .. "data %s; trailers", ANY, #hex / 2, hex:sub(1, half), hex:sub(half + 1))
    assert.equal("x", ask().namespace_info.description:sub(1, 1))
  end)

  it("that is not compressed after all is understood", function()
    peer:cmd("call %s : headers grpc-encoding=gzip; message none; trailers", ANY)
    assert.is_table(ask())
  end)

  it("is a start's and a poll's, too", function()
    local started = core.encode("temporal.api.workflowservice.v1.StartWorkflowExecutionResponse",
      { run_id = "RUN" })
    peer:cmd("call %s : headers grpc-encoding=gzip; message flag=1 hex %s; trailers", faults.START,
      gzip(started))
    local run = faults.must_start(faults.client())
    assert.equal("RUN", run.run_id)
  end)

  it("may be as large as max_message, inflated, and no larger", function()
    answer(gzip(response(5000)))
    assert.is_table(ask { max_message = 5000 })
    local _, err = ask { max_message = 4999 }
    assert.equal("message_too_large", err.kind)
    assert.equal(4999, err.limit)
    assert.is_true(err.size > 4999)
  end)

  it("that is a bomb ends at max_message; the connection lives", function()
    answer(gzip(("\0"):rep(8000000)))
    local client = faults.client { max_message = 100000 }
    local _, err = client:call(ANY)
    assert.equal("message_too_large", err.kind)
    assert.is_not_nil(client:call("GetSystemInfo"))
    assert.equal(1, peer:stats().connections)
  end)

  it("of one byte again and again is taken as one payload may be", function()
    answer(gzip(response(2000000)))
    assert.is_table(ask())
  end)

  -- A few hundred bytes, then 16 MiB, are a listing's elements of two bytes each.
  local function bomb(megabytes)
    local pieces, hex = {}, gzip(("\10\0"):rep(megabytes * 512 * 1024))
    for i = 1, #hex, 30000 do
      pieces[#pieces + 1] = "data " .. hex:sub(i, i + 29999)
    end
    peer:cmd("call ListWorkflowExecutions : headers grpc-encoding=gzip; data 01%08x; %s; trailers",
      #hex / 2, table.concat(pieces, "; "))
  end

  it("makes no more tables and elements than max_decoded; the connection lives", function()
    bomb(1)
    local client = faults.client { max_decoded = 100000 }
    local response_table, err = client:call("ListWorkflowExecutions", {}, { timeout = 30 })
    assert.is_nil(response_table)
    assert.same({ "message_too_large", 100000 }, { err.kind, err.limit })
    assert.matches("^message_too_large: ListWorkflowExecutionsResponse%.executions%[%d+%]: more "
      .. "than 100000 tables and elements: a larger client option max_decoded allows it",
      tostring(err))
    assert.is_not_nil(client:call("GetSystemInfo"))
    assert.equal(1, peer:stats().connections)
  end)

  it("ends where it is far larger than what came; the connection lives", function()
    bomb(17)
    local client = faults.client()
    local _, err = client:call("ListWorkflowExecutions", {}, { timeout = 30 })
    assert.same({ "message_too_large", 16 * 1024 * 1024 }, { err.kind, err.limit })
    assert.matches("inflates to more than 16777216: more than 100 times its size is taken up to "
      .. "an eighth of max_message %(134217728%)", err.message)
    assert.is_not_nil(client:call("GetSystemInfo"))
    assert.equal(1, peer:stats().connections)
  end)

  local broken = {
    { "cut short", function(hex) return hex:sub(1, #hex - 8) end },
    { "of other bytes", function(hex) return ("61"):rep(#hex / 2) end },
    { "with a wrong checksum", function(hex)
      return hex:sub(1, -17) .. (hex:sub(-16, -16) == "0" and "1" or "0") .. hex:sub(-15)
    end },
    { "with more behind it", function(hex) return hex .. "00" end },
  }
  for _, case in ipairs(broken) do
    it("that is " .. case[1] .. " is an error; the connection lives", function()
      answer(case[2](gzip(response(300))))
      local client = faults.client()
      local _, err = client:call(ANY)
      assert.same({ "internal", "unknown" }, { err.kind, err.outcome })
      assert.matches("gzip", err.message)
      assert.is_not_nil(client:call("GetSystemInfo"))
      assert.equal(1, peer:stats().connections)
    end)
  end

  it("that says so in the message only, or in another way, is an error", function()
    local hex = gzip(response(300))
    for _, headers in ipairs { "headers", "headers grpc-encoding=identity",
      "headers grpc-encoding=zstd" } do
      peer:reset(("call %s : %s; message flag=1 hex %s; trailers"):format(ANY, headers, hex))
      local _, err = ask()
      assert.equal("internal", err.kind)
      assert.matches("compressed", err.message)
    end
    peer:reset(("call %s : headers grpc-encoding=gzip; message flag=2 hex %s; trailers")
      :format(ANY, hex))
    assert.matches("compressed", select(2, ask()).message)
  end)

  it("that is announced and does not come is a message that ended in the middle", function()
    local hex = gzip(response(300))
    answer(hex, "length=" .. #hex)
    local _, err = ask()
    assert.equal("internal", err.kind)
    assert.matches("middle of its message", err.message)
  end)
end)

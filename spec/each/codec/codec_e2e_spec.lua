--- Codecs on the real server: a Python worker with the same codec reads what is sent here, and the
-- reverse; nothing of it is in clear on the server.

local codec = require "temporal.codec.codec"
local core = require "temporal.core"
local env = require "spec.support.environment"
local errors = require "temporal.error.error"
local failure = require "temporal.error.failure"
local temporal = require "temporal"

-- Backwards, as spec/support/payload_codecs.py does it.
local reverse = {
  encode = function(payloads)
    local list = {}
    for i, payload in ipairs(payloads) do
      list[i] = { metadata = { encoding = "binary/reversed" },
        data = codec.serialize(payload):reverse() }
    end
    return list
  end,
  decode = function(payloads)
    local list = {}
    for i, payload in ipairs(payloads) do
      list[i] = payload
      if payload.metadata.encoding == "binary/reversed" then
        list[i] = codec.parse(payload.data:reverse())
      end
    end
    return list
  end,
}

local VALUES = {
  true, 0, -1, 9007199254740993, 1e300, 0.1, "", "\195\188\240\159\140\141", { a = { 1, 2 } },
  n = 9,
}

for name, codecs in pairs {
  zlib = { codec.zlib { always = true } },
  reverse = { reverse },
} do
  describe("the " .. name .. " codec and a Python worker's", function()
    local queue = "codec-" .. name
    local worker, client, plain

    setup(function()
      worker = env.spawn{ env.python, "spec/support/codec_worker.py", env.address, env.namespace,
                          queue, name }
      assert.equal("ready", worker:readline(60))
      plain = temporal.client{ target = env.address, namespace = env.namespace }
      client = temporal.client{
        target = env.address, namespace = env.namespace, codecs = codecs, codec_headers = true,
        failure_converter = temporal.failure_converter{ encode_common_attributes = true },
      }
    end)

    teardown(function()
      client:close()
      plain:close()
      worker:stop(1)
    end)

    local function run(workflow, options, ...)
      options.task_queue = queue
      return client:execute_workflow(options, workflow, ...)
    end

    local encoding = ({ zlib = "binary/zlib", reverse = "binary/reversed" })[name]

    it("read each other's arguments and results", function()
      local future = run("Anything", {}, (table.unpack or unpack)(VALUES, 1, VALUES.n))
      local got = temporal.assert(future:get(30))
      for i = 1, VALUES.n do
        assert.same(VALUES[i], got[i])
      end
      got = temporal.assert(run("Anything", {}, nil, temporal.bytes "\0\255x", nil):get(30))
      assert.equal(temporal.null, got[1])
      assert.equal(temporal.null, got[3])
      assert.equal(3, #got)
    end)

    it("leave nothing in clear on the server", function()
      local future = run("Anything", {
        memo = { m = "clear text" }, header = { h = "clear text" },
        static_summary = "clear text, short", static_details = "clear text, long",
      }, "clear text")
      temporal.assert(future:get(30))
      local raw = temporal.assert(plain:workflow(future.id):get{ raw = true, timeout = 30 })
      assert.equal(encoding, raw.metadata.encoding)
      assert.equal('["clear text"]', future:get{ raw = true }.data)
      local value, err = plain:workflow(future.id):get(30)
      assert.is_nil(value)
      assert.equal("conversion", err.kind)
      local history = temporal.assert(plain:call("GetWorkflowExecutionHistory",
        { execution = { workflow_id = future.id } }))
      local bytes = assert(core.encode("temporal.api.history.v1.History", history.history))
      assert.is_nil(bytes:find("clear text", 1, true))
      local described = temporal.assert(client:workflow(future.id):describe())
      assert.same({ m = "clear text" }, described.memo)
      assert.equal("clear text, short", described.static_summary)
      assert.equal("clear text, long", described.static_details)
    end)

    it("pass search attributes by", function()
      local future = run("Anything", { search_attributes = { CustomKeyword = "clear text" } })
      temporal.assert(future:get(30))
      local described = temporal.assert(plain:workflow(future.id):describe())
      assert.equal("clear text", described.search_attributes.CustomKeyword)
    end)

    it("carry memo and header", function()
      local memo = { number = 5, text = "x", list = { 1, 2 } }
      local header = { who = "Ada", deep = { a = true } }
      local seen = temporal.assert(run("Seen", { memo = memo, header = header }):get(30))
      assert.same(memo, seen.memo)
      assert.same(header, seen.header)
    end)

    it("read failures with encoded attributes", function()
      local future = run("Fail", {}, "the secret", "d1", { d = 2 })
      local value, err = future:get(30)
      assert.is_nil(value)
      local application = err.cause
      assert.equal("application", application.kind)
      assert.equal("the secret", application.message)
      assert.equal("Secret", application.type)
      assert.is_true(application.non_retryable)
      assert.same({ "d1", { d = 2 }, n = 2 }, application.details)
      assert.matches("codec_worker.py", application.stack_trace)
      assert.equal("Encoded failure", application.raw.message)
      assert.equal("the secret, because", application.cause.message)
      assert.equal("Cause", application.cause.type)
    end)

    it("write failures with encoded attributes", function()
      local future = run("Ask", { id = "ask-" .. env.uuid() })
      temporal.assert(future:started(30))
      local err = temporal.application_error("the secret", {
        type = "Secret", non_retryable = true, details = { "d1", { d = 2 } },
        cause = temporal.application_error("the reason"),
      })
      local message = assert(failure.from_error(err,
        require("temporal.call.session").of(client):values("failure", future.id, "later")))
      assert.equal("Encoded failure", message.message)
      assert.equal("Encoded failure", message.cause.message)
      local refused
      env.wait_until(60, function()
        local done
        done, refused = client:call("RespondActivityTaskFailedById", {
          workflow_id = future.id, activity_id = "later", failure = message,
        })
        return done or not errors.is_error(refused) or refused.kind ~= "not_found"
      end, "the activity")
      assert.is_nil(refused)
      local told = temporal.assert(future:get(30))
      assert.same({
        message = "the secret", type = "Secret", details = { "d1", { d = 2 } }, stack_trace = "",
        cause = "the reason",
      }, told)
    end)
  end)
end

describe("the remote codec and a Python worker's own", function()
  it("read each other", function()
    local server = env.spawn{ env.python, "spec/support/codec_server.py" }
    local port = assert(server:readline(30):match("listening on (%d+)"))
    local worker = env.spawn{ env.python, "spec/support/codec_worker.py", env.address,
                              env.namespace, "codec-remote", "reverse" }
    assert.equal("ready", worker:readline(60))
    local client = temporal.client{
      target = env.address, namespace = env.namespace,
      codecs = { codec.remote{ endpoint = "http://127.0.0.1:" .. port } },
    }
    local future = client:execute_workflow({ task_queue = "codec-remote" }, "Anything", "a", 5)
    local got = temporal.assert(future:get(30))
    assert.same({ "a", 5 }, { got[1], got[2] })
    assert.equal(env.namespace, core.json_decode(server:readline(60)).headers["x-namespace"])
    client:close()
    worker:stop(1)
    server:stop(1)
    -- The engine keeps its connections to codec servers.
    temporal.shutdown()
  end)
end)

describe("a codec that fails", function()
  it("fails the start: nothing is sent", function()
    local function refuse() return nil, "no key today" end
    local client = temporal.client{
      target = env.address, namespace = env.namespace,
      codecs = { { encode = refuse, decode = refuse } },
    }
    local id = "codec-refused-" .. env.uuid()
    local future, err = client:start_workflow({ id = id, task_queue = env.task_queue }, "Echo", 1)
    assert.is_nil(future)
    assert.equal("codec", err.kind)
    assert.equal("codec 1 could not encode: no key today", err.message)
    local _, missing = client:call("DescribeWorkflowExecution",
      { execution = { workflow_id = id } })
    assert.equal("not_found", missing.kind)
    client:close()
  end)

  it("fails the get, and the next one tries again", function()
    local broken = true
    local client = temporal.client{
      target = env.address, namespace = env.namespace,
      codecs = { {
        encode = function(payloads) return payloads end,
        decode = function(payloads)
          if broken then return nil, "no key today" end
          return payloads
        end,
      } },
    }
    local future = client:execute_workflow({ task_queue = env.task_queue }, "Echo", "x")
    local value, err = future:get(30)
    assert.is_nil(value)
    assert.equal("codec", err.kind)
    assert.equal("json/plain", err.encoding)
    assert.equal(future.id, err.workflow_id)
    broken = false
    assert.equal("x", future:get(30))
    client:close()
  end)
end)

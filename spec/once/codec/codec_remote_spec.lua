--- The remote codec against a codec server written with the Python SDK.

local codec = require "temporal.codec.codec"
local converter = require "temporal.value.converter"
local core = require "temporal.core"
local env = require "spec.support.environment"
local temporal = require "temporal"

local CONTEXT = { namespace = "ns", workflow_id = "wf", kind = "arguments" }

local function same_payloads(expected, got)
  assert.equal(#expected, #got)
  for i, payload in ipairs(expected) do
    assert.same(payload.metadata, got[i].metadata)
    assert.equal(payload.data, got[i].data)
  end
end

describe("temporal.codec.remote", function()
  local server, address

  setup(function()
    server = env.spawn{ env.python, "spec/support/codec_server.py" }
    address = "http://127.0.0.1:" .. assert(server:readline(30):match("listening on (%d+)"))
  end)

  teardown(function()
    server:stop(1)
    -- The engine keeps its connections to codec servers.
    temporal.shutdown()
  end)

  -- What the server was asked last.
  local function request()
    return assert(core.json_decode(server:readline(60)))
  end

  local function remote(path, more)
    local options = { endpoint = address .. path }
    for name, value in pairs(more or {}) do options[name] = value end
    return codec.remote(options)
  end

  local payloads = {
    { metadata = { encoding = "json/plain", key = "\0\255" }, data = '"\195\188"' },
    { metadata = {}, data = "" },
    { metadata = { encoding = "binary/plain" }, data = "\0\1\254\255" },
  }

  it("has the server encode and decode", function()
    local subject = remote("")
    local encoded = assert(subject.encode(payloads, CONTEXT))
    local asked = request()
    assert.equal("/encode", asked.path)
    assert.equal(3, asked.count)
    assert.equal("application/json", asked.headers["content-type"])
    assert.equal("ns", asked.headers["x-namespace"])
    assert.is_nil(asked.headers.authorization)
    for i, payload in ipairs(encoded) do
      assert.same({ encoding = "binary/reversed" }, payload.metadata)
      local inner = assert(codec.parse(payload.data:reverse()))
      assert.same(payloads[i].metadata, inner.metadata)
      assert.equal(payloads[i].data, inner.data)
    end
    local decoded = assert(subject.decode(encoded, CONTEXT))
    assert.equal("/decode", request().path)
    same_payloads(payloads, decoded)
  end)

  it("works in a chain, for every value", function()
    local object = assert(converter.new(nil, {
      codecs = { codec.zlib, remote("/prefix/") }, namespace = "ns",
    })):bind("arguments")
    local text = ("long"):rep(100000)
    local sent = assert(object:payloads(4, nil, text, 9007199254740993, "\240\159\140\141"))
    assert.equal("/prefix/encode", request().path)
    assert.equal("binary/reversed", sent.payloads[2].metadata.encoding)
    assert.is_true(#sent.payloads[2].data < 2000)
    assert.same({ nil, text, 9007199254740993, "\240\159\140\141", n = 4 }, object:values(sent))
    assert.equal("/prefix/decode", request().path)
  end)

  it("sends headers and credentials", function()
    local subject = remote("/secret", { auth = "Bearer secret", headers = { ["X-Other"] = "a b" } })
    assert.is_table(subject.encode(payloads, CONTEXT))
    local asked = request()
    assert.equal("Bearer secret", asked.headers.authorization)
    assert.equal("a b", asked.headers["x-other"])
    local given
    subject = remote("/secret", { auth = function(context)
      given = context
      return "Bearer secret"
    end })
    assert.is_table(subject.decode(payloads, CONTEXT))
    assert.equal(CONTEXT, given)
    request()
    subject = remote("/secret", { auth = function() return nil end })
    local list, err = subject.encode(payloads, CONTEXT)
    assert.is_nil(list)
    assert.equal("unauthenticated", err.kind)
    assert.is_nil(request().headers.authorization)
    subject = remote("/secret", { auth = function() return nil, "the vault is shut" end })
    list, err = subject.encode(payloads, CONTEXT)
    assert.is_nil(list)
    assert.equal("unauthenticated", err.kind)
    assert.matches("the vault is shut", err.message)
    subject = remote("/secret", { auth = function() return "Bearer\r\nX: y" end })
    assert.has_error(function() subject.encode(payloads, CONTEXT) end)
  end)

  it("puts the namespace into the URL where it is asked to", function()
    local subject = remote("/of/{namespace}")
    assert.is_table(subject.encode(payloads, { namespace = "a b/c%d" }))
    local asked = request()
    assert.equal("/of/a%20b%2Fc%25d/encode", asked.path)
    assert.equal("a b/c%d", asked.headers["x-namespace"])
  end)

  it("tells what the server answered", function()
    for status, kind in pairs {
      [400] = "internal", [401] = "unauthenticated", [403] = "permission_denied",
      [404] = "unimplemented", [429] = "unavailable", [503] = "unavailable", [500] = "unknown",
      [204] = "unknown",
    } do
      local list, err = remote("/" .. status).encode(payloads, CONTEXT)
      request()
      assert.is_nil(list)
      assert.equal(kind, err.kind)
      assert.equal(status, err.http_status)
      assert.matches("^the codec server answered http://127%.0%.0%.1:%d+/" .. status
        .. "/encode with HTTP " .. status, err.message)
      if status ~= 204 then
        assert.matches(": out of order$", err.message)
      end
    end
    local object = converter.new(nil, { codecs = { remote("/503") } }):bind("memo")
    local got, err = object:payload(1)
    request()
    assert.is_nil(got)
    assert.equal("codec", err.kind)
    assert.equal("unavailable", err.cause.kind)
  end)

  it("tells when the answer is no list of payloads", function()
    for path, message in pairs {
      ["/garbage"] = "offset 14", ["/html"] = 'expected an object, got "<html>"',
    } do
      local list, err = remote(path).decode(payloads, CONTEXT)
      request()
      assert.is_nil(list)
      assert.equal("internal", err.kind)
      assert.matches("^the codec server's answer to .*/decode cannot be read: .*", err.message)
      assert.matches(message, err.message)
    end
    local object = converter.new(nil, { codecs = { remote("/short") } }):bind("arguments")
    local got, err = object:payloads(2, 1, 2)
    request()
    assert.is_nil(got)
    assert.equal("codec", err.kind)
    assert.matches("^codec 1: encode returned 1 payloads for 2;", err.message)
  end)

  it("gives up in time, and on a connection that breaks", function()
    local before = env.now()
    local list, err = remote("/slow", { timeout = 0.2 }).encode(payloads, CONTEXT)
    request()
    assert.is_nil(list)
    assert.is_true(env.now() - before < 5)
    assert.equal("deadline_exceeded", err.kind)
    list, err = remote("/hangup").encode(payloads, CONTEXT)
    request()
    assert.is_nil(list)
    assert.equal("unavailable", err.kind)
    list, err = codec.remote { endpoint = "http://127.0.0.1:1" }.encode(payloads, CONTEXT)
    assert.is_nil(list)
    assert.equal("unavailable", err.kind)
  end)

  it("speaks TLS, with a certificate authority of one's own", function()
    local certificate, key = env.tmp .. "/codec.pem", env.tmp .. "/codec.key"
    local made = env.spawn{
      "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-out", certificate,
      "-keyout", key, "-subj", "/CN=codec", "-addext", "subjectAltName=DNS:localhost",
    }
    assert.same({ "exit", 0 }, { made:wait(60) })
    local secure = env.spawn{ env.python, "spec/support/codec_server.py", certificate, key }
    local url = "https://localhost:" .. assert(secure:readline(30):match("listening on (%d+)"))
    local list, err = codec.remote { endpoint = url }.encode(payloads, CONTEXT)
    assert.is_nil(list)
    assert.equal("unavailable", err.kind)
    assert.matches("certificate", err.message)
    local subject = codec.remote { endpoint = url, tls = { ca_file = certificate } }
    list = assert(subject.encode(payloads, CONTEXT))
    same_payloads(payloads, subject.decode(list, CONTEXT))
    -- As a proxy too, with an authority of its own.
    for _, proxy in ipairs { { url = url, ca_file = certificate },
      { url = url, ca_pem = assert(io.open(certificate)):read("*a") } } do
      subject = codec.remote { endpoint = "http://codec.example", proxy = proxy }
      same_payloads(payloads, subject.decode(assert(subject.encode(payloads, CONTEXT)), CONTEXT))
    end
    secure:stop(1)
  end)

  it("shows no password of its endpoint", function()
    local url = address:gsub("://", "://someone:s3cret@")
    for path, kind in pairs { ["/503"] = "unavailable", ["/garbage"] = "internal",
      ["/slow"] = "deadline_exceeded" } do
      local subject = codec.remote { endpoint = url .. path, timeout = 0.3 }
      local _, err = subject.encode(payloads, CONTEXT)
      request()
      assert.equal(kind, err.kind)
      assert.matches(path, tostring(err))
      assert.not_matches("s3cret", tostring(err))
    end
  end)

  it("takes no name for a certificate that it would not look at", function()
    local ok, problem = pcall(codec.remote, { endpoint = "https://x", tls = { server_name = "y" } })
    assert.is_false(ok)
    assert.matches("tls.server_name", problem)
  end)


  it("goes on after a shutdown", function()
    local subject = remote("")
    local encoded = assert(subject.encode(payloads, CONTEXT))
    request()
    temporal.shutdown()
    same_payloads(payloads, subject.decode(encoded, CONTEXT))
    request()
  end)

  it("works for a client", function()
    local client = temporal.client{ target = env.address, namespace = env.namespace,
      codecs = { remote("") } }
    local future = temporal.assert(client:start_workflow({ task_queue = env.task_queue }, "Echo",
      "x"))
    assert.equal("x", future:get(30))
    request()
    request()
    client:close()
  end)

  it("reads every JSON form of a payload", function()
    local function answers(body)
      return codec.remote { endpoint = "http://x", post = function() return 200, body end }
        .decode({ { metadata = {}, data = "" } }, {})
    end
    local function reads(expected, body)
      same_payloads(expected, assert(answers(body)))
    end
    reads({ { metadata = { a = "b" }, data = "\255\239" } },
      '{"payloads":[{"metadata":{"a":"Yg"},"data":"_-8="}],"more":1}')
    reads({ { metadata = {}, data = "" } }, '{"payloads":[{}]}')
    reads({ { metadata = {}, data = "" } }, '{"payloads":[{"metadata":null,"data":null}]}')
    reads({}, '{"payloads":[]}')
    reads({}, "{}")
    for body, message in pairs {
      ["[]"] = "Payloads: expected an object",
      ['{"payloads":5}'] = "Payloads%.payloads: expected an array",
      ['{"payloads":[5]}'] = "Payloads%.payloads%[1%]: expected an object",
      ['{"payloads":[{},{"data":5}]}'] = "Payloads%.payloads%[2%]%.data: expected base64 text",
      ['{"payloads":[{"data":"?"}]}'] = "Payloads%.payloads%[1%]%.data: expected base64 text",
      ['{"payloads":[{"metadata":{"a":1}}]}'] = "Payloads%.payloads%[1%]%.metadata",
    } do
      local list, err = answers(body)
      assert.is_nil(list)
      assert.matches("^the codec server's answer to http://x/decode cannot be read: " .. message,
        err.message)
    end
  end)

  it("takes another HTTP client", function()
    local seen
    local subject = codec.remote {
      endpoint = "HTTPS://codec.example/", timeout = "2s", auth = "key",
      post = function(...)
        seen = { ... }
        return nil, "no network"
      end,
    }
    local list, problem = subject.encode({ { metadata = { n = "\1" }, data = "d" } }, CONTEXT)
    assert.is_nil(list)
    assert.equal("no network", problem)
    assert.equal("HTTPS://codec.example/encode", seen[1])
    assert.same({ ["Content-Type"] = "application/json", ["X-Namespace"] = "ns",
      Authorization = "key" }, seen[2])
    assert.same({ payloads = { { metadata = { n = "AQ==" }, data = "ZA==" } } },
      core.json_decode(seen[3]))
    assert.equal(2, seen[4])
  end)

  it("says what is wrong with its options", function()
    local label = 'option of temporal.codec.remote "'
    local url = "http://x"
    for _, case in ipairs {
      { "http://x", "temporal.codec.remote takes a table of options, got" },
      { {}, label .. 'endpoint" is missing' },
      { { endpoint = "codec.example" }, label .. 'endpoint" must be a URL' },
      { { endpoint = "ftp://x" }, label .. 'endpoint" must be a URL' },
      { { endpoint = "http://" }, label .. 'endpoint" must be a URL' },
      { { endpoint = 5 }, label .. 'endpoint" must be a URL' },
      { { endpoint = url, auth = "a\nb" }, label .. 'auth" must have no control characters' },
      { { endpoint = url, auth = "a " }, label .. 'auth" must not begin or end with a blank' },
      { { endpoint = url, auth = {} }, label .. 'auth" must be a string' },
      { { endpoint = url, headers = "x" }, label .. 'headers" must be a table' },
      { { endpoint = url, headers = { "x" } }, label .. 'headers" must have header names' },
      { { endpoint = url, headers = { ["a b"] = "x" } }, label .. 'headers" must have' },
      { { endpoint = url, headers = { a = "x\ny" } }, label .. 'headers.a" must have no control' },
      { { endpoint = url, headers = { a = 5 } }, label .. 'headers.a" must be a string' },
      { { endpoint = url, timeout = 0 }, label .. 'timeout" must be above' },
      { { endpoint = url, tls = 5 }, 'option "tls" must be' },
      { { endpoint = url, tls = { ca = "x" } }, 'option "tls.ca"' },
      { { endpoint = url, proxy = 5 }, 'option "proxy"' },
      { { endpoint = url, post = 5 }, label .. 'post" must be a function' },
      { { endpoint = url, key = 5 }, "unknown " .. label .. 'key"' },
    } do
      local ok, problem = pcall(codec.remote, case[1])
      assert.is_false(ok)
      assert.is_truthy(problem:find(case[2], 1, true), problem)
    end
  end)
end)

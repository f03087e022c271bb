local target = require "temporal.connection.target"

local function raised(fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok, "expected an error")
  return message
end

describe("temporal.target", function()
  it("reads every form", function()
    local cases = {
      ["localhost"] = { "localhost", 7233, "localhost:7233" },
      ["localhost:1"] = { "localhost", 1, "localhost:1" },
      ["10.0.0.1:65535"] = { "10.0.0.1", 65535, "10.0.0.1:65535" },
      ["my-ns.a1b2.tmprl.cloud:7233"] =
        { "my-ns.a1b2.tmprl.cloud", 7233, "my-ns.a1b2.tmprl.cloud:7233" },
      ["[::1]:7234"] = { "::1", 7234, "[::1]:7234" },
      ["[fe80::1%eth0]"] = { "fe80::1%eth0", 7233, "[fe80::1%eth0]:7233" },
      ["dns:///temporal.svc:80"] = { "temporal.svc", 80, "temporal.svc:80" },
      ["dns:///temporal"] = { "temporal", 7233, "temporal:7233" },
      ["dns:temporal:80"] = { "temporal", 80, "temporal:80" },
    }
    for text, expected in pairs(cases) do
      local parsed = assert(target.parse(text))
      assert.same(expected, { parsed.host, parsed.port, parsed.authority })
    end
  end)

  it("reads Unix sockets, as gRPC names them", function()
    for text, expected in pairs {
      ["unix:/run/a b.sock"] = { "/run/a b.sock", false }, ["unix:a.sock"] = { "a.sock", false },
      ["unix:///run/frontend.sock"] = { "/run/frontend.sock", false },
      ["UNIX:./a:7233"] = { "./a:7233", false }, ["unix-abstract:a/b"] = { "a/b", true },
      ["unix:/" .. ("a"):rep(106)] = { "/" .. ("a"):rep(106), false },
    } do
      local parsed = assert(target.parse(text))
      assert.same(expected, { parsed.unix_path, parsed.unix_abstract })
      assert.equal("localhost", parsed.authority)
    end
  end)

  it("says what is wrong and what would be right", function()
    local cases = {
      ["http://localhost:7233"] = "has a scheme",
      ["dns://8.8.8.8/x:1"] = "has a scheme",
      ["::1"] = "several colons",
      ["a:b:c"] = "several colons",
      ["[localhost]:1"] = "no IPv6 address",
      ["[abc]:1"] = "no IPv6 address",
      [""] = "no valid host",
      [":7233"] = "no valid host",
      [("a"):rep(256) .. ":7233"] = "has a host of more than 255 bytes",
      ["localhost:"] = "no valid port",
      ["localhost:0"] = "no valid port",
      ["localhost:65536"] = "no valid port",
      ["localhost:http"] = "no valid port",
      ["localhost 7233"] = "no valid port",
      ["local host:7233"] = "no valid port",
      ["localhost:7233/x"] = "no valid port",
      ["unix:"] = "has no path", ["unix-abstract:"] = "has no path",
      ["unix://run/frontend.sock"] = "has a relative path behind two slashes",
      ["unix:/a\0b"] = "zero byte",
      ["unix:/" .. ("a"):rep(107)] = "has a path of more than 107 bytes",
      ["unix-socket:a"] = "no valid port",
    }
    for text, expected in pairs(cases) do
      local parsed, why = target.parse(text)
      assert.is_nil(parsed, text)
      assert.matches(expected, why, 1, true)
      assert.matches('must be "host", "host:port", "[v6]:port", "dns:///host:port" or "unix:/path"',
        why, 1, true)
    end
    local parsed, why = target.parse(7233)
    assert.is_nil(parsed)
    assert.matches("must be a string", why)
  end)

  it("takes an authority apart", function()
    for text, host in pairs {
      ["temporal.internal"] = "temporal.internal", ["temporal_1:7233"] = "temporal_1",
      ["[::1]:1"] = "::1", ["[fd00::1]"] = "fd00::1", ["10.0.0.1:65535"] = "10.0.0.1",
    } do
      assert.equal(host, (target.parse_authority(text)))
    end
    for _, text in ipairs { "", "a b", "a:", "a:0", "a:65536", "http://a", "::1", "[::1", "a/b",
      "a\n", "u@a", 7 } do
      local host, why = target.parse_authority(text)
      assert.is_nil(host)
      assert.matches('such as "temporal.internal:7233", got ', why, 1, true)
    end
  end)

  it("lays metadata out, sorted by key", function()
    assert.same({}, target.metadata_list({}, "metadata"))
    assert.same({ "a-bin", "\0\255", "b.c", "", "z_1", "x y" },
      target.metadata_list({ z_1 = "x y", ["a-bin"] = "\0\255", ["b.c"] = "" }, "metadata"))
  end)

  it("refuses metadata the protocol has no place for", function()
    local cases = {
      { { te = "x" }, 'the key "te" is reserved' },
      { { ["content-type"] = "x" }, "is reserved" },
      { { ["grpc-timeout"] = "1S" }, "is reserved" },
      { { [":path"] = "x" }, "is reserved" },
      { { ["X-Tenant"] = "x" }, 'must be in lower case: "x-tenant"' },
      { { ["a b"] = "x" }, "lower-case letters, digits" },
      { { [""] = "x" }, "lower-case letters, digits" },
      { { [1] = "x" }, "keys must be strings, got 1" },
      { { a = 1 }, 'the value of "a" must be a string, got 1' },
      { { a = "caf\195\169" }, 'the value of "a" may have printable ASCII only' },
      { { a = "x\ny" }, "printable ASCII" },
    }
    for _, case in ipairs(cases) do
      local message = raised(target.metadata_list, case[1], "metadata")
      assert.matches(case[2], message, 1, true)
      assert.matches("metadata: ", message, 1, true)
    end
    assert.matches("metadata must be a table, got a string",
      raised(target.metadata_list, "x", "metadata"), 1, true)
  end)

  it("never shows a value", function()
    assert.not_matches("s3cret", raised(target.metadata_list, { a = "s3cret\n" }, "metadata"))
  end)
end)

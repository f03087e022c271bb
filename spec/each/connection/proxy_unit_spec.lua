--- Which proxy a client goes through, and which URLs are one. See proxy_spec.lua for real ones.

local proxy = require "temporal.connection.proxy"
local temporal = require "temporal"

local SECRET = "s3cret"

describe("a proxy", function()
  describe("by the environment", function()
    local function url(environment, host, port)
      local found, problem = proxy.from_environment(host or "temporal.example", port or 7233,
        function(name) return environment[name] end)
      return found and found.url, problem
    end

    it("is HTTPS_PROXY, before https_proxy; HTTP_PROXY and ALL_PROXY are none", function()
      assert.equal("http://a:1", url { HTTPS_PROXY = "http://a:1", https_proxy = "http://b:2" })
      assert.equal("http://b:2", url { https_proxy = "http://b:2" })
      assert.equal("http://b:2", url { HTTPS_PROXY = "", https_proxy = "http://b:2" })
      assert.is_nil(url { HTTP_PROXY = "http://a:1", ALL_PROXY = "http://a:1" })
      assert.is_nil(url {})
    end)

    it("is http where it has no scheme, and the scheme may be in capitals", function()
      assert.equal("http://proxy:3128", url { HTTPS_PROXY = "proxy:3128" })
      assert.equal("socks5://proxy:1080", url { HTTPS_PROXY = "SOCKS5://proxy:1080" })
    end)

    it("is never for this machine itself", function()
      for _, host in ipairs { "localhost", "LOCALHOST", "localhost.", "a.localhost", "127.0.0.1",
        "127.8.9.10", "::1", "0:0:0:0:0:0:0:1", "::FFFF:127.0.0.1", "::ffff:7f01:203" } do
        assert.is_nil((url({ HTTPS_PROXY = "http://a:1" }, host)))
      end
      for _, host in ipairs { "localhost.example", "notlocalhost", "128.0.0.1", "127.example",
        "::2", "::ffff:128.0.0.1", "::127.0.0.1", "::1.example", "127.1.1" } do
        assert.equal("http://a:1", url({ HTTPS_PROXY = "http://a:1" }, host))
      end
    end)

    it("that is broken is said so, without its password; not where it is not needed", function()
      for _, broken in ipairs { "ftp://u:%s@x", "http://u:%s@", "http://u:%s@x:port",
        "http://u:%s/x@y", "http://u%%01:%s@x" } do
        local found, problem = url { HTTPS_PROXY = broken:format(SECRET) }
        assert.is_nil(found)
        assert.matches("HTTPS_PROXY", problem)
        assert.not_matches(SECRET, problem)
        assert.is_nil(select(2, url({ HTTPS_PROXY = broken:format(SECRET) }, "localhost")))
        assert.is_nil(select(2, url { HTTPS_PROXY = broken:format(SECRET), NO_PROXY = "*" }))
      end
    end)

    it("is not for what NO_PROXY names, or no_proxy", function()
      assert.is_nil(url { HTTPS_PROXY = "http://a:1", NO_PROXY = "temporal.example" })
      assert.is_nil(url { HTTPS_PROXY = "http://a:1", no_proxy = "temporal.example" })
    end)
  end)

  describe("of a codec server by the environment", function()
    local system = require "temporal.base.system"
    local getenv = system.getenv

    after_each(function() system.getenv = getenv end)

    -- Where it is asked for, it is wrong.
    local function err_of(endpoint, no_proxy)
      system.getenv = function(name)
        return name == "HTTPS_PROXY" and "ftp://x" or name == "NO_PROXY" and no_proxy or nil
      end
      local remote = temporal.codec.remote { endpoint = endpoint, timeout = 20 }
      return (select(2, remote.encode({ { metadata = {}, data = "" } }, { namespace = "ns" })))
    end

    it("is looked for by the host, IPv6 or behind a user's name too", function()
      for endpoint, host in pairs {
        ["https://[fd00::1]"] = "fd00::1", ["https://[fd00::1]:1/x"] = "[FD00:0::1]:1",
        ["https://user:443@codec.invalid"] = "codec.invalid",
        ["HTTPS://codec.invalid:1?a@b"] = "codec.invalid:1",
      } do
        assert.equal("config", err_of(endpoint).kind, endpoint)
        assert.equal("config", err_of(endpoint, "user, fd00::2, codec.invalid:2").kind, endpoint)
        assert.not_equal("config", err_of(endpoint, host).kind, endpoint)
      end
      assert.equal("unavailable", err_of("https://[::1]:1").kind)
    end)
  end)

  describe("is left out by NO_PROXY", function()
    local cases = {
      -- list, host, port, left out
      { "*", "anything.example", 7233, true },
      { "temporal.example", "temporal.example", 7233, true },
      { "temporal.example", "TEMPORAL.Example.", 7233, true },
      { "Temporal.EXAMPLE.", "temporal.example", 7233, true },
      { "temporal.example", "a.b.temporal.example", 7233, true },
      { ".temporal.example", "a.temporal.example", 7233, true },
      { "*.temporal.example", "a.temporal.example", 7233, true },
      { "temporal.example", "nottemporal.example", 7233, false },
      { "temporal.example", "temporal.example.org", 7233, false },
      { "a, b ,temporal.example", "temporal.example", 7233, true },
      { "a b temporal.example", "temporal.example", 7233, true },
      { "", "temporal.example", 7233, false },
      { ",, ,", "temporal.example", 7233, false },
      { ".", "temporal.example", 7233, false },
      { "temporal.example:7233", "temporal.example", 7233, true },
      { "temporal.example:7234", "temporal.example", 7233, false },
      { "10.1.2.3", "10.1.2.3", 7233, true },
      { "10.1.2.3", "10.1.2.30", 7233, false },
      { "10.1.2.3:7233", "10.1.2.3", 7233, true },
      { "10.0.0.0/8", "10.200.1.1", 7233, true },
      { "10.0.0.0/8", "11.0.0.1", 7233, false },
      { "10.1.2.0/23", "10.1.3.255", 7233, true },
      { "10.1.2.0/23", "10.1.4.0", 7233, false },
      { "10.1.2.3/32", "10.1.2.3", 7233, true },
      { "10.1.2.3/32", "10.1.2.2", 7233, false },
      { "0.0.0.0/0", "8.8.8.8", 7233, true },
      { "0.0.0.0/0", "temporal.example", 7233, false },
      { "10.0.0.0/33", "10.0.0.0", 7233, false },
      { "300.0.0.0/8", "10.0.0.0", 7233, false },
      { "fd00::1", "fd00::1", 7233, true },
      { "FD00::1", "fd00::1", 7233, true },
      { "[fd00::1]", "fd00::1", 7233, true },
      { "[fd00::1]:7233", "fd00::1", 7233, true },
      { "[fd00::1]:1", "fd00::1", 7233, false },
      { "fd00::2", "fd00::1", 7233, false },
      { "fd00::1", "FD00:0:0:0:0:0:0:1", 7233, true },
      { "fd00:0000::0001", "fd00::1", 7233, true },
      { "[FD00:0:0::1]:7233", "fd00::1", 7233, true },
      { "fd00::1:7233", "fd00::1", 7233, false },
      { "fd00::/8", "fd00::1234", 7233, true },
      { "FD00::/8", "fdff:ffff::1", 7233, true },
      { "fd00::/8", "fe00::1", 7233, false },
      { "[fd00::]/8", "fd00::1234", 7233, true },
      { "2001:db8:8000::/33", "2001:db8:ffff::1", 7233, true },
      { "2001:db8:8000::/33", "2001:db8:7fff::1", 7233, false },
      { "2001:db8::5/128", "2001:db8:0::5", 7233, true },
      { "2001:db8::5/128", "2001:db8::4", 7233, false },
      { "2001:db8::5/129", "2001:db8::5", 7233, false },
      { "::/0", "2001:db8::5", 7233, true },
      { "::/0", "10.1.2.3", 7233, false },
      { "0.0.0.0/0", "fd00::1", 7233, false },
      { "::/0", "temporal.example", 7233, false },
      { "10.0.0.0/8", "::ffff:10.1.2.3", 7233, true },
      { "10.1.2.3", "::FFFF:a01:203", 7233, true },
      { "::ffff:10.1.2.3", "10.1.2.3", 7233, true },
      { "::ffff:10.0.0.0/104", "10.1.2.3", 7233, true },
      { "::ffff:10.0.0.0/104", "11.1.2.3", 7233, false },
      { "fe80::1", "fe80::1%eth0", 7233, true },
      { "fe80::/10", "FE80::1%eth0", 7233, true },
      { "fe80::1%eth0", "fe80::1%ETH0", 7233, true },
      { "fe80::1%eth0", "fe80::1%eth1", 7233, false },
      { "fe80::1%eth0", "fe80::1", 7233, false },
      { "10.0.0.0/", "10.0.0.0", 7233, false },
      { "10.0.0/8", "10.0.0.0", 7233, false },
      { "2.3", "10.1.2.3", 7233, false },
      { "svc.cluster.local", "a.svc.cluster.local.", 7233, true },
    }
    for _, case in ipairs(cases) do
      local list, host, port, expected = case[1], case[2], case[3], case[4]
      it(("%q: %s:%d %s"):format(list, host, port, expected and "is" or "is not"), function()
        assert.equal(expected, proxy.is_excluded(list, host, port))
      end)
    end

    it("not at all where there is none", function()
      assert.is_false(proxy.is_excluded(nil, "temporal.example", 7233))
    end)
  end)

  describe("as an option", function()
    it("is a URL, or a table with one, or false", function()
      assert.is_false(proxy.check(false))
      for given, expected in pairs {
        ["http://proxy:3128"] = "http://proxy:3128", ["http://proxy"] = "http://proxy",
        ["HTTPS://u:p@proxy:1/"] = "https://u:p@proxy:1/",
        ["socks5h://u:p%40@[::1]:1080"] = "socks5h://u:p%40@[::1]:1080",
        ["http://u:p%25%7F@[fe80::1%10]:1"] = "http://u:p%25%7F@[fe80::1%10]:1",
        ["socks5://10.0.0.1:1080"] = "socks5://10.0.0.1:1080",
      } do
        assert.equal(expected, proxy.check(given).url)
      end
      assert.same({ url = "https://p:1", ca_file = "ca.pem" },
        proxy.check { url = "https://p:1", ca_file = "ca.pem" })
    end)

    local wrong = {
      { "proxy:3128", "no scheme" }, { "", "no scheme" }, { "ftp://proxy", "scheme" },
      { "http://", "no host" }, { "http://:3128", "no host" }, { "http://u:s3cret@", "no host" },
      { "http://u:s3cret@:1", "no host" }, { "http://u:s3cret@proxy:0", "valid port" },
      { "http://u:s3cret@proxy:65536", "valid port" }, { "http://u:s3cret@proxy:x", "valid port" },
      { "http://u:s3cret@proxy:", "valid port" }, { "http://u:s3c/ret@proxy:1", "%2F" },
      { "http://u:1#s3cret@proxy", "%23" }, { "http://u:1?s3cret@proxy", "%3F" },
      { "http://u:s3cret@x@proxy:1", "%40" }, { "http://u:s3cret@pro xy", "characters" },
      { "http://u:s3cret@proxy\n", "characters" }, { "http://u:s3cret@pr<o>xy", "characters" },
      { "http://u%00:s3cret@proxy", "%00 to %1F" }, { "https://u:s3cret%1f@proxy", "%00 to %1F" },
      { "socks5://u:s3cret%0D%0a@proxy:1", "%00 to %1F" },
      { "http://u:s3cret@%0aproxy:1", "%00 to %1F" },
      { "http://u:s3cret@[::1:1", "valid port" }, { 7, "got 7" }, { true, "got true" },
      { {}, "got nothing" }, { { url = "ftp://u:s3cret@x" }, "scheme" },
      { { uri = "x" }, "proxy.uri" }, { { url = "http://x", ca_pem = 1 }, "proxy.ca_pem" },
    }
    for i, case in ipairs(wrong) do
      it(("that is wrong is refused, and its password not shown: %d"):format(i), function()
        local ok, problem = pcall(temporal.client, { proxy = case[1] })
        assert.is_false(ok)
        assert.matches(case[2], problem, 1, true)
        assert.not_matches(SECRET, problem)
        assert.not_matches("s3c", problem)
      end)
    end
  end)
end)

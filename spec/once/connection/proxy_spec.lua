--- Real proxies before the real server, plaintext and TLS. See proxy_unit_spec.lua for the rules.

local env = require "spec.support.environment"
local certificates = require "spec.support.certificates"
local fault_peer = require "spec.support.fault_peer"
local libcurl = require "spec.support.libcurl"
local listener = require "spec.support.listener"
local nginx = require "spec.support.nginx"
local proxies = require "spec.support.proxies"
local temporal = require "temporal"

local CREDENTIALS = proxies.user .. ":" .. proxies.password .. "@"
-- The password as it is, as it is written in a URL, and both with the user in base64.
local SECRETS = { proxies.plain_password, proxies.password, "c29tZW9uZTpwYXNz", "wr0ngw0rd" }

describe("a proxy", function()
  local made, front, http, socks, clients

  setup(function()
    made = certificates.new()
    made:authority "ca"
    made:authority "other"
    made:issue "server"
    made:issue("expired", { days = -1 })
    made:issue("elsewhere", { names = "DNS:elsewhere.example" })
    made:issue("client", { names = "DNS:client" })
    http, socks = proxies.http(), proxies.socks()
    local server = "ssl_certificate server.pem; ssl_certificate_key server.key;"
    local address = "127.0.0.1:" .. http.ports.proxy
    front = nginx.start(made, {
      tls = server,
      mutual = server .. "ssl_client_certificate ca.pem; ssl_verify_client on;",
      few = server .. "keepalive_requests 5;",
      elsewhere = "ssl_certificate elsewhere.pem; ssl_certificate_key elsewhere.key;",
    }, { streams = {
      proxy = { text = server, address = address },
      expired = { text = "ssl_certificate expired.pem; ssl_certificate_key expired.key;",
        address = address },
    } })
  end)

  teardown(function()
    for _, process in ipairs { front, http, socks } do process:stop() end
  end)

  before_each(function() clients = {} end)

  after_each(function()
    for _, client in ipairs(clients) do client:close(0) end
  end)

  local function target(where)
    return "localhost:" .. (where == "plain" and env.port or front.ports[where])
  end

  local function tls_of(where)
    if where == "plain" then return false end
    return { ca_file = made:path "ca.pem", cert_file = made:path "client.pem",
      key_file = made:path "client.key" }
  end

  -- Each sort of proxy, with these credentials.
  local function sorts(credentials)
    return {
      ["http"] = ("http://%s127.0.0.1:%d"):format(credentials, http.ports.proxy),
      ["socks5"] = ("socks5://%s127.0.0.1:%d"):format(credentials, socks.ports.proxy),
      ["socks5h"] = ("socks5h://%slocalhost:%d"):format(credentials, socks.ports.proxy),
      ["https"] = { url = ("https://%slocalhost:%d"):format(credentials, front.ports.proxy),
        ca_file = made:path "ca.pem" },
      ["https, text"] = { url = ("HTTPS://%slocalhost:%d/"):format(credentials, front.ports.proxy),
        ca_pem = made:text "ca.pem" },
    }
  end

  local function open(where, proxy, options)
    local given = { target = target(where), namespace = env.namespace, tls = tls_of(where),
      proxy = proxy, retry = false, shutdown_timeout = 0, logger = function() end }
    for name, value in pairs(options or {}) do given[name] = value end
    local client = temporal.client(given)
    clients[#clients + 1] = client
    return client
  end

  local function no_secret(text)
    for _, secret in ipairs(SECRETS) do
      assert.is_nil(text:find(secret, 1, true), text)
    end
  end

  local function refusal(...)
    local client = open(...)
    local ok, err = client:connect(10)
    assert.is_nil(ok)
    no_secret(tostring(err) .. tostring(client))
    for _, value in pairs(err) do no_secret(tostring(value)) end
    return err
  end

  for _, sort in ipairs { "http", "https", "https, text", "socks5", "socks5h" } do
    for _, where in ipairs { "plain", "tls", "mutual" } do
      it(("(%s) is gone through to a server: %s"):format(sort, where), function()
        local client = open(where, sorts(CREDENTIALS)[sort])
        local answer = temporal.assert(client:call("DescribeNamespace"))
        assert.equal(env.namespace, answer.namespace_info.name)
      end)
    end

    it(("(%s) carries megabytes both ways, and a long poll"):format(sort), function()
      local text = ("0123456789abcdef"):rep(1500000 / 16)
      for _, where in ipairs { "plain", "tls" } do
        local client = open(where, sorts(CREDENTIALS)[sort], { rpc_timeout = 60 })
        local futures = {}
        for i = 1, 2 do
          futures[i] = temporal.assert(client:start_workflow({ task_queue = env.task_queue,
            id = "proxy-" .. env.uuid() }, "Echo", text))
        end
        for i = 1, 2 do assert.is_true(futures[i]:get(60) == text) end
      end
    end)

    it(("(%s) that wants other credentials says so, and they are in no string"):format(sort),
      function()
        for _, credentials in ipairs { proxies.user .. ":wr0ngw0rd@", "wr0ngw0rd@", "" } do
          local err = refusal("tls", sorts(credentials)[sort])
          assert.same({ "unavailable", "not_started" }, { err.kind, err.outcome })
          assert.matches(sort:find "socks" and "SOCKS proxy refuses" or "40[17]", err.message)
        end
      end)
  end

  it("is gone through to a server that is asked for by another name", function()
    for _, sort in ipairs { "http", "https", "socks5", "socks5h" } do
      local client = open("elsewhere", sorts(CREDENTIALS)[sort], {
        tls = { ca_file = made:path "ca.pem", server_name = "elsewhere.example" } })
      temporal.assert(client:call("DescribeNamespace"))
    end
  end)

  it("is gone through at each dial", function()
    local client = open("few", sorts(CREDENTIALS).http)
    local _, before = http:output():gsub("CONNECT localhost", "")
    for _ = 1, 23 do temporal.assert(client:call("DescribeNamespace")) end
    env.wait_until(30, function()
      local _, after = http:output():gsub("CONNECT localhost", "")
      return after - before >= 4
    end, "the proxy's log")
  end)

  it("that nobody listens at is an error that names it", function()
    local err = refusal("tls", "http://" .. CREDENTIALS .. "127.0.0.1:" .. listener.port())
    assert.same({ "unavailable", "not_started" }, { err.kind, err.outcome })
    assert.matches("refused", err.message)
    err = refusal("tls", "socks5://" .. CREDENTIALS .. "nowhere.invalid:1080")
    assert.equal("unavailable", err.kind)
    assert.matches("nowhere.invalid", err.message, 1, true)
  end)

  it("that cannot reach the server says so", function()
    for _, sort in ipairs { "http", "socks5h" } do
      local err = refusal("plain", sorts(CREDENTIALS)[sort],
        { target = "127.0.0.1:" .. listener.port() })
      assert.same({ "unavailable", "not_started" }, { err.kind, err.outcome })
    end
  end)

  it("that says nothing is given up after connect_timeout", function()
    local peer = fault_peer.start()
    peer:cmd("conn raw : hold")
    for _, scheme in ipairs { "http", "https", "socks5" } do
      local before = env.now()
      local err = refusal("tls", ("%s://%slocalhost:%d"):format(scheme, CREDENTIALS, peer.port),
        { connect_timeout = 0.3 })
      assert.equal("unavailable", err.kind)
      assert.is_true(env.now() - before < 4) -- 5: the default
    end
    peer:stop()
  end)

  it("of the kind https is verified, with authorities of its own", function()
    local url = ("https://%slocalhost:%d"):format(CREDENTIALS, front.ports.proxy)
    for _, proxy in ipairs { url, { url = url, ca_file = made:path "other.pem" } } do
      local err = refusal("tls", proxy)
      assert.matches("its authority is not known here (proxy.ca_file names those that are)",
        err.message, 1, true)
      assert.same({ "unavailable", "not_started" }, { err.kind, err.outcome })
      assert.matches("issuer certificate", err.message)
      -- tls.verify is about the server.
      err = refusal("tls", proxy, { tls = { verify = false } })
      assert.matches("issuer certificate", err.message)
    end
    local err = refusal("tls", { ca_file = made:path "ca.pem",
      url = ("https://%slocalhost:%d"):format(CREDENTIALS, front.ports.expired) })
    assert.matches("expired", err.message)
    err = refusal("tls", { ca_file = made:path "ca.pem",
      url = ("https://%slocalhost:%d"):format(CREDENTIALS, http.ports.proxy) })
    assert.equal("unavailable", err.kind)
    err = refusal("tls", { url = url, ca_file = made:path "nowhere.pem" })
    assert.same({ "config", "not_started", 1 }, { err.kind, err.outcome, err.attempts })
  end)

  describe("from the environment", function()
    -- What a child with these variables says. 0.0.0.0 is this machine, but no loopback address.
    local function child(variables, host, code)
      local log = #http:output()
      local process = env.spawn { env.lua, "-e", (code or [[
        local client, problem = require "temporal".client { target = %q, retry = false }
        if not client then return print(problem.kind, problem) end
        print(client:connect(10))
        client:close()
      ]]):format(host .. ":" .. env.port), env = variables }
      local line = process:readline(20)
      assert.same({ "exit", 0 }, { process:wait(60) }, process:errors())
      no_secret(line .. process:errors())
      return line, http:output():sub(log + 1)
    end

    local url

    before_each(function()
      url = ("http://%s127.0.0.1:%d"):format(CREDENTIALS, http.ports.proxy)
    end)

    it("is gone through", function()
      for _, name in ipairs { "HTTPS_PROXY", "https_proxy" } do
        local line, log = child({ [name] = url }, "0.0.0.0")
        assert.equal("true", line)
        assert.matches("CONNECT 0.0.0.0:" .. env.port, log, 1, true)
      end
    end)

    it("is not for loopback, NO_PROXY, or proxy=false", function()
      local dead = ("http://%s127.0.0.1:%d"):format(CREDENTIALS, listener.port())
      assert.equal("true", (child({ HTTPS_PROXY = dead }, "localhost")))
      assert.equal("true", (child({ HTTPS_PROXY = dead }, "127.0.0.1")))
      assert.equal("true", (child({ HTTPS_PROXY = dead, NO_PROXY = "x, 0.0.0.0" }, "0.0.0.0")))
      assert.equal("true", (child({ HTTPS_PROXY = dead, no_proxy = "*" }, "0.0.0.0")))
      assert.equal("true", (child({ HTTPS_PROXY = dead }, "0.0.0.0", [[
        local client = require "temporal".client { target = %q, proxy = false }
        print(client:connect(10))
        client:close()
      ]])))
      assert.matches("refused", (child({ HTTPS_PROXY = dead }, "0.0.0.0")))
      -- Nor are libcurl's other variables looked at.
      assert.equal("true", (child({ ALL_PROXY = dead, all_proxy = dead, http_proxy = dead },
        "0.0.0.0")))
    end)

    it("that is broken is a config error of temporal.client", function()
      local line = child({ HTTPS_PROXY = "ftp://" .. CREDENTIALS .. "x" }, "0.0.0.0")
      assert.matches("^config\t.*HTTPS_PROXY.*scheme", line)
      line = child({ HTTPS_PROXY = "http://" .. CREDENTIALS .. "x:99999" }, "0.0.0.0")
      assert.matches("^config\t.*HTTPS_PROXY.*port", line)
    end)
  end)

  describe("that libcurl leaves out", function()
    local folder, codec_server

    setup(function()
      folder = libcurl.alter("curl_easy_setopt", [[
        #pragma GCC visibility push(default)
        CURLcode curl_easy_setopt(CURL *easy, CURLoption option, ...) {
          va_list value;
          void *given;
          va_start(value, option);
          given = va_arg(value, void *);
          va_end(value);
          return (passed)(easy, option, option == CURLOPT_PROXY ? "" : given);
        }
        #pragma GCC visibility pop
      ]])
      codec_server = env.spawn { env.python, "spec/support/codec_server.py" }
    end)
    teardown(function() codec_server:stop() end)

    -- What a program with that libcurl prints.
    local function output(code, ...)
      local process = env.spawn { env.lua, "-e", code:format(...),
        env = { LD_LIBRARY_PATH = folder } }
      assert.same({ "exit", 0 }, { process:wait(60) }, process:errors())
      return process:output()
    end

    local DIAL = [[
      local client = require "temporal".client { target = %q, proxy = %q, tls = %s, retry = false }
      local _, err = client:connect(10)
      print(err and err.kind, err and err.message)
      client:close()
    ]]

    it("is not done without: nothing is sent to the server itself", function()
      local peer = fault_peer.start()
      for _, sort in ipairs { "http", "socks5", "socks5h" } do
        assert.equal("unavailable\tlibcurl did not go through the proxy: the connection was "
          .. "closed, and not used\n",
          output(DIAL, "127.1:" .. peer.port, sorts(CREDENTIALS)[sort], "false"))
      end
      assert.equal(0, peer:stats().connections)
      -- Where the port does not tell: by the answer to CONNECT.
      assert.matches("^unavailable\tlibcurl did not go through the proxy", output(DIAL,
        "127.1:" .. peer.port, "http://u:p@127.0.0.1:" .. peer.port, "false"))
      assert.equal(0, peer:stats().streams)
      peer:stop()
    end)

    it("is not done without by a codec either", function()
      local port = codec_server:readline(30):match "listening on (%d+)"
      for _, proxy in ipairs { sorts(CREDENTIALS).http, "http://u:p@127.0.0.1:1" } do
        assert.matches("^unavailable\tlibcurl did not go through the proxy", output([[
          local codec = require "temporal".codec.remote { endpoint = "http://127.0.0.1:%d",
            proxy = %q }
          local _, err = codec.encode({ { metadata = {}, data = "" } }, { namespace = "ns" })
          print(err and err.kind, err and err.message)
        ]], port, proxy))
      end
    end)
  end)
end)

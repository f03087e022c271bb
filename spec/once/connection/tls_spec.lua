--- TLS to the real server, through nginx with real certificates.

local env = require "spec.support.environment"
local libcurl = require "spec.support.libcurl"
local certificates = require "spec.support.certificates"
local fault_peer = require "spec.support.fault_peer"
local listener = require "spec.support.listener"
local nginx = require "spec.support.nginx"
local temporal = require "temporal"

local QUICK = { initial = 0.02, factor = 1.2, max = 0.1, attempts = 50 }

describe("TLS", function()
  local made, front, warnings
  local clients = {}

  local function with_key(name, more)
    return ("ssl_certificate %s.pem; ssl_certificate_key %s.key; %s"):format(name, name, more or "")
  end

  local MUTUAL = "ssl_client_certificate ca.pem; ssl_verify_client on;"

  setup(function()
    made = certificates.new()
    made:authority "ca"
    made:authority "other"
    made:issue "server"
    made:issue("expired", { days = -1 })
    made:issue("elsewhere", { names = "DNS:elsewhere.example" })
    made:issue "rotating"
    made:issue("client", { names = "DNS:client" })
    made:issue("stranger", { names = "DNS:stranger", by = "other" })
    front = nginx.start(made, {
      good = with_key "server",
      expired = with_key "expired",
      elsewhere = with_key "elsewhere",
      mutual = with_key("server", MUTUAL),
      rotating = with_key("rotating", MUTUAL .. " keepalive_requests 3;"),
      few = with_key("server", "keepalive_requests 5;"),
      http1 = with_key("server", "location / { return 200; }"),
      old = with_key("server", "ssl_protocols TLSv1.1; ssl_ciphers DEFAULT@SECLEVEL=0;"),
      -- Not HTTP/2, though it is what was agreed on.
      liar = with_key("server", "location / { return 404; }"),
    }, {
      no_h2 = { http1 = true }, own = { http1 = true, liar = true },
    })
  end)

  teardown(function()
    front:stop()
  end)

  before_each(function()
    warnings = {}
  end)

  after_each(function()
    for _, client in ipairs(clients) do client:close(0) end
    clients = {}
  end)

  -- A client of one of nginx's ports.
  local function open(port, tls, options)
    local given = {
      target = "localhost:" .. (front.ports[port] or port), namespace = env.namespace, tls = tls,
      retry = false, shutdown_timeout = 0,
      logger = function(level, message) warnings[#warnings + 1] = level .. ": " .. message end,
    }
    for name, value in pairs(options or {}) do given[name] = value end
    local client = temporal.client(given)
    clients[#clients + 1] = client
    return client
  end

  local function trusting(more)
    local tls = { ca_file = made:path "ca.pem" }
    for name, value in pairs(more or {}) do tls[name] = value end
    return tls
  end

  local function works(client)
    local answer = temporal.assert(client:call("DescribeNamespace"))
    assert.equal(env.namespace, answer.namespace_info.name)
  end

  local function refusal(client)
    local ok, err = client:connect(10)
    assert.is_nil(ok)
    return err
  end

  describe("verifies", function()
    it("with an authority from a file", function()
      works(open("good", trusting()))
      assert.same({}, warnings)
    end)

    it("with an authority's text, several of them and words between", function()
      local text = "# ours\n" .. made:text "other.pem" .. "\n# and another\n" .. made:text "ca.pem"
      works(open("good", { ca_pem = text }))
    end)

    it("an address, where the certificate has it", function()
      works(open("good", trusting(), { target = "127.0.0.1:" .. front.ports.good }))
    end)

    it("the name it is told instead of the target's", function()
      works(open("elsewhere", trusting { server_name = "elsewhere.example" }))
      local client = open("elsewhere", trusting { server_name = "elsewhere.example" },
        { target = "127.0.0.1:" .. front.ports.elsewhere })
      works(client)
    end)

    it("the authority's name, unless a server_name is given", function()
      works(open("elsewhere", trusting(), { authority = "elsewhere.example:7233" }))
      works(open("elsewhere", trusting { server_name = "elsewhere.example" },
        { authority = "other.example" }))
      works(open("good", trusting(), { authority = "127.0.0.1" }))
      for _, authority in ipairs { "other.example", "[::1]:7233" } do
        local err = refusal(open("good", trusting(), { authority = authority }))
        assert.matches("subject name", err.message)
      end
    end)

    local refused = {
      { "an expired certificate", "expired", {}, "expired" },
      { "a certificate for another name", "elsewhere", {}, "subject name.*localhost" },
      { "a certificate that has not the server_name", "good", { server_name = "temporal.example" },
        "subject name.*temporal%.example" },
    }
    for _, case in ipairs(refused) do
      local title, port, tls, message = case[1], case[2], case[3], case[4]
      it("and refuses " .. title, function()
        local err = refusal(open(port, trusting(tls)))
        assert.same({ "unavailable", "not_started", 1 }, { err.kind, err.outcome, err.attempts })
        assert.matches(message, err.message)
      end)
    end

    it("and refuses an unknown authority, with the system's and with others", function()
      for _, tls in ipairs { true, { ca_file = made:path "other.pem" },
        { ca_pem = made:text "other.pem" } } do
        local err = refusal(open("good", tls))
        assert.same({ "unavailable", "not_started" }, { err.kind, err.outcome })
        assert.matches("issuer certificate: its authority is not known here (tls.ca_file names "
          .. "those that are)", err.message, 1, true)
      end
      local err = refusal(open("elsewhere", trusting()))
      assert.not_matches("authority is not known", err.message)
    end)

    describe("with the authorities that the environment names:", function()
      -- What a program with these variables prints of connecting.
      local function connect(environment, tls)
        local process = env.spawn { env.lua, "-e", ([[
          local client = require "temporal".client { target = "localhost:%d", tls = %s,
            namespace = %q, retry = false, logger = function() end }
          local ok, err = client:connect(20)
          print(ok or err.kind .. " " .. err.message)
          client:close(0)
        ]]):format(front.ports.good, tls or "true", env.namespace), env = environment }
        assert.same({ "exit", 0 }, { process:wait(60) }, process:errors())
        return process:output()
      end

      setup(function()
        local folder = made:path "folder"
        assert(os.execute(("mkdir %s && cp %s %s && openssl rehash %s 2>/dev/null"):format(folder,
          made:path "ca.pem", folder, folder)))
      end)

      it("SSL_CERT_FILE and SSL_CERT_DIR, a list of folders", function()
        assert.equal("true\n", connect { SSL_CERT_FILE = made:path "ca.pem" })
        assert.equal("true\n", connect { SSL_CERT_DIR = made:path "folder" })
        assert.equal("true\n", connect { SSL_CERT_DIR = "/nowhere:" .. made:path "folder" })
        assert.equal("true\n", connect { SSL_CERT_DIR = made:path "folder",
          SSL_CERT_FILE = made:path "other.pem" })
        assert.matches("issuer certificate", connect { SSL_CERT_FILE = made:path "other.pem" })
        assert.matches("issuer certificate", connect { SSL_CERT_FILE = "", SSL_CERT_DIR = "" })
      end)

      it("not where tls.ca_file or tls.ca_pem is given", function()
        local other = ("{ ca_file = %q }"):format(made:path "other.pem")
        assert.matches("issuer certificate", connect({ SSL_CERT_FILE = made:path "ca.pem",
          SSL_CERT_DIR = made:path "folder" }, other))
        local ours = ("{ ca_pem = %q }"):format(made:text "ca.pem")
        assert.equal("true\n", connect({ SSL_CERT_FILE = "/nowhere.pem" }, ours))
        assert.equal("true\n", connect({ SSL_CERT_FILE = "/nowhere.pem" }, "{ verify = false }"))
      end)

      it("a file that cannot be read is said so", function()
        assert.matches("^config SSL_CERT_FILE /nowhere%.pem cannot be read: No such file",
          connect { SSL_CERT_FILE = "/nowhere.pem" })
      end)

      it("of a codec server and of an https proxy, too", function()
        local process = env.spawn { env.lua, "-e", ([[
          local temporal = require "temporal"
          local function encode(options)
            local _, err = temporal.codec.remote(options).encode({ { metadata = {}, data = "" } },
              { namespace = "ns" })
            print(err.kind, err.http_status, err.message)
          end
          encode { endpoint = "https://localhost:%d" }
          encode { endpoint = "http://codec.invalid", proxy = "https://localhost:%d" }
          encode { endpoint = "https://localhost:%d", tls = { ca_file = "/nowhere.pem" } }
        ]]):format(front.ports.liar, front.ports.liar, front.ports.liar),
          env = { SSL_CERT_FILE = made:path "ca.pem" } }
        assert.same({ "exit", 0 }, { process:wait(60) }, process:errors())
        local lines = process:output()
        local codec, proxied, unreadable = lines:match "^([^\n]*)\n([^\n]*)\n([^\n]*)"
        assert.matches("^unimplemented\t404", codec)
        assert.matches("^unimplemented\t404", proxied)
        assert.matches("^config\tnil\ttls%.ca_file /nowhere%.pem cannot be read: No such file",
          unreadable)
      end)
    end)

    it("unless it is told not to, which is said aloud", function()
      for _, port in ipairs { "expired", "elsewhere", "good" } do
        warnings = {}
        works(open(port, { verify = false }))
        assert.equal(1, #warnings)
        assert.matches("^warn: tls%.verify is off", warnings[1])
      end
    end)

    it("again at each attempt: a server that mends its certificate is reached", function()
      made:issue("mending", { days = -1 })
      local mending = nginx.start(made, { tls = with_key "mending" })
      local client = open("good", trusting(),
        { target = "localhost:" .. mending.ports.tls, retry = QUICK })
      local future = client:submit("DescribeNamespace", {}, { timeout = 10 })
      assert.is_false(future:wait(0.1))
      made:issue "mending"
      mending:reload()
      local _, err = future:get(10)
      assert.is_nil(err and tostring(err))
      mending:stop()
    end)
  end)

  describe("with a client certificate", function()
    it("from files, from text, and mixed", function()
      for _, tls in ipairs {
        { cert_file = made:path "client.pem", key_file = made:path "client.key" },
        { cert_pem = made:text "client.pem", key_pem = made:text "client.key" },
        { cert_pem = made:text "client.pem", key_file = made:path "client.key" },
        { cert_file = made:path "client.pem", key_pem = made:text "client.key" },
      } do
        works(open("mutual", trusting(tls)))
      end
    end)

    it("sends the chain that is in the file", function()
      made:issue("leaf", { names = "DNS:leaf" })
      made:write("chain.pem", made:text "leaf.pem" .. made:text "ca.pem")
      works(open("mutual", trusting { cert_file = made:path "chain.pem",
        key_file = made:path "leaf.key" }))
      works(open("mutual", trusting { cert_pem = made:text "chain.pem",
        key_pem = made:text "leaf.key" }))
    end)

    it("that is missing, or not the right one, is what the server says it is", function()
      local stranger = { cert_file = made:path "stranger.pem", key_file = made:path "stranger.key" }
      for _, tls in ipairs { {}, stranger } do
        local err = refusal(open("mutual", trusting(tls)))
        assert.same({ "internal", 400 }, { err.kind, err.http_status })
        assert.equal("400", tostring(err.http_status))
        assert.matches('HTTP status 400 and no grpc%-status: not a gRPC answer: "400 [^<>"]*'
          .. 'SSL certificate [^<>"]*"$', err.message)
      end
    end)
  end)

  describe("without the client certificate that the server demands", function()
    -- The alert comes after our side of the handshake is done, and a reset behind it.
    local function said(version, folder, tls)
      local server = env.spawn { env.python, "spec/support/certificate_wanted.py",
        made:path "server.pem", made:path "server.key", made:path "ca.pem", version }
      local port = assert(server:readline(30):match "listening on (%d+)", server:errors())
      local client = env.spawn { env.lua, "-e", ([[
        local client = require "temporal".client { target = "localhost:%d", retry = false,
          tls = { ca_file = %q, %s } }
        print(select(2, client:connect(20)))
        client:close(0)
      ]]):format(port, made:path "ca.pem", tls or ""), env = { LD_LIBRARY_PATH = folder } }
      assert.same({ "exit", 0 }, { client:wait(60) }, client:errors())
      server:stop()
      return client:output()
    end

    local WANTED = "the server requires a client certificate (tls.cert_file and tls.key_file)"

    it("it says so, with TLS 1.3 and 1.2", function()
      assert.matches(WANTED, said "1.3", 1, true)
      assert.matches('TLS: the server says "handshake failure": does it want a client certificate '
        .. "(tls.cert_file and tls.key_file)?", said "1.2", 1, true)
      local stranger = ("cert_file = %q, key_file = %q"):format(made:path "stranger.pem",
        made:path "stranger.key")
      assert.matches('TLS: the server says "unknown authority of the certificate"',
        said("1.3", nil, stranger), 1, true)
    end)

    it("it says so where the first write fails already", function()
      local folder = libcurl.alter("curl_easy_send", [[
        #include <poll.h>
        #pragma GCC visibility push(default)
        CURLcode curl_easy_send(CURL *easy, const void *data, size_t n, size_t *sent) {
          struct pollfd reset = {0};
          curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &reset.fd);
          poll(&reset, 1, 20000);
          return (passed)(easy, data, n, sent);
        }
        #pragma GCC visibility pop
      ]])
      assert.matches(WANTED, said("1.3", folder), 1, true)
    end)
  end)

  describe("with files that are wrong", function()
    local function config(tls, ...)
      local client = open("mutual", tls, { retry = QUICK })
      local err = refusal(client)
      assert.same({ "config", "not_started", 1 }, { err.kind, err.outcome, err.attempts })
      for _, text in ipairs { ... } do assert.matches(text, err.message, 1, true) end
      -- A start is told the same.
      local run, start_err = client:start_workflow({ task_queue = "q" }, "Order")
      assert.is_nil(run)
      assert.same({ "config", "not_started" }, { start_err.kind, start_err.outcome })
    end

    it("says which file cannot be read, and why; nothing is tried again", function()
      local pair = { cert_file = made:path "client.pem", key_file = made:path "client.key" }
      -- Nobody writes to it: opening it would wait for ever.
      assert(os.execute("mkfifo " .. made:path "pipe"))
      for _, name in ipairs { "ca_file", "cert_file", "key_file" } do
        local tls = trusting(pair)
        tls[name] = made:path "nowhere.pem"
        config(tls, "tls." .. name, "nowhere.pem", "No such file")
        tls[name] = made.directory
        config(tls, "tls." .. name, "cannot be read", "directory")
        tls[name] = made:write("empty.pem", "")
        config(tls, "tls." .. name, "empty")
        tls[name] = made:path "pipe"
        config(tls, "tls." .. name, "no regular file")
      end
    end)

    it("says what is no certificate or key", function()
      local junk = "-----BEGIN CERTIFICATE-----\nbm90IG9uZQ==\n-----END CERTIFICATE-----\n"
      local file = made:write("junk.pem", junk)
      local cert, key = made:path "client.pem", made:path "client.key"
      config({ ca_file = file }, "certificate")
      config({ ca_pem = junk }, "certificate")
      config(trusting { cert_file = file, key_file = key }, "cert")
      config(trusting { cert_pem = junk, key_file = key }, "cert")
      config(trusting { cert_file = cert, key_file = file }, "key")
      config(trusting { cert_file = cert, key_pem = junk }, "key")
    end)

    it("says that the key is another certificate's", function()
      config(trusting { cert_file = made:path "client.pem", key_file = made:path "server.key" },
        "key")
      config(trusting { cert_pem = made:text "client.pem", key_pem = made:text "server.key" },
        "key")
    end)

    it("asks nobody for the passphrase of a key", function()
      made:write("phrase", "secret")
      assert(os.execute(("openssl ec -aes128 -passout file:%s -in %s -out %s 2>/dev/null"):format(
        made:path "phrase", made:path "client.key", made:path "locked.key")))
      config(trusting { cert_file = made:path "client.pem", key_file = made:path "locked.key" },
        "key")
    end)

    it("goes on once they are right", function()
      local path = made:path "late.pem"
      local client = open("good", { ca_file = path })
      assert.equal("config", refusal(client).kind)
      made:replace("late.pem", "ca.pem")
      works(client)
    end)
  end)

  describe("without agreement", function()
    it("with a peer that has no HTTP/2", function()
      local err = refusal(open("http1", trusting()))
      assert.equal("unavailable", err.kind)
      assert.equal("not_started", err.outcome)
      assert.matches("ALPN", err.message)
    end)

    it("with a peer that does not say what it speaks", function()
      local silent = listener.start({ "tls" }, function(ports)
        return { "openssl", "s_server", "-accept", "127.0.0.1:" .. ports.tls, "-quiet", "-www",
          "-cert", made:path "server.pem", "-key", made:path "server.key" }
      end)
      local err = refusal(open("good", trusting(), { target = "localhost:" .. silent.ports.tls }))
      assert.same({ "unavailable", "not_started" }, { err.kind, err.outcome })
      assert.matches("ALPN", err.message)
      silent:stop()
    end)

    it("on a version: nothing below TLS 1.2", function()
      local err = refusal(open("old", trusting()))
      assert.equal("unavailable", err.kind)
      assert.matches("version", err.message)
    end)

    it("with a peer that is plaintext", function()
      local err = refusal(open("good", true, { target = "localhost:" .. env.port }))
      assert.same({ "unavailable", "not_started" }, { err.kind, err.outcome })
      assert.matches("the server seems to speak plaintext: tls = false", err.message, 1, true)
      err = refusal(open("good", nil, { target = "localhost:" .. env.port, api_key = "key" }))
      assert.matches("the server seems to speak plaintext: tls = false (TLS is on because there is "
        .. "an api_key)", err.message, 1, true)
    end)

    it("with a peer that is TLS: a plaintext client is told so", function()
      local err = refusal(open("good", false))
      assert.equal("unavailable", err.kind)
      assert.matches('it answered "HTTP/1.1 400 Bad Request": does it want TLS (tls = true)?',
        err.message, 1, true)
      local peer = fault_peer.start()
      local function said(steps)
        peer:reset()
        peer:cmd("conn raw : received 1; " .. steps)
        err = refusal(open("good", false, { target = "localhost:" .. peer.port }))
        assert.equal("unavailable", err.kind)
        return err.message
      end
      for _, how in ipairs { "close", "abort" } do
        assert.matches("before it said anything: does it want TLS (tls = true)?", said(how), 1,
          true)
      end
      assert.matches("the peer speaks TLS: tls = true", said "bytes 15030100020246; close", 1, true)
      -- Nothing of the kind where it has said something else.
      for _, steps in ipairs { "bytes 000000040000000000; close",
        'say "HTTP/1.1 301 Moved\\r\\n\\r\\n"; close' } do
        assert.not_matches("tls = true", said(steps))
      end
      peer:stop()
    end)

    it("with a peer that is no frontend", function()
      local err = refusal(open("liar", trusting()))
      assert.same({ "unimplemented", 404 }, { err.kind, err.http_status })
    end)

    it("with a peer that says nothing: connect_timeout ends it", function()
      local peer = fault_peer.start()
      peer:cmd("conn raw : hold")
      local before = env.now()
      local err = refusal(open("good", trusting(),
        { target = "localhost:" .. peer.port, connect_timeout = 0.3 }))
      assert.equal("unavailable", err.kind)
      assert.is_true(env.now() - before < 4) -- 5: the default
      -- Nor does it hold the client's end up.
      local client = open("good", trusting(), { target = "localhost:" .. peer.port })
      local future = client:submit("DescribeNamespace")
      assert.is_false(future:wait(0.1))
      client:close(0)
      assert.equal("closed", select(2, future:get(30)).kind)
      peer:stop()
    end)
  end)

  describe("while certificates rotate", function()
    local mine

    before_each(function()
      made:replace("mine.pem", "client.pem")
      made:replace("mine.key", "client.key")
      made:replace("trusted.pem", "ca.pem")
      mine = { ca_file = made:path "trusted.pem", cert_file = made:path "mine.pem",
        key_file = made:path "mine.key" }
    end)

    it("files are read again at each dial", function()
      local client = open("rotating", mine)
      for _ = 1, 10 do works(client) end
      made:replace("mine.pem", "stranger.pem")
      made:replace("mine.key", "stranger.key")
      local refused
      for _ = 1, 5 do -- nginx ends a connection after three calls
        local _, err = client:call("DescribeNamespace")
        refused = refused or err
      end
      assert.equal(400, refused.http_status)
      made:replace("mine.pem", "client.pem")
      made:replace("mine.key", "client.key")
      local ok
      for _ = 1, 5 do ok = client:call("DescribeNamespace") end
      assert.is_truthy(ok)
    end)

    it("no call fails, however often both sides change", function()
      local client = open("rotating", mine, { retry = QUICK })
      local failed, futures = nil, {}
      for round = 1, 6 do
        made:issue("next", { names = "DNS:client-" .. round })
        -- One after the other: a dial in between would find a key that does not match, and say so.
        made:replace("mine.key", "next.key")
        made:replace("mine.pem", "next.pem")
        made:issue "rotating"
        for i = 1, 20 do futures[i] = client:submit("DescribeNamespace") end
        front:reload()
        for i = 1, 20 do
          local _, err = futures[i]:get(20)
          failed = failed or err
        end
      end
      assert.is_nil(failed and tostring(failed))
    end)

    it("to another authority, the client follows its file", function()
      local client = open("rotating", mine)
      works(client)
      made:issue("rotating", { by = "other" })
      front:reload()
      local err
      env.wait_until(30, function()
        err = select(2, client:call("DescribeNamespace"))
        return err
      end, "the old connection to end")
      assert.equal("unavailable", err.kind)
      assert.matches("issuer certificate", err.message)
      made:replace("trusted.pem", "other.pem")
      works(client)
      made:issue "rotating"
      front:reload()
      made:write("both.pem", made:text "ca.pem" .. made:text "other.pem")
      made:replace("trusted.pem", "both.pem")
      env.wait_until(30, function() return client:call("DescribeNamespace") end, "the new one")
    end)
  end)

  describe("carries", function()
    local function run(client, workflow, ...)
      return client:start_workflow({ task_queue = env.task_queue, id = "tls-" .. env.uuid() },
        workflow, ...)
    end

    it("long polls, whose connection gets GOAWAY meanwhile", function()
      local client = open("few", trusting(), { retry = QUICK })
      local future = temporal.assert(run(client, "Sleep", 1.5))
      assert.is_false(future:wait(0.2))
      front:reload()
      for _ = 1, 12 do works(client) end
      local _, err = future:get(30)
      assert.is_nil(err and tostring(err))
    end)

    it("payloads of megabytes, both ways and many at once", function()
      local client = open("good", trusting(), { rpc_timeout = 60 })
      local text = ("0123456789abcdef"):rep(1900000 / 16)
      local futures = {}
      for i = 1, 4 do futures[i] = temporal.assert(run(client, "Echo", text)) end
      for i = 1, 4 do assert.is_true(futures[i]:get(60) == text) end
      -- The answer of one call: arguments, completions and results.
      local answer = temporal.assert(client:call("GetWorkflowExecutionHistory",
        { execution = { workflow_id = futures[1].id } }))
      assert.is_true(#answer.history.events > 3)
    end)

    it("many calls over connections that end after five", function()
      local client = open("few", trusting(), { retry = QUICK })
      local futures, failed = {}, nil
      for i = 1, 200 do futures[i] = client:submit("DescribeNamespace", {}, { timeout = 30 }) end
      for i = 1, 200 do
        local _, err = futures[i]:get(30)
        failed = failed or err
      end
      assert.is_nil(failed and tostring(failed))
    end)
  end)

  it("is refused where libcurl is not built with OpenSSL", function()
    local folder = libcurl.imitate([[
      #include <curl/curl.h>
      curl_version_info_data *curl_version_info(CURLversion which) {
        static curl_version_info_data info;
        (void)which;
        info.ssl_version = "GnuTLS/3.7.9";
        return &info;
      }
      CURLM *curl_multi_init(void) {
        static int any;
        return &any;
      }
    ]])
    local child = env.spawn { env.lua, "-e", ([[
      local temporal = require "temporal"
      local client = temporal.client { target = "localhost:%d", tls = { ca_file = %q } }
      local _, err = client:connect(10)
      print(err.kind, err.outcome, err.attempts)
      print(err.message)
      client:close()
      client = temporal.client { target = %q }
      print(client:connect(10))
      client:close()
    ]]):format(front.ports.good, made:path "ca.pem", env.address),
      env = { LD_LIBRARY_PATH = folder } }
    assert.equal("config\tnot_started\t1", child:readline(20), child:errors())
    assert.equal("TLS needs a libcurl built with OpenSSL; this one is built with GnuTLS/3.7.9",
      child:readline())
    assert.equal("true", child:readline())
    assert.same({ "exit", 0 }, { child:wait(60) })
  end)
end)

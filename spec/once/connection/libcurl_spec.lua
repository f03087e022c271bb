--- When libcurl is loaded, and what is said when it cannot be.

local env = require "spec.support.environment"
local libcurl = require "spec.support.libcurl"

local MAPPED = [[
  local function is_mapped()
    local file = io.open "/proc/self/maps"
    local text = file:read "*a"
    file:close()
    return text:find("libcurl.so", 1, true) ~= nil
  end
]]

describe("libcurl", function()
  local function run(code, environment)
    local process = env.spawn { env.lua, "-e", MAPPED .. code, env = environment }
    local how, status = process:wait(30)
    assert.same({ "exit", 0 }, { how, status }, process:errors())
    return process:output()
  end

  it("is not loaded for an address in plaintext, nor for localhost", function()
    local port = env.address:match ":(%d+)$"
    for _, host in ipairs { "127.0.0.1", "localhost", "LOCALHOST" } do
      assert.equal("true\tfalse\n", run(([[
        local client = require("temporal").client { target = "%s:%d", namespace = "default" }
        local connected = client:connect(10)
        print(connected, is_mapped())
        client:close()
      ]]):format(host, port)))
    end
  end)

  it("is loaded when a client is made that will need it", function()
    for _, options in ipairs {
      'target = "localhost:1", tls = true',
      'target = "a-name.invalid:1"',
      'target = "localhost:1", proxy = "http://localhost:2"',
    } do
      assert.equal("false\ttrue\n", run(([[
        local temporal = require "temporal"
        local before = is_mapped()
        local client = temporal.client { %s }
        print(before, is_mapped())
        client:close()
      ]]):format(options)))
    end
    assert.equal("true\n", run [[
      require("temporal").codec.remote { endpoint = "https://localhost:1" }
      print(is_mapped())
    ]])
  end)

  -- The error of a client of a name.
  local CALL = [[
    local client = require("temporal").client { target = "127.1:1" }
    local _, err = client:connect(10)
    print(err.kind, err.outcome, err.attempts)
    print(err.message)
    client:close()
  ]]

  it("missing, is named by the first call, at once", function()
    assert.matches("^config\tnot_started\t1\nlibcurl cannot be loaded: %S*libcurl%.so%.4: ",
      run(CALL, { LD_LIBRARY_PATH = libcurl.spoil() }))
  end)

  it("of long ago, is said to be too old", function()
    assert.equal("config\tnot_started\t1\nlibcurl.so.4 is too old: it has no curl_multi_poll; "
      .. "libcurl 7.66 or newer is needed\n",
      run(CALL, { LD_LIBRARY_PATH = libcurl.imitate("", "curl_multi_poll") }))
  end)

  it("is loaded later where no descriptor was left for it", function()
    local port = env.address:match ":(%d+)$"
    local process = env.spawn { "sh", "-c", [[ulimit -n 64; exec "$0" "$@"]], env.lua, "-e", ([[
      local temporal = require "temporal"
      local plain = temporal.client { target = %q }
      assert(plain:connect(10)) -- the engine has its descriptors
      local held = {}
      repeat
        local file = io.open "/dev/null"
        held[#held + 1] = file
      until not file
      local client = temporal.client { target = "127.1:%d" }
      local _, err = client:connect(0.3)
      print(err.kind, err.message:match "Too many open files")
      for _, file in ipairs(held) do file:close() end
      print(client:connect(10))
      client:close()
      plain:close()
    ]]):format(env.address, port) }
    local how, status = process:wait(30)
    assert.same({ "exit", 0 }, { how, status }, process:errors())
    assert.equal("unavailable\tToo many open files\ntrue\n", process:output())
  end)
end)

--- What a call needs is loaded before it is needed: once the package is loaded, no file of it is
-- read any more.

local env = require "spec.support.environment"
local lfs = require "lfs"

local ROOT = lfs.currentdir()
local PROGRAM = ROOT .. "/spec/support/loading.lua"

describe("the package, once it is loaded,", function()
  local function copy()
    local folder = os.tmpname()
    os.remove(folder)
    assert.same({ "exit", 0 }, { env.spawn({ "cp", "-r", "lua", folder }):wait(10) })
    finally(function() env.spawn({ "rm", "-rf", folder, folder .. ".moved" }):wait(10) end)
    return folder
  end

  local function check(words, lua_path)
    local process = env.spawn { "sh", "-c", words, "sh", env.lua, PROGRAM, env.address,
      env = { LUA_PATH = lua_path .. ";;",
        LUA_CPATH = ROOT .. "/" .. env.build .. "/?.so;" .. package.cpath } }
    local how, code = process:wait(60)
    assert.equal("", process:errors())
    assert.matches("^[held]*\tdone\n$", process:output())
    assert.same({ "exit", 0 }, { how, code })
  end

  it("needs none of its files: they are gone, or another user's", function()
    local folder = copy()
    check(([[exec "$1" "$2" "$3" moved '%s']]):format(folder),
      ("%s/?.lua;%s/?/init.lua"):format(folder, folder))
  end)

  it("needs no folder: a relative path, and the program is elsewhere now", function()
    check([[exec "$1" "$2" "$3" chdir]], "./lua/?.lua;./lua/?/init.lua")
  end)

  it("needs no descriptor", function()
    check([[ulimit -n 64; exec "$1" "$2" "$3" descriptors]], "./lua/?.lua;./lua/?/init.lua")
  end)
end)

describe("a module that is loaded late", function()
  local function output(code)
    local process = env.spawn { env.lua, "-e", code }
    local how, status = process:wait(20)
    assert.same({ "exit", 0 }, { how, status }, process:errors())
    return process:output()
  end

  it("has its own file and lines in messages and for debuggers", function()
    assert.matches("^@%S*lua/temporal/toml/init%.lua\t%d+\n$", output [[
      require "temporal"
      assert(not package.loaded["temporal.toml"])
      local info = debug.getinfo(require("temporal.toml").decode, "S")
      print(info.source, info.linedefined)
    ]])
  end)

  it("is the same as without the package", function()
    assert.equal("1\n", output [[print(require("temporal.toml").decode("a = 1").a)]])
  end)

  it("is read again when a program clears package.loaded", function()
    assert.equal("true\ttrue\n", output [[
      require "temporal"
      local first = require "temporal.toml"
      local loader = package.preload["temporal.value.proto"]
      for name in pairs(package.loaded) do
        if name:match "^temporal" then package.loaded[name] = nil end
      end
      require "temporal"
      print(require "temporal.toml" ~= first, package.preload["temporal.value.proto"] ~= nil)
    ]])
  end)

  it("leaves alone what a program put into package.preload itself", function()
    assert.equal("mine\n", output [[
      package.preload["temporal.toml"] = function() return "mine" end
      require "temporal"
      print((require "temporal.toml"))
    ]])
  end)

  it("is every module of the tree", function()
    local listed = {}
    for _, path in ipairs(require "temporal.base.modules") do
      listed[#listed + 1] = "lua/temporal/" .. path .. ".lua"
    end
    table.sort(listed)
    local process = env.spawn { "sh", "-c",
      "find lua/temporal -mindepth 2 -name '*.lua' | LC_ALL=C sort" }
    process:wait(10)
    assert.equal(process:output(), table.concat(listed, "\n") .. "\n")
  end)
end)

describe("the package, in a host that has left out some of Lua's libraries,", function()
  it("needs neither io nor os, and of debug what it took", function()
    local process = env.spawn { env.lua, "-e", ([[
      io, os, package.loaded.io, package.loaded.os = nil, nil, nil, nil
      local temporal = require "temporal"
      debug, package.loaded.debug = nil, nil
      local client = temporal.client { target = "%s" }
      print(client:call("GetSystemInfo") ~= nil)
      print(temporal.spawn(function() return client:call("GetSystemInfo") ~= nil end):get(30))
      print(temporal.config.load { env = {} } ~= nil)
      print(pcall(temporal.client, { taget = "x" }))
      temporal.spawn(function() error "untaken" end)
      coroutine.wrap(function() print(client:close(1)) end)()
    ]]):format(env.address) }
    assert.same({ "exit", 0 }, { process:wait(60) }, process:errors())
    assert.matches("^true\ntrue\ntrue\nfalse\t[^\n]*taget[^\n]*\ntrue\n$", process:output())
    assert.matches("temporal: error: a task failed and nobody took its error: .*untaken",
      process:errors())
  end)

  it("says that it needs debug while it is loaded", function()
    local process = env.spawn { env.lua, "-e", [[
      debug, package.loaded.debug = nil, nil
      print(select(2, pcall(require, "temporal")))
    ]] }
    assert.same({ "exit", 0 }, { process:wait(60) })
    assert.matches("needs Lua's library debug while it is loaded", process:output(), 1, true)
  end)
end)

--- What leaves the tree: the module, `make install`, the one file, the rock, the static library.
-- Each is made for the Lua that runs this spec, and a program in another folder starts a workflow
-- with it.

local lfs = require "lfs"
local env = require "spec.support.environment"

local sanitizer = env.build:match "%-(%a+)$"
local LUA = env.build:match "^build/([%w.]+)"
local ABI = LUA == "jit" and "5.1" or LUA -- what LuaJIT's folders are called
local LIMIT = 1000000 -- bytes of the module, stripped
local HUNG = 300 -- s

local root = lfs.currentdir()

local function quote(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

-- A shell's words, in a folder, free of what the test run says to make and Lua: its output.
local function run(folder, command)
  local words = { "env" }
  for _, name in ipairs { "MAKEFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "LUA_PATH", "LUA_CPATH" } do
    words[#words + 1] = "--unset=" .. name
  end
  for _, word in ipairs { "sh", "-c", ("cd %s && %s"):format(quote(folder), command) } do
    words[#words + 1] = word
  end
  local process = env.spawn(words)
  local how, code = process:wait(HUNG)
  assert.same({ "exit", 0 }, { how, code }, command .. "\n" .. process:output() .. process:errors())
  return process:output(), process:errors()
end

local function make(words)
  return ("make --no-print-directory -C %s LUA=%s %s %s"):format(quote(root), LUA,
    sanitizer and "SANITIZE=" .. sanitizer or "", words)
end

local function exports(module)
  local names = {}
  for name in run(root, "nm -D --defined-only " .. quote(module)):gmatch " (%S+)\n" do
    names[#names + 1] = name
  end
  return names
end

describe("a package:", function()
  local elsewhere, worker

  setup(function()
    elsewhere = env.tmp .. "/elsewhere"
    assert(lfs.mkdir(elsewhere))
    worker = env.spawn { env.python, "spec/support/orders_worker.py",
      env = { TEMPORAL_ADDRESS = env.address, TEMPORAL_NAMESPACE = "default" } }
    assert.equal("ready", worker:readline(60))
  end)

  teardown(function()
    worker:stop(1)
  end)

  -- The program of the README, with the package in these folders and nothing of this tree.
  local function orders(lua, folder)
    local where = ("LUA_PATH='%s/?.lua;%s/?/init.lua' LUA_CPATH='%s/?.so' TEMPORAL_ADDRESS=%s ")
      :format(lua, lua, folder, env.address)
    assert.equal("ordered 3\n",
      (run(elsewhere, where .. quote(env.lua) .. " " .. quote(root .. "/examples/hello.lua"))))
  end

  local function works(prefix)
    local lua = prefix .. "/share/lua/" .. ABI
    orders(lua, prefix .. "/lib/lua/" .. ABI)
    -- Every Lua file of the tree is there.
    local function files(path)
      return (run(path, "find temporal -name '*.lua' | sort"))
    end
    assert.equal(files(root .. "/lua"), files(lua))
  end

  it("the module exports one symbol and is small", function()
    local module = env.build .. "/temporal/core.so"
    assert.same({ "luaopen_temporal_core" }, exports(module))
    if not sanitizer then
      local stripped = env.tmp .. "/stripped.so"
      run(root, ("strip -o %s %s"):format(quote(stripped), quote(module)))
      local size = lfs.attributes(stripped, "size")
      assert.is_true(size < LIMIT, size)
    end
  end)

  -- What `require "temporal"` says of a temporal.core in C, or of one that is there already.
  local function refused(prepare, source)
    local folder = env.tmp .. "/refused"
    run(elsewhere, ("mkdir -p %s/temporal"):format(quote(folder)))
    if source then
      run(elsewhere, ("echo %s | cc -shared -fPIC -x c -o %s/temporal/core.so -"):format(
        quote(source), quote(folder)))
    end
    local process = env.spawn { env.lua, "-e", prepare .. ' print(pcall(require, "temporal"))',
      env = { LUA_CPATH = folder .. "/?.so" } }
    assert.same({ "exit", 0 }, { process:wait(60) }, process:errors())
    return process:output()
  end

  it("says that the module was built for another Lua", function()
    assert.matches("^false\ttemporal: temporal.core was built for another Lua than this one, "
      .. 'which is Lua.-; build it with "make LUA=' .. LUA .. '"', refused("",
      "void lua_of_another(void *); void luaopen_temporal_core(void *L) { lua_of_another(L); }"))
  end)

  it("says that the module is of another release", function()
    assert.matches("^false\ttemporal: the Lua files are version %d.-, but temporal.core is version "
      .. "0.0.9: install both from the same release", refused(
      "package.preload['temporal.core'] = function() return { version = '0.0.9' } end"))
  end)

  it("make takes LDFLAGS of whoever makes packages, beside its own", function()
    local said = run(elsewhere, make(
      "--dry-run --assume-new=csrc/core/base/buffer.c LDFLAGS=-Wl,--as-needed"))
    assert.matches("/core%.so [^\n]* %-shared [^\n]* %-Wl,%-%-as%-needed ", said)
  end)

  it("make install PREFIX", function()
    local prefix = env.tmp .. "/prefix"
    run(elsewhere, make("install PREFIX=" .. quote(prefix)))
    works(prefix)
  end)

  it("make install with DESTDIR writes nowhere else", function()
    local stage = env.tmp .. "/stage"
    run(elsewhere, make(("install DESTDIR=%s PREFIX=/opt/temporal"):format(quote(stage))))
    assert.is_nil(lfs.attributes "/opt/temporal")
    works(stage .. "/opt/temporal")
    local modes = run(stage, "find . -type f -printf '%m %f\\n' | grep -v '^644 .*\\.lua$'")
    assert.equal("755 core.so\n", modes)
  end)

  -- What a program may require first.
  local ONE_FILE = { "luaopen_temporal", "luaopen_temporal_activity", "luaopen_temporal_core",
    "luaopen_temporal_toml", "luaopen_temporal_workflow" }

  describe("the one file", function()
    local prefix, folder

    setup(function()
      prefix = env.tmp .. "/one"
      folder = prefix .. "/lib/lua/" .. ABI
      run(elsewhere, make("install-bundle PREFIX=" .. quote(prefix)))
    end)

    it("is all that is installed, and all that a program needs", function()
      assert.equal(("./lib/lua/%s/temporal.so\n"):format(ABI), (run(prefix, "find . -type f")))
      assert.same(ONE_FILE, exports(folder .. "/temporal.so"))
      orders("/nowhere", folder)
    end)

    local function output(code)
      return (run(elsewhere, ("LUA_PATH=/nowhere LUA_CPATH='%s/?.so' %s -e %s"):format(folder,
        quote(env.lua), quote(code))))
    end

    it("has the modules that the manual names, in any order", function()
      assert.equal("1\ttrue\ttrue\n", output [[
        local toml, core = require "temporal.toml", require "temporal.core"
        local temporal = require "temporal"
        print(toml.decode("a = 1").a, toml == require "temporal.toml",
          core == require "temporal.core" and temporal == require "temporal")]])
      for _, name in ipairs { "workflow", "activity" } do
        assert.equal("true\n", output(([[
          local module = require "temporal.%s"
          require "temporal"
          print(module == require "temporal.%s")]]):format(name, name)))
      end
    end)

    it("shows the modules' files and lines, and finds the program's own", function()
      assert.matches("^@%[temporal%]/toml/init.lua\t%d%d+\n%(command line%):4: ", output [[
        local temporal = require "temporal"
        local info = debug.getinfo(require "temporal.toml".decode, "S")
        print(info.source, info.linedefined)
        print(select(2, pcall(function() temporal.client { target = 5 } end)))]])
    end)

    it("leaves alone what a program put into package.preload itself", function()
      assert.equal("mine\n", output [[
        package.preload["temporal.toml"] = function() return "mine" end
        require "temporal"
        print((require "temporal.toml"))]])
    end)

    it("reads nothing later", function()
      local where = ("LUA_PATH=';;' LUA_CPATH='./lib/lua/%s/?.so;;' "):format(ABI)
      assert.equal("\tdone\n", (run(prefix, where .. ("%s %s/spec/support/loading.lua %s chdir")
        :format(quote(env.lua), quote(root), env.address))))
    end)

    if LUA == "5.1" then
      it("says that it was built for another Lua", function()
        local said = run(elsewhere, ("LUA_PATH=/nowhere LUA_CPATH='%s/?.so' luajit -e %s"):format(
          folder, quote [[print(pcall(require, "temporal"))]]))
        assert.matches("^false\ttemporal: this library was built for another Lua than this one: "
          .. "for Lua 5.1 %(", said)
      end)
    end
  end)

  if not sanitizer then
    it("luarocks make, without a network", function()
      local source, tree = env.tmp .. "/rock", env.tmp .. "/tree"
      assert(lfs.mkdir(source))
      -- LuaRocks builds where the sources are.
      run(root, "cp -r csrc lua tools Makefile rockspec LICENSE README.md " .. quote(source))
      run(source, ("luarocks --lua-version=%s --only-server=%s --tree=%s make %s %s"):format(ABI,
        quote(source), quote(tree), "rockspec/temporal-scm-1.rockspec",
        LUA == "jit" and "LUA=$(command -v luajit) "
          .. "LUA_INCDIR=$(pkg-config --variable=includedir luajit)" or ""))
      local folder = ("%s/lib/lua/%s"):format(tree, ABI)
      orders("/nowhere", folder)
      assert.same(ONE_FILE, exports(folder .. "/temporal.so"))
    end)

    it("the static library, in a host program that opens the module itself", function()
      run(root, "make --no-print-directory -C examples/embedding LUA=" .. LUA)
      local host = root .. "/" .. env.build .. "/embedding_host"
      local script = env.tmp .. "/embedded.lua"
      local file = assert(io.open(script, "w"))
      -- Nothing but the linked modules can be found.
      file:write(("package.path, package.cpath = '', ''\narg = { [0] = arg[0] }\ndofile %q\n")
        :format(root .. "/examples/hello.lua"))
      file:close()
      local where = ("TEMPORAL_ADDRESS=%s "):format(env.address)
      local output, errors = run(elsewhere, where .. quote(host) .. " " .. quote(script))
      assert.equal("ordered 3\n", output)
      assert.equal("", errors)
    end)
  end
end)

-- The plugin of examples/neovim, in an editor that is driven from outside.

local cjson = require "cjson"
local env = require "spec.support.environment"
local lfs = require "lfs"
local temporal = require "temporal"

-- Neovim's Lua is LuaJIT, which has the ABI of Lua 5.1.
local BUILD = "build/jit"

local serial = 0

-- Of Lua in the editor: a timer that should go off every 5 ms, and notes how long it really took.
local START_TICKS = [[
  local uv, last = vim.loop, vim.loop.hrtime()
  ticks, longest = 0, 0
  ticker = uv.new_timer()
  ticker:start(5, 5, function()
    local now = uv.hrtime()
    ticks, longest, last = ticks + 1, math.max(longest, (now - last) / 1e9), now
  end)
]]

local editor_methods = {}

-- What Vim's expression is; raises when it fails. Neovim says both on stderr, as a message.
function editor_methods:eval(expression)
  local asked = env.spawn {
    "nvim", "--server", self.socket, "--remote-expr", "json_encode(" .. expression .. ")",
  }
  local how, code = asked:wait(20)
  assert(how, "the editor does not answer: " .. expression)
  local answer = asked:output() .. asked:errors()
  assert(code == 0 and not answer:find("Error executing", 1, true), answer)
  return (cjson.decode("[" .. answer .. "]")[1])
end

local function quote(text)
  return "'" .. text:gsub("'", "''") .. "'"
end

function editor_methods:command(text)
  return self:eval("execute(" .. quote(text) .. ")")
end

function editor_methods:lua(text)
  return self:eval("luaeval(" .. quote("(function() " .. text:gsub("\n", " ") .. " end)()") .. ")")
end

function editor_methods:keys(text)
  local sent = env.spawn { "nvim", "--server", self.socket, "--remote-send", text }
  assert.same({ "exit", 0 }, { sent:wait(20) })
end

-- Before it has answered, of course.
function editor_methods:quit()
  env.spawn { "nvim", "--server", self.socket, "--remote-send", ":qa!<CR>" }:wait(20)
  assert.same({ "exit", 0 }, { self.process:wait(60) })
end

function editor_methods:text(buffer)
  return self:eval(([[join(getbufline(%d, 1, '$'), "\n")]]):format(buffer))
end

-- Until the text of a buffer is as the pattern says; its captures.
function editor_methods:wait_for(buffer, pattern)
  local text
  local ok, problem = pcall(env.wait_until, 20, function()
    text = self:text(buffer)
    return text:match(pattern)
  end, pattern)
  assert(ok, tostring(problem) .. "; there is: " .. tostring(text))
  return problem
end

-- An editor with the plugin, installed as its head says.
local function edit(variables)
  serial = serial + 1
  local home = ("%s/neovim-%d"):format(env.tmp, serial)
  local folder = home .. "/data/nvim/site/pack/temporal/start"
  assert(os.execute(("mkdir -p %s && ln -s %s/examples/neovim %s/temporal")
    :format(folder, lfs.currentdir(), folder)))
  local command = { "nvim", "--headless", "--listen", home .. "/socket", env = {
    XDG_CONFIG_HOME = home .. "/config", XDG_DATA_HOME = home .. "/data",
    XDG_STATE_HOME = home .. "/state", XDG_CACHE_HOME = home .. "/cache",
    LUA_PATH = "./lua/?.lua;./lua/?/init.lua;;", LUA_CPATH = "./" .. BUILD .. "/?.so;;",
    TEMPORAL_ADDRESS = env.address, TEMPORAL_NAMESPACE = env.namespace,
  } }
  for name, value in pairs(variables or {}) do
    command.env[name] = value
  end
  local self = setmetatable({ socket = home .. "/socket" }, { __index = editor_methods })
  self.process = env.spawn(command)
  env.wait_until(60, function() return lfs.attributes(self.socket) end, "the editor's socket")
  self:command("let g:temporal_task_queue = '" .. env.task_queue .. "'")
  return self
end

-- Under the host luv, in a thread of libuv's, which has a part of `vim` only.
local THREAD = [[
  local function in_thread(path, cpath, address, namespace, queue, out)
    package.path, package.cpath = path, cpath
    local file = io.open(out, "w")
    local ok, problem = pcall(function()
      local temporal = require "temporal"
      local client = temporal.client { target = address, namespace = namespace }
      temporal.host.use "luv"
      local task = temporal.spawn(function()
        return client:execute_workflow({ task_queue = queue }, "Greeting", "thread"):get(20)
      end)
      vim.loop.run()
      file:write(tostring(task:get(0)))
      client:close()
    end)
    file:write(ok and "" or tostring(problem))
    file:close()
  end
  local thread = vim.loop.new_thread(in_thread, package.path, package.cpath, %q, %q, %q, %q)
  return thread:join()
]]

describe("neovim", function()
  local client, editor

  setup(function()
    client = temporal.client { target = env.address, namespace = env.namespace }
  end)

  teardown(function()
    client:close()
  end)

  after_each(function()
    if editor then
      editor.process:stop(1)
    end
  end)

  it("edits while a workflow runs, and shows its result", function()
    editor = edit()
    assert.is_false(editor:lua 'return package.loaded.temporal ~= nil')
    editor:lua(START_TICKS)
    editor:command "TemporalRun Wait"
    local id = editor:wait_for(2, "^Wait\nrunning (%S+)$")
    local ticks = editor:lua "return ticks"
    editor:keys "ihello<Esc>"
    assert.equal("hello", editor:text(1))
    -- The workflow ends no earlier than it is told to below.
    env.wait_until(60, function() return editor:lua "return ticks" > ticks + 100 end,
      "100 ticks of a timer")
    assert.equal("Wait\nrunning " .. id, editor:text(2))
    assert(client:workflow(id):signal("finish", { price = 1.5, items = temporal.array {} }))
    editor:wait_for(2, "^Wait\ncompleted\n\n")
    local result = editor:text(2):match "\n\n(.*)$"
    assert.is_true(result == '{"price":1.5,"items":[]}' or result == '{"items":[],"price":1.5}',
      result)
    assert.matches("temporal: Wait completed", editor:command "messages")
    local longest = editor:lua "return longest"
    assert.is_true(longest < 5, longest)
    editor:quit()
  end)

  it("hands the argument on as it is written", function()
    editor = edit()
    editor:command 'TemporalRun Echo {"z": 1, "a": [9007199254740993, null, {}, []]}'
    assert.is_truthy(editor:wait_for(2, "^Echo\ncompleted\n\n"))
    assert.equal('Echo\ncompleted\n\n{"z": 1, "a": [9007199254740993, null, {}, []]}',
      editor:text(2))
    editor:command "TemporalRun Arguments"
    editor:wait_for(3, "^Arguments\ncompleted\n\n%[%]$")
  end)

  it("shows a failure with its causes", function()
    editor = edit()
    editor:command 'TemporalRun ActivityFail "no more paper"'
    editor:wait_for(2, "^ActivityFail\nfailed\n\n.*\nbecause: .*\nbecause: no more paper$")
    assert.matches("temporal: ActivityFail failed: no more paper", editor:command "messages")
  end)

  it("says what is wrong with the command and the configuration", function()
    editor = edit { TEMPORAL_PROFILE = "nowhere" }
    assert.error_matches(function() editor:command "TemporalRun Echo {1" end,
      "temporal: this is not JSON: {1")
    assert.error_matches(function() editor:command "TemporalRun Echo" end, "nowhere")
    assert.equal(1, editor:eval "winnr('$')")
  end)

  it("goes on when the window is closed, and quits while a workflow runs", function()
    editor = edit()
    editor:command "TemporalRun Wait"
    local id = editor:wait_for(2, "^Wait\nrunning (%S+)$")
    editor:command "bwipeout 2"
    assert(client:workflow(id):signal("finish", "later"))
    env.wait_until(60, function()
      return editor:command("messages"):find("temporal: Wait completed", 1, true)
    end, "the message")
    editor:command "TemporalRun Wait"
    id = editor:wait_for(3, "^Wait\nrunning (%S+)$")
    editor:quit()
    assert.equal("running", assert(client:workflow(id):describe()).status)
    assert(client:workflow(id):terminate())
  end)

  it("waits in coroutines only, also below vim.wait", function()
    editor = edit()
    assert.equal("cannot_wait", editor:lua [[
      temporal = require "temporal"
      temporal.host.use "luv"
      client = temporal.client()
      options = { task_queue = vim.g.temporal_task_queue }
      greeting = client:execute_workflow(options, "Greeting", "Vim")
      return select(2, greeting:get(1)).kind
    ]])
    assert.equal("Hello, Vim!", editor:lua [[
      local task = temporal.spawn(function() return greeting:get() end)
      vim.wait(20000, function() return task:ready() end)
      return task:get()
    ]])
    -- A coroutine of the user's own, begun where Neovim takes few of its functions.
    editor:lua [[
      local thread = coroutine.create(function()
        local run = client:execute_workflow(options, "Greeting", "you")
        local value, err = run:get()
        vim.api.nvim_buf_set_lines(0, 0, -1, true, { value or tostring(err) })
      end)
      vim.loop.new_timer():start(1, 0, function() assert(coroutine.resume(thread)) end)
    ]]
    editor:wait_for(1, "^Hello, you!$")
  end)

  it("lets its threads wait in their own loop", function()
    editor = edit()
    local out = env.tmp .. "/thread.out"
    editor:lua(THREAD:format(env.address, env.namespace, env.task_queue, out):gsub("\\\n", "\n"))
    local file = assert(io.open(out))
    local text = file:read "*a"
    file:close()
    editor:quit()
    assert.equal("Hello, thread!", text)
  end)
end)

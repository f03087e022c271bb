--- Descriptors: what is said when there are none, and who gets ours.

local env = require "spec.support.environment"

-- Prints the output of a Lua program, which must end well.
local function run(command)
  local process = env.spawn(command)
  local how, status = process:wait(60)
  assert.same({ "exit", 0 }, { how, status }, process:errors())
  return process:output()
end

-- Inherits the unix sockets 5 and 8, with 3, 4, 6, 7 and 9 on free.
local INHERIT = [[
import os, socket, sys
pair = socket.socketpair()
os.dup2(pair[0].fileno(), 60)
os.dup2(pair[1].fileno(), 61)
os.closerange(3, 60)
os.dup2(60, 5)
os.dup2(61, 8)
os.closerange(60, 62)
os.execvp(sys.argv[1], sys.argv[1:])
]]

describe("descriptors", function()
  local PORT

  setup(function()
    PORT = env.address:match ":(%d+)$"
  end)

  it("that are missing are said to be the cause", function()
    local output = run { "sh", "-c", [[ulimit -n 64; exec "$0" "$@"]], env.lua, "-e", ([[
      local temporal = require "temporal"
      local function exhaust(left)
        local held = {}
        repeat
          local file = io.open "/dev/null"
          held[#held + 1] = file
        until not file
        for _ = 1, left do table.remove(held):close() end
        return held
      end
      for _, target in ipairs { "127.0.0.1:%s", "127.1:%s" } do
        for left = 0, 12 do
          local client = temporal.client { target = target, retry = false, connect_timeout = 10 }
          local held = exhaust(left)
          local connected, err = client:connect(30)
          for _, file in ipairs(held) do file:close() end
          print(target:match "^[%%d.]+", left, connected or err.kind, err and err.message)
          client:close(0)
          temporal.shutdown(10)
        end
      end
      local held = exhaust(0)
      print("pollfd", pcall(function() return temporal.pollable():pollfd() end))
      held[1]:close()
    ]]):format(PORT, PORT) }
    local failed = {}
    for target, left, connected, message in output:gmatch "(127[%d.]*)\t(%d+)\t(%a+)\t(%C+)\n" do
      if connected ~= "true" then
        failed[target] = (failed[target] or 0) + 1
        assert.matches("Too many open files", message, target .. " with " .. left .. " left")
        assert.equal("unavailable", connected)
      end
    end
    assert.is_true(failed["127.0.0.1"] >= 2 and failed["127.1"] >= 2, output)
    assert.matches("127.0.0.1\t12\ttrue", output)
    assert.matches("127.1\t12\ttrue", output)
    assert.matches("pollfd\tfalse\t[^\n]*Too many open files", output)
  end)

  it("of ours are closed on exec, those of the program are left alone", function()
    local output = run { env.python, "-c", INHERIT, env.lua, "-e", ([[
      local function inherited()
        local list = {}
        for fd = 3, 40 do
          local file = io.open("/proc/self/fdinfo/" .. fd)
          local flags = file and file:read "*a":match "flags:%%s*(%%d+)"
          if file then file:close() end
          -- O_CLOEXEC is 02000000.
          local to_be_closed = flags and math.floor(tonumber(flags, 8) / 524288) %% 2 == 1
          if flags and not to_be_closed then list[#list + 1] = fd end
        end
        return table.concat(list, " ")
      end
      local before = inherited()
      local client = require("temporal").client { target = "127.1:%s" }
      assert(client:connect(60))
      print(before, inherited())
      client:close(0)
    ]]):format(PORT) }
    assert.equal("5 8\t5 8\n", output)
  end)
end)

local env = require "spec.support.environment"
local fault_peer = require "spec.support.fault_peer"
local logger = require "temporal.observe.logger"

describe("temporal.logger", function()
  it("writes one line on stderr for everything from warn up", function()
    local process = env.spawn { env.lua, "-e", [[
      local log = require("temporal.observe.logger").default
      log("debug", "not shown")
      log("info", "not shown")
      log("warn", "two\nlines", { b = 2, a = "x" })
      log("error", "plain")
      log("odd level", "shown too", {})
    ]] }
    assert.same({ "exit", 0 }, { process:wait(60) })
    assert.equal("temporal: warn: two lines (a=x, b=2)\n"
      .. "temporal: error: plain\n"
      .. "temporal: odd level: shown too\n", process:errors())
    assert.equal("", process:output())
  end)

  it("in nginx writes to its error log, which chooses by level", function()
    local lines = {}
    local ngx = {
      DEBUG = 8, INFO = 7, WARN = 5, ERR = 4,
      log = function(level, ...) lines[#lines + 1] = level .. " " .. table.concat { ... } end,
    }
    rawset(_G, "ngx", ngx)
    finally(function() rawset(_G, "ngx", nil) end)
    logger.default("debug", "d")
    logger.default("info", "i")
    logger.default("warn", "two\nlines", { b = 2, a = "x" })
    logger.default("error", "e", {})
    logger.default("odd level", "o")
    assert.same({ "8 temporal: d", "7 temporal: i", "5 temporal: two lines (a=x, b=2)",
                  "4 temporal: e", "5 temporal: o" }, lines)
  end)

  it("lets no control character through, whoever sent it and whoever writes", function()
    local peer = fault_peer.start {
      'call : only grpc-status=3 "grpc-message=%1B[2Jbad%0Atemporal: error: %C2%9B%9Bforged%00"',
    }
    local process = env.spawn { env.lua, "-e", ([[
      local temporal = require "temporal"
      local client = temporal.client { target = %q, retry = false }
      local id = "id\27[31m\nsecond line"
      local run = client:execute_workflow({ id = id, task_queue = "q" }, "T")
      run:wait(30)
      run = nil
      collectgarbage()
      collectgarbage()
      client:call("DescribeNamespace") -- the logger says it
      run = client:execute_workflow({ id = id, task_queue = "q" }, "T")
      run:wait(30)
      run = nil
      collectgarbage()
      collectgarbage()
      os.exit(0) -- C says it
    ]]):format(peer.address) }
    assert.same({ "exit", 0 }, { process:wait(60) })
    peer:stop()
    local lines, errors = {}, process:errors()
    for line in errors:gmatch("([^\n]*)\n") do
      assert.not_matches("%c", line)
      assert.not_matches("\155", line)
      assert.matches("id %[31m second line", line)
      assert.matches("%[2Jbad temporal: error: +forged", line)
      lines[#lines + 1] = line
    end
    assert.equal(2, #lines, errors)
    assert.matches("^temporal: error: StartWorkflowExecution failed", lines[1])
    assert.matches("^temporal: StartWorkflowExecution of workflow", lines[2])
  end)

  it("swallows what a logger raises", function()
    local called = 0
    logger.log(function(level, message, fields)
      called = called + 1
      assert.same({ "warn", "m", {} }, { level, message, fields })
      error("broken")
    end, "warn", "m")
    assert.equal(1, called)
  end)
end)

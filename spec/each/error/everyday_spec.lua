-- Errors and futures in everyday Lua: joined with text, raised, printed. The target is a port that
-- refuses connections.

local env = require "spec.support.environment"
local temporal = require "temporal"

local THIS = "spec/each/error/everyday_spec%.lua:"

-- Of PUC 5.1 alone: its interpreter does not ask an error for its text.
local PUC_51 = _VERSION == "Lua 5.1" and not rawget(_G, "jit")

-- The line that calls this.
local function here()
  return debug.getinfo(2, "l").currentline
end

describe("an error in everyday Lua", function()
  local client

  local function new_client(interceptors)
    return temporal.client { target = "127.0.0.1:1", retry = false, logger = function() end,
      interceptors = interceptors }
  end

  before_each(function() client = new_client() end)

  after_each(function() client:close(0) end)

  local function is_at(line, err)
    assert.matches(THIS .. line .. "$", err.where)
  end

  it("is joined with text", function()
    local _, err = client:call("GetSystemInfo")
    local text = tostring(err)
    assert.matches("^unavailable: ", text)
    assert.equal("failed: " .. text, "failed: " .. err)
    assert.equal(text .. "\n", err .. "\n")
    assert.equal(text .. text, err .. err)
    assert.equal("1" .. text, 1 .. err)
    local ok, message = pcall(function() return err .. nil end)
    assert.is_false(ok)
    assert.matches(THIS .. "%d+: attempt to concatenate an error with a nil value", message)
  end)

  it("knows the line that met it", function()
    local _, err = client:call("GetSystemInfo") is_at(here(), err)
    local run = client:execute_workflow({ task_queue = "q" }, "Order")
    _, err = run:started() is_at(here(), err)
    _, err = run:get() is_at(here(), err)
    _, err = run:signal "s" is_at(here(), err)
    _, err = client:start_workflow({ task_queue = "q" }, "Order") is_at(here(), err)
    local submitted = client:submit("GetSystemInfo")
    _, err = submitted:get() is_at(here(), err)
    _, err = client:schedule("s"):describe() is_at(here(), err)
    _, err = client:count_workflows() is_at(here(), err)
    _, err = temporal.spawn(function() coroutine.yield() end):get(0) is_at(here(), err)
  end)

  it("knows it through pcall, coroutines and tasks", function()
    local _, _, err = pcall(client.call, client, "GetSystemInfo") is_at(here(), err)
    local line
    local function call()
      local _, problem = client:call("GetSystemInfo")
      line = here() - 1
      return problem
    end
    err = coroutine.wrap(call)()
    is_at(line, err)
    err = temporal.assert(temporal.spawn(call):get(30))
    is_at(line, err)
  end)

  it("knows the program's line, not an interceptor's", function()
    local other = new_client { { call = function(input, next)
      local response, err = next(input)
      return response, err
    end } }
    local _, err = other:call("GetSystemInfo") is_at(here(), err)
    other:close(0)
  end)

  it("keeps the line when it is raised", function()
    local _, err = client:call("GetSystemInfo")
    local line = here() - 1
    local ok, problem = pcall(temporal.assert, nil, err)
    assert.is_false(ok)
    assert.equal(err, problem)
    is_at(line, problem)
    local own = temporal.application_error("no stock")
    assert.is_nil(own.where)
    pcall(function()
      line = here() + 1
      temporal.assert(nil, own)
    end)
    is_at(line, own)
    for _, iterator in ipairs { client:list_workflows(), client:workflow("w"):history() } do
      ok, problem = pcall(function()
        line = here() + 1
        for _ in iterator do error("not reached") end
      end)
      assert.is_false(ok)
      is_at(line, problem)
    end
  end)

  it("does not say the line to whoever asks for its text", function()
    local _, err = client:call("GetSystemInfo")
    local text = tostring(err)
    assert.not_matches("spec", text)
    local _, handled = xpcall(function() error(err) end, tostring)
    assert.equal(text, handled)
    _, handled = xpcall(function() error(err) end, function(e) return tostring(e) end)
    assert.equal(text, handled)
  end)

  local PROGRAM = [[
    local temporal = require "temporal"
    local client = temporal.client { target = "127.0.0.1:1", retry = false }
    %s]]

  local function stderr_of(statement)
    local program = env.spawn { env.lua, "-e", PROGRAM:format(statement) }
    program:wait(30)
    return program:errors()
  end

  it("says the line when nobody caught it", function()
    local raised = {
      'temporal.assert(client:call "GetSystemInfo")',
      "for _ in client:list_workflows() do end",
      'local _, err = client:call "GetSystemInfo" error(err)',
    }
    for _, statement in ipairs(raised) do
      local text = stderr_of(statement)
      if PUC_51 then
        assert.matches("%(error object is not a string%)", text)
      else
        assert.matches("unavailable: [^\n]+refused %(at %(command line%):3%)\n", text)
      end
    end
    local lost = stderr_of("temporal.spawn(function() "
      .. 'temporal.assert(client:call "GetSystemInfo") end):wait(30)')
    assert.matches("a task failed and nobody took its error: unavailable: [^\n]+"
      .. "refused %(at %(command line%):3%)", lost)
  end)
end)

describe("a future in place of its value", function()
  it("says what to call", function()
    local client = temporal.client { target = "127.0.0.1:1", retry = false,
      logger = function() end }
    local futures = {
      client:workflow("order-42"), client:submit("GetSystemInfo"),
      client:activity("charge-42"), client:workflow("order-42"):update_handle("u"),
      temporal.spawn(function() return 7 end),
    }
    local uses = {
      function(x) return "total: " .. x end, function(x) return x .. " in all" end,
      function(x) return x + 1 end, function(x) return 1 - x end, function(x) return x * x end,
      function(x) return -x end, function(x) return x / 2 end, function(x) return x % 2 end,
      function(x) return x ^ 2 end,
    }
    for _, future in ipairs(futures) do
      for _, use in ipairs(uses) do
        local ok, message = pcall(use, future)
        assert.is_false(ok)
        assert.matches("^" .. THIS .. "%d+: temporal%.%a+ %(", message)
        assert.matches("is a future, not its value: call :get() first", message, 1, true)
      end
    end
    futures[2]:get(30)
    client:close(0)
  end)
end)

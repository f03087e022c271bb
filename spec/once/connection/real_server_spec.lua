--- What a real frontend does to connections in the long run, made to happen soon: it retires
-- them (GOAWAY every five minutes, by default), and it is restarted.

local env = require "spec.support.environment"
local temporal = require "temporal"

local function setting(name, value)
  return ("--dynamic-config-value=%s=%s"):format(name, value)
end

describe("a real server", function()
  it("that retires connections by GOAWAY costs no call and no wait", function()
    local server = env.fresh_server { flags = {
      setting("frontend.keepAliveMaxConnectionAge", '"1s"'),
      setting("frontend.keepAliveMaxConnectionAgeGrace", '"1s"'),
    } }
    local client = temporal.client {
      target = server.address, namespace = server.namespace, retry = false,
    }
    local long = temporal.assert(client:start_workflow(
      { task_queue = "nobody", run_timeout = 4 }, "Nobody"))
    long:ready()
    local calls, ends = 0, env.now() + 3
    while env.now() < ends do
      temporal.assert(client:start_workflow({ task_queue = "nobody" }, "Nobody"))
      calls = calls + 1
    end
    assert.is_true(calls > 3, calls)
    assert(client:close())

    -- The wait's own stream is cut when the grace is over: that is waited out.
    client = temporal.client { target = server.address, namespace = server.namespace }
    local _, err = client:workflow(long.id, long.run_id):get(60)
    assert.equal("workflow_failed", err.kind)
    assert.equal("timed_out", err.cause.kind)
    assert(client:close())
    server:stop()
  end)

  it("that is killed and comes back loses no start and no wait", function()
    local file = os.tmpname()
    os.remove(file)
    local flags = { "--db-filename=" .. file }
    local server = env.fresh_server { flags = flags }
    local client = temporal.client {
      target = server.address, namespace = server.namespace, rpc_timeout = 60,
      retry = { attempts = 1000, max = 1 },
    }
    local waited = temporal.assert(client:start_workflow(
      { task_queue = "nobody", run_timeout = 5 }, "Nobody"))
    waited:ready()
    server:kill()
    local meanwhile = client:execute_workflow({ task_queue = "nobody", run_timeout = 5 }, "Nobody")
    assert.is_false((meanwhile:started(0.3)) or false)
    server = env.fresh_server {
      flags = flags, port = server.port, namespace = server.namespace,
    }
    assert.is_true(temporal.assert(meanwhile:started(60)))
    for _, run in ipairs { waited, meanwhile } do
      local _, err = run:get(60)
      assert.equal("workflow_failed", err.kind, tostring(err))
      assert.equal("timed_out", err.cause.kind)
    end
    assert(client:close())
    server:stop()
    os.remove(file)
  end)
end)

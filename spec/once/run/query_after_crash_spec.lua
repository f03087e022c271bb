-- A query right after the worker that ran the workflow was killed, with the
-- defaults of a client: the server asks another worker, but only after 10 s.

local env = require "spec.support.environment"
local temporal = require "temporal"

local function worker(queue)
  local process = env.spawn { env.python, "spec/support/worker.py", env.address, env.namespace,
    queue }
  assert.equal("ready", process:readline(60))
  return process
end

describe("a query after the worker was killed", function()
  it("is answered by another", function()
    local queue = "crash-" .. env.uuid()
    local client = temporal.client { target = env.address, namespace = env.namespace }
    local first = worker(queue)
    local run = temporal.assert(client:start_workflow({ task_queue = queue }, "Inbox"))
    assert.equal(1, temporal.assert(run:query("echo", 1)))
    local second = worker(queue)
    first:kill "KILL"
    first:wait()
    assert.equal(2, temporal.assert(run:query("echo", 2)))
    temporal.assert(run:terminate())
    assert(client:close())
    second:stop(1)
  end)
end)

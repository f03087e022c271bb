--- Workers that are killed and stopped while they work: every result is right, and every activity
-- has run.

local env = require "spec.support.environment"
local promise = require "temporal.wait.promise"
local temporal = require "temporal"

local RUNS, KILLS = 50, 6
local HUNG = 120

describe("a worker that is killed every second", function()
  local client, queue, file, complaints

  before_each(function()
    client = temporal.client { target = env.address, namespace = env.namespace }
    queue, file, complaints = "lua-" .. env.uuid(), env.tmp .. "/chaos-" .. env.uuid(), {}
  end)
  after_each(function() client:close(0) end)

  local function start_worker(cache, sticky)
    return env.spawn { env.lua, "spec/support/chaos_worker.lua", env.address, env.namespace, queue,
      file, cache, sticky }
  end

  -- Until somebody finishes `done`; then the last one ends in good order.
  local function kill_workers(cache, sticky, done)
    for _ = 1, KILLS do
      local worker = start_worker(cache, sticky)
      local over = done:wait(1)
      complaints[#complaints + 1] = worker:output()
      if over then return worker end
      worker:kill "KILL"
      worker:wait()
    end
    local worker = start_worker(cache, sticky)
    done:wait(HUNG)
    complaints[#complaints + 1] = worker:output()
    return worker
  end

  local function what_ran()
    local ran = {}
    for line in io.lines(file) do ran[line] = true end
    return ran
  end

  local variants = { { 0, 10 }, { 1000, 1 }, { 3, 1 } }
  for _, variant in ipairs(variants) do
    local cache, sticky = variant[1], variant[2]
    it(("loses nothing; max_cached_workflows = %d, sticky_timeout = %d"):format(cache, sticky),
      function()
        local runs, done, last = {}, promise.new(), nil
        for i = 1, RUNS do
          runs[i] = client:execute_workflow({ id = queue .. i, task_queue = queue,
            task_timeout = 2 }, "Chaos", "w" .. i)
        end
        local killer = temporal.spawn(function() last = kill_workers(cache, sticky, done) end)
        local updates = {}
        for i = 1, RUNS do
          updates[i] = temporal.spawn(function()
            return temporal.assert(runs[i]:update("add", i))
          end)
        end
        for i = 1, RUNS do
          assert.same({ 17, 400, i }, temporal.assert(runs[i]:get(HUNG)))
          assert.equal(i, temporal.assert(updates[i]:get(HUNG)))
        end
        done:finish()
        killer:get(HUNG)
        assert.same({ "exit", 0 }, { last:stop(HUNG) })
        local ran = what_ran()
        for i = 1, RUNS do
          for _, step in ipairs { 1, 2, 3, 4, 5, 6, "update" } do
            assert.is_true(ran["w" .. i .. " " .. step], "w" .. i .. " " .. step)
          end
        end
        assert.equal("", table.concat(complaints)) -- no task has failed
      end)
  end
end)

-- As when a laptop sleeps: what it had in hand has timed out when it goes on.
describe("a worker that is stopped for longer than its tasks may take", function()
  it("goes on with what there is then", function()
    local client = temporal.client { target = env.address, namespace = env.namespace }
    local queue, file = "lua-" .. env.uuid(), env.tmp .. "/stopped-" .. env.uuid()
    local worker = env.spawn { env.lua, "spec/support/chaos_worker.lua", env.address, env.namespace,
      queue, file, 1000, 1 }
    local runs, updates = {}, {}
    for i = 1, 10 do
      runs[i] = temporal.assert(client:start_workflow({ task_queue = queue, task_timeout = 1 },
        "Chaos", "w" .. i))
      updates[i] = temporal.spawn(function() return temporal.assert(runs[i]:update("add", i)) end)
    end
    for _ = 1, 2 do
      worker:kill "STOP"
      promise.pause(2.5)
      worker:kill "CONT"
      promise.pause(0.2)
    end
    for i = 1, 10 do
      assert.equal(i, temporal.assert(updates[i]:get(HUNG)))
      assert.same({ 17, 400, i }, temporal.assert(runs[i]:get(HUNG)))
    end
    assert.same({ "exit", 0 }, { worker:stop(HUNG) })
    client:close(0)
  end)
end)

-- What the server has is in a file: it goes on where it was killed.
describe("a worker whose server is killed", function()
  it("goes on with the next one", function()
    local flags = { "--db-filename", env.tmp .. "/server-" .. env.uuid() .. ".db" }
    local server = env.fresh_server { flags = flags }
    local client = temporal.client { target = server.address, namespace = server.namespace,
      logger = function() end }
    local queue, file = "lua-" .. env.uuid(), env.tmp .. "/restart-" .. env.uuid()
    local worker = env.spawn { env.lua, "spec/support/chaos_worker.lua", server.address,
      server.namespace, queue, file, 1000, 2 }
    local runs = {}
    for i = 1, 10 do
      runs[i] = temporal.assert(client:start_workflow({ task_queue = queue, task_timeout = 2 },
        "Chaos", "w" .. i))
    end
    local before = server
    server:kill()
    promise.pause(1) -- the worker's polls and answers fail meanwhile
    server = env.fresh_server { flags = flags, port = before.port, namespace = before.namespace }
    for i = 1, 10 do
      assert.equal(i, temporal.assert(runs[i]:update("add", i)))
      assert.same({ 17, 400, i }, temporal.assert(runs[i]:get(HUNG)))
    end
    assert.same({ "exit", 0 }, { worker:stop(HUNG) })
    client:close(0)
    server:stop()
  end)
end)

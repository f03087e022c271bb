--- Collection in any order, and modules loaded in odd ways.
-- usage: collected.lua ADDRESS HOW

-- The module is loaded by a coroutine that is gone before anything is called.
local temporal = coroutine.wrap(function() return require "temporal" end)()
collectgarbage()
collectgarbage()

local address, how = arg[1], arg[2]

local function new_client()
  return temporal.client { target = address, shutdown_timeout = 10, logger = function() end }
end

local function submit(client)
  return client:execute_workflow({ task_queue = "q" }, "Life")
end

local function collect()
  collectgarbage()
  collectgarbage()
end

local ways = {}

ways["the client before its futures"] = function()
  local runs = {}
  for i = 1, 50 do runs[i] = submit(new_client()) end
  collect()
  for i = 1, 50 do
    assert(runs[i]:started(60))
    assert(not runs[i]:ready())
  end
  collect()
  for i = 1, 50 do assert(runs[i]:get(60) == 7) end
end

ways["futures before the client"] = function()
  local client = new_client()
  for i = 1, 50 do
    local run = submit(client)
    if i % 2 == 0 then run:ready() end
    if i % 3 == 0 then assert(run:started(60)) end
    run = nil -- luacheck: ignore 311
    collectgarbage("step", i)
  end
  collect()
  assert(submit(client):get(60) == 7)
  client = nil -- luacheck: ignore 311
  collect()
end

-- Clients and futures that nobody can reach but they themselves, in one cycle of the collector.
ways["everything at once"] = function()
  for i = 1, 20 do
    local client = new_client()
    local ring = { client }
    for j = 2, 10 do
      ring[j] = submit(client)
      if i % 2 == 0 then ring[j]:ready() end
    end
    ring.ring = ring
    client.ring = ring
  end
  collect()
  assert(submit(new_client()):get(60) == 7)
end

-- Coroutines that wait, dropped under a host of the user's.
ways["waiting coroutines"] = function()
  temporal.host.use { name = "life", park = coroutine.yield, unpark = function() end }
  local client = new_client()
  local run = submit(client)
  for _ = 1, 50 do
    local thread = coroutine.create(function() return run:get() end)
    assert(coroutine.resume(thread))
    thread = coroutine.create(function() return submit(new_client()):started() end)
    assert(coroutine.resume(thread))
  end
  collect()
  temporal.host.use "plain"
  assert(run:get(60) == 7)
end

-- A wait whose future is dropped meanwhile by whoever else holds it.
ways["a future from its own wait"] = function()
  local client = new_client()
  local held = { submit(client) }
  temporal.host.use { name = "life",
    park = function()
      held[1] = nil
      collect()
      temporal.poll(0.05)
    end,
    unpark = function() end }
  assert(held[1]:get(60) == 7)
  temporal.host.use "plain"
end

-- package.loaded cleared: the second copy finds the engine of the first.
ways["modules loaded again"] = function()
  local client, first = new_client(), temporal
  local run, other = submit(client), submit(client)
  assert(run:started(60))
  assert(not run:ready())
  for _ = 1, 3 do
    for name in pairs(package.loaded) do
      if name:match "^temporal" then package.loaded[name] = nil end
    end
    collect()
    temporal = require "temporal"
    assert(temporal ~= first)
  end
  local again = submit(new_client())
  assert(temporal.wait_all({ run, other, again }, 60))
  assert(first.wait_all({ run, other, again }, 60))
  for _, each in ipairs { run, other, again } do assert(each:get(60) == 7) end
  assert(client:execute_workflow({ task_queue = "q" }, "Life"):get(60) == 7)
  -- Both copies stand on one engine: the second ends what the first has begun.
  run = submit(client)
  assert(temporal.shutdown(60))
  assert(tostring(client):match "closed", "the other copy's client was not closed")
  local _, err = run:get(60)
  assert(run:started() and err.kind == "closed", tostring(err))
  assert(submit(new_client()):get(60) == 7)
end

ways[how]()
print "done"

--- One life of a Lua state, which its host closes as soon as this returns.
-- usage: round.lua ANSWERING SILENT HOW     two peers: the second never answers a start

-- An object of the user's that is made before ours: at the end of the state it is finalised after
-- them. Whatever it calls then raises or fails, and does no harm.
local late = {}

local function act_late()
  for _, act in ipairs(late) do pcall(act) end
end

local newproxy = newproxy -- luacheck: ignore 113
if newproxy then
  late.proxy = newproxy(true)
  getmetatable(late.proxy).__gc = act_late
else
  setmetatable(late, { __gc = act_late })
end

local temporal = require "temporal"

local answering, silent, how = arg[1], arg[2], arg[3]
local kept = { late }

local function new_client(address)
  return temporal.client { target = address, shutdown_timeout = 0.2, logger = function() end }
end

local client, mute = new_client(answering), new_client(silent)

local function submit(to)
  return (to or mute):execute_workflow({ task_queue = "q" }, "Life", { 1, 2, 3 })
end

local function keep(object)
  kept[#kept + 1] = object
  return object
end

local lives = {}

lives["nothing called"] = function() end

lives["calls in flight"] = function()
  for _ = 1, 20 do keep(submit()) end
  mute:submit("GetSystemInfo", {})
end

lives["dropped futures"] = function()
  for _ = 1, 20 do submit() end
end

lives["waited futures"] = function()
  local runs = {}
  for i = 1, 20 do
    runs[i] = keep(submit(client))
    assert(runs[i]:started(60))
    assert(not runs[i]:ready())
  end
  assert(not temporal.wait_all(runs, 0.01))
end

lives["parked coroutines"] = function()
  temporal.host.use { name = "life", park = coroutine.yield, unpark = function() end }
  local run = submit()
  local waits = {
    function() return run:get() end,
    function() return run:started() end,
    function() return temporal.wait { run } end,
    function() return mute:call("GetSystemInfo", {}) end,
    function() return mute:close() end,
  }
  for _, wait in ipairs(waits) do
    local thread = keep(coroutine.create(wait))
    assert(coroutine.resume(thread))
    assert(coroutine.status(thread) == "suspended")
  end
end

lives["a closed client"] = function()
  for _ = 1, 5 do keep(submit()) end
  mute:close(0)
end

lives["an open doorbell"] = function()
  assert(temporal.pollable():pollfd() >= 0)
  keep(submit(client)):ready()
end

lives["shutdown"] = function()
  submit()
  temporal.shutdown(0)
  submit(new_client(silent))
end

lives["late finalisers"] = function()
  local run = submit(client)
  assert(run:started(60))
  late[1] = function() return run:get(1) end
  late[2] = function() return tostring(run) .. run.id end
  late[3] = function() return submit(client):started() end
  late[4] = function() return temporal.wait({ run }, 1) end
  late[5] = function() return client:close(1) end
  late[6] = function() return temporal.shutdown(1) end
end

lives["a late client"] = function()
  submit(client)
  late[1] = function()
    if pcall(submit, new_client(answering)) then io.stderr:write "a late client works\n" end
  end
end

-- What Lua makes while a state closes is never finalised; these run before all of ours. On Lua
-- before 5.4 the collector may finalise ours in the middle of them: they fail then, too.
local function finalised_early(act)
  local function checked()
    local ok, problem = pcall(act)
    if not ok and _VERSION == "Lua 5.4" then
      io.stderr:write("an early finaliser raised: ", tostring(problem), "\n")
    end
  end
  if newproxy then
    local proxy = keep(newproxy(true))
    getmetatable(proxy).__gc = checked
  else
    keep(setmetatable({}, { __gc = checked }))
  end
end

lives["early finalisers"] = function()
  assert(submit(client):started(60))
  finalised_early(function() return client:close(1) end)
  finalised_early(function() return mute:close(0) end)
  finalised_early(function() return submit(client) end)
  finalised_early(function() return assert(submit(client):started(60)) end)
  finalised_early(function() return submit(new_client(answering)) end)
  finalised_early(function()
    return client:with({ namespace = "other" }):submit("GetSystemInfo", {})
  end)
  finalised_early(function() return mute:submit("GetSystemInfo", {}) end)
end

-- Reachable until the state closes.
_G.kept = kept

lives[how]()

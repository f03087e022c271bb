--- Submits starts and ends at once, in one of several ways.
-- usage: ends.lua ADDRESS NAMESPACE PREFIX COUNT HOW

local temporal = require "temporal"

local address, namespace, prefix, count, how = arg[1], arg[2], arg[3], tonumber(arg[4]), arg[5]

-- A busy server may take longer than the usual ten seconds, and nothing may be lost.
local client = temporal.client { target = address, namespace = namespace, shutdown_timeout = 60 }

local function submit(i)
  -- No worker listens there: the workflows stay open.
  return client:execute_workflow({ id = prefix .. i, task_queue = "life" }, "Life", i)
end

-- What coroutines wait for: it is in flight like the others.
local waited = submit(1)
local parked = {}

local function park_in_coroutines()
  temporal.host.use { name = "life",
    park = function(ticket)
      parked[ticket] = coroutine.running()
      coroutine.yield()
    end,
    unpark = function() end }
  for _, method in ipairs { "started", "get", "wait" } do
    assert(coroutine.resume(coroutine.create(function() return waited[method](waited) end)))
  end
  assert(next(parked), "no coroutine waits")
end

local ends = {}

function ends.main() end

ends["error"] = function() error "at top level" end

ends["os.exit"] = function() os.exit(7) end

ends["os.exit, closing"] = function() os.exit(7, true) end

ends["os.exit in a coroutine"] = function()
  coroutine.wrap(function() os.exit(7) end)()
end

ends["os.exit in a coroutine, closing"] = function()
  coroutine.wrap(function() os.exit(7, true) end)()
end

ends["os.exit under parked coroutines"] = function()
  park_in_coroutines()
  os.exit(7)
end

ends["os.exit under parked coroutines, closing"] = function()
  park_in_coroutines()
  os.exit(7, true)
end

-- From inside the wait itself: the hook runs between its slices.
local function exit_in_wait(...)
  local arguments = { ... }
  local thread = coroutine.create(function() return waited:get() end)
  local calls = 0
  debug.sethook(thread, function()
    calls = calls + 1
    if calls == 100 then os.exit((table.unpack or unpack)(arguments)) end -- luacheck: ignore
  end, "", 1)
  coroutine.resume(thread)
end

ends["os.exit in a waiting get"] = function() exit_in_wait(7) end

ends["os.exit in a waiting get, closing"] = function() exit_in_wait(7, true) end

for i = 2, count do submit(i) end
ends[how]()

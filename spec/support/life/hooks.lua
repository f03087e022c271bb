--- Debug hooks and waits.
-- usage: hooks.lua ADDRESS watch        how long a hook is not called during a wait, at most
--        hooks.lua ADDRESS keep         whether a hook is still there after a coroutine's wait
--        hooks.lua ADDRESS raise COUNT  a hook raises at any moment of COUNT operations

local temporal = require "temporal"
local core = require "temporal.core"

local address, how, count = arg[1], arg[2], tonumber(arg[3])

-- On 5.1 and LuaJIT `require` never recovers from an error that a hook raises in it: what is loaded
-- at need is loaded before.
local sources = io.popen "cd lua && find temporal -name '*.lua' ! -name 'host_*.lua'"
for path in sources:lines() do
  require((path:gsub("%.lua$", ""):gsub("/init$", ""):gsub("/", ".")))
end
sources:close()

local client = temporal.client { target = address, shutdown_timeout = 1, logger = function() end }
assert(client:connect(60))

local function submit()
  return client:execute_workflow({ task_queue = "q" }, "Life")
end

if how == "watch" then
  local run = submit()
  local last, longest = core.now(), 0
  debug.sethook(function()
    longest = math.max(longest, core.now() - last)
    last = core.now()
  end, "", 1)
  assert(not run:wait(0.5))
  debug.sethook()
  print(longest)
  client:close(0)
  return
end

if how == "keep" then
  local thread = coroutine.create(function() return submit():wait(0.01) end)
  local function hook() end
  debug.sethook(hook, "cr", 1)
  assert(coroutine.resume(thread))
  print(debug.gethook() == hook and "kept" or "taken away")
  debug.sethook()
  client:close(0)
  return
end

-- Calls the operation, and cuts it off after so many instructions.
local function cut(instructions, operation)
  local ok, err = pcall(function()
    debug.sethook(function()
      debug.sethook()
      error("cut", 0)
    end, "", instructions)
    operation()
    debug.sethook()
  end)
  assert(ok or err == "cut", err)
  return ok
end

-- A start and its result; waiting ends by itself, for the hook may not.
local operations = {
  function() assert(submit():get(60) == 7) end,
  function() assert(client:call("GetSystemInfo", {}, { timeout = 10 })) end,
  function() assert(temporal.wait_all({ submit(), submit() }, 60)) end,
  function()
    local other = temporal.client { target = address, logger = error }
    assert(other:connect(60))
    assert(other:close(60))
  end,
}

local function round()
  local through = 0
  for i = 1, count do
    for _, operation in ipairs(operations) do
      if cut(10 * i, operation) then through = through + 1 end
    end
  end
  collectgarbage()
  collectgarbage()
  return through, collectgarbage "count"
end

local _, before = round()
local through, after = round()
-- All still works afterwards.
debug.sethook()
for _, operation in ipairs(operations) do operation() end
assert(temporal.shutdown(60))
print(through, after - before)

--- Forks. The children tell by their exit code whether all was well, and on stderr what was not.
-- usage: fork.lua ANSWERING SILENT HOW [COUNT]    two peers: the second never answers a start

-- luacheck: read globals host

local temporal = require "temporal"
local core = require "temporal.core"

local answering, silent, how, count = arg[1], arg[2], arg[3], tonumber(arg[4])

local function new_client(options)
  options = options or {}
  options.target = options.target or answering
  options.logger = options.logger or function() end
  return temporal.client(options)
end

local function submit(client, id)
  return client:execute_workflow({ id = id, task_queue = "q" }, "Life")
end

-- Calls fn in a child; how the child ended, and in how many seconds.
local function in_child(fn, seconds)
  local began = core.now()
  local pid = host.fork()
  if pid == 0 then
    local ok, err = pcall(fn)
    if not ok then
      io.stderr:write(tostring(err), "\n")
      host._exit(9)
    end
    os.exit(5, true)
  end
  local ended, code = host.waitpid(pid, seconds)
  if not ended then
    io.stderr:write("the child hangs\n")
    os.execute("cat /proc/" .. pid .. "/status >&2")
    host.kill(pid, 9)
    host.waitpid(pid, 60)
  end
  return ended, code, core.now() - began
end

local function must_end(fn, seconds)
  local ended, code, took = in_child(fn, seconds or 60)
  assert(ended == "exit" and code == 5, "the child ended by " .. tostring(ended) .. " " ..
    tostring(code))
  return took
end

-- `fork` and at once.
local function says_fork(fn, ...)
  local began = core.now()
  local value, err = fn(...)
  assert(value == nil and err and err.kind == "fork", "not fork but " .. tostring(err or value))
  assert(core.now() - began < 5, "that took long")
end

local forks = {}

-- A client that has called nothing yet works everywhere.
function forks.unused()
  local client = new_client()
  assert(client.target)
  must_end(function()
    assert(submit(client):get(60) == 7)
    assert(client:close(60))
  end)
  assert(submit(client):get(60) == 7)
  must_end(function() says_fork(function() return submit(client):get(60) end) end)
  assert(client:close(60))
end

function forks.used()
  local client = new_client()
  local acknowledged, call = submit(client, "used"), client:submit("GetSystemInfo", {})
  assert(acknowledged:started(60) and call:wait(60))
  local handle = client:workflow "used"
  local waited = submit(client)
  waited:ready()
  local finished = submit(client)
  assert(finished:wait(60))
  local threads = host.count "/proc/self/task"
  must_end(function()
    assert(host.count "/proc/self/task" == 1)
    for _, future in ipairs { acknowledged, handle, waited, finished } do
      says_fork(future.get, future)
      says_fork(future.started, future)
      assert(future:ready() and future:wait())
    end
    says_fork(call.get, call)
    assert(temporal.wait { waited, call } == waited)
    assert(temporal.wait_all { waited, call, finished })
    says_fork(function() return submit(client):get() end)
    says_fork(client.start_workflow, client, { task_queue = "q" }, "Life")
    says_fork(client.connect, client)
    says_fork(client.call, client, "GetSystemInfo", {})
    says_fork(function() return client:submit("GetSystemInfo", {}):get() end)
    says_fork(function() return client:workflow("used"):get() end)
    acknowledged:abandon()
    assert(client:close())
    says_fork(waited.get, waited)
    assert(host.count "/proc/self/task" == 1)
    -- A new one works, and a child of the child has the same rules.
    local new = new_client()
    assert(submit(new):get(60) == 7)
    must_end(function()
      says_fork(function() return submit(new):get() end)
      assert(submit(new_client()):get(60) == 7)
    end)
    assert(submit(new):get(60) == 7)
    acknowledged, call, handle, waited, finished, client = nil, nil, nil, nil, nil, nil
    collectgarbage()
    collectgarbage()
  end)
  -- Fewer, when one of an earlier round has ended meanwhile.
  assert(host.count "/proc/self/task" <= threads)
  for _, future in ipairs { acknowledged, waited, finished, handle } do
    assert(future:get(60) == 7)
  end
  assert(call:get(60))
  assert(submit(client):get(60) == 7)
  assert(client:close(60))
end

-- A thread of the parent may hold any lock when it forks.
function forks.busy()
  local client = new_client { max_pending = 1000000 }
  assert(client:connect(60))
  for i = 1, count do
    local runs = {}
    for j = 1, 20 do runs[j] = submit(client) end
    must_end(function()
      says_fork(function() return submit(client):started() end)
      host._exit(5)
    end, 60)
    for j = 1, 20 do assert(runs[j]:started(30)) end
    if i % 10 == 0 then collectgarbage() end
  end
  assert(client:close(60))
end

-- The exit of a child waits for what it has submitted itself.
function forks.exit()
  local client = new_client()
  assert(client:connect(60))
  local took = must_end(function()
    -- Nobody listens there.
    submit(new_client { target = "127.0.0.1:1", shutdown_timeout = 0.2 }, "life-2")
  end)
  assert(took >= 0.2, "it was not waited for")
  -- Another way out, of a child of a process that has never called.
  local pid = host.fork()
  if pid == 0 then
    submit(new_client { target = "127.0.0.1:1", shutdown_timeout = 0.2 }, "life-3")
    os.exit(5)
  end
  assert(host.waitpid(pid, 60) == "exit")
  assert(client:connect(60))
  assert(client:close(60))
end

-- Nor does it take long when nothing is left, and what is the parent's stays the parent's.
function forks.quick()
  local client = new_client { target = silent, shutdown_timeout = 4 }
  local run = submit(client)
  assert(not run:started(0.1))
  local took = must_end(function() end)
  assert(took < 3.5, "the child waited for the parent's start")
  local ok, err = client:close(0)
  assert(not ok and err.kind == "unacknowledged")
end

-- The parent's connection ends when the parent closes it.
function forks.shared()
  local client = new_client()
  assert(client:connect(60))
  local pid = host.fork()
  while pid == 0 do temporal.poll(1) end
  assert(client:close(60))
  print("closed " .. pid)
  assert(host.waitpid(pid, 60) == "signal")
end

-- A doorbell from before the fork rings for one of them only.
function forks.pollfd()
  local client = new_client()
  local fd = temporal.pollable():pollfd()
  must_end(function()
    assert(temporal.pollable():pollfd() == fd)
    local run = submit(client)
    assert(not core.want(run, "result"))
    core.subscribe(run, "result")
    repeat core.park(0.1) until host.readable(fd)
    assert(run:get(60) == 7)
    -- Rings again, and is left ringing.
    run = submit(client)
    core.subscribe(run, "started")
    repeat core.park(0.1) until host.readable(fd)
    host._exit(5)
  end)
  local run = submit(client)
  assert(not host.readable(fd), "the child's doorbell rings here")
  assert(run:get(60) == 7)
  assert(client:close(60))
end

-- A server that forks its workers, before or after a first call of its own. A worker that may not
-- use the client of its parent makes one; they end in all ways, with a call in flight.
local function serve(number, client)
  for _ = 1, number do assert(submit(client):get(60) == 7) end
  submit(client)
end

function forks.prefork()
  for i = 1, count do
    local client, called = new_client(), i % 2 == 0
    if called then assert(submit(client):get(60) == 7) end
    local pids = {}
    for number = 1, 4 do
      pids[number] = host.fork()
      if pids[number] == 0 then
        local ok, err = pcall(serve, number, called and new_client() or client)
        if not ok then io.stderr:write(tostring(err), "\n") end
        if not ok or number == 1 then host._exit(ok and 5 or 9) end
        os.exit(5, number % 2 == 0)
      end
    end
    for number = 1, 4 do
      local ended, code = host.waitpid(pids[number], 20)
      assert(ended == "exit" and code == 5, tostring(ended) .. " " .. tostring(code))
    end
    assert(submit(client):get(60) == 7)
    assert(client:close(60))
  end
end

forks[how]()
print "done"

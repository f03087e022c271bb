--- States of cqueues' own threads, each with its engine.
-- usage: cqueues_threads.lua ADDRESS ROUNDS THREADS

local thread = require "cqueues.thread"
local temporal = require "temporal"

local address, rounds, count = arg[1], tonumber(arg[2]), tonumber(arg[3])

-- Runs in another state: no upvalues, and strings only.
local function work(_, where, path, cpath)
  package.path, package.cpath = path, cpath
  local inner = require "temporal"
  local client = inner.client { target = where, shutdown_timeout = 10 }
  assert(client:execute_workflow({ task_queue = "q" }, "Life"):get(30) == 7)
  -- In flight when the state closes, which is when this returns.
  client:execute_workflow({ task_queue = "q" }, "Life"):ready()
end

temporal.host.use "plain" -- nothing here runs in a controller
local client = temporal.client { target = address }
for _ = 1, rounds do
  local threads = {}
  for i = 1, count do
    threads[i] = assert(thread.start(work, address, package.path, package.cpath))
  end
  assert(client:execute_workflow({ task_queue = "q" }, "Life"):get(30) == 7)
  for i = 1, count do
    local ok, problem = threads[i]:join()
    assert(ok and not problem, tostring(problem))
  end
end
assert(client:close(60))
print "done"

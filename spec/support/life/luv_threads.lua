--- States of luv's own threads, each with its engine.
-- usage: luv_threads.lua ADDRESS ROUNDS THREADS

local uv = require "luv"
local temporal = require "temporal"

local address, rounds, count = arg[1], tonumber(arg[2]), tonumber(arg[3])

-- Runs in another state: no upvalues.
local function work(where, path, cpath)
  package.path, package.cpath = path, cpath
  local inner = require "temporal"
  local client = inner.client { target = where, shutdown_timeout = 10 }
  assert(client:execute_workflow({ task_queue = "q" }, "Life"):get(30) == 7)
  -- In flight when the state closes, which is when this returns.
  client:execute_workflow({ task_queue = "q" }, "Life"):ready()
end

local client = temporal.client { target = address }
for _ = 1, rounds do
  local threads = {}
  for i = 1, count do
    threads[i] = uv.new_thread(work, address, package.path, package.cpath)
  end
  assert(client:execute_workflow({ task_queue = "q" }, "Life"):get(30) == 7)
  for i = 1, count do assert(threads[i]:join()) end
end
assert(client:close(60))
print "done"

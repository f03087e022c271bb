--- temporal.shutdown, again and again, in one state.
-- usage: shutdown.lua ANSWERING SILENT ROUNDS     two peers: the second never answers a start

-- luacheck: read globals host

local temporal = require "temporal"

local answering, silent, rounds = arg[1], arg[2], tonumber(arg[3])

local threads = host.count "/proc/self/task"
local descriptors = host.count "/proc/self/fd"

local function closed(value, err)
  assert(value == nil and err.kind == "closed", tostring(err))
end

-- Nothing is unacknowledged: it ends at once.
local function nothing_in_flight()
  local client = temporal.client { target = answering, shutdown_timeout = 20 }
  local run = client:execute_workflow({ task_queue = "q" }, "Life")
  assert(run:started(60))
  assert(not run:ready())
  local call = client:submit("GetSystemInfo", {})
  assert(call:get(60))
  local poll = client:submit("GetWorkflowExecutionHistory",
    { execution = { workflow_id = "other" }, wait_new_event = true })
  local handle = client:workflow "other"
  assert(not handle:wait(0.01) and not poll:wait(0.01))
  assert(temporal.shutdown())
  assert(host.count "/proc/self/task" == threads, "the thread was not joined")
  closed(run:get(60))
  closed(handle:get(60))
  closed(poll:get(60))
  assert(run:started() and run.run_id)
  assert(call:get())
  assert(not pcall(client.execute_workflow, client, { task_queue = "q" }, "Life"))
end

-- What is unacknowledged goes on without us, for shutdown_timeout.
local function unacknowledged()
  local client = temporal.client { target = silent, shutdown_timeout = 0.05 }
  local run = client:execute_workflow({ id = "life-1", task_queue = "q" }, "Life")
  local ok, err = temporal.shutdown(0.01)
  assert(not ok and err.kind == "unacknowledged" and #err.details == 1, tostring(err))
  assert(err.details[1].workflow_id == "life-1")
  closed(run:get(60))
  for _ = 1, 1000 do
    if host.count "/proc/self/task" == threads then break end
    temporal.poll(0.01)
  end
  assert(host.count "/proc/self/task" == threads, "the thread goes on for longer")
end

for _ = 1, rounds do
  nothing_in_flight()
  unacknowledged()
  collectgarbage()
  collectgarbage()
  assert(host.count "/proc/self/fd" == descriptors, "descriptors are left")
end
assert(temporal.shutdown(), "there is nothing to close")
print "done"

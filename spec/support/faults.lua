--- What the fault specs share: one fault peer for a file, clients that end with their test, and
-- starts whose result and duration are looked at.

local assert = require "luassert"
local core = require "temporal.core"
local fault_peer = require "spec.support.fault_peer"
local temporal = require "temporal"

local now = core.now

local faults = { now = now }

local START = "StartWorkflowExecution"
local POLL = "GetWorkflowExecutionHistory"

-- Longer than any test may take: a wait that reaches it has hung.
local HUNG = 60

local clients = {}
local serial = 0

--- Quick retries, so that a spec need not wait for them.
faults.QUICK = { initial = 0.01, factor = 1.5, max = 0.1, jitter = 0.2, attempts = 10 }

function faults.start_peer(options)
  faults.peer = fault_peer.start(options)
  return faults.peer
end

function faults.stop_peer()
  faults.peer:stop()
  faults.peer = nil
end

--- A client of the peer without retries, unless the options say otherwise.
function faults.client(options)
  -- What a test leaves unacknowledged ends with it, and does not meet the next one.
  local given = { target = faults.peer.address, rpc_timeout = 20, retry = false,
                  shutdown_timeout = 0, logger = function() end }
  for name, value in pairs(options or {}) do given[name] = value end
  local client = temporal.client(given)
  clients[#clients + 1] = client
  return client
end

--- Ends what the test has used.
function faults.after_each()
  for _, client in ipairs(clients) do client:close(0) end
  clients = {}
end

--- Submits a start; the future.
function faults.submit(client, options, ...)
  serial = serial + 1
  local given = { id = "fault-" .. serial, task_queue = "q" }
  for name, value in pairs(options or {}) do given[name] = value end
  return client:execute_workflow(given, "Fault", ...)
end

--- Starts a workflow and waits; the future or nil, the error or nil, and the seconds it took.
function faults.start(client, options, ...)
  local began = now()
  local run = faults.submit(client, options, ...)
  local ok, err = run:started(HUNG)
  local seconds = now() - began
  assert.is_true(ok or err.kind ~= "timeout", "the start hangs")
  return ok and run or nil, err, seconds
end

--- Starts a workflow that must come through.
function faults.must_start(client, options, ...)
  local run, err, seconds = faults.start(client, options, ...)
  assert.is_nil(err and tostring(err))
  return run, seconds
end

--- Waits for a result; value, error, seconds.
function faults.get(run, ...)
  local began = now()
  local value, err = run:get(... or HUNG)
  return value, err, now() - began
end

--- The requests of a method that the peer got, decoded.
function faults.requests(method)
  local list = {}
  for i, bytes in ipairs(faults.peer:requests(method)) do
    list[i] = assert(core.decode("temporal.api.workflowservice.v1." .. method .. "Request", bytes))
  end
  return list
end

--- That something ends at its deadline, at most 50 ms late. A busy machine may be late by itself,
-- so the best of ten tries counts; what ends too early fails at once.
-- @param deadline seconds
-- @param try returns the seconds it took
function faults.ends_in_time(deadline, try)
  local best = math.huge
  for _ = 1, 10 do
    local seconds = try()
    assert.is_true(seconds >= deadline - 0.002, ("ended early, after %.3f s"):format(seconds))
    best = math.min(best, seconds)
    if best <= deadline + 0.05 then return end
  end
  assert.is_true(false, ("the deadline was %g s; it took %.3f s"):format(deadline, best))
end

faults.START, faults.POLL, faults.HUNG = START, POLL, HUNG

return faults

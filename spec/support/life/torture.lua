--- One life of a client that is short of memory; then memory is back, and all must work again.
-- usage: torture.lua ADDRESS     of a peer that answers everything

local temporal = require "temporal"

-- luacheck: globals memory

local PATIENCE = 60 -- s: for what must not fail

local function new_client(timeout)
  return temporal.client {
    target = arg[1], namespace = "default", logger = function() end, shutdown_timeout = 0.2,
    rpc_timeout = timeout, connect_timeout = PATIENCE, metadata = { ["x-a"] = "b" },
    retry = { initial = 0.001, max = 0.002, attempts = 4 },
  }
end

-- What comes of each request.
local function live(client, timeout)
  local run = client:execute_workflow({ id = "life", task_queue = "q", memo = { a = 1 } }, "Life",
    { 1, 2.5, "x", true }, "two")
  local value, why = run:get(timeout)
  local signalled, refused = run:signal("pause", 1)
  local answered, problem = run:query "state"
  local many = {}
  for i = 1, 3 do many[i] = client:execute_workflow({ task_queue = "q" }, "Life", i) end
  temporal.wait_all(many, timeout)
  client:metrics()
  return { why or value, refused or signalled, problem or answered == nil,
    select(2, many[1]:get(timeout)) or 7, select(2, many[2]:get(timeout)) or 7,
    select(2, many[3]:get(timeout)) or 7 }
end

local client, other, patient, pending

local function one()
  client = new_client(0.2)
  live(client, 0.2)
end

local function another()
  other = new_client(0.2)
  other:execute_workflow({ task_queue = "q" }, "Life")
  other:close(0.2)
end

local function third()
  patient = new_client(10 * PATIENCE)
  pending = patient:execute_workflow({ task_queue = "q" }, "Life")
  pending:started(0.005)
end

memory.short()
pcall(one)
pcall(another)
pcall(third)
memory.back()

-- What memory was short for goes on, or has failed.
if pending then
  local started, err = pending:started(PATIENCE)
  assert(started or err.kind ~= "timeout", tostring(err))
end

collectgarbage()
collectgarbage()
for _, each in ipairs { client or false, other or false, patient or false, new_client(PATIENCE) } do
  if each and each ~= other then
    local got = live(each:with { rpc_timeout = PATIENCE }, PATIENCE)
    for i, right in ipairs { 7, true, true, 7, 7, 7 } do
      assert(got[i] == right, ("after it step %d gave %s"):format(i, tostring(got[i])))
    end
    assert(each:close(PATIENCE))
  elseif each then
    each:close(PATIENCE)
  end
end

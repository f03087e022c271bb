--- Runs an operation through the Lua client and through the Python client (parity_peer.py), and
-- compares what came of it: the decoded outcome, and the class of every error of a chain.
--
-- A row is a table:
--   [1]      its name
--   setup    function(case) before the operation, for each side; sets `case.id`
--   same     true: one setup, and both sides ask about the same thing (Lua first)
--   lua      function(case) -> value, or nil and an error
--   python   the request to parity_peer.py, or function(case) -> request; `id` is filled in
--   after    function(case) -> value: what became of it, looked at from Lua; part of the outcome
--   value    what Lua's outcome has to be, where equality of the two alone could hide something
--   lua_only, python_only   the two outcomes where they differ on purpose
--   raises   what Lua says instead of sending: the whole misuse message, or a pattern of it
-- `case` has `client side id name run()`.

local core = require "temporal.core"
local assert = require "luassert"
local env = require "spec.support.environment"
local temporal = require "temporal"

local parity = {}

-- Outcomes as text, in which equal means equal: the keys sorted, `[]` told from `{}`, an integer
-- from a float (where the VM can), and every string quoted.

local math_type = rawget(math, "type")

local function number_text(value)
  if math_type and math_type(value) == "integer" or value == math.floor(value)
    and not math_type and math.abs(value) < 2 ^ 53 then
    return ("%d"):format(value)
  end
  return ("%.17gf"):format(value)
end

local function canonical(value)
  local kind = core.value_kind(value)
  if value == nil or kind == "null" then
    return "null"
  elseif type(value) == "string" then
    return value:find("^@%-?%d+%.%d+$") and value or ("%q"):format(value)
  elseif kind == "int64" then
    return (tostring(value):gsub("LL$", ""))
  elseif type(value) == "number" then
    return number_text(value)
  elseif type(value) ~= "table" then
    return tostring(value)
  end
  local parts = {}
  if kind == "array" or #value > 0 then
    for i = 1, value.n or #value do parts[i] = canonical(value[i]) end
    return "[" .. table.concat(parts, ", ") .. "]"
  end
  for name, each in pairs(value) do
    local text = canonical(each)
    if text ~= "null" then table.insert(parts, ("%s=%s"):format(tostring(name), text)) end
  end
  table.sort(parts)
  return "{" .. table.concat(parts, ", ") .. "}"
end

parity.canonical = canonical

--- A list for an outcome: nils count.
function parity.list(values, count)
  local list = {}
  for i = 1, count or (values and (values.n or #values)) or 0 do
    list[i] = values[i] == nil and temporal.null or values[i]
  end
  return temporal.array(list)
end

--- Bytes for a request, and the form of those in an answer.
function parity.bytes(text)
  return { ["$bytes"] = (text:gsub(".", function(c) return ("%02x"):format(c:byte()) end)) }
end

--- A time for an outcome: text with microseconds.
function parity.stamp(seconds)
  return seconds and ("@%.6f"):format(seconds)
end

-- The Python client cuts times to microseconds, ours are the nearest doubles: the outcome without
-- them, and the times.
local function without_times(text)
  local times = {}
  text = text:gsub("@(%-?%d+%.%d+)", function(time)
    table.insert(times, tonumber(time))
    return "@"
  end)
  return text, times
end

local function compare(from_python, from_lua)
  local python_text, python_times = without_times(from_python)
  local lua_text, lua_times = without_times(from_lua)
  assert.equal(python_text, lua_text, "Python (expected) and Lua differ")
  for i, time in ipairs(lua_times) do
    assert.is_true(math.abs(time - python_times[i]) < 2e-6,
      ("%s, and in Python %s"):format(from_lua, from_python))
  end
end

local function payload_list(list)
  return parity.list(list or {})
end

-- What of an error of each kind is compared.
local SAY = {
  application = function(e)
    return { message = e.message, type = e.type, non_retryable = e.non_retryable,
      details = payload_list(e.details), category = e.category,
      next_retry_delay = e.next_retry_delay }
  end,
  canceled = function(e) return { details = payload_list(e.details) } end,
  terminated = function(e)
    return { reason = e.reason or e.message, details = payload_list(e.details) }
  end,
  timed_out = function(e)
    return { timeout_type = e.timeout_type,
      last_heartbeat_details = payload_list(e.last_heartbeat_details) }
  end,
  activity = function(e)
    return { activity_type = e.activity_type, activity_id = e.activity_id,
      retry_state = e.retry_state }
  end,
  child_workflow = function(e)
    return { workflow_type = e.workflow_type, workflow_id = e.workflow_id,
      namespace = e.namespace, retry_state = e.retry_state }
  end,
  server = function(e) return { message = e.message } end,
  already_started = function(e)
    return { workflow_id = e.workflow_id, activity_id = e.activity_id }
  end,
  query_failed = function(e) return { message = e.message } end,
  query_rejected = function(e) return { status = e.status } end,
}
for _, kind in ipairs { "workflow_failed", "activity_failed", "update_failed", "continued_as_new",
  "activity_canceled", "activity_paused", "activity_reset", "timeout" } do
  SAY[kind] = function() return {} end
end

local function error_form(err)
  local say = SAY[err.kind]
  -- Of any other error, an RPC's: what the server said, without the query that we add to it.
  local form = say and say(err) or { message = err.message:gsub("; the query: .*$", "") }
  form.kind = err.kind
  -- The Python client keeps no cause of a failed query.
  if err.cause and err.kind ~= "query_failed" then form.cause = error_form(err.cause) end
  return form
end

parity.error_form = error_form

-- The Python client.

local peer, requests

--- Starts the peer, for `setup`.
function parity.start()
  local path = os.tmpname()
  requests = assert(io.open(path, "wb"))
  peer = env.spawn { env.python, "spec/support/parity_peer.py", env.address, env.namespace,
                     env.task_queue, path }
  assert(peer:readline(60) == "ready", "the Python client does not start")
  os.remove(path)
end

--- Ends it, for `teardown`.
function parity.stop()
  requests:write('{"op":"end"}\n')
  requests:close()
  peer:wait(60)
end

--- What the Python client makes of a request: its answer as text, and as a table.
function parity.ask(request)
  requests:write(assert(core.json_encode(request)), "\n")
  requests:flush()
  local line
  repeat -- its engine writes warnings to the same place
    line = peer:readline(60)
    assert(line, "the Python client has ended: " .. peer:errors())
    line = line:match("^answer (.*)$")
  until line
  local answer = assert(core.json_decode(line))
  if answer.error and answer.error.kind == "python" then
    error("the peer: " .. tostring(answer.error.message), 0)
  end
  return answer
end

-- Rows.

local function case_of(row, client, side)
  local case = { client = client, side = side, name = row[1] }
  case.id = ("parity-%s-%s"):format(side, env.uuid())
  function case.run(self, ...) return self.client:workflow(self.id, ...) end
  if row.setup then row.setup(case) end
  return case
end

-- Names that are not the same for the two sides.
local function anonymous(text, case)
  for i, run_id in ipairs(case.run_ids or {}) do
    text = text:gsub((run_id:gsub("%p", "%%%0")), "<run " .. i .. ">")
  end
  text = text:gsub((case.id:gsub("%p", "%%%0")), "<id>")
  return (text:gsub("%x%x%x%x%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-%x%x%x%x%x%x%x%x%x%x%x%x",
    "<uuid>"))
end

local function finish(row, case, outcome)
  if row.normalise then outcome = row.normalise(outcome) or outcome end
  if row.after then outcome.after = row.after(case) end
  return anonymous(canonical(outcome), case)
end

local function through_lua(row, case)
  local value, err = row.lua(case)
  if value == nil and err ~= nil then
    assert(temporal.is_error(err), "not an error object: " .. tostring(err))
    return finish(row, case, { error = error_form(err) })
  end
  return finish(row, case, { value = value == nil and temporal.null or value })
end

local function through_python(row, case)
  local request = row.python
  if type(request) == "function" then
    request = request(case)
  end
  local sent = { id = case.id }
  for name, value in pairs(request) do sent[name] = value end
  local answer = parity.ask(sent)
  return finish(row, case, { value = answer.value, error = answer.error })
end

--- Runs a row.
-- @param row see above
-- @param client a Lua client
function parity.check(row, client)
  local case = case_of(row, client, "lua")
  local from_lua
  if row.raises then
    local ok, message = pcall(row.lua, case)
    assert.is_false(ok)
    assert.matches(row.raises, message)
  else
    from_lua = through_lua(row, case)
  end
  if not row.same then case = case_of(row, client, "python") end
  local from_python = through_python(row, case)
  if row.lua_only or row.python_only or row.raises then
    assert.are_not.equal(from_python, from_lua)
    if row.lua_only then assert.equal(row.lua_only, from_lua) end
    if row.python_only then assert.equal(row.python_only, from_python) end
    return
  end
  compare(from_python, from_lua)
  if row.value then assert.equal(row.value, from_lua) end
end

return parity

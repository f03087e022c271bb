--- Workflows seen from outside: the methods of what `execute_workflow`,
-- `start_workflow` and `client:workflow` return. The objects themselves are
-- userdata of the engine; this module gives them their meaning.
-- @module temporal.future

local close_event = require "temporal.base.lazy" "temporal.run.close_event"
local core = require "temporal.core"
local duration = require "temporal.base.duration"
local errors = require "temporal.error.error"
local foreign = require "temporal.base.lazy" "temporal.base.foreign"
local handle = require "temporal.base.lazy" "temporal.call.handle"
local large = require "temporal.base.lazy" "temporal.call.large"
local long_wait = require "temporal.base.lazy" "temporal.run.long_wait"
local lazy = require "temporal.base.lazy"
local misuse = require "temporal.base.misuse"
local not_a_value = require "temporal.base.not_a_value"
local options = require "temporal.base.options"
local overdue = require "temporal.wait.overdue"
local sessions = require "temporal.call.session"
local state = require "temporal.base.state"
local types = require "temporal.value.types"
local wait = require "temporal.wait.wait"

local type = type
local core_field, core_owner, core_take = core.field, core.owner, core.take
local wait_one = wait.one

local UNAUTHENTICATED = 16

-- An error does not wait longer for what it can do without, in seconds.
local NAMING_TIMEOUT = 2

local run_metatable = core.run_metatable

-- The outcomes of runs.
local taken = state.taken

-- Errors of a run.

local function run_error(future, record)
  if state.refusals[future] then
    record = { kind = state.refusals[future].kind, message = state.refusals[future].message,
      outcome = "not_started" }
  end
  local run_id = core_field(future, "run_id")
  local request_id = core_field(future, "request_id")
  local err = errors.from_record(record, {
    fields = {
      workflow_id = core_field(future, "id"),
      workflow_type = core_field(future, "workflow_type"),
      run_id = run_id,
      request_id = request_id,
    },
  })
  if err.kind == "already_started" then
    err.message = ('%s; on_already_started = "attach" gives the future of %s'):format(err.message,
      err.run_id and "run " .. err.run_id or "the run that holds the id")
  elseif state.large[future] then
    large.explain(sessions.of(core_owner(future)), future, err)
  end
  if state.refusals[future] then
    err.cause = state.refusals[future].cause
  end
  -- Never acknowledged: it is the start that failed.
  if request_id and not run_id then
    err.outcome = err.outcome or errors.start_outcome(err)
  else
    err.outcome = nil
  end
  return err
end

-- Servers before 1.32 name the run that holds the id, but not its chain: asked
-- for where there is time.
local function name_chain(future, err, left)
  if err.kind == "already_started" and err.run_id and not err.first_execution_run_id
    and left ~= 0 then
    err.first_execution_run_id = handle.first_run(future, err.run_id,
      { timeout = math.min(left or NAMING_TIMEOUT, NAMING_TIMEOUT) })
  end
  return err
end

-- A wait that ended early: what it was for, and whether the server has it.
local function unfinished(future, err, timeout, goal)
  err.workflow_id = core_field(future, "id")
  err.run_id = core_field(future, "run_id")
  err.request_id = core_field(future, "request_id")
  err.workflow_type = core_field(future, "workflow_type")
  if err.kind == "timeout" then
    err.acknowledged = core.ready(future, "started")
    err.message = ("no %s after %s; %s"):format(goal, duration.text(timeout),
      err.acknowledged and "the workflow goes on" or "the start goes on")
  end
  return err
end

-- Results.

-- The close event, taken once for each of "first" and "result".
local function take_outcome(future, what)
  local known = taken[future]
  if known and known[what] then
    return known[what]
  end
  local event, run_id = core_take(future, what)
  if not event then
    return nil, run_error(future, run_id)
  end
  if not known then
    known = {}
    taken[future] = known
  end
  local outcome = { event = event, run_id = run_id }
  known[what] = outcome
  return outcome
end

-- The payloads of the result, or the error; both kept. What a user's
-- converter raises passes, and the next call decodes again.
local function read_outcome(future, outcome)
  if not outcome.read then
    outcome.payloads, outcome.err = close_event.read(outcome.event, {
      workflow_id = core_field(future, "id"),
      run_id = outcome.run_id,
      workflow_type = core_field(future, "workflow_type"),
    }, sessions.of(core_owner(future)):values("result", core_field(future, "id")))
    outcome.read = true
  end
  return outcome.payloads, outcome.err
end

local function conversion_error(future, problem)
  local err = errors.new(problem)
  err.workflow_id = core_field(future, "id")
  err.run_id = core_field(future, "result_run_id") or core_field(future, "run_id")
  err.workflow_type = core_field(future, "workflow_type")
  return err
end

local function result_value(future, outcome, raw)
  local payloads, err = read_outcome(future, outcome)
  if not payloads then
    return nil, err
  end
  local payload = payloads[1]
  if raw and payload then
    local values = sessions.of(core_owner(future)):values("result", core_field(future, "id"))
    local list, problem = values:decode { payload }
    if not list then
      return nil, conversion_error(future, problem)
    end
    return types.raw(list[1])
  end
  if not outcome.decoded then
    if payload then
      local values = sessions.of(core_owner(future)):values("result", core_field(future, "id"))
      local value, problem = values:value(payload)
      if problem then
        return nil, conversion_error(future, problem)
      end
      outcome.value = value
    end
    outcome.decoded = true
  end
  return outcome.value
end

local GET_OPTIONS = options.define("option of future:get", {
  timeout = options.seconds("timeout"),
  follow_runs = options.boolean("follow_runs"),
  raw = options.boolean("raw"),
})

--- A workflow execution: the future of its result, and its handle.
--
-- Fields: `id`, `run_id` (the run the server named at the start; nil before),
-- `first_execution_run_id`, `request_id`, `namespace`, `workflow_type`,
-- `attached` (true when the run already existed), `result_run_id` (the run
-- that produced the result), `raw_result` (all result payloads, after `get`).
-- @type run
local run = {}

local function check_run(self)
  if getmetatable(self) ~= run_metatable then
    options.check_self(self, run_metatable, "workflow")
  end
end

--- Waits until the server has acknowledged the start.
-- @tparam[opt] number|string|table timeout a duration or `{timeout=}`; nil for
--   ever, 0 to look only
-- @treturn boolean|nil true, or nil
-- @treturn temporal.error the start's error; of kind `timeout` when the time
--   ran out: the start goes on
function run:started(timeout)
  check_run(self)
  local deadline
  if timeout ~= nil then
    timeout = options.timeout(timeout, "future:started")
    deadline = timeout and core.now() + timeout
  end
  local ready, problem = wait_one(self, "started", timeout)
  if not ready then
    return nil, unfinished(self, problem, timeout, "acknowledgement")
  end
  local session = sessions.of(core_owner(self))
  local acknowledged, record = core_take(self, "started")
  if acknowledged then
    session:taken(self)
    return true
  end
  if record.code == UNAUTHENTICATED and session:renew(self) and core.resend(self) then
    return run.started(self, wait.left(deadline))
  end
  local err = name_chain(self, run_error(self, record), wait.left(deadline))
  session:taken(self, err)
  return nil, err
end

-- Brings the key and the metadata of the polls that follow up to date.
local function prepare(self, session)
  local metadata, problem = session:prepare(state.metadata[self])
  if problem then
    return problem
  end
  if type(session.metadata) == "function" then
    problem = core.replace_metadata(self, metadata)
    if problem then
      misuse.raise(problem)
    end
  end
  return nil
end

-- Waits for what `get` asks for, and takes it; with another key once more
-- where the server refuses the first.
local function await_outcome(self, what, timeout)
  local session = sessions.of(core_owner(self))
  local deadline = timeout and core.now() + timeout
  -- A failure that was taken is no answer: what follows is another poll.
  if not session.unchanging
    and (state.renewals[self] or not core.ready(self, what)) then
    local problem = prepare(self, session)
    if problem then
      problem.workflow_id, problem.outcome = core_field(self, "id"), nil
      return nil, problem
    end
  end
  while true do
    local ready, problem = wait_one(self, what, wait.left(deadline))
    if not ready then
      return nil, unfinished(self, problem, timeout, "result")
    end
    local outcome, err = take_outcome(self, what)
    if outcome or err.code ~= "unauthenticated" or not session:renew(self) then
      err = err and name_chain(self, err, wait.left(deadline))
      session:taken(self, not outcome and not core_field(self, "run_id") and err or nil)
      return outcome, err
    end
    core.resend(self)
  end
end

local function perform_get(input)
  local self, given = input.workflow, input.options
  local what = given.follow_runs == false and "first" or "result"
  local known = taken[self]
  local outcome = known and known[what]
  if not outcome then
    local err
    outcome, err = await_outcome(self, what, given.timeout)
    if not outcome then
      return nil, err
    end
  end
  return result_value(self, outcome, given.raw)
end

--- Waits for the result.
-- @tparam[opt] number|string|table get_options a timeout (duration), or
--   `{timeout=, follow_runs=true, raw=false}`: `follow_runs=false` asks for
--   the end of the first run only, `raw=true` for the payload itself
-- @return the value (nil and false are values), or nil
-- @treturn temporal.error why there is none; of kind `timeout` when the time
--   ran out: nothing is lost, call again
function run:get(get_options)
  check_run(self)
  return sessions.run("get", {
    client = core_owner(self), workflow = self, id = core_field(self, "id"),
    options = options.get(GET_OPTIONS, get_options, "future:get"),
  }, perform_get)
end

--- Would `get` return without waiting for the server? Asking starts the wait
-- for the result in the background. Never blocks.
-- @treturn boolean
function run:ready()
  check_run(self)
  local known = taken[self]
  return known ~= nil and known.result ~= nil or core.want(self, "result", true)
end

--- Waits for the result without taking it.
-- @tparam[opt] number|string|table timeout a duration or `{timeout=}`
-- @treturn boolean|nil true; false when the time ran out; nil where waiting is
--   not possible
-- @treturn temporal.error|nil of kind `cannot_wait`
function run:wait(timeout)
  check_run(self)
  timeout = options.timeout(timeout, "future:wait")
  local known = taken[self]
  if known and known.result then
    return true
  end
  return wait.ready(self, timeout)
end

--- Stops our interest in the result: not the workflow, and not a start on its
-- way. Whoever waits gets an error of kind `call_canceled`.
function run:abandon()
  check_run(self)
  core.abandon(self)
end

local RUN_FIELDS = {
  id = true, run_id = true, first_execution_run_id = true, request_id = true,
  namespace = true, workflow_type = true, attached = true, result_run_id = true,
}

local function raw_result(future)
  local known = taken[future]
  local outcome = known and (known.result or known.first)
  return outcome and read_outcome(future, outcome) or nil
end

-- Methods that live with their nouns: the module is loaded by the first use.
local ELSEWHERE = {
  signal = "temporal.run.signal",
  query = "temporal.run.query",
  update = "temporal.run.update",
  start_update = "temporal.run.update",
  update_handle = "temporal.run.update",
  cancel = "temporal.run.cancel",
  terminate = "temporal.run.cancel",
  describe = "temporal.run.description",
  diagnose = "temporal.run.diagnose",
  history = "temporal.run.history",
  fetch_history = "temporal.run.history",
  reset = "temporal.run.control",
  delete = "temporal.run.control",
  pause = "temporal.run.control",
  unpause = "temporal.run.control",
  update_options = "temporal.run.control",
}

function run_metatable.__index(future, name)
  local method = run[name]
  if method then
    return method
  elseif ELSEWHERE[name] then
    local found = lazy(ELSEWHERE[name])[name]
    method = function(self, ...)
      check_run(self)
      return found(self, ...)
    end
    run[name] = method
    return method
  elseif RUN_FIELDS[name] then
    local value = core_field(future, name)
    if value == nil and name == "first_execution_run_id" and core_field(future, "run_id") then
      value = state.first_runs[future]
    end
    return value
  elseif name == "raw_result" then
    return raw_result(future)
  end
  return foreign.member("future", name)
end

local function run_state(future)
  local known = taken[future]
  local outcome = known and known.result
  if outcome then
    local name = tostring(outcome.event.event_type):match("WORKFLOW_EXECUTION_([%u_]+)$")
    return name and name:lower():gsub("_", " ") or "closed"
  elseif core.ready(future, "result") then
    return "finished"
  elseif not core.ready(future, "started") then
    return "starting"
  elseif core_field(future, "request_id") then
    return "running"
  end
  return "state not asked for"
end

function run_metatable.__tostring(future)
  return ("temporal.future (%s, %s)"):format(tostring(core_field(future, "id")), run_state(future))
end

not_a_value(run_metatable)
run_metatable.__name = "temporal.future"

-- Waits that last long: how long, says the client.

local function diagnose_after(future)
  local client = getmetatable(future) == run_metatable and core_owner(future)
  return client and sessions.of(client).diagnose_after
end

local function diagnose_after_of(list)
  for i = 1, #list do
    local after = diagnose_after(list[i])
    if after then
      return after
    end
  end
  return nil
end

overdue.observe {
  after = function(awaited)
    if getmetatable(awaited) == nil then
      return diagnose_after_of(awaited)
    end
    return diagnose_after(awaited)
  end,
  begin = function(...)
    return long_wait.begin(...)
  end,
}

local RUN = options.define("option of client:workflow", {
  run_id = options.string("run_id"),
  first_execution_run_id = options.string("first_execution_run_id"),
})

--- The handle of a workflow execution started elsewhere. Asks the server for
-- nothing yet.
-- @param client
-- @tparam string id the workflow id
-- @tparam[opt] string|table given a run id, or
--   `{run_id=, first_execution_run_id=}`; nil for the latest run
-- @return a future
-- @raise on misuse
local function workflow(client, id, given)
  local session = sessions.of(client)
  if type(id) ~= "string" or id == "" then
    misuse.raisef("client:workflow: the workflow id must be a string that is not empty, got %s",
      options.show(id))
  end
  local chosen
  if given == nil then
    chosen = {}
  elseif type(given) == "table" then
    chosen = options.apply(RUN, given, {})
  else
    chosen = options.apply(RUN, { run_id = given }, {})
  end
  -- What a function gives is asked for by `get`.
  local metadata = type(session.metadata) == "table" and session.metadata or nil
  local future, problem = session.channel:run(client.namespace, id, chosen.run_id,
    chosen.first_execution_run_id, metadata)
  if not future then
    misuse.raise(problem)
  end
  core.set_owner(future, client)
  return future
end

return { workflow = workflow }

--- Waits for a result that last long: the client's logger is told why, where
-- there is something to tell, once a minute and task queue.
--
-- The questions go out beside the wait, which ends as soon as the result is
-- there, whatever they are at; what fails of them is passed over in silence.
-- @module temporal.long_wait

local core = require "temporal.core"
local diagnosis = require "temporal.run.diagnosis"
local handle = require "temporal.call.handle"
local logger = require "temporal.observe.logger"
local service = require "temporal.call.service"
local sessions = require "temporal.call.session"

local getmetatable, next = getmetatable, next
local now = core.now
local run_metatable = core.run_metatable

local MINUTE = 60
local TURN = 1    -- until the next of a list
local TIMEOUT = 5 -- of each question, in seconds

-- By session, when something was said of a task queue last.
local said = setmetatable({}, { __mode = "k" })

local function is_news(session, queue)
  local queues = said[session]
  return not (queues and queues[queue] and now() - queues[queue] < MINUTE)
end

local function note(session, queue)
  local queues, time = said[session] or {}, now()
  said[session] = queues
  for name, before in next, queues do
    if time - before >= MINUTE then
      queues[name] = nil
    end
  end
  queues[queue] = time
end

-- No codec is asked: the result must not wait for one.
local function plain_text(failure)
  return failure.message ~= "" and failure.message or nil
end

local methods = {}
local metatable = { __index = methods }

local function tell(self)
  local found = self.found
  local problem = found:problem(plain_text)
  if not problem then
    return
  end
  note(self.session, found.task_queue or "")
  logger.log(self.session.logger, "warn", problem, {
    workflow_id = found.execution.workflow_id, run_id = found.execution.run_id,
    task_queue = found.task_queue,
  })
end

--- Goes on as far as it can without waiting.
-- @return the future to come back for; nil when it is over
function methods:step()
  local found, session = self.found, self.session
  local asked = self.asked
  if asked then
    local answer, err = asked:get(0)
    if answer then
      found:take(answer)
    elseif err.kind == "timeout" then
      -- Asked again with another key.
      return asked
    elseif not found.response then
      return nil
    end
  end
  if session.closed or found.response and not is_news(session, found.task_queue or "") then
    return nil
  end
  local method, request = found:next()
  if not method then
    tell(self)
    return nil
  end
  self.asked = service.start(session, method, request, { timeout = TIMEOUT, retry = false })
  return self.asked
end

-- A run whose result is still to come, of a client that wants to know; nil and
-- when to come again.
local function concerned(future, waited)
  if getmetatable(future) ~= run_metatable or core.ready(future, "result") then
    return nil
  end
  local client = core.owner(future)
  local session = client and sessions.of(client)
  if not session or session.closed or not session.diagnose_after then
    return nil
  elseif waited < session.diagnose_after then
    return nil, session.diagnose_after - waited
  elseif core.field(future, "request_id") and not core.ready(future, "started") then
    return nil, 1
  end
  return session
end

-- The first such run of a list, from one place further on each time.
local function choose(list, waited, turn)
  for i = 0, #list - 1 do
    local future = list[(turn - 1 + i) % #list + 1]
    local session = concerned(future, waited)
    if session then
      return future, session, TURN
    end
  end
  return nil, nil, TURN
end

--- Begins to look into a wait.
-- @param awaited a future, or a list of them, of which one is taken in turn
-- @tparam number waited seconds
-- @tparam integer turn 1 for the first time
-- @return an object with the method `step`; nil when there is nothing to look
--   into, and
-- @treturn number|nil in how many seconds there may be
local function begin(awaited, waited, turn)
  local future, session, again
  if getmetatable(awaited) == nil then
    future, session, again = choose(awaited, waited, turn)
  else
    future = awaited
    session, again = concerned(awaited, waited)
  end
  if not session then
    return nil, again
  end
  local found = diagnosis.new {
    workflow_id = core.field(future, "id"),
    run_id = handle.is_pinned(future) and core.field(future, "run_id") or nil,
  }
  found.waited = waited
  return setmetatable({ session = session, found = found }, metatable), again
end

return { begin = begin }

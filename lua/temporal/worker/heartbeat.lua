--- The heartbeats of an activity task: what it says goes to the I/O thread, which
-- sends the newest every so often, and rings when the server wants something
-- (temporal.api.workflowservice.v1: RecordActivityTaskHeartbeat).
-- @module temporal.worker.heartbeat

local context = require "temporal.activity.context"
local core = require "temporal.core"
local field = require "temporal.base.field"
local misuse = require "temporal.base.misuse"
local tickets = require "temporal.wait.ticket"

local min, tostring = math.min, tostring
local beat, wanted = core.beat, core.wanted

local REQUEST = "temporal.api.workflowservice.v1.RecordActivityTaskHeartbeatRequest"
-- Of the heartbeat timeout, from one to the next.
local SHARE = 0.8

local heartbeat = {}

-- How a ticket is woken for which no coroutine waits: the activity hears of it.
local listener = { name = "listener" }

function listener.unpark(ticket)
  local reason = wanted(ticket.beats)
  if reason then
    context.cancel(ticket.activity, reason)
  end
  return true
end

-- At the first heartbeat.
local function begin(activity)
  local worker = activity.owner
  local session, settings = worker.session, worker.settings
  local timeout = field.seconds(activity.response.heartbeat_timeout)
  -- Without a key the server refuses it, which the next call says.
  local metadata = not session.unchanging and session:prepare(nil) or nil
  local beats, wrong = session.channel:heartbeat(session.namespace,
    min(settings.max_heartbeat_throttle_interval,
      timeout and SHARE * timeout or settings.default_heartbeat_throttle_interval), metadata)
  if not beats then
    misuse.raise("activity.heartbeat: " .. wrong)
  end
  local ticket = { host = listener, key = core.id(beats), beats = beats, activity = activity }
  tickets.add_waiter(ticket.key, ticket)
  core.subscribe(beats, "result")
  activity.beats, activity.ticket = beats, ticket
  return beats
end

--- Says that the activity is alive.
-- @tparam temporal.activity activity
-- @tparam integer n how many details there are
-- @param ... details
-- @raise when one cannot be converted
function heartbeat.record(activity, n, ...)
  local worker, response = activity.owner, activity.response
  local session = worker.session
  local details, problem
  if n > 0 then
    details, problem = activity:values "details":payloads(n, ...)
    if not details then
      misuse.raise("activity.heartbeat: " .. tostring(problem):gsub("^argument", "detail"))
    end
  end
  activity.details = details or { payloads = {} }
  local good, wrong = beat(activity.beats or begin(activity), REQUEST, {
    namespace = session.namespace, task_token = response.task_token, details = details,
    identity = session:identify(),
  })
  if good == nil then
    misuse.raise("activity.heartbeat: " .. tostring(wrong))
  end
end

--- What the server wants of the activity.
-- @tparam temporal.activity activity
-- @treturn string|nil
function heartbeat.wanted(activity)
  return activity.beats and wanted(activity.beats)
end

--- No more of them: the activity has ended.
-- @tparam temporal.activity activity
function heartbeat.stop(activity)
  local beats = activity.beats
  if beats then
    tickets.remove_waiter(activity.ticket.key, activity.ticket)
    core.unsubscribe(beats, "result")
    core.abandon(beats)
    -- What is still answered is no news to an activity that has ended.
    activity.beats = nil
  end
end

return heartbeat

--- Changing a schedule that others may change too.
--
-- The server drops an update whose conflict token is stale, and answers OK
-- all the same (server 1.32; a newer scheduler says failed_precondition). So
-- what it holds is read back, and the change is made again when it is not
-- there.
-- @module temporal.schedule.update

local change = require "temporal.schedule.change"
local core = require "temporal.core"
local description = require "temporal.schedule.description"
local duration = require "temporal.base.duration"
local errors = require "temporal.error.error"
local misuse = require "temporal.base.misuse"
local options = require "temporal.base.options"
local search_attributes = require "temporal.value.search_attributes"
local sessions = require "temporal.call.session"

local next, type = next, type
local same = change.same

local MAX_ROUNDS = 5

-- Catch-up windows, in seconds (temporal.api.schedule.v1.SchedulePolicies).
local LEAST_WINDOW, DEFAULT_WINDOW = 10, 365 * 24 * 3600

local MEMO = "temporal.api.common.v1.Memo"
local SCHEDULE = "temporal.api.schedule.v1.Schedule"

local update = {}

-- Fields of a spec that the server compiles into others.
local COMPILED = {
  calendar = true, cron_string = true, exclude_calendar = true, structured_calendar = true,
  exclude_structured_calendar = true, interval = true, timezone_name = true,
}

-- What the server sets where nothing was sent.
local CHOSEN = {
  overlap_policy = "SCHEDULE_OVERLAP_POLICY_SKIP",
  kind = "TASK_QUEUE_KIND_NORMAL",
  workflow_id_reuse_policy = "WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE",
}

-- Is it the server's choice where none was sent?
local function is_chosen(name, sent, held)
  return held ~= nil and CHOSEN[name] == held and type(sent) == "string"
    and sent:find("_UNSPECIFIED$") ~= nil
end

-- Does `held` have whatever `sent` changed of `before`? The fields of
-- `passed_over` are not looked at.
local function has_changes(before, sent, held, passed_over)
  if same(before, sent) then
    return true
  elseif type(sent) ~= "table" or type(held) ~= "table" then
    return same(sent, held)
  end
  before = type(before) == "table" and before or {}
  for name, value in next, sent do
    if not (passed_over and passed_over[name]) and not is_chosen(name, value, held[name])
      and not has_changes(before[name], value, held[name]) then
      return false
    end
  end
  for name, value in next, before do
    if sent[name] == nil and not (passed_over and passed_over[name])
      and same(value, held[name]) then
      return false
    end
  end
  return true
end

-- Is a catch-up window what the server makes of the one that was sent? Without
-- one it takes its default, and for one that is too short the least; for 0 some
-- take the default, too. (That the conflict token went one further does not
-- tell: it does so for one other writer as well, and ours is dropped.)
local function is_window(before, sent, held)
  before, sent, held = duration.from_message(before), duration.from_message(sent),
    duration.from_message(held)
  if not sent then
    return held == DEFAULT_WINDOW or held ~= before
  end
  return sent < LEAST_WINDOW and held == LEAST_WINDOW or sent == 0 and held == DEFAULT_WINDOW
end

local NO_WINDOW = { catchup_window = true }

local function has_policies(before, sent, held)
  if not sent or not held then
    return has_changes(before, sent, held)
  end
  local taken = is_window(before and before.catchup_window, sent.catchup_window,
    held.catchup_window)
  return (taken or sent.catchup_window ~= nil)
    and has_changes(before, sent, held, taken and NO_WINDOW or nil)
end

local REMAINING = { remaining_actions = true }

-- It goes on acting meanwhile, at most `acted` times.
local function has_state(before, sent, held, acted)
  local left, now = sent and sent.remaining_actions, held and held.remaining_actions
  local used = left and now and now <= left and now >= left - acted
  return has_changes(before, sent, held, used and REMAINING or nil)
end

local function actions_of(response)
  return response.info and response.info.action_count or 0
end

-- Does a list begin with the elements of another, and have `more` besides?
local function extends(list, part, more)
  if #list ~= #part + more then
    return false
  end
  for i, element in ipairs(part) do
    if not same(list[i], element) then
      return false
    end
  end
  return true
end

-- Cron strings such as "@every 1h" become intervals, all others calendars.
local function count_cron(list)
  local intervals = 0
  for _, text in ipairs(list) do
    if text:find("@every", 1, true) then
      intervals = intervals + 1
    end
  end
  return #list - intervals, intervals
end

local function has_spec(before, sent, held)
  if #sent.calendar + #sent.cron_string + #sent.exclude_calendar == 0 then
    return has_changes(before, sent, held)
  end
  local calendars, intervals = count_cron(sent.cron_string)
  return has_changes(before, sent, held, COMPILED)
    and extends(held.structured_calendar, sent.structured_calendar, #sent.calendar + calendars)
    and extends(held.exclude_structured_calendar, sent.exclude_structured_calendar,
      #sent.exclude_calendar)
    and extends(held.interval, sent.interval, intervals)
end

-- A message, of which parts may be encoded already, as it comes back.
local function as_sent(type_name, message)
  return assert(core.decode(type_name, assert(core.encode(type_name, message, true))))
end

local function fields_of(memo)
  return memo and memo.fields or {}
end

-- Servers take a null or an empty list for the wish to have none.
local function is_nothing(payload)
  return payload.metadata.encoding == "binary/null" or payload.data == "null"
    or payload.data == "[]"
end

local function has_memo(message, response)
  if not message.memo then
    return true
  end
  local wanted, held = {}, fields_of(response.memo)
  for name, payload in next, as_sent(MEMO, message.memo).fields do
    if held[name] or not is_nothing(payload) then
      wanted[name] = payload
    end
  end
  return same(wanted, held)
end

-- Does the server hold what was sent, apart from the memo?
local function has_schedule(before, message, response)
  local sent = as_sent(SCHEDULE, message.schedule)
  local held, old = response.schedule or {}, before.schedule or {}
  local attributes = message.search_attributes
  return has_changes(old.action, sent.action, held.action)
    and has_policies(old.policies, sent.policies, held.policies)
    and has_state(old.state, sent.state, held.state, actions_of(response) - actions_of(before))
    and (not sent.spec or has_spec(old.spec, sent.spec, held.spec or {}))
    and (not attributes or same(search_attributes.decode(attributes),
      search_attributes.decode(response.search_attributes)))
end

-- Servers before 1.31 take an update and leave the memo as it was. (Those that
-- can change it say when an update is stale: this one was not.)
local function check_memo(id, before, message, response)
  if has_memo(message, response) or not same(fields_of(before.memo), fields_of(response.memo)) then
    return nil
  end
  return errors.new {
    kind = "failed_precondition",
    message = ("schedule %q: this server does not change the memo of a schedule; %s"):format(id,
      has_schedule(before, message, response) and "the rest of the update is done"
        or "nothing is changed"),
    schedule_id = id,
  }
end

-- Reads back: is the change held, and what the server has now. It looks for
-- the search attributes before it lets the schedule take the update in, so a
-- second look may find what the first did not.
local function read_back(input, before, message, call)
  local response, err
  for _ = 1, message.search_attributes and 2 or 1 do
    response, err = call(input, "DescribeSchedule", { schedule_id = input.id })
    if not response then
      return false, nil, err
    elseif has_schedule(before, message, response) and has_memo(message, response) then
      return true, response
    end
  end
  return false, response
end

-- Is an error a newer scheduler's way to say that the token is stale?
local function is_stale(err)
  return err.kind == "failed_precondition" and err.message:find("conflict token") ~= nil
end

-- Sends what the user's function makes of a description: the messages sent,
-- `stale` when the server has said so; false when it makes nothing of it; or
-- nil and an error.
local function send(input, before, call)
  local id = input.id
  local described, err = description.decode(sessions.of(input.client), id, before)
  if not described then
    return nil, err
  end
  described.raw = change.copy(before)
  local changed = input.update(described)
  if changed == nil then
    return false
  elseif type(changed) ~= "table" then
    misuse.raisef("the function given to schedule:update must return a schedule (a table), or "
      .. "nil to stop, got %s", options.kind_of(changed))
  end
  local message
  message, err = description.encode(sessions.of(input.client), id, changed, before)
  if not message then
    return nil, err
  end
  local answer
  answer, err = call(input, "UpdateSchedule", {
    schedule_id = id, conflict_token = before.conflict_token,
    schedule = message.schedule, memo = message.memo,
    search_attributes = message.search_attributes,
  })
  if not answer and not is_stale(err) then
    return nil, err
  end
  message.stale = not answer
  return message
end

--- Performs an update.
-- @tparam table input `client id update options deadline`; `update(described)`
--   returns the schedule as it is to be
-- @tparam function call `call(input, method, request)` asks the server
-- @treturn boolean|nil true when the server holds the change, false when the
--   function returned nil; or nil
-- @treturn temporal.error of kind `aborted` when other writers won 5 times
function update.perform(input, call)
  local before, err = call(input, "DescribeSchedule", { schedule_id = input.id })
  for _ = 1, MAX_ROUNDS do
    if not before then
      return nil, err
    end
    local message, held, now
    message, err = send(input, before, call)
    if not message then
      return message, err
    end
    held, now, err = read_back(input, before, message, call)
    if held then
      return true
    end
    local refused = now and not message.stale
      and check_memo(input.id, before, message, now)
    if refused then
      return nil, refused
    end
    before = now
  end
  if not before then
    return nil, err
  end
  return nil, errors.new {
    kind = "aborted",
    message = ("schedule %q: other writers were faster %d times; it does not hold the change")
      :format(input.id, MAX_ROUNDS),
    schedule_id = input.id,
  }
end

return update

--- Events of a history with values in place of payloads.
--
-- Payloads are found by their form, not by a list of events: an event of a
-- newer server is decoded as well.
-- @module temporal.history_decode

local failure = require "temporal.error.failure"
local search_attributes = require "temporal.value.search_attributes"
local sessions = require "temporal.call.session"

local next, type, rawget = next, type, rawget

-- What codecs are told of payloads, by a field above them; others are details.
local KIND = {
  input = "arguments", result = "result", last_completion_result = "result", success = "result",
  memo = "memo", header = "header", user_metadata = "summary",
}

-- Memo and Header: the names in there are the user's.
local function decode_fields(fields, values)
  for name, payload in next, fields do
    fields[name] = failure.value(payload, values)
  end
  return fields
end

-- Is there a value for a message, and which? Every message comes with all its
-- strings and maps.
local function value_of(message, kind, values_of)
  if type(rawget(message, "metadata")) == "table" and type(rawget(message, "data")) == "string" then
    return true, failure.value(message, values_of(kind))
  elseif type(rawget(message, "payloads")) == "table" then
    return true, failure.values(message, values_of(kind))
  elseif type(rawget(message, "stack_trace")) == "string" then
    return true, failure.to_error(message, values_of "failure")
  elseif type(rawget(message, "indexed_fields")) == "table" then
    return true, search_attributes.decode(message)
  elseif (kind == "memo" or kind == "header") and type(rawget(message, "fields")) == "table" then
    return true, decode_fields(message.fields, values_of(kind))
  end
  return false
end

local function walk(message, kind, values_of)
  for name, child in next, message do
    if type(child) == "table" then
      local below = KIND[name] or kind
      local found, value = value_of(child, below, values_of)
      if found then
        message[name] = value
      else
        walk(child, below, values_of)
      end
    end
  end
end

local function filled(text)
  return type(text) == "string" and text ~= "" and text or nil
end

-- The workflow that the values belong to: a child or one outside where the
-- event is about that.
local function workflow_of(attributes, own)
  local execution = attributes.workflow_execution
  return filled(attributes.workflow_id) or execution and filled(execution.workflow_id) or own
end

--- Decodes the payloads of an event: Payloads become lists with `n`, memo,
-- header and search attributes tables by name, failures error objects. What
-- cannot be decoded is there as its error.
-- @param client
-- @tparam string workflow_id of the history
-- @tparam table event a HistoryEvent; changed in place
-- @treturn table the event
-- @raise what a codec raises
local function decode(client, workflow_id, event)
  local session = sessions.of(client)
  local of, activity_id = workflow_id, nil
  for name, part in next, event do
    if type(name) == "string" and name:find("_event_attributes$") then
      of, activity_id = workflow_of(part, workflow_id), filled(part.activity_id)
    end
  end
  walk(event, nil, function(kind)
    return session:values(kind or "details", of, activity_id)
  end)
  return event
end

return { event = decode }

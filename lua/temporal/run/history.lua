--- The history of an execution: event by event, whole, or as the JSON that
-- other SDKs replay.
--
-- Events are the messages themselves (temporal.api.history.v1.HistoryEvent
-- with the protobuf's own field names): `event_id`, `event_type`
-- (`"EVENT_TYPE_WORKFLOW_EXECUTION_STARTED"`), `event_time`, and the
-- attributes of the type.
-- @module temporal.history

local call_options = require "temporal.call.call_options"
local core = require "temporal.core"
local duration = require "temporal.base.duration"
local errors = require "temporal.error.error"
local history_decode = require "temporal.base.lazy" "temporal.run.history_decode"
local misuse = require "temporal.base.misuse"
local operation = require "temporal.call.operation"
local options = require "temporal.base.options"
local pages = require "temporal.call.pages"
local sessions = require "temporal.call.session"

local HISTORY = "temporal.api.history.v1.History"
local FORWARD, REVERSE = "GetWorkflowExecutionHistory", "GetWorkflowExecutionHistoryReverse"
local CLOSE_EVENT = "HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT"
local MAX_PAGE = 2147483647

local CLOSING = {}
for name in ("COMPLETED FAILED TIMED_OUT CANCELED TERMINATED CONTINUED_AS_NEW"):gmatch("%S+") do
  CLOSING["EVENT_TYPE_WORKFLOW_EXECUTION_" .. name] = true
end

local history = {}

-- Pages.

local function unreadable(fields, problem)
  fields.message = "a part of the raw history cannot be read: " .. problem
  return errors.new(fields)
end

-- The events of a server that sends them as it stores them. Messages behind one
-- another are one message, to protobuf: one limit holds for all of them.
local function decode_blobs(blobs, max_decoded)
  local data = {}
  for i, blob in ipairs(blobs) do
    if blob.encoding_type ~= "ENCODING_TYPE_PROTO3" then
      return nil, unreadable({ kind = "conversion", encoding = blob.encoding_type, raw = blob },
        "it is " .. tostring(blob.encoding_type))
    end
    data[i] = blob.data
  end
  local whole, problem, too_much = core.decode(HISTORY, table.concat(data), max_decoded)
  if too_much then
    return nil, unreadable({ kind = "message_too_large", limit = max_decoded },
      problem .. ": a larger client option max_decoded allows it")
  elseif not whole then
    return nil, unreadable({ kind = "conversion", encoding = "ENCODING_TYPE_PROTO3" }, problem)
  end
  return whole.events
end

local function events_of(response, max_decoded)
  if #(response.raw_history or {}) > 0 then
    return decode_blobs(response.raw_history, max_decoded)
  end
  return response.history and response.history.events or {}
end

-- The close event if there is one: the first of the reverse history. Asking
-- for it by the filter would wait for it.
local function close_event_of(events)
  if events[1] and CLOSING[events[1].event_type] then
    return { events[1] }
  end
  return {}
end

local function send_page(input, token)
  local given = input.options
  local request = {
    execution = operation.execution(input),
    next_page_token = token,
    maximum_page_size = given.page_size,
  }
  local only_close = given.filter == "close"
  if given.reverse or only_close and not given.wait then
    if only_close then
      request.maximum_page_size = 1
    end
    return operation.start(input, REVERSE, request)
  end
  request.wait_new_event = given.wait
  if only_close then
    request.history_event_filter_type = CLOSE_EVENT
  end
  return operation.start(input, FORWARD, request)
end

local function timed_out(err, given)
  if not given.wait or err.kind ~= "deadline_exceeded" then
    return err
  end
  return errors.new {
    kind = "timeout", cause = err,
    message = ("no further event after %s; the workflow goes on")
      :format(duration.text(given.timeout)),
  }
end

-- A function that returns one event after the other, nil after the last and
-- nil, err for an error; called again after that it goes on where it was. A
-- token is bound to its run. Codecs run for one event after the other, as they
-- are taken.
local function reader(input)
  local given = input.options
  local max_decoded = sessions.of(input.client).max_decoded
  local next_event = pages.iterator(function(token)
    return send_page(input, token)
  end, function(response)
    local events, err = events_of(response, max_decoded)
    if not events then
      return nil, err
    elseif given.filter == "close" and not given.wait then
      return close_event_of(events)
    end
    return events, response.next_page_token
  end)
  return function()
    local event, err = next_event()
    if event and given.decode then
      event = history_decode.event(input.client, input.id, event)
    end
    return event, err and timed_out(err, given)
  end
end

-- Methods.

local ITERATE = call_options.define("option of workflow:history", {
  wait = options.boolean("wait"),
  filter = options.choice("filter", { all = "all", close = "close" }),
  reverse = options.boolean("reverse"),
  page_size = options.number("page_size", { integer = true, min = 1, max = MAX_PAGE }),
  decode = options.boolean("decode"),
})

--- Iterates over the events of the latest run, or of the run the handle is
-- pinned to.
--
--     for event in run:history() do print(event.event_id, event.event_type) end
--
-- Calling it sends nothing; the iterator asks page by page. Other runs of the
-- chain are histories of their own.
-- @param self a future
-- @tparam[opt] table given `wait` (false): go on, as events come, until the
--   close event; `filter` (`"all"`): `"close"` for the close event only, none
--   while the run is open unless `wait`; `reverse` (false): latest event
--   first; `page_size` (the server's: 256); `decode` (false): values in place
--   of payloads (below); `timeout` of all of it (none when waiting, the client's
--   `rpc_timeout` for each page else); `metadata`
--
--   With `decode` the payloads of an event have gone through the client's codecs
--   and converter: arguments, results and details are lists with their number
--   in `n`, memo, header and search attributes tables by name, failures error
--   objects. What cannot be decoded stands there as its error.
-- @treturn function the iterator: a HistoryEvent, nil after the last
-- @raise on misuse; the iterator raises the error object, of kind `timeout`
--   when `wait` ran out of its `timeout`, and what a codec raises
function history.history(self, given)
  given = call_options.trailing(ITERATE, given, "workflow:history")
  if given.wait and given.reverse then
    misuse.raise('options "wait" and "reverse" of workflow:history exclude each other: '
      .. "what is still to come comes last")
  end
  local next_event
  return function()
    local event, err
    if not next_event then
      local begun
      begun, err = operation.run(self, "history", "latest", given, reader)
      next_event = next_event or begun -- others may have begun meanwhile
      if not next_event then
        error(err, 0)
      end
    end
    event, err = next_event()
    if err then
      error(err, 0)
    end
    return event
  end
end

local FETCH = call_options.define("option of workflow:fetch_history", {
  json = options.boolean("json"),
  decode = options.boolean("decode"),
})

local function fetch(input)
  local events = core.array {}
  local next_event = reader(input)
  while true do
    local event, err = next_event()
    if err then
      return nil, err
    elseif not event then
      break
    end
    events[#events + 1] = event
  end
  if not input.options.json then
    return { events = events }
  end
  local text, problem = core.protojson_encode(HISTORY, { events = events })
  if not text then
    return nil, errors.new {
      kind = "conversion", encoding = "json/protobuf",
      message = "the history cannot be written as JSON: " .. tostring(problem),
    }
  end
  return text
end

--- The whole history of the latest run, or of the run the handle is pinned
-- to, so far.
-- @param self a future
-- @tparam[opt] table given `json` (false): the JSON text of a
--   temporal.api.history.v1.History, as the other SDKs and the command line
--   read it for replay; `decode` (false) as for `history`, not with `json`;
--   `timeout`, `metadata`
-- @treturn table|string|nil `{events={...}}`, or the text, or nil
-- @treturn temporal.error
function history.fetch_history(self, given)
  given = call_options.trailing(FETCH, given, "workflow:fetch_history")
  if given.json and given.decode then
    misuse.raise('options "json" and "decode" of workflow:fetch_history exclude each other: the '
      .. "JSON holds the payloads as they are")
  end
  return operation.run(self, "fetch_history", "latest", given, fetch)
end

return history

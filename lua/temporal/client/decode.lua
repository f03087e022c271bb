--- client:decode: payloads from wherever they come, read as this client reads
-- them.
-- @module temporal.client_decode

local codec_chain = require "temporal.value.codec_chain"
local errors = require "temporal.error.error"
local misuse = require "temporal.base.misuse"
local options = require "temporal.base.options"
local sessions = require "temporal.call.session"

local concat = table.concat
local next, type, rawget = next, type, rawget

local KINDS = { "arguments", "details", "failure", "header", "memo", "result", "summary" }

local FORMS = "a payload {metadata=, data=}, a list of them, or a message with payloads or fields"

local function check_kind(kind)
  for _, known in ipairs(KINDS) do
    if kind == known then
      return
    end
  end
  local nearest = type(kind) == "string" and options.nearest(kind, KINDS)
  misuse.raisef('client:decode: the kind must be one of "%s"%s, got %s',
    concat(KINDS, '", "'), nearest and (' (did you mean "%s"?)'):format(nearest) or "",
    options.show(kind))
end

local function check_payload(payload, place)
  local copy, wrong = codec_chain.copy_payload(payload)
  if not copy then
    misuse.raisef("client:decode: %s must be a payload {metadata={name=string}, data=string}, got "
      .. "%s", place, wrong)
  end
  return copy
end

local function check_list(list)
  local copies, count = {}, 0
  for _ in next, list do
    count = count + 1
  end
  for i = 1, count do
    if list[i] == nil then
      misuse.raisef("client:decode takes %s; this table is none of them", FORMS)
    end
    copies[i] = check_payload(list[i], "payload " .. i)
  end
  return { payloads = copies }
end

local function result(value, problem)
  if problem then
    return nil, errors.new(problem)
  end
  return value
end

-- The values of a Memo or a Header, by name.
local function by_name(fields, values)
  local decoded = {}
  for name, payload in next, fields do
    local value, problem = values:value(check_payload(payload, ("the payload %q"):format(name)))
    if problem then
      return nil, errors.new(problem)
    end
    decoded[name] = value
  end
  return decoded
end

--- The values of payloads: of a history's events, of raw calls, of files.
--
--     local event = run:history()()
--     local args = client:decode(event.workflow_execution_started_event_attributes.input)
--
-- They go through the client's codecs and its converter, as the answers of its
-- own calls do.
-- @param self a client
-- @tparam table given a payload `{metadata=, data=}` (also a `temporal.raw`),
--   a list of payloads, `{payloads={...}}`, or `{fields={name=payload}}` (a
--   memo or header)
-- @tparam[opt="arguments"] string kind what they are, for codecs: `"arguments"
--   "result" "memo" "details" "failure" "header" "summary"`. A header passes
--   the codecs by without the client option `codec_headers`
-- @tparam[opt] string workflow_id whose they are, for codecs
-- @return the value of a payload (nil is one, too: look at the second); of
--   several a list with their number in `n`; of fields a table by name; or nil
-- @treturn temporal.error of kind `conversion` or `codec`; `raw` is the payload,
--   or what the codecs were given
-- @raise on misuse, and what a codec or converter raises
local function decode(self, given, kind, workflow_id)
  if type(given) ~= "table" then
    misuse.raisef("client:decode takes %s, got %s", FORMS, options.kind_of(given))
  elseif workflow_id ~= nil and type(workflow_id) ~= "string" then
    misuse.raisef("client:decode: the workflow id must be a string, got %s",
      options.kind_of(workflow_id))
  end
  if kind ~= nil then
    check_kind(kind)
  end
  local values = sessions.of(self):values(kind or "arguments", workflow_id)
  if type(rawget(given, "payloads")) == "table" then
    return result(values:values(check_list(given.payloads)))
  elseif type(rawget(given, "fields")) == "table" then
    return by_name(given.fields, values)
  elseif rawget(given, "metadata") ~= nil or rawget(given, "data") ~= nil then
    return result(values:value(check_payload(given, "it")))
  end
  return result(values:values(check_list(given)))
end

return { decode = decode }

--- Recorded histories, in the forms in which they are kept: what `fetch_history`
-- returns, and the JSON text of one or many, as the command line and the other
-- SDKs write it.
-- @module temporal.worker.recorded

local core = require "temporal.core"
local errors = require "temporal.error.error"
local misuse = require "temporal.base.misuse"
local options = require "temporal.base.options"

local next, type = next, type

local HISTORY = "temporal.api.history.v1.History"

-- Enums by their fields, which older programs write in another spelling:
-- `"WorkflowExecutionStarted"`, `"NonRetryableFailure"`.
local PREFIX = {
  eventType = "EVENT_TYPE_",
  retryState = "RETRY_STATE_",
  initiator = "CONTINUE_AS_NEW_INITIATOR_",
  parentClosePolicy = "PARENT_CLOSE_POLICY_",
  workflowIdReusePolicy = "WORKFLOW_ID_REUSE_POLICY_",
  timeoutType = "TIMEOUT_TYPE_",
}
-- Those of one field, by the attributes it stands in.
local CAUSE = {
  workflowTaskFailedEventAttributes = "WORKFLOW_TASK_FAILED_CAUSE_",
  startChildWorkflowExecutionFailedEventAttributes =
    "START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_",
  signalExternalWorkflowExecutionFailedEventAttributes =
    "SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_",
  requestCancelExternalWorkflowExecutionFailedEventAttributes =
    "CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_",
}
local QUEUE_KIND = "TASK_QUEUE_KIND_"

-- The name that protobuf has for one of the other spelling.
local function respelled(prefix, name)
  if name:find("^%u[%u%d_]*$") then
    return nil
  end
  return prefix .. name:gsub("(%l)(%u)", "%1_%2"):upper()
end

-- In JSON a quote inside a string is escaped: what looks like a field is one. Who
-- writes one enum so writes all so.
local function respell(text)
  if not text:find('"eventType"%s*:%s*"%u%l') then
    return text
  end
  text = text:gsub('"(%a+)"(%s*:%s*)"(%u%a+)"', function(field, colon, name)
    local prefix = PREFIX[field]
    local better = prefix and respelled(prefix, name)
    return better and ('"%s"%s"%s"'):format(field, colon, better) or nil
  end)
  for field, prefix in next, CAUSE do
    text = text:gsub('("' .. field .. '"%s*:%s*{[^{}]-"cause"%s*:%s*")(%u%a+)"',
      function(before, name)
        local better = respelled(prefix, name)
        return better and before .. better .. '"' or nil
      end)
  end
  return (text:gsub('("taskQueue"%s*:%s*{[^{}]-"kind"%s*:%s*")(%u%a+)"', function(before, name)
    local better = respelled(QUEUE_KIND, name)
    return better and before .. better .. '"' or nil
  end))
end

local function unreadable(problem)
  return nil, errors.new {
    kind = "conversion", encoding = "json/protobuf",
    message = "the history cannot be read: " .. problem,
  }
end

-- The texts of the elements of a JSON list.
local function elements(text, from)
  local list, depth, first = {}, 0, nil
  local at = from
  while true do
    local place = text:find('[%[%]{}"]', at)
    if not place then
      return nil, "the list has no end"
    end
    local sign = text:sub(place, place)
    if depth == 1 and (sign == '"' or text:find("[^%s,]", at) < place) then
      return nil, ("element %d of the list is no object"):format(#list + 1)
    end
    at = place + 1
    if sign == '"' then
      repeat
        local stop = text:find('["\\]', at)
        at = stop and stop + (text:byte(stop) == 92 and 2 or 1) or #text + 1
      until not stop or text:byte(stop) == 34
    elseif sign == "{" or sign == "[" then
      depth = depth + 1
      first = depth == 2 and place or first
    else
      depth = depth - 1
      if depth == 1 then
        list[#list + 1] = text:sub(first, place)
      elseif depth == 0 then
        return list
      end
    end
  end
end

local AS_TABLES, AS_BYTES = { ignore_unknown = true }, { ignore_unknown = true, encoded = true }

local function of_text(text, as_bytes)
  local decoded, problem = core.protojson_decode(HISTORY, respell(text),
    as_bytes and AS_BYTES or AS_TABLES)
  if not decoded then
    return unreadable(problem)
  end
  return as_bytes and { bytes = decoded } or decoded
end

local function of_texts(text, as_bytes)
  local from = text:find "%S"
  if not from then
    return unreadable "it is empty"
  elseif text:byte(from) ~= 91 then
    local one, err = of_text(text, as_bytes)
    return one and { one }, err
  end
  local texts, problem = elements(text, from)
  if not texts then
    return unreadable(problem)
  end
  local list = {}
  for i = 1, #texts do
    local one, err = of_text(texts[i], as_bytes)
    if not one then
      err.message = ("history %d of the list: %s"):format(i, err.message)
      return nil, err
    end
    list[i] = one
  end
  return list
end

local function of_file(path, as_bytes)
  local file, problem = io.open(path, "rb")
  if not file then
    return unreadable(problem)
  end
  local text
  text, problem = file:read "*a"
  file:close()
  if not text then
    return unreadable(path .. ": " .. problem)
  end
  local list, err = of_texts(text, as_bytes)
  if not list then
    err.message = ("%s: %s"):format(path, err.message)
  end
  return list, err
end

local FORMS = "a history must be what fetch_history returns, its JSON text, or {file=path}; got %s"

--- The histories of what was given for one.
-- @tparam string|table given
-- @tparam[opt] boolean as_bytes those that were text become `{bytes=}`
-- @treturn table|nil list of temporal.api.history.v1.History, or nil
-- @treturn temporal.error of kind `conversion`
-- @raise when it is none of the forms
local function read(given, as_bytes)
  if type(given) == "string" then
    return of_texts(given, as_bytes)
  elseif type(given) ~= "table" then
    misuse.raisef(FORMS, options.kind_of(given))
  elseif type(given.events) == "table" then
    return { given }
  elseif type(given.file) == "string" then
    return of_file(given.file, as_bytes)
  end
  return misuse.raisef(FORMS, "a table with neither events nor file")
end

return { read = read }

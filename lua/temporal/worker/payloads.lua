--- What codecs do in a worker: the payloads of what comes are decoded before the
-- engine or an activity sees them, those of what goes are encoded after. Payloads are
-- found by their form, as in histories (temporal.history_decode).
-- @module temporal.worker.payloads

local core = require "temporal.core"
local errors = require "temporal.error.error"
local spawn = require("temporal.wait.task").spawn
local text_of = require("temporal.base.text").of

local assert, error, next, pcall, rawget = assert, error, next, pcall, rawget
local setmetatable, tostring, type = setmetatable, tostring, type

local PACKAGE = "temporal.api.workflowservice.v1."

-- What codecs are told of payloads, by a field above them; others are details. What
-- is below a failure is all "failure".
local KIND = {
  input = "arguments", args = "arguments", query_args = "arguments", result = "result",
  query_result = "result", answer = "result", last_completion_result = "result",
  success = "result", memo = "memo", upserted_memo = "memo", header = "header",
  user_metadata = "summary", failure = "failure", continued_failure = "failure",
}

-- The details of markers that are the user's; the others are read by SDKs alone.
local MARKERS = {
  lua_side_effect = { data = "details" },
  core_local_activity = { result = "result" },
}
local NOTHING = {}

-- One direction, for the values of one workflow: which converter for which kind.
local coder = {}
local coder_metatable = { __index = coder }

function coder:code(list, kind)
  local converter = self.bound[kind]
  if not converter then
    converter = self.codecs:bind(kind, self.namespace, self.workflow_id, self.activity_id)
    self.bound[kind] = converter
  end
  local coded, problem = converter[self.way](converter, list)
  if not coded then
    error(problem, 0)
  end
  return coded
end

local function is_payload(message)
  return type(rawget(message, "metadata")) == "table" and type(rawget(message, "data")) == "string"
end

-- Codes what stands in a field.
local function code_field(self, message, name, child, kind)
  if is_payload(child) then
    message[name] = self:code({ child }, kind)[1]
  elseif type(rawget(child, "payloads")) == "table" then
    if #child.payloads > 0 then
      child.payloads = self:code(child.payloads, kind)
    end
  else
    return true
  end
  return false
end

-- Memo, header and the details of markers: the names in there are no fields.
local function code_map(self, map, kinds, kind)
  for name, child in next, map do
    local each = kinds and kinds[name] or kind
    if each then
      code_field(self, map, name, child, each)
    end
  end
end

local function walk(self, message, kind)
  local marker = rawget(message, "marker_name")
  for name, child in next, message do
    -- The server reads search attributes.
    if type(child) == "table" and name ~= "search_attributes" then
      local below = kind == "failure" and kind or KIND[name] or kind
      if marker and name == "details" then
        code_map(self, child, MARKERS[marker] or NOTHING)
      elseif (below == "memo" or below == "header") and rawget(child, "fields") then
        code_map(self, child.fields, nil, below)
      elseif code_field(self, message, name, child, below or "details") then
        walk(self, child, below)
      end
    end
  end
  return message
end

local function filled(text)
  return type(text) == "string" and text ~= "" and text or nil
end

-- The workflow that the values of an event or a command belong to: a child or one
-- outside where it is about that.
local function workflow_of(part, own)
  local execution = rawget(part, "workflow_execution") or rawget(part, "execution")
  return filled(rawget(part, "workflow_id")) or execution and filled(execution.workflow_id) or own
end

local function new_coder(self, way, workflow_id, activity_id)
  return setmetatable({
    codecs = self.codecs, namespace = self.namespace, way = way, bound = {},
    workflow_id = workflow_id, activity_id = activity_id,
  }, coder_metatable)
end

-- An event or a command: its attributes are in a field of their own.
local function code_part(self, way, whole, workflow_id, common)
  local each = common
  for name, part in next, whole do
    if type(part) == "table" and type(name) == "string" and name:find "_attributes$" then
      local of, activity_id = workflow_of(part, workflow_id), filled(rawget(part, "activity_id"))
      if of ~= workflow_id or activity_id then
        each = new_coder(self, way, of, activity_id)
      end
    end
  end
  return walk(each, whole)
end

local function code_parts(self, way, list, workflow_id)
  local common = new_coder(self, way, workflow_id)
  for i = 1, #list do
    code_part(self, way, list[i], workflow_id, common)
  end
end

-- Messages of updates: payloads are in what their body holds.
local function code_messages(each, list)
  for i = 1, #list do
    local body = list[i].body
    local kind = body and body.type_url:match "([^/]*)$"
    local inner = kind and core.decode(kind, body.value)
    if inner then
      body.value = assert(core.encode(kind, walk(each, inner)))
    end
  end
end

-- What is sent in the place of what no codec encodes.
local function refusal(problem)
  return {
    message = "this cannot be encoded: " .. tostring(problem), source = "LuaSDK",
    application_failure_info = { type = "codec" },
  }
end

-- Of the answers to queries each fails by itself.
local function code_answers(each, results)
  for _, answer in next, results do
    local ok, problem = pcall(walk, each, answer)
    if not ok then
      answer.result_type, answer.answer = "QUERY_RESULT_TYPE_FAILED", nil
      answer.failure = refusal(problem)
      answer.error_message = answer.failure.message
    end
  end
end

local function take_out(message, name)
  local list = rawget(message, name)
  message[name] = nil
  return list
end

local function code(self, way, message, workflow_id, activity_id)
  local parts = way == "decode" and "events" or "commands"
  local history = rawget(message, "history")
  local holder = history or message
  local list, messages = take_out(holder, parts), take_out(message, "messages")
  local answers = take_out(message, "query_results")
  local each = new_coder(self, way, workflow_id, activity_id)
  code_parts(self, way, list or NOTHING, workflow_id)
  code_messages(each, messages or NOTHING)
  code_answers(each, answers or NOTHING)
  walk(each, message)
  holder[parts], message.messages, message.query_results = list, messages, answers
  return message
end

local function result(ok, done)
  if ok then
    return done
  elseif errors.is_error(done) then
    return nil, done
  end
  return nil, errors.received { kind = "codec", message = "a codec raised: " .. text_of(done) }
end

-- A codec may raise, and it may wait: on PUC 5.1, where no wait passes through a
-- pcall, in a task of its own.
local function run(...)
  if _VERSION ~= "Lua 5.1" or rawget(_G, "jit") then
    return result(pcall(code, ...))
  end
  local done, err = spawn(code, ...):get()
  if not done and errors.is_error(err) and err.kind == "task_failed" then
    err = err.raw
  end
  return result(done ~= nil, done or err)
end

local payloads = {}
local metatable = { __index = payloads }

-- A message with all its parts as tables: in what comes and goes some are bytes.
local function whole(name, message)
  local bytes, problem = core.encode(PACKAGE .. name, message, true)
  if not bytes then
    return nil, errors.received { kind = "conversion", message = problem }
  end
  return assert(core.decode(PACKAGE .. name, bytes))
end

--- Decodes what came. A history is then the list of its events.
-- @tparam string name of the message, such as `"PollActivityTaskQueueResponse"`
-- @tparam table message parts of it may be bytes
-- @tparam string|nil workflow_id
-- @tparam[opt] string activity_id
-- @treturn table|nil the message, as a new table, or nil
-- @treturn temporal.error of kind `codec`
function payloads:decode(name, message, workflow_id, activity_id)
  local copy, problem = whole(name, message)
  if copy then
    copy, problem = run(self, "decode", copy, workflow_id, activity_id)
  end
  if copy and copy.history then
    copy.history = copy.history.events
  end
  return copy, problem
end

--- Decodes what has no bytes in it, in place.
-- @tparam table message
-- @tparam string|nil workflow_id
-- @treturn table|nil the message, or nil
-- @treturn temporal.error of kind `codec`
function payloads:decode_tables(message, workflow_id)
  return run(self, "decode", message, workflow_id)
end

--- Encodes what is about to be sent.
-- @tparam string method the RPC whose request it is
-- @tparam table request parts of it may be encoded messages
-- @tparam string|nil workflow_id
-- @tparam[opt] string activity_id
-- @treturn table|nil the request, or nil
-- @treturn temporal.error of kind `codec`
function payloads:encode(method, request, workflow_id, activity_id)
  local copy, problem = whole(method .. "Request", request)
  if not copy then
    return nil, problem
  end
  return run(self, "encode", copy, workflow_id, activity_id)
end

--- The same for the answer to a query and for a request with a failure: where that
-- cannot be encoded, the other side is told why.
-- @return as the arguments of `encode`
-- @treturn table the request
function payloads:encode_failure(method, request, workflow_id, activity_id)
  local encoded, err = self:encode(method, request, workflow_id, activity_id)
  if encoded then
    return encoded
  end
  request.failure = refusal(err)
  if request.completed_type then
    request.completed_type, request.query_result = "QUERY_RESULT_TYPE_FAILED", nil
    request.error_message = request.failure.message
  end
  return request
end

--- What codes the payloads of a worker.
-- @tparam temporal.converter codecs of a client with codecs
-- @tparam string namespace
local function new(codecs, namespace)
  return setmetatable({ codecs = codecs, namespace = namespace }, metatable)
end

return { new = new }

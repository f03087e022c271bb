--- The codecs of a client, one after the other: what becomes of payloads
-- between the converter and the server.
--
-- A codec is a table `{encode=, decode=}`; each function takes a list of
-- payload tables `{metadata={name=string}, data=string}` and a context
-- `{namespace=, workflow_id=, activity_id=, kind=}`, and returns a list of as
-- many, or `nil, err`. It may change what it is given, and it may wait.
-- @module temporal.codec_chain

local errors = require "temporal.error.error"

local type, next, tostring = type, next, tostring

local FORM = "{metadata={name=string}, data=string}"

--- A payload table as a copy of our own.
-- @param payload what a user's function returned
-- @treturn table|nil the copy, or nil
-- @treturn string what it is instead, such as `data of type number`
local function copy_payload(payload)
  if type(payload) ~= "table" then
    return nil, "a " .. type(payload)
  elseif payload.data ~= nil and type(payload.data) ~= "string" then
    return nil, "data of type " .. type(payload.data)
  elseif payload.metadata ~= nil and type(payload.metadata) ~= "table" then
    return nil, "metadata of type " .. type(payload.metadata)
  end
  local metadata = {}
  for name, value in next, payload.metadata or {} do
    if type(name) ~= "string" or type(value) ~= "string" then
      return nil, ("metadata[%s] of type %s"):format(tostring(name), type(value))
    end
    metadata[name] = value
  end
  -- What a payload has beyond these two comes and goes untouched.
  local external = payload.external_payloads
  return {
    metadata = metadata,
    data = payload.data or "",
    external_payloads = type(external) == "table" and next(external) ~= nil and external or nil,
    _unknown = payload._unknown,
  }
end

-- Copies of a list of payloads, or nil and what is wrong with it.
local function copy_list(list, count)
  if type(list) ~= "table" then
    return nil, "a " .. type(list)
  end
  local copies = {}
  for i = 1, count do
    if list[i] == nil then
      return nil, ("%d payloads for %d"):format(i - 1, count)
    end
    local copy, wrong = copy_payload(list[i])
    if not copy then
      return nil, ("%s as payload %d"):format(wrong, i)
    end
    copies[i] = copy
  end
  if list[count + 1] ~= nil then
    return nil, ("more than %d payloads for %d"):format(count, count)
  end
  return copies
end

local function failed(message, cause)
  return nil, errors.new { kind = "codec", message = message, cause = cause }
end

-- One codec over a list.
local function step(codec, index, what, list, context)
  local returned, problem = codec[what](list, context)
  if returned == nil then
    local place = ("codec %d could not %s"):format(index, what)
    if errors.is_error(problem) then
      return failed(place, problem)
    end
    return failed(("%s: %s"):format(place, problem == nil and "it returned nothing"
      or tostring(problem)))
  end
  local copies, wrong = copy_list(returned, #list)
  if not copies then
    return failed(("codec %d: %s returned %s; it must return a list of as many payloads %s")
      :format(index, what, wrong, FORM))
  end
  return copies
end

--- Runs the codecs over payloads that are about to be sent, first to last.
-- @tparam table chain of `new`
-- @tparam table list payload tables; they may be changed
-- @tparam table context
-- @treturn table|nil the payloads to send, or nil
-- @treturn temporal.error of kind `codec`
-- @raise what a codec raises, as it is
local function encode(chain, list, context)
  local problem
  for i = 1, #chain do
    list, problem = step(chain[i], i, "encode", list, context)
    if not list then
      return nil, problem
    end
  end
  return list
end

--- Runs the codecs over payloads that came, last to first.
-- @tparam table chain of `new`
-- @tparam table list payload tables; they stay as they are
-- @tparam table context
-- @treturn table|nil the payloads as the converter reads them, or nil
-- @treturn temporal.error of kind `codec`; `raw` is the list
-- @raise what a codec raises, as it is
local function decode(chain, list, context)
  local payloads = assert(copy_list(list, #list))
  local problem
  for i = #chain, 1, -1 do
    payloads, problem = step(chain[i], i, "decode", payloads, context)
    if not payloads then
      problem.raw = list
      return nil, problem
    end
  end
  return payloads
end

--- Is this a list of codecs?
-- @param list
-- @treturn boolean|nil true, or nil
-- @treturn string what is wrong, such as `codec 2 has no decode`
local function check(list)
  if type(list) ~= "table" then
    return nil, "must be a list of codecs {encode=, decode=}, got " .. type(list)
  end
  local count = 0
  for _ in next, list do
    count = count + 1
  end
  for i = 1, count do
    local codec = list[i]
    if codec == nil then
      return nil, "must be a list of codecs with the keys 1 to n; a single codec goes in a list too"
    elseif type(codec) ~= "table" then
      return nil, ("codec %d must be a table {encode=, decode=}, got %s"):format(i, type(codec))
    end
    for _, name in next, { "encode", "decode" } do
      if type(codec[name]) ~= "function" then
        return nil, ("codec %d: %s must be a function, got %s"):format(i, name,
          type(codec[name]))
      end
    end
  end
  return true
end

--- A chain of codecs; it does not change when the list does.
-- @tparam table list as `check` wants it
-- @treturn table
local function new(list)
  local chain = {}
  for i = 1, #list do
    chain[i] = { encode = list[i].encode, decode = list[i].decode }
  end
  return chain
end

return {
  copy_payload = copy_payload,
  check = check,
  new = new,
  encode = encode,
  decode = decode,
}

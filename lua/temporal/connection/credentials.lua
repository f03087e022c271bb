--- Who the caller is: API keys and metadata that change while a client lives.
-- @module temporal.credentials

local core = require "temporal.core"
local errors = require "temporal.error.error"
local misuse = require "temporal.base.misuse"
local options = require "temporal.base.options"
local target = require "temporal.connection.target"

local type = type

-- A key that was refused and replaced this long ago may be refused again.
local REPEAT_AFTER = 10

-- Far above any key, and below what HTTP/2 headers may have.
local MAX_KEY = 16384
-- A longer name without a folder is hardly a file's.
local MAX_NAME = 64

local credentials = {}
local metatable = { __name = "temporal.credentials", __index = credentials }

local FILE = options.define("client option", { file = options.string("file") }, "api_key")

local FORMS = 'must be a string, {file="path"} or a function'

-- nil, or what is wrong; the key itself is in no message.
local function check_key(key)
  if type(key) ~= "string" then
    return "must be a string, got " .. options.kind_of(key)
  elseif key == "" then
    return "must not be empty"
  elseif key:find("[^\33-\126]") then
    return "may have printable ASCII without blanks only"
  elseif #key > MAX_KEY then
    return ("must have at most %d bytes, got %d"):format(MAX_KEY, #key)
  end
  return nil
end

--- Checks the source of an API key.
-- @param value a string, `{file=path}` or a function
-- @tparam string label for messages
-- @treturn string|table|function the same
-- @raise when it is none of these
function credentials.check(value, label)
  if type(value) == "table" then
    local given = options.apply(FILE, value, {})
    if not given.file then
      misuse.raisef("%s %s: the table has no file", label, FORMS)
    end
    return given
  elseif type(value) ~= "function" then
    local problem = check_key(value)
    if problem then
      misuse.raisef("%s %s", label, type(value) == "string" and problem
        or FORMS .. ", got " .. options.kind_of(value))
    end
  end
  return value
end

--- The API key of one connection.
-- @param source a checked source, or nil
-- @treturn temporal.credentials
function credentials.new(source)
  return setmetatable({ source = source, channel = nil, current = nil, stamp = nil }, metatable)
end

-- All later attempts on the channel carry the key.
local function use(self, key)
  if key ~= self.current then
    self.current = key
    if self.channel then
      self.channel:authorize(key and "Bearer " .. key)
    end
  end
end

--- Another source from now on.
-- @param source a checked source
function credentials:set(source)
  self.source, self.stamp = source, nil
  if type(source) == "string" then
    use(self, source)
  end
end

--- The channel that carries the key.
-- @param channel of the engine
function credentials:attach(channel)
  self.channel = channel
  if self.current then
    channel:authorize("Bearer " .. self.current)
  elseif type(self.source) == "string" then
    use(self, self.source)
  end
end

local function refusal(message, cause)
  return errors.new {
    kind = "unauthenticated", message = message, cause = cause, outcome = "not_started",
  }
end

-- A path for messages, and a word on what is none: it may be the key itself.
local function shown_path(path)
  if #path > MAX_NAME and not path:find("[/\\]") then
    return "the file", " (it has no path, but perhaps a key: that goes to api_key itself)"
  end
  return path, ""
end

local function read_file(self, path)
  local stamp, problem = core.file_stamp(path)
  if stamp and stamp == self.stamp and self.current then
    return nil
  end
  local text
  local shown, hint = shown_path(path)
  if stamp then
    text, problem = core.read_file(path)
  end
  if not text then
    return errors.new {
      kind = "config", outcome = "not_started",
      message = ("client option \"api_key.file\": %s cannot be read: %s%s")
        :format(shown, problem, hint),
    }
  end
  local key = text:match("^%s*(.-)%s*$")
  problem = check_key(key)
  if problem then
    return errors.new {
      kind = "config", outcome = "not_started",
      message = ("client option \"api_key.file\": the key in %s %s")
        :format(shown, problem),
    }
  end
  self.stamp = stamp
  use(self, key)
  return nil
end

local function ask(self)
  local source = self.source
  local key, cause = source()
  if self.source ~= source then
    -- It waited, and was replaced meanwhile.
    return self:refresh()
  end
  if key == nil then
    if cause ~= nil and not errors.is_error(cause) then
      cause = errors.new { kind = "application", message = tostring(cause) }
    end
    return refusal("the api_key function gave no key", cause)
  end
  local problem = check_key(key)
  if problem then
    misuse.raisef("what the api_key function returns %s", problem)
  end
  use(self, key)
  return nil
end

--- Brings the key up to date, before a call is submitted.
-- @treturn temporal.error|nil why there is none; what the user's function
--   raises passes
function credentials:refresh()
  local kind = type(self.source)
  if kind == "function" then
    return ask(self)
  elseif kind == "table" then
    return read_file(self, self.source.file)
  end
  return nil
end

--- The server refused the key: is there another one to try with?
-- @tparam table memory of the one call, kept by the caller; when it last asked
-- @treturn boolean
function credentials:renew(memory)
  local kind = type(self.source)
  local now = core.now()
  if kind ~= "function" and kind ~= "table"
    or memory.renewed_at and now - memory.renewed_at < REPEAT_AFTER then
    return false
  end
  memory.renewed_at = now
  return self:refresh() == nil
end

--- The metadata of one call, beside what the connection always sends.
-- @param source a list (`{key, value, ...}`), a function, or nil
-- @tparam table|nil given metadata of the call itself, which wins
-- @treturn table|nil a list for the engine
-- @treturn temporal.error|nil why a function gave none; what it raises passes
function credentials.metadata(source, given)
  if type(source) == "function" then
    local computed, cause = source()
    if computed == nil and cause ~= nil then
      return nil, refusal("the metadata function gave none: " .. tostring(cause),
        errors.is_error(cause) and cause or nil)
    end
    source = computed and target.metadata_list(computed, "what the metadata function returns")
  end
  if not given then
    return source
  end
  local list = target.metadata_list(given, 'option "metadata"')
  local n = #list
  for i = 1, source and #source or 0, 2 do
    if given[source[i]] == nil then
      list[n + 1], list[n + 2] = source[i], source[i + 1]
      n = n + 2
    end
  end
  return list
end

return credentials

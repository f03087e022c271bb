--- HTTP POSTs by the engine, for services beside the server.
-- @module temporal.http

local core = require "temporal.core"
local duration = require "temporal.base.duration"
local errors = require "temporal.error.error"
local options = require "temporal.base.options"
local proxy = require "temporal.base.lazy" "temporal.connection.proxy"
local system = require "temporal.base.system"
local wait = require "temporal.wait.wait"

local type, next = type, next

local MAX_ANSWER = 128 * 1024 * 1024
local CONNECT_TIMEOUT = 5
local HTTPS_PORT = 443
-- Our own wait ends first, and says how long it was.
local GRACE = 1

-- A channel that is only posted through: it dials no server of its own, so
-- what concerns one says nothing.
local function open_channel(settings, through)
  local given = settings.tls or {}
  local system_ca_file, system_ca_dir = system.authorities()
  return core.channel {
    host = "localhost", port = 0, authority = "localhost", secure = false, metadata = {},
    rpc_timeout = CONNECT_TIMEOUT, shutdown_timeout = 0, max_pending = 1,
    keepalive_interval = 0, keepalive_timeout = 0,
    retry_initial = 1, retry_factor = 1, retry_max = 1, retry_attempts = 1, retry_jitter = 0,
    connect_timeout = CONNECT_TIMEOUT,
    max_message = MAX_ANSWER,
    max_decoded = core.MAX_DECODED,
    insecure = given.verify == false,
    ca_file = given.ca_file,
    ca_pem = given.ca_pem,
    system_ca_file = system_ca_file,
    system_ca_dir = system_ca_dir,
    cert_file = given.cert_file,
    cert_pem = given.cert_pem,
    key_file = given.key_file,
    key_pem = given.key_pem,
    server_name = given.server_name,
    proxy = through.url,
    proxy_ca_file = through.ca_file,
    proxy_ca_pem = through.ca_pem,
  }
end

-- The proxy to an URL, `{}` for none: the one that was given, or, for https,
-- that of the environment; or nil and an error.
local function proxy_for(settings, url)
  if settings.proxy ~= nil then
    return settings.proxy or {}
  end
  local authority = url:match("^[Hh][Tt][Tt][Pp][Ss]://([^/?#]+)")
  if not authority then
    return {}
  end
  authority = authority:match("([^@]*)$")
  local host, port = authority:match("^%[([^%]]*)%]:?(%d*)$")
  if not host then
    host, port = authority:match("^([^:]*):?(%d*)$")
  end
  local through, problem = proxy.from_environment(host or authority,
    tonumber(port) or HTTPS_PORT)
  if problem then
    return nil, errors.new { kind = "config", message = problem }
  end
  return through or {}
end

local function header_lines(headers)
  local lines = {}
  for name, value in next, headers do
    -- How libcurl wants a header without a value.
    lines[#lines + 1] = value == "" and name .. ";" or name .. ": " .. value
  end
  return lines
end

-- The future's answer, once it is there.
local function take(future)
  local answer, record = core.take(future, "result")
  if type(answer) ~= "table" then
    return nil, errors.from_record(record)
  end
  return answer.status, answer.body
end

local function await(future, url, timeout)
  local ready, err = wait.one(future, "result", timeout)
  if ready then
    return take(future)
  end
  core.abandon(future)
  if err.kind ~= "timeout" then
    return nil, err
  end
  return nil, errors.new {
    kind = "deadline_exceeded",
    message = ("%s did not answer within %s"):format(options.without_secrets(url),
      duration.text(timeout)),
  }
end

-- On a channel of the parent process, or of an engine that temporal.shutdown
-- has ended, a post fails at once.
local function is_stale(future)
  if not core.ready(future, "result") then
    return false
  end
  local answer, record = core.take(future, "result")
  return not answer and (record.kind == "fork" or record.kind == "closed")
end

--- A function that posts.
-- @tparam table settings `tls` and `proxy`, as temporal.tls and temporal.proxy
--   check them; without `proxy` the environment's for https
-- @treturn function `post(url, headers, body, timeout)`: waits in the host's
--   way for at most `timeout` seconds and returns the status and the body, or
--   nil and a temporal.error (`unavailable`, `deadline_exceeded`, `cannot_wait`
--   ...). `headers` is a table of strings by name
local function poster(settings)
  local channel
  core.load_libcurl()
  return function(url, headers, body, timeout)
    local may_wait, problem = wait.check()
    if not may_wait then
      return nil, problem
    end
    local lines = header_lines(headers)
    local future
    if channel then
      future, problem = channel:post(url, lines, body, timeout + GRACE)
    end
    if not problem and (not future or is_stale(future)) then
      local through, err = proxy_for(settings, url)
      if not through then
        return nil, err
      end
      channel = open_channel(settings, through)
      future, problem = channel:post(url, lines, body, timeout + GRACE)
    end
    if not future then
      return nil, errors.new {
        kind = "invalid_argument",
        message = ("the request to %s: %s"):format(options.without_secrets(url), problem),
      }
    end
    return await(future, url, timeout)
  end
end

return { poster = poster }

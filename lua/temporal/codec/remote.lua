--- A codec that has a codec server do the work:
-- `codecs = { temporal.codec.remote{ endpoint = "https://codec.example" } }`.
--
-- The protocol is that of the SDKs, of the Web UI and of the CLI: the payloads
-- are POSTed to ENDPOINT/encode and ENDPOINT/decode as the JSON form of a
-- temporal.api.common.v1.Payloads, and as many come back. The namespace goes
-- along in the header `X-Namespace`.
-- @module temporal.codec.remote

local core = require "temporal.core"
local errors = require "temporal.error.error"
local http = require "temporal.connection.http"
local misuse = require "temporal.base.misuse"
local options = require "temporal.base.options"
local proxy = require "temporal.base.lazy" "temporal.connection.proxy"
local tls = require "temporal.base.lazy" "temporal.connection.tls"

local type, next, tostring = type, next, tostring

local PAYLOADS = "temporal.api.common.v1.Payloads"
local TIMEOUT = 10
local SHOWN = 200 -- bytes of an answer in a message

-- The kinds of gRPC's own table for HTTP statuses.
local KINDS = {
  [400] = "internal", [401] = "unauthenticated", [403] = "permission_denied",
  [404] = "unimplemented", [429] = "unavailable", [502] = "unavailable",
  [503] = "unavailable", [504] = "unavailable",
}

local function excerpt(body)
  local text = core.one_line(tostring(body))
  if #text > SHOWN then
    text = text:sub(1, SHOWN) .. "..."
  end
  return text
end

-- A namespace in a URL, as RFC 3986 wants it.
local function escape(text)
  return (text:gsub("[^%w%-%._~]", function(character)
    return ("%%%02X"):format(character:byte())
  end))
end

-- nil, or what is wrong with a header's value; the value itself may be a secret.
local function text_problem(value)
  if type(value) ~= "string" then
    return "must be a string, got " .. options.kind_of(value)
  end
  return core.header_problem(value)
end

local function headers_for(settings, context)
  local headers = {}
  for name, value in next, settings.headers do
    headers[name] = value
  end
  headers["Content-Type"] = "application/json"
  headers["X-Namespace"] = context.namespace
  local auth = settings.auth
  if type(auth) == "function" then
    local err
    auth, err = auth(context)
    if err ~= nil then
      return nil, errors.new {
        kind = "unauthenticated",
        message = "the auth function of temporal.codec.remote gave no credentials: "
          .. tostring(err),
        cause = errors.is_error(err) and err or nil,
      }
    end
    local problem = auth ~= nil and text_problem(auth)
    if problem then
      return misuse.raisef("option of temporal.codec.remote \"auth\": what the function returns %s",
        problem)
    end
  end
  headers["Authorization"] = auth
  return headers
end

local function exchange(settings, what, payloads, context)
  local headers, err = headers_for(settings, context)
  if not headers then
    return nil, err
  end
  local request, problem = core.protojson_encode(PAYLOADS, { payloads = payloads })
  if not request then
    return nil, problem
  end
  local url = settings.endpoint:gsub("{namespace}", function()
    return escape(context.namespace or "")
  end) .. "/" .. what
  local status, body = settings.post(url, headers, request, settings.timeout)
  if not status then
    return nil, body
  elseif status ~= 200 then
    return nil, errors.new {
      kind = KINDS[status] or "unknown",
      message = ("the codec server answered %s with HTTP %d: %s")
        :format(options.without_secrets(url), status, excerpt(body)),
      http_status = status,
    }
  end
  local message
  message, problem = core.protojson_decode(PAYLOADS, body, { ignore_unknown = true })
  if not message then
    return nil, errors.new {
      kind = "internal",
      message = ("the codec server's answer to %s cannot be read: %s")
        :format(options.without_secrets(url), problem),
      http_status = status,
    }
  end
  return message.payloads
end

-- Options.

local function set_endpoint(settings, value, spec, name)
  if type(value) ~= "string" or not value:lower():find("^https?://[^%s%c/]") then
    return options.fail(spec, name, "must be a URL that begins with http:// or https://",
      options.show_url(value))
  end
  settings.endpoint = value:gsub("/+$", "")
end

local function set_auth(settings, value, spec, name)
  local problem = type(value) ~= "function" and text_problem(value)
  if problem then
    return options.fail(spec, name, problem .. " (or it may be a function)")
  end
  settings.auth = value
end

local function set_headers(settings, value, spec, name)
  if type(value) ~= "table" then
    return options.fail(spec, name, "must be a table of strings by name", options.kind_of(value))
  end
  local headers = {}
  for key, text in next, value do
    if type(key) ~= "string" or not key:find("^[%w!#$%%&'*+%-.^_`|~]+$") then
      return options.fail(spec, name, "must have header names as keys", options.show(key))
    end
    local problem = text_problem(text)
    if problem then
      return options.fail(spec, name .. "." .. key, problem)
    end
    headers[key] = text
  end
  settings.headers = headers
end

local REMOTE = options.define("option of temporal.codec.remote", {
  endpoint = set_endpoint,
  auth = set_auth,
  headers = set_headers,
  timeout = options.seconds("timeout", { above = 0 }),
  tls = function(settings, value)
    settings.tls = tls.check(value) or nil
    if settings.tls and settings.tls.server_name then
      misuse.raise("option of temporal.codec.remote \"tls.server_name\" is not possible here: "
        .. "the certificate is verified against the endpoint's host")
    end
  end,
  proxy = function(settings, value)
    settings.proxy = proxy.check(value)
  end,
  post = options.func("post"),
})

--- A codec that asks a codec server.
-- @tparam table given `endpoint` (URL, required; `{namespace}` in it stands for
--   the namespace), `auth` (the header `Authorization`: a string, or
--   `function(context)` that returns one or nil, or `nil, err`), `headers`
--   (table), `timeout` (of one exchange; 10 s), `tls` and `proxy` (as the
--   client options; TLS is on when the endpoint is https), `post` (the HTTP
--   client to use in place of the engine's: `post(url, headers, body, timeout)`
--   returns the status and the body, or `nil, err`)
-- @treturn table a codec. What its functions return as the error: a
--   temporal.error with `http_status` when the server answered
-- @raise on a wrong, missing or unknown option
local function remote(given)
  if type(given) ~= "table" then
    return misuse.raisef("temporal.codec.remote takes a table of options, got %s",
      options.kind_of(given))
  end
  local settings = options.apply(REMOTE, given, {})
  if not settings.endpoint then
    return options.fail(REMOTE, "endpoint", "is missing: it is the codec server's URL")
  end
  settings.headers = settings.headers or {}
  settings.timeout = settings.timeout or TIMEOUT
  settings.post = settings.post or http.poster(settings)
  return {
    encode = function(payloads, context)
      return exchange(settings, "encode", payloads, context)
    end,
    decode = function(payloads, context)
      return exchange(settings, "decode", payloads, context)
    end,
  }
end

return remote

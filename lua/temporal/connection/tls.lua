--- The client option `tls`.
-- @module temporal.tls

local misuse = require "temporal.base.misuse"
local options = require "temporal.base.options"

local function pem(field)
  local check = options.string(field)
  return function(tls, value, spec, name)
    check(tls, value, spec, name)
    if not value:find("-----BEGIN ", 1, true) or value:find("%z") then
      local file = name:gsub("_pem$", "_file")
      options.fail(spec, name, ('must be PEM text ("-----BEGIN ..."); a path goes to tls.%s')
        :format(file))
    end
  end
end

local function path(field)
  local check = options.string(field)
  return function(tls, value, spec, name)
    check(tls, value, spec, name)
    if value:find("-----BEGIN ", 1, true) then
      local text = name:gsub("_file$", "_pem")
      options.fail(spec, name, ("must be a path; PEM text goes to tls.%s"):format(text))
    end
  end
end

local function server_name(tls, value, spec, name)
  options.string(name)(tls, value, spec, name)
  if not value:find("^[%w._%-]+$") then
    options.fail(spec, name, "must be a host name without a port", options.show_url(value))
  end
end

local TLS = options.define("client option", {
  ca_file = path("ca_file"),
  ca_pem = pem("ca_pem"),
  cert_file = path("cert_file"),
  cert_pem = pem("cert_pem"),
  key_file = path("key_file"),
  key_pem = pem("key_pem"),
  server_name = server_name,
  verify = options.boolean("verify"),
}, "tls")

local function exclude(tls, one, other)
  if tls[one] and tls[other] then
    misuse.raisef('client options "tls.%s" and "tls.%s" exclude each other', one, other)
  end
end

--- Checks the client option `tls`.
-- @tparam boolean|table value
-- @treturn table|boolean checked options, or false for plaintext
-- @raise when it is neither, or its parts do not fit
local function check(value)
  if type(value) == "boolean" then
    return value and {}
  elseif type(value) ~= "table" then
    misuse.raisef('client option "tls" must be true, false or a table, got %s',
      options.kind_of(value))
  end
  local tls = options.apply(TLS, value, {})
  exclude(tls, "ca_file", "ca_pem")
  exclude(tls, "cert_file", "cert_pem")
  exclude(tls, "key_file", "key_pem")
  local has_cert, has_key = tls.cert_file or tls.cert_pem, tls.key_file or tls.key_pem
  if has_cert and not has_key then
    misuse.raise('client option "tls": a client certificate needs its key: tls.key_file or '
      .. "tls.key_pem")
  elseif has_key and not has_cert then
    misuse.raise('client option "tls": a key needs its client certificate: tls.cert_file or '
      .. "tls.cert_pem")
  end
  return tls
end

return { check = check }

--- What the clients made by `client:with` share: one channel of the engine,
-- its address, its TLS and its key.
-- @module temporal.connection

local core = require "temporal.core"
local credentials = require "temporal.connection.credentials"
local errors = require "temporal.error.error"
local misuse = require "temporal.base.misuse"
local proxy = require "temporal.base.lazy" "temporal.connection.proxy"
local system = require "temporal.base.system"

local connection = {}
local metatable = { __name = "temporal.connection", __index = connection }

-- Where nobody listens at the default target: another may have been meant.
local function refused_hint(settings)
  local address = system.getenv "TEMPORAL_ADDRESS"
  if not settings.default_target or address == settings.target then
    return nil
  elseif address and address ~= "" then
    return "no target was given: TEMPORAL_ADDRESS is set, but is read by temporal.client() only"
  elseif core.in_nginx() then
    return "no target was given: nginx clears the environment; env TEMPORAL_ADDRESS; keeps it "
      .. "for temporal.client()"
  end
  return nil
end

local function open(settings, through)
  local retry, keepalive, address = settings.retry, settings.keepalive, settings.address
  local tls = settings.tls or {}
  local name = tls.server_name or settings.tls and settings.authority_name
  local system_ca_file, system_ca_dir = system.authorities()
  return core.channel {
    host = address.host,
    port = address.port,
    unix_path = address.unix_path,
    unix_abstract = address.unix_abstract,
    authority = settings.authority or tls.server_name or address.authority,
    secure = settings.tls and true or false,
    secure_by_key = settings.tls_by_key,
    refused_hint = refused_hint(settings),
    insecure = tls.verify == false,
    ca_file = tls.ca_file,
    ca_pem = tls.ca_pem,
    system_ca_file = system_ca_file,
    system_ca_dir = system_ca_dir,
    cert_file = tls.cert_file,
    cert_pem = tls.cert_pem,
    key_file = tls.key_file,
    key_pem = tls.key_pem,
    server_name = name or nil,
    proxy = through.url,
    proxy_ca_file = through.ca_file,
    proxy_ca_pem = through.ca_pem,
    connect_timeout = settings.connect_timeout,
    rpc_timeout = settings.rpc_timeout,
    shutdown_timeout = settings.shutdown_timeout,
    keepalive_interval = keepalive.interval,
    keepalive_timeout = keepalive.timeout,
    max_message = settings.max_message,
    max_decoded = settings.max_decoded,
    max_pending = settings.max_pending,
    retry_initial = retry.initial,
    retry_factor = retry.factor,
    retry_max = retry.max,
    retry_attempts = retry.attempts,
    retry_jitter = retry.jitter,
    metadata = settings.metadata_list,
  }
end

--- A connection; nothing is made in the engine until somebody calls.
-- @tparam table settings checked client options
-- @treturn temporal.connection|nil nil, and
-- @treturn temporal.error of kind `config` when HTTPS_PROXY is no proxy
function connection.new(settings)
  local through = settings.proxy
  -- The module is loaded where there is a proxy to think about.
  if through == nil and not settings.address.unix_path
    and (system.getenv "HTTPS_PROXY" or system.getenv "https_proxy") then
    local problem
    through, problem = proxy.from_environment(settings.address.host, settings.address.port)
    if problem then
      return nil, errors.new { kind = "config", message = problem }
    end
  end
  through = through or {}
  core.load_libcurl(settings.address.host, settings.tls, through.url)
  return setmetatable({
    settings = settings,
    proxy = through,
    credentials = credentials.new(settings.api_key),
    channel = nil,
  }, metatable)
end

--- A channel for one more client of this connection.
-- @return the channel
-- @raise when the metadata is more than a call may carry
function connection:open()
  if self.channel then
    return self.channel:share()
  end
  local channel, problem = open(self.settings, self.proxy)
  if not channel then
    return misuse.raisef('client option "metadata": %s', problem)
  end
  self.channel = channel
  self.credentials:attach(channel)
  return channel
end

return connection

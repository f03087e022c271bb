--- The options of clients: what there is, what each may be, what is the
-- connection's and what a client's own.
-- @module temporal.client_options

local converter = require "temporal.value.converter"
local core = require "temporal.core"
local credentials = require "temporal.connection.credentials"
local failure_converter = require "temporal.base.lazy" "temporal.error.failure_converter"
local interceptor = require "temporal.base.lazy" "temporal.observe.interceptor"
local misuse = require "temporal.base.misuse"
local options = require "temporal.base.options"
local proxy = require "temporal.base.lazy" "temporal.connection.proxy"
local target = require "temporal.connection.target"
local tls = require "temporal.base.lazy" "temporal.connection.tls"

local next, type = next, type

local MAX_BYTES = 2147483647

-- A query to the sticky queue of a worker that died has another worker after
-- 10 s, on servers as they are set.
local QUERY_TIMEOUT = 30

local DEFAULTS = {
  target = "localhost:7233",
  namespace = "default",
  connect_timeout = 5,
  rpc_timeout = 10,
  shutdown_timeout = 5,
  diagnose_after = 10,
  payload_warning = 512 * 1024,
  max_message = 128 * 1024 * 1024,
  max_decoded = core.MAX_DECODED,
  max_pending = 10000,
}
local DEFAULT_RETRY = { initial = 0.1, factor = 1.7, max = 5, attempts = 10, jitter = 0.2 }
local NO_RETRY = { initial = 0.1, factor = 1.7, max = 5, attempts = 1, jitter = 0.2 }
local DEFAULT_KEEPALIVE = { interval = 30, timeout = 15 }
local NO_KEEPALIVE = { interval = 0, timeout = 15 }

local function with_defaults(defaults)
  return function(given)
    for name, value in next, defaults do
      if given[name] == nil then
        given[name] = value
      end
    end
  end
end

-- A group of options, or false for none of it.
local function group_or_false(field, spec, defaults, none)
  local set_group = options.group(field, spec, with_defaults(defaults))
  return function(settings, value, parent, name)
    if value == false then
      settings[field] = none
    elseif value == true then
      settings[field] = defaults
    elseif type(value) ~= "table" then
      options.fail(parent, name, "must be a table, or false for none", options.kind_of(value))
    else
      set_group(settings, value, parent, name)
    end
  end
end

local RETRY = options.define("client option", {
  initial = options.seconds("initial", { above = 0 }),
  factor = options.number("factor", { min = 1 }),
  max = options.seconds("max", { above = 0 }),
  attempts = options.number("attempts", { integer = true, min = 1, max = MAX_BYTES }),
  jitter = options.number("jitter", { min = 0, max = 1 }),
}, "retry")

local KEEPALIVE = options.define("client option", {
  interval = function(settings, value, spec, name)
    options.seconds("interval")(settings, value, spec, name)
    if settings.interval < 10 then
      options.fail(spec, name, "must be at least 10 s: the server hangs up on clients that "
        .. "ping more often", options.show(value))
    end
  end,
  timeout = options.seconds("timeout", { above = 0 }),
}, "keepalive")

local function set_target(settings, value, spec, name)
  local parsed, problem = target.parse(value)
  if not parsed then
    options.fail(spec, name, problem)
  end
  settings.target, settings.address = value, parsed
end

local function set_authority(settings, value, spec, name)
  local host, problem = target.parse_authority(value)
  if not host then
    options.fail(spec, name, problem)
  end
  settings.authority, settings.authority_name = value, host
end

local take_payload_warning = options.number("payload_warning",
  { integer = true, min = 1, max = MAX_BYTES })
local take_diagnose_after = options.seconds("diagnose_after", { above = 0 })
local take_namespace = options.string("namespace")

-- It is sent as a header, too.
local function set_namespace(settings, value, spec, name)
  take_namespace(settings, value, spec, name)
  local problem = core.header_problem(value)
  if problem then
    options.fail(spec, name, problem, options.show_url(value))
  end
end

local function set_metadata(settings, value)
  if type(value) == "function" then
    settings.metadata = value
  else
    settings.metadata = target.metadata_list(value, 'client option "metadata"')
  end
end

local function is_encoder(value)
  return type(value) == "table"
end

-- What a client may say for itself; `with` takes these too.
local OWN = {
  namespace = set_namespace,
  identity = options.string("identity"),
  metadata = set_metadata,
  rpc_timeout = options.seconds("rpc_timeout", { above = 0 }),
  shutdown_timeout = options.seconds("shutdown_timeout"),
  converter = options.list("converter", is_encoder,
    "must be a table {encoding=, encode=, decode=}"),
  codecs = function(settings, value)
    local ok, problem = converter.check_codecs(value)
    if not ok then
      misuse.raisef('client option "codecs": %s', problem)
    end
    settings.codecs = value
  end,
  codec_headers = options.boolean("codec_headers"),
  failure_converter = function(settings, value)
    if not failure_converter.is(value) then
      misuse.raisef('client option "failure_converter" must be made with '
        .. "temporal.failure_converter, got %s", options.kind_of(value))
    end
    settings.failure_converter = value
  end,
  interceptors = function(settings, value)
    local chains, problem = interceptor.new(value)
    if not chains then
      misuse.raisef('client option "interceptors": %s', problem)
    end
    settings.interceptors = chains
  end,
  logger = options.func("logger"),
  payload_warning = function(settings, value, spec, name)
    if value == false then
      settings.payload_warning = false
    else
      take_payload_warning(settings, value, spec, name)
    end
  end,
  diagnose_after = function(settings, value, spec, name)
    if value == false then
      settings.diagnose_after = false
    elseif type(value) == "boolean" then
      options.fail(spec, name, "must be a duration, or false for never", options.show(value))
    else
      take_diagnose_after(settings, value, spec, name)
    end
  end,
}

-- What belongs to the connection, which all clients of `with` share.
local SHARED = {
  target = set_target,
  authority = set_authority,
  tls = function(settings, value)
    settings.tls = tls.check(value)
  end,
  api_key = function(settings, value)
    settings.api_key = credentials.check(value, 'client option "api_key"')
  end,
  proxy = function(settings, value)
    settings.proxy = proxy.check(value)
  end,
  connect_timeout = options.seconds("connect_timeout", { above = 0 }),
  retry = group_or_false("retry", RETRY, DEFAULT_RETRY, NO_RETRY),
  keepalive = group_or_false("keepalive", KEEPALIVE, DEFAULT_KEEPALIVE, NO_KEEPALIVE),
  max_message = options.number("max_message", { integer = true, min = 1, max = MAX_BYTES }),
  max_decoded = options.number("max_decoded", { integer = true, min = 1, max = MAX_BYTES }),
  max_pending = options.number("max_pending", { integer = true, min = 1, max = MAX_BYTES }),
}

local function refuse_shared(_, _, spec, name)
  return misuse.raisef('%s "%s" belongs to the connection, which this client shares: give it '
    .. "to temporal.client", spec.label, name)
end

local function merge(one, other)
  local all = {}
  for name, handler in next, one do
    all[name] = handler
  end
  for name, handler in next, other do
    all[name] = handler
  end
  return all
end

local function refusing(handlers)
  local all = {}
  for name in next, handlers do
    all[name] = refuse_shared
  end
  return all
end

local CLIENT = options.define("client option", merge(OWN, SHARED))
local WITH = options.define("client option", merge(OWN, refusing(SHARED)))

--- Checks the options of a new client.
-- @tparam table given
-- @treturn table settings, defaults filled in
-- @raise on a wrong or unknown option
local function check(given)
  local settings = options.apply(CLIENT, given, {})
  settings.query_timeout = settings.rpc_timeout or QUERY_TIMEOUT
  with_defaults(DEFAULTS)(settings)
  if not settings.address then
    set_target(settings, settings.target, CLIENT, "target")
    settings.default_target = true
  end
  if settings.proxy and settings.address.unix_path then
    misuse.raise('client option "proxy": there is no proxy to a Unix socket; leave it out')
  end
  settings.retry = settings.retry or DEFAULT_RETRY
  settings.keepalive = settings.keepalive or DEFAULT_KEEPALIVE
  if settings.tls == nil then
    settings.tls = settings.api_key ~= nil and {}
    settings.tls_by_key = settings.api_key ~= nil
  end
  if type(settings.metadata) == "table" then
    -- Sent by the connection itself.
    settings.metadata_list, settings.metadata = settings.metadata, nil
  end
  return settings
end

-- Metadata of a client above that of the one it was made from. What a function
-- gives is not known yet: it stands for all that the client says itself.
local function merged(below, above)
  if type(below) ~= "table" or type(above) ~= "table" then
    return above
  end
  local list, has = {}, {}
  for i = 1, #above, 2 do
    list[i], list[i + 1] = above[i], above[i + 1]
    has[above[i]] = true
  end
  for i = 1, #below, 2 do
    if not has[below[i]] then
      list[#list + 1], list[#list + 2] = below[i], below[i + 1]
    end
  end
  return list
end

--- Checks the options of another client on the same connection.
-- @tparam table settings of the first
-- @tparam table given what differs
-- @treturn table settings
-- @raise on a wrong or unknown option, or one of the connection
local function derive(settings, given)
  local changed = options.apply(WITH, given, {})
  local all = {}
  for name, value in next, settings do
    all[name] = value
  end
  for name, value in next, changed do
    all[name] = value
  end
  if changed.metadata then
    all.metadata = merged(settings.metadata, changed.metadata)
  end
  all.own_timeout = changed.rpc_timeout or settings.own_timeout
  all.query_timeout = changed.rpc_timeout or settings.query_timeout
  return all
end

return {
  check = check,
  derive = derive,
}

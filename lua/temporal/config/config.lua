--- Client options from `temporal.toml` and the `TEMPORAL_*` variables, by the
-- rules that all SDKs and the CLI share.
--
--     local options, err = temporal.config.load{ profile = "staging" }
--     if not options then error(tostring(err)) end
--     options.rpc_timeout = 3
--     local client = temporal.client(options)
--
-- Where the rules leave room the Python SDK's envconfig decides, but that an
-- empty address, namespace, API key, path or name means none, as in Go: with
-- an empty one nothing would connect.
-- @module temporal.config

local codec = require "temporal.base.lazy" "temporal.codec.codec"
local core = require "temporal.core"
local credentials = require "temporal.base.lazy" "temporal.connection.credentials"
local errors = require "temporal.error.error"
local file = require "temporal.config.file"
local misuse = require "temporal.base.misuse"
local options = require "temporal.base.options"
local problem = require "temporal.config.problem"
local target = require "temporal.connection.target"
local tls_check = require "temporal.base.lazy" "temporal.connection.tls"

local sort = table.sort
local next, pcall, type = next, pcall, type
local place, stop, stop_at = problem.place, problem.stop, problem.stop_at

-- The variable of each setting. That of grpc_meta is a prefix.
local VARIABLES = {
  { name = "address", variable = "TEMPORAL_ADDRESS" },
  { name = "namespace", variable = "TEMPORAL_NAMESPACE" },
  { name = "authority", variable = "TEMPORAL_CLIENT_AUTHORITY" },
  { name = "api_key", variable = "TEMPORAL_API_KEY" },
  { name = "tls.disabled", variable = "TEMPORAL_TLS", type = "negated" },
  { name = "tls.client_cert_path", variable = "TEMPORAL_TLS_CLIENT_CERT_PATH" },
  { name = "tls.client_cert_data", variable = "TEMPORAL_TLS_CLIENT_CERT_DATA" },
  { name = "tls.client_key_path", variable = "TEMPORAL_TLS_CLIENT_KEY_PATH" },
  { name = "tls.client_key_data", variable = "TEMPORAL_TLS_CLIENT_KEY_DATA" },
  { name = "tls.server_ca_cert_path", variable = "TEMPORAL_TLS_SERVER_CA_CERT_PATH" },
  { name = "tls.server_ca_cert_data", variable = "TEMPORAL_TLS_SERVER_CA_CERT_DATA" },
  { name = "tls.server_name", variable = "TEMPORAL_TLS_SERVER_NAME" },
  { name = "tls.disable_host_verification", variable = "TEMPORAL_TLS_DISABLE_HOST_VERIFICATION",
    type = "boolean" },
  { name = "codec.endpoint", variable = "TEMPORAL_CODEC_ENDPOINT" },
  { name = "codec.auth", variable = "TEMPORAL_CODEC_AUTH" },
}
local META_PREFIX = "TEMPORAL_GRPC_META_"
local BOOLEANS = { ["1"] = true, ["true"] = true, ["0"] = false, ["false"] = false }

-- Client options by the settings they come from.
local TLS_OPTIONS = {
  ["tls.client_cert_path"] = "cert_file", ["tls.client_cert_data"] = "cert_pem",
  ["tls.client_key_path"] = "key_file", ["tls.client_key_data"] = "key_pem",
  ["tls.server_ca_cert_path"] = "ca_file", ["tls.server_ca_cert_data"] = "ca_pem",
  ["tls.server_name"] = "server_name",
}

-- Settings are kept by names such as "tls.server_name"; tables have one without
-- a value; the headers of grpc_meta are in `headers`.

local function header_name(name)
  return (name:lower():gsub("_", "-"))
end

local function read_profile(settings, given, variables)
  local chosen = given.profile
  if not chosen and given.env ~= false and variables.TEMPORAL_PROFILE ~= "" then
    chosen = variables.TEMPORAL_PROFILE
  end
  local path = file.choose(given.file, variables)
  for _, setting in ipairs(file.read(path, chosen, given.strict)) do
    local header = setting.name:match("^grpc_meta%.(.*)$")
    if header then
      settings.headers[header_name(header)] = setting
    else
      settings[setting.name] = setting
    end
  end
end

-- The variables.

-- A path and a text exclude one another, wherever each of them comes from.
local function check_source(settings, variables, name, path_variable, data_variable)
  local path, data = settings["tls." .. name .. "_path"], settings["tls." .. name .. "_data"]
  if variables[path_variable] and variables[data_variable] then
    stop({ variable = data_variable }, "%s and %s are both set; only one may be", path_variable,
      data_variable)
  elseif variables[path_variable] and data and data.value ~= "" then
    stop_at({ variable = path_variable }, "is set, but %s is given: only one may be",
      place(data.origin))
  elseif variables[data_variable] and path then
    stop_at({ variable = data_variable }, "is set, but %s is given: only one may be",
      place(path.origin))
  end
end

local function apply_metadata(settings, variables)
  local names = {}
  for name in next, variables do
    if name:sub(1, #META_PREFIX) == META_PREFIX then
      names[#names + 1] = name
    end
  end
  sort(names)
  for _, name in ipairs(names) do
    local value = variables[name]
    settings.headers[header_name(name:sub(#META_PREFIX + 1))] = value ~= ""
      and { value = value, origin = { variable = name } } or nil
  end
end

local function apply_variables(settings, variables)
  for _, name in ipairs(file.SOURCES) do
    local prefix = "TEMPORAL_TLS_" .. name:upper()
    check_source(settings, variables, name, prefix .. "_PATH", prefix .. "_DATA")
  end
  for _, entry in ipairs(VARIABLES) do
    local value, origin = variables[entry.variable], { variable = entry.variable }
    if value then
      local group = entry.name:match("^(.*)%.")
      if group and not settings[group] then
        settings[group] = { origin = origin }
      end
      if entry.type then
        value = BOOLEANS[value:lower()]
      end
      if entry.type == "negated" and value ~= nil then
        value = not value
      end
      -- A boolean that is none is passed over, as everywhere.
      if value ~= nil then
        settings[entry.name] = { value = value, origin = origin }
      end
    end
  end
  apply_metadata(settings, variables)
end

-- The options.

-- The value of a text that is there and not empty.
local function text(settings, name)
  local setting = settings[name]
  return setting and setting.value ~= "" and setting.value or nil
end

-- What the check of an option says. It raises at the user's line, but here the
-- file or the variable is wrong.
local function refusal(check, ...)
  local ok, message = pcall(check, ...)
  return not ok and (tostring(message):gsub("^[^\n]-:%d+: ", "", 1)) or nil
end

local function must_pass(origin, check, ...)
  local message = refusal(check, ...)
  if message then
    stop_at(origin, "is wrong: %s", message)
  end
end

-- Where the TLS option comes from that a message names.
local function tls_origin(settings, message)
  local named = message:match('"tls%.([%w_]+)"')
  for name, option in next, TLS_OPTIONS do
    if option == named then
      return settings[name].origin
    end
  end
  return settings.tls.origin
end

local function tls_option(settings)
  if not settings.tls then
    return text(settings, "api_key") and true or nil
  elseif settings["tls.disabled"] and settings["tls.disabled"].value then
    return false
  end
  local tls = {}
  for name, option in next, TLS_OPTIONS do
    tls[option] = text(settings, name)
  end
  local unverified = settings["tls.disable_host_verification"]
  if unverified and unverified.value then
    tls.verify = false
  end
  local has_cert, has_key = tls.cert_file or tls.cert_pem, tls.key_file or tls.key_pem
  if (has_cert == nil) ~= (has_key == nil) then
    local there = has_cert and "client_cert" or "client_key"
    local setting = text(settings, "tls." .. there .. "_path") and "_path" or "_data"
    stop_at(settings["tls." .. there .. setting].origin, "is given, but no client %s: "
      .. "they go together", has_cert and "key" or "certificate")
  end
  local message = refusal(tls_check.check, tls)
  if message then
    stop_at(tls_origin(settings, message), "is wrong: %s", message)
  end
  return next(tls) ~= nil and tls or true
end

local function metadata_option(settings)
  local metadata = {}
  for name, setting in next, settings.headers do
    must_pass(setting.origin, target.metadata_list, { [name] = setting.value }, "the header")
    metadata[name] = setting.value
  end
  return next(metadata) ~= nil and metadata or nil
end

local function codecs_option(settings)
  local endpoint, auth = text(settings, "codec.endpoint"), text(settings, "codec.auth")
  if auth and auth:find("[%z\1-\31\127]") then
    stop_at(settings["codec.auth"].origin, "has control characters (does it end in a newline?)")
  elseif endpoint and not endpoint:find("^[Hh][Tt][Tt][Pp][Ss]?://[^%s/]") then
    stop_at(settings["codec.endpoint"].origin, "must begin with http:// or https:// and a host")
  elseif auth and not settings["codec.endpoint"] then
    stop_at(settings["codec.auth"].origin, "is given, but no endpoint of a codec server")
  end
  -- An empty endpoint takes the codec away.
  return endpoint and { codec.remote { endpoint = endpoint, auth = auth } }
end

-- What is wrong with an address, without the address.
local function check_address(setting)
  local parsed, message = target.parse(setting.value)
  if not parsed then
    local shown = ("target %s "):format(options.show_url(setting.value))
    if message:sub(1, #shown) == shown then
      message = message:sub(#shown + 1)
    end
    stop_at(setting.origin, "is wrong: it %s", message)
  end
end

local function to_options(settings, with_codec)
  local address, api_key = text(settings, "address"), text(settings, "api_key")
  local authority = text(settings, "authority")
  if address then
    check_address(settings.address)
  end
  if authority and not target.parse_authority(authority) then
    stop_at(settings.authority.origin, "must be a name with or without a port")
  end
  if api_key then
    must_pass(settings.api_key.origin, credentials.check, api_key, "the key")
  end
  return {
    target = address,
    authority = authority,
    namespace = text(settings, "namespace"),
    api_key = api_key,
    tls = tls_option(settings),
    metadata = metadata_option(settings),
    codecs = with_codec and codecs_option(settings) or nil,
  }
end

local function check_variables(variables)
  for name, value in next, variables do
    if type(name) ~= "string" or type(value) ~= "string" then
      misuse.raisef('option "env" of temporal.config.load must be a table of strings by name, '
        .. "got %s under %s", options.kind_of(value), options.show(name))
    end
  end
end

local LOAD = options.define("option of temporal.config.load", {
  profile = options.string("profile"),
  file = function(settings, value, spec, name)
    if value == false then
      settings.file = false
    else
      options.string("file")(settings, value, spec, name)
    end
  end,
  env = function(settings, value, spec, name)
    if value ~= false and type(value) ~= "table" then
      options.fail(spec, name, "must be a table of strings by name, or false for none",
        options.kind_of(value))
    end
    settings.env = value
  end,
  strict = options.boolean("strict"),
  codec = options.boolean("codec"),
})

local function read(given)
  local variables = given.env or core.environ()
  local settings = { headers = {} }
  if given.file ~= false then
    read_profile(settings, given, variables)
  end
  if given.env ~= false then
    apply_variables(settings, variables)
  end
  return to_options(settings, given.codec)
end

--- Reads the configuration of a client.
-- @tparam[opt] table given `profile` (`$TEMPORAL_PROFILE`, or "default"),
--   `file` (`$TEMPORAL_CONFIG_FILE`, or temporalio/temporal.toml in the user's
--   configuration folder; false for none), `env` (a table in place of the
--   environment; false: no variable sets or chooses anything, only the file is
--   still found by them), `strict` (false: keys that are not known are passed
--   over), `codec` (false: a codec server in the configuration is left to who
--   asks for it, as the application may have its codecs itself)
-- @treturn table|nil options for `temporal.client`: those of `target authority
--   namespace api_key tls metadata codecs` that are configured; or nil
-- @treturn temporal.error of kind `config`, with what is known of `file`,
--   `line`, `key`, `variable`; no API key, certificate, header or address is
--   in its message
-- @raise on a wrong or unknown option
local function load(given)
  if given ~= nil and type(given) ~= "table" then
    misuse.raisef("temporal.config.load takes a table of options, got %s", options.kind_of(given))
  end
  local chosen = options.apply(LOAD, given or {}, {})
  if chosen.env then
    check_variables(chosen.env)
  end
  if chosen.profile and chosen.file == false then
    misuse.raise('option "profile" of temporal.config.load: there is none without a file')
  end
  local ok, result = pcall(read, chosen)
  if ok then
    return result
  elseif not errors.is_error(result) then
    error(result, 0)
  end
  return nil, result
end

return {
  load = load,
}

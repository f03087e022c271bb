--- The file `temporal.toml`: where it is, what may be in it, and its profiles.
-- @module temporal.config.file

local core = require "temporal.core"
local options = require "temporal.base.options"
local problem = require "temporal.config.problem"
local toml = require "temporal.toml"

local concat, sort = table.concat, table.sort
local next = next
local stop, stop_at = problem.stop, problem.stop_at

local DEFAULT_PROFILE = "default"

-- What a file may have; "*" stands for any name.
local TLS = {
  disabled = "boolean",
  client_cert_path = "string", client_cert_data = "string",
  client_key_path = "string", client_key_data = "string",
  server_ca_cert_path = "string", server_ca_cert_data = "string",
  server_name = "string",
  disable_host_verification = "boolean",
}
local PROFILE = {
  address = "string", authority = "string", namespace = "string", api_key = "string",
  tls = TLS,
  codec = { endpoint = "string", auth = "string" },
  grpc_meta = { ["*"] = "string" },
}

local FILE = { profile = { ["*"] = PROFILE } }

local WORDS = { string = "a string", boolean = "true or false" }

-- What is given by a path or by its text, never both.
local SOURCES = { "client_cert", "client_key", "server_ca_cert" }

local function is_macos()
  return core.file_stamp "/System/Library/CoreServices/SystemVersion.plist" ~= nil
end

-- The folder for a user's configuration, as the other SDKs find it.
local function user_folder(variables)
  local home = variables.HOME ~= "" and variables.HOME or nil
  if package.config:sub(1, 1) == "\\" then
    return variables.APPDATA
  elseif is_macos() then
    return home and home .. "/Library/Application Support"
  end
  local xdg = variables.XDG_CONFIG_HOME
  if xdg and xdg:sub(1, 1) == "/" then
    return xdg
  end
  return home and home .. "/.config"
end

--- The path of the file: as given, as `$TEMPORAL_CONFIG_FILE` has it, or the
-- usual one.
-- @tparam string|nil given
-- @tparam {[string]=string,...} variables the environment
-- @treturn string|nil nil where the user has no folder for it
local function choose(given, variables)
  local path = given or variables.TEMPORAL_CONFIG_FILE
  if path and path ~= "" then
    return path
  end
  local folder = user_folder(variables)
  return folder and folder .. "/temporalio/temporal.toml"
end

-- The text of a file; nil when there is no such file.
local function read_file(path)
  local text, why, none = core.read_file(path)
  if not text and not none then
    stop({ file = path }, "cannot read the configuration file %s: %s", path, why)
  end
  return text
end

local function join(key, name)
  if not name:find("^[A-Za-z0-9_-]+$") then
    name = options.show(name)
  end
  return key == "" and name or key .. "." .. name
end

local function origin_of(document, parent, key, name)
  return { file = document.path, line = document.origin[parent][name].line, key = join(key, name) }
end

-- Names of a table in the order of the file.
local function names_of(document, parent)
  local names, origin = {}, document.origin[parent]
  for name in next, parent do
    names[#names + 1] = name
  end
  sort(names, function(a, b)
    local x, y = origin[a], origin[b]
    return x.line < y.line or x.line == y.line and x.column < y.column
  end)
  return names
end

local function article(type_name)
  return (type_name:find("^[aio]") and "an " or "a ") .. type_name
end

local function unknown_key(origin, name, schema)
  local known = {}
  for key in next, schema do
    known[#known + 1] = key
  end
  sort(known)
  local suggestion = options.nearest(name, known)
  if suggestion then
    return stop_at(origin, 'is no key that is known here; did you mean "%s"?', suggestion)
  end
  return stop_at(origin, "is no key that is known here; known are: %s", concat(known, ", "))
end

local function check(document, parent, key, schema)
  for _, name in ipairs(names_of(document, parent)) do
    local expected = schema[name] or schema["*"]
    local found = document.origin[parent][name].type
    local origin = origin_of(document, parent, key, name)
    if not expected then
      if document.strict then
        unknown_key(origin, name, schema)
      end
    elseif found ~= (WORDS[expected] and expected or "table") then
      stop_at(origin, "must be %s, got %s", WORDS[expected] or "a table", article(found))
    elseif not WORDS[expected] then
      check(document, parent[name], origin.key, expected)
    end
  end
end

local function check_sources(document, tls, key)
  for _, name in ipairs(SOURCES) do
    local path, data = name .. "_path", name .. "_data"
    if tls[path] and tls[data] then
      stop_at(origin_of(document, tls, key, data), "and %s are both given; only one may be", path)
    end
  end
end

-- Every profile of the file is checked: a slip in one that is not used today
-- is not left for the day it is.
local function check_profiles(document)
  check(document, document.root, "", FILE)
  local profiles = document.root.profile or {}
  for _, name in ipairs(names_of(document, profiles)) do
    local tls = profiles[name].tls
    if tls then
      check_sources(document, tls, join("profile", name) .. ".tls")
    end
  end
  return profiles
end

local function quoted_names(profiles)
  local names = {}
  for name in next, profiles do
    names[#names + 1] = options.show(name)
  end
  sort(names)
  return concat(names, ", ")
end

-- A profile that somebody has named must be there.
local function profile_missing(name, path, profiles)
  if not path then
    stop({}, "there is no configuration file for the profile %s", options.show(name))
  elseif not profiles then
    stop({ file = path }, "there is no file %s for the profile %s", path, options.show(name))
  end
  stop({ file = path }, "%s has no profile %s; it has: %s", path, options.show(name),
    next(profiles) and quoted_names(profiles) or "none")
end

-- The settings of a table and of the tables in it, in the order of the file.
local function flatten(document, parent, key, schema, prefix, settings)
  for _, name in ipairs(names_of(document, parent)) do
    local expected = schema[name] or schema["*"]
    if expected then
      local setting = { name = prefix .. name, origin = origin_of(document, parent, key, name) }
      settings[#settings + 1] = setting
      if WORDS[expected] then
        setting.value = parent[name]
      else
        flatten(document, parent[name], setting.origin.key, expected, setting.name .. ".", settings)
      end
    end
  end
  return settings
end

--- Reads a profile. All of the file is checked.
-- @tparam string|nil path as `choose` gave it; no such file is an empty one
-- @tparam string|nil chosen the profile's name, if somebody has named one
-- @tparam boolean|nil strict whether keys that are not known are wrong
-- @treturn {table,...} settings `{name="tls.server_name", value=, origin=}`;
--   tables have no value
-- @raise temporal.error of kind `config`
local function read(path, chosen, strict)
  local text, profiles = path and read_file(path), nil
  if text then
    -- 1.1, as the Python SDK and the CLI read it.
    local root, origin, line = toml.decode(text, "1.1")
    if not root then
      stop({ file = path, line = line }, "%s: %s", path, origin)
    end
    local document = { path = path, root = root, origin = origin, strict = strict }
    profiles = check_profiles(document)
    local name = chosen or DEFAULT_PROFILE
    if profiles[name] then
      return flatten(document, profiles[name], join("profile", name), PROFILE, "", {})
    end
  end
  if chosen then
    profile_missing(chosen, path, profiles)
  end
  return {}
end

return {
  SOURCES = SOURCES,
  choose = choose,
  read = read,
}

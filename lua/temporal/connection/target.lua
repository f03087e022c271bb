--- Where a client connects to, and what it says there besides its requests:
-- target addresses and metadata.
-- @module temporal.target

local core = require "temporal.core"
local misuse = require "temporal.base.misuse"
local options = require "temporal.base.options"

local DEFAULT_PORT = 7233
local MAX_HOST = 255 -- of a name in the DNS
local MAX_PATH = 107 -- of a socket in Linux
local FORMS = '"host", "host:port", "[v6]:port", "dns:///host:port" or "unix:/path"'

local function wrong(target, why)
  return nil, ('target %s %s; it must be %s'):format(options.show_url(target), why, FORMS)
end

local function parse_port(text)
  if text == "" then
    return DEFAULT_PORT
  end
  local port = tonumber(text:match("^:([0-9]+)$"))
  if port and port >= 1 and port <= 65535 then
    return port
  end
  return nil
end

-- A Unix socket, as gRPC names them; nil when the target is none.
local function parse_unix(target)
  local kind, path = target:match("^([Uu][Nn][Ii][Xx]%-?%a*):(.*)$")
  kind = kind and kind:lower()
  if kind ~= "unix" and kind ~= "unix-abstract" then
    return nil
  elseif kind == "unix" and path:find("^//") then
    if not path:find("^///") then
      return wrong(target, "has a relative path behind two slashes")
    end
    path = path:sub(3)
  end
  if path == "" then
    return wrong(target, "has no path")
  elseif path:find("%z") then
    return wrong(target, "has a path with a zero byte")
  elseif #path > MAX_PATH then
    return wrong(target, ("has a path of more than %d bytes"):format(MAX_PATH))
  end
  return { host = "localhost", port = DEFAULT_PORT, authority = "localhost", unix_path = path,
    unix_abstract = kind == "unix-abstract" }
end

--- Takes a target apart.
-- @tparam string target
-- @treturn table `{host=, port=, authority=}`, with `unix_path` and
--   `unix_abstract` when it is a Unix socket; or nil
-- @treturn string the message: what is wrong and what would be right
local function parse(target)
  if type(target) ~= "string" then
    return nil, ("must be a string such as \"localhost:7233\", got %s")
      :format(options.kind_of(target))
  end
  local socket, problem = parse_unix(target)
  if socket or problem then
    return socket, problem
  end
  local rest = target:match("^[Dd][Nn][Ss]:///(.+)$")
    or target:match("^[Dd][Nn][Ss]:([^:/]+:%d+)$") or target
  if rest:find("://", 1, true) then
    return wrong(target, "has a scheme")
  end
  local host, port_text = rest:match("^%[([A-Za-z0-9:.%%]+)%](.*)$")
  local authority_host = host and "[" .. host .. "]"
  if host then
    if not host:find(":", 1, true) then
      return wrong(target, "has brackets around something that is no IPv6 address")
    end
  else
    if select(2, rest:gsub(":", "")) > 1 then
      return wrong(target, "has several colons (write an IPv6 address in brackets)")
    end
    host, port_text = rest:match("^([A-Za-z0-9._%-]+)(.*)$")
    authority_host = host
  end
  if not host then
    return wrong(target, "has no valid host name")
  end
  if #host > MAX_HOST then
    return wrong(target, ("has a host of more than %d bytes"):format(MAX_HOST))
  end
  local port = parse_port(port_text)
  if not port then
    return wrong(target, "has no valid port (1 to 65535) after the host")
  end
  return { host = host, port = port, authority = ("%s:%d"):format(authority_host, port) }
end

--- Takes an `:authority` apart.
-- @param authority
-- @treturn string the name in it, IPv6 without brackets; or nil
-- @treturn string the message: what is wrong and what would be right
local function parse_authority(authority)
  if type(authority) ~= "string" then
    return nil, ('must be a string such as "temporal.internal:7233", got %s')
      :format(options.kind_of(authority))
  end
  local host, rest = authority:match("^%[([%x:.]+)%](.*)$")
  if not host then
    host, rest = authority:match("^([A-Za-z0-9._%-]+)(.*)$")
  end
  if not host or rest ~= "" and not parse_port(rest) then
    return nil, ('must be a name with or without a port, such as "temporal.internal:7233", '
      .. "got %s"):format(options.show(authority))
  end
  return host
end

-- Headers that belong to HTTP/2 and gRPC themselves.
local RESERVED = {
  te = true, ["content-type"] = true, ["user-agent"] = true, host = true, connection = true,
  ["transfer-encoding"] = true, ["content-length"] = true, upgrade = true,
}

local function check_metadata(label, key, value)
  if type(key) ~= "string" then
    misuse.raisef("%s: keys must be strings, got %s", label, options.show(key))
  end
  if key:find("^:") or key:find("^grpc%-") or RESERVED[key] then
    misuse.raisef("%s: the key %s is reserved for the protocol", label, options.show(key))
  end
  if key:find("[A-Z]") then
    misuse.raisef("%s: the key %s must be in lower case: %s", label, options.show(key),
      options.show(key:lower()))
  end
  if not key:find("^[a-z0-9_.%-]+$") then
    misuse.raisef("%s: the key %s may have lower-case letters, digits, \"-\", \"_\" and \".\" only",
      label, options.show(key))
  end
  if type(value) ~= "string" then
    misuse.raisef("%s: the value of %s must be a string, got %s", label, options.show(key),
      options.kind_of(value))
  end
  if key:find("%-bin$") then
    return
  end
  if value:find("[^\32-\126]") then
    misuse.raisef("%s: the value of %s may have printable ASCII only; "
      .. "bytes go under a key that ends in \"-bin\"", label, options.show(key))
  end
  local problem = core.header_problem(value)
  if problem then
    misuse.raisef("%s: the value of %s %s", label, options.show(key), problem)
  end
end

--- Checks metadata and lays it out for the engine.
-- @tparam table metadata key to string; keys ending in `-bin` take bytes
-- @tparam string label what it is called in messages
-- @treturn {string,...} key, value, key, value ... sorted by key
-- @raise when a key or a value is wrong
local function metadata_list(metadata, label)
  if type(metadata) ~= "table" then
    misuse.raisef("%s must be a table, got %s", label, options.kind_of(metadata))
  end
  local keys = {}
  for key, value in next, metadata do
    check_metadata(label, key, value)
    keys[#keys + 1] = key
  end
  table.sort(keys)
  local list = {}
  for i, key in ipairs(keys) do
    list[2 * i - 1], list[2 * i] = key, metadata[key]
  end
  return list
end

return {
  parse = parse,
  parse_authority = parse_authority,
  metadata_list = metadata_list,
}

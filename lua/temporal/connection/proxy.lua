--- Which proxy, if any, a connection goes through.
-- @module temporal.proxy

local core = require "temporal.core"
local misuse = require "temporal.base.misuse"
local options = require "temporal.base.options"
local system = require "temporal.base.system"

local SCHEMES = { http = true, https = true, socks5 = true, socks5h = true }
local FORMS = 'it must be a URL such as "http://user:password@host:3128", with the scheme http, '
  .. "https, socks5 or socks5h"

local MAPPED = ("\0"):rep(10) .. "\255\255" -- before an IPv4 address in IPv6

-- An address as bytes, and its zone; one that is mapped into IPv6 is IPv4's.
local function address_of(text)
  local plain, zone = text:match("^([^%%]*)%%?(.*)$")
  local bytes = not text:find("\0", 1, true) and core.address_bytes(plain)
  if bytes and bytes:sub(1, 12) == MAPPED then
    bytes = bytes:sub(13)
  end
  return bytes or nil, zone
end

-- The bytes of a range and how many of their bits count, "10.0.0.0/8".
local function range_of(text)
  local base, bits = text:match("^([^/]*)/(%d%d?%d?)$")
  local bytes = base and not base:find("%%") and core.address_bytes(base)
  bits = tonumber(bits)
  if not bytes or bits > 8 * #bytes then
    return nil
  elseif bits >= 96 and bytes:sub(1, 12) == MAPPED then
    return bytes:sub(13), bits - 96
  end
  return bytes, bits
end

local function in_range(address, base, bits)
  local whole = math.floor(bits / 8)
  local unit = 2 ^ (8 - bits % 8)
  return #address == #base and address:sub(1, whole) == base:sub(1, whole)
    and (bits % 8 == 0 or math.floor(address:byte(whole + 1) / unit)
      == math.floor(base:byte(whole + 1) / unit))
end

--- Is a host this very machine?
-- @tparam string host name or address, IPv6 without brackets
-- @treturn boolean
local function is_loopback(host)
  host = host:lower():gsub("%.$", "")
  if host == "localhost" or host:find("%.localhost$") then
    return true
  end
  local address = address_of(host)
  return address ~= nil and (#address == 4 and address:byte() == 127
    or address == ("\0"):rep(15) .. "\1")
end

-- An entry of NO_PROXY without its port, and the port.
local function without_port(entry)
  local host, port = entry:match("^(%[[^%]]*%]):(%d+)$")
  if not host then
    host, port = entry:match("^([^:%[]+):(%d+)$")
  end
  entry = (host or entry):gsub("^%[([^%]]*)%]", "%1")
  return entry, tonumber(port)
end

-- One entry of NO_PROXY: a domain with everything below it, an address, or a
-- range of addresses, each perhaps with a port.
local function entry_matches(entry, host, port)
  local entry_port
  entry, entry_port = without_port(entry)
  if entry_port and entry_port ~= port then
    return false
  end
  entry = entry:gsub("%.$", "")
  local address, zone = address_of(host)
  if address then
    local base, bits = range_of(entry)
    if base then
      return in_range(address, base, bits)
    end
    local named, named_zone = address_of(entry)
    return named == address and (named_zone == "" or named_zone == zone)
  end
  entry = entry:gsub("^%*?%.", "")
  return entry ~= "" and (host == entry or host:sub(-#entry - 1) == "." .. entry)
end

--- Does NO_PROXY name a host?
-- @tparam string|nil list comma-separated, as in the environment
-- @tparam string host
-- @tparam integer port
-- @treturn boolean
local function is_excluded(list, host, port)
  host = host:lower():gsub("%.$", "")
  for entry in (list or ""):lower():gmatch("[^,%s]+") do
    if entry == "*" or entry_matches(entry, host, port) then
      return true
    end
  end
  return false
end

-- nil, or what is wrong; never with the URL, which may hold a password.
local function check_url(url)
  if type(url) ~= "string" then
    return "got " .. options.kind_of(url)
  end
  local scheme, rest = url:match("^(%a[%w+.-]*)://(.*)$")
  if not scheme then
    return "it has no scheme"
  elseif not SCHEMES[scheme:lower()] then
    scheme = options.without_secrets(scheme .. "://"):match("^%w+")
    return scheme and ("the scheme %s is not known"):format(options.show(scheme))
      or "its scheme is not known"
  end
  local authority, behind = rest:match("^([^/?#]*)(.*)$")
  local host, port = authority:match("([^@]*)$"):match("^(%[[%x:.%%]+%])(.*)$")
  if not host then
    host, port = authority:match("([^@:]*)([^@]*)$")
  end
  if behind:find("@", 1, true) or authority:find("@.*@") then
    return 'in a user or password "@", "/", "?" and "#" are written %40, %2F, %3F and %23'
  elseif authority:gsub("%[[%x:.%%]+%]", ""):find("%%[01]%x") then
    -- libcurl would go to the target without the proxy.
    return "it has control characters (%00 to %1F)"
  elseif host == "" then
    return "it has no host"
  elseif url:find("[%c \127-\255]") or not host:find("^[%w._%[%]:%%-]+$") then
    return "it has characters that no URL has"
  end
  local number = tonumber(port:match("^:(%d+)$"))
  if port ~= "" and not (number and number >= 1 and number <= 65535) then
    return "it has no valid port (1 to 65535) after the host"
  end
  return nil
end

local function normalized(url)
  return (url:gsub("^(%a[%w+.-]*)://", function(scheme)
    return scheme:lower() .. "://"
  end))
end

local TABLE = options.define("client option", {
  url = options.string("url"),
  ca_file = options.string("ca_file"),
  ca_pem = options.string("ca_pem"),
}, "proxy")

--- Checks the client option `proxy`.
-- @param value a URL, `{url=, ca_file=, ca_pem=}` (authorities of an https
--   proxy), or false for none
-- @treturn table|boolean `{url=, ca_file=, ca_pem=}`, or false
-- @raise when it is none of these
local function check(value)
  if value == false then
    return false
  end
  local given = type(value) == "table" and options.apply(TABLE, value, {}) or { url = value }
  local problem = check_url(given.url)
  if problem then
    misuse.raisef('client option "proxy": %s; %s, or false for none', problem, FORMS)
  end
  given.url = normalized(given.url)
  return given
end

--- The proxy for a target by the environment: HTTPS_PROXY unless NO_PROXY
-- names the target; none for this machine itself.
-- @tparam string host
-- @tparam integer port
-- @tparam[opt] function getenv os.getenv
-- @treturn table|nil `{url=}`
-- @treturn string|nil what is wrong with HTTPS_PROXY
local function from_environment(host, port, getenv)
  getenv = getenv or system.getenv
  local name = "HTTPS_PROXY"
  local url = getenv(name)
  if not url or url == "" then
    name = "https_proxy"
    url = getenv(name)
  end
  if not url or url == "" or is_loopback(host)
    or is_excluded(getenv("NO_PROXY") or getenv("no_proxy"), host, port) then
    return nil
  end
  if not url:find("://", 1, true) then
    url = "http://" .. url
  end
  local problem = check_url(url)
  if problem then
    return nil, ("the environment variable %s: %s; %s"):format(name, problem, FORMS)
  end
  return { url = normalized(url) }
end

return {
  check = check,
  from_environment = from_environment,
  is_excluded = is_excluded,
}

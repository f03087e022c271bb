--- Which proxy, if any, a connection goes through.
-- @module temporal.proxy

local misuse = require "temporal.base.misuse"
local options = require "temporal.base.options"
local system = require "temporal.base.system"

local SCHEMES = { http = true, https = true, socks5 = true, socks5h = true }
local FORMS = 'it must be a URL such as "http://user:password@host:3128", with the scheme http, '
  .. "https, socks5 or socks5h"

local function ipv4(text)
  local a, b, c, d = text:match("^(%d+)%.(%d+)%.(%d+)%.(%d+)$")
  if not a then
    return nil
  end
  a, b, c, d = tonumber(a), tonumber(b), tonumber(c), tonumber(d)
  if a > 255 or b > 255 or c > 255 or d > 255 then
    return nil
  end
  return ((a * 256 + b) * 256 + c) * 256 + d
end

--- Is a host this very machine?
-- @tparam string host name or address, IPv6 without brackets
-- @treturn boolean
local function is_loopback(host)
  host = host:lower():gsub("%.$", "")
  if host == "localhost" or host:find("%.localhost$") or host == "::1" then
    return true
  end
  return ipv4(host) ~= nil and host:find("^127%.") ~= nil
end

-- One entry of NO_PROXY: a domain with everything below it, an address, or a
-- range of IPv4 addresses, each perhaps with a port.
local function entry_matches(entry, host, port)
  local name, entry_port = entry:match("^%[?([^%]]-)%]?:(%d+)$")
  if name and not name:find(":", 1, true) or entry:find("^%[") and name then
    if tonumber(entry_port) ~= port then
      return false
    end
    entry = name
  end
  entry = entry:gsub("^%[(.*)%]$", "%1"):gsub("%.$", "")
  local base, bits = entry:match("^([%d%.]+)/(%d+)$")
  if base then
    local network, address = ipv4(base), ipv4(host)
    local size = 2 ^ (32 - tonumber(bits))
    return network ~= nil and address ~= nil and size >= 1
      and math.floor(network / size) == math.floor(address / size)
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
    return ("the scheme %s is not known"):format(options.show(scheme))
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

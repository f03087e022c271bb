--- Real proxies: tinyproxy (HTTP CONNECT) and microsocks (SOCKS5), each with a user and a password.

local env = require "spec.support.environment"
local listener = require "spec.support.listener"

local proxies = { user = "someone", password = "pass%2Ew0rd", plain_password = "pass.w0rd" }

--- An HTTP proxy that tunnels to any port.
function proxies.http()
  return listener.start({ "proxy" }, function(ports)
    local path = ("%s/tinyproxy-%d.conf"):format(env.tmp, ports.proxy)
    local file = assert(io.open(path, "w"))
    file:write(("Port %d\nListen 127.0.0.1\nTimeout 600\nLogLevel Connect\nAllow 127.0.0.1\n"
      .. "BasicAuth %s %s\n"):format(ports.proxy, proxies.user, proxies.plain_password))
    file:close()
    return { "tinyproxy", "-d", "-c", path }
  end)
end

--- A SOCKS5 proxy.
function proxies.socks()
  return listener.start({ "proxy" }, function(ports)
    return { "microsocks", "-i", "127.0.0.1", "-p", ports.proxy, "-u", proxies.user,
      "-P", proxies.plain_password }
  end)
end

return proxies

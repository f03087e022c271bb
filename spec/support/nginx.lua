--- nginx as what stands before a Temporal server: TLS, client certificates, API keys.
--
--     local front = nginx.start(certificates, {
--       tls = "ssl_certificate server.pem; ssl_certificate_key server.key;",
--     })
--     front.ports.tls
--
-- Each server is TLS with HTTP/2 and hands on to the test server; what is said of it is nginx's own
-- language. Relative paths are of the certificates' folder. `$ok` is 1 where the metadata
-- authorization is one of the keys in `keys` ("Bearer secret").

local env = require "spec.support.environment"
local lfs = require "lfs"
local listener = require "spec.support.listener"

local nginx = {}

local MAIN = [[
daemon off; worker_processes 1; error_log @name@.log; pid @name@.pid;
@modules@
@user@
events { worker_connections 1024; }
http {
  access_log off; client_max_body_size 0; grpc_read_timeout 300s; grpc_send_timeout 300s;
  keepalive_requests 1000000; client_body_buffer_size 1m;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  map $http_authorization $ok { default 0; include @name@.keys; }
@http@
}
stream {
@streams@
}
]]

local BACKEND = "location / { grpc_pass grpc://%s; }"
-- As a Temporal frontend refuses: a trailers-only answer with status 16.
local GUARDED = [[location / { default_type application/grpc;
  if ($ok = 0) {
    add_header grpc-status 16 always; add_header grpc-message "no%%20such%%20key" always;
    return 200;
  }
  grpc_pass grpc://%s; }]]

local function write(path, text)
  local file = assert(io.open(path, "w"))
  file:write(text)
  file:close()
end

local function program()
  for _, path in ipairs { "/usr/sbin/nginx", "/usr/local/sbin/nginx", "/usr/bin/nginx" } do
    if lfs.attributes(path) then return path end
  end
  return "nginx"
end

-- Where the distribution builds it as a module.
local function modules()
  local path = "/usr/lib/nginx/modules/ngx_stream_module.so"
  return lfs.attributes(path) and ("load_module %s;"):format(path) or ""
end

-- nginx started by root serves as somebody else, who cannot read the test's folder.
local function user()
  local id = io.popen("id -un; id -gn")
  local name, group = id:read("*l"), id:read("*l")
  id:close()
  return name == "root" and ("user %s %s;"):format(name, group) or ""
end

local methods = {}
local serial = 0

local function write_keys(base, keys)
  local lines = {}
  for _, key in ipairs(keys or {}) do lines[#lines + 1] = ('"Bearer %s" 1;\n'):format(key) end
  write(base .. ".keys", table.concat(lines))
end

local function workers(pid)
  local file = io.open(("/proc/%d/task/%d/children"):format(pid, pid))
  local found = {}
  for child in file:read("*a"):gmatch("%d+") do found[child] = true end
  file:close()
  return found
end

--- Reads configuration and certificates again: connections get GOAWAY.
-- @tparam[opt] table keys that `$ok` knows from now on
function methods:reload(keys)
  if keys then write_keys(self.base, keys) end
  local before = workers(self.pid)
  local _, port = next(self.ports)
  self:kill("HUP")
  env.wait_until(60, function()
    local fresh = false
    for pid in pairs(workers(self.pid)) do
      if not before[pid] then fresh = true
      elseif listener.listens(pid, port) then return false end
    end
    return fresh
  end, "nginx to hand over to another worker")
end

--- Starts an nginx.
-- @param certificates made by `certificates.new`
-- @tparam table servers by the name of their port: what nginx is told of each
-- @tparam[opt] table options sets of such names: `plain` (without TLS), `guarded` (asks for a
--   key), `no_h2`, `own` (has a location of its own); `streams` (name to `{text=, address=}`: TLS
--   before any TCP server), `keys` (list), `backend` (an address; the test server)
-- @return the process, with `ports` and `reload`
function nginx.start(certificates, servers, options)
  options = options or {}
  local names = {}
  for name in pairs(servers) do names[#names + 1] = name end
  for name in pairs(options.streams or {}) do names[#names + 1] = name end
  table.sort(names)
  local folder = certificates.directory
  serial = serial + 1
  local base = ("%s/nginx-%d"):format(folder, serial)
  local backend = options.backend or env.address
  local function flag(list, name) return options[list] and options[list][name] end
  local function command(ports)
    local http, streams = {}, {}
    for name, text in pairs(servers) do
      local location = flag("own", name) and "" or flag("guarded", name) and GUARDED or BACKEND
      http[#http + 1] = ("  server { listen 127.0.0.1:%d %s %s; %s %s }"):format(ports[name],
        flag("plain", name) and "" or "ssl", flag("no_h2", name) and "" or "http2", text,
        location:format(backend))
    end
    for name, stream in pairs(options.streams or {}) do
      streams[#streams + 1] = ("  server { listen 127.0.0.1:%d ssl; %s proxy_pass %s; }")
        :format(ports[name], stream.text, stream.address)
    end
    write_keys(base, options.keys)
    write(base .. ".conf", (MAIN:gsub("@(%a+)@", {
      name = base, user = user(), modules = modules(), http = table.concat(http, "\n"),
      streams = table.concat(streams, "\n"),
    })))
    return { program(), "-p", folder, "-c", base .. ".conf", "-e", base .. ".log" }
  end
  local process = listener.start(names, command)
  process.base, process.reload = base, methods.reload
  return process
end

return nginx

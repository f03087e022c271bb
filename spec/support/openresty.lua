--- nginx with its Lua module, as a host of this package.
--
--     local site = openresty.start { locations = [[ location = / { ... } ]] }
--     site:get("/").body
--
-- Its Lua finds `temporal`, and `site`: `site.client()`, `site.temporal`, `site.task_queue`.

local env = require "spec.support.environment"
local json_decode = require("cjson").decode
local lfs = require "lfs"
local listener = require "spec.support.listener"

local openresty = {}

-- nginx's Lua is LuaJIT, which has the ABI of Lua 5.1.
local BUILD = "build/jit"

local MAIN = [[
daemon @daemon@; master_process @master@; worker_processes @workers@; pid @folder@/nginx.pid;
error_log @folder@/error.log info; @user@
load_module /usr/lib/nginx/modules/ndk_http_module.so;
load_module /usr/lib/nginx/modules/ngx_http_lua_module.so;
@main@
events { worker_connections @connections@; }
http {
  access_log off; keepalive_requests 1000000; lua_code_cache @code_cache@;
  client_body_temp_path @folder@/body; proxy_temp_path @folder@/proxy;
  fastcgi_temp_path @folder@/fastcgi; uwsgi_temp_path @folder@/uwsgi; scgi_temp_path @folder@/scgi;
  lua_package_path "@root@/lua/?.lua;@root@/lua/?/init.lua;@folder@/?.lua;;";
  lua_package_cpath "@root@/@build@/?.so;;";
  @http@
  server {
    listen 127.0.0.1:@port@ @listen@;
    location = /ping { return 200 "pong"; }
    @locations@
  }
}
]]

-- The module that locations use: one client for each worker, made by its first use.
local MODULE = [[
local temporal = require "temporal"
local site = { temporal = temporal, address = "@address@", task_queue = "@task_queue@" }
local client
function site.client()
  client = client or temporal.client {
    target = site.address, namespace = "@namespace@", shutdown_timeout = 0.5,
  }
  return client
end
return site
]]

-- Of a spec with a peer of its own.
local function from_environment(name)
  local ok, value = pcall(function() return env[name] end)
  return ok and value or ""
end

local function write(path, text)
  local file = assert(io.open(path, "w"))
  file:write(text)
  file:close()
end

local function read(path)
  local file = io.open(path)
  local text = file and file:read("*a") or ""
  if file then file:close() end
  return text
end

local function fill(text, values)
  return (text:gsub("@([%a_]+)@", function(name) return values[name] end))
end

-- nginx started by root serves as somebody else, who cannot read the test's folder.
local function user()
  local id = io.popen("id -un; id -gn")
  local name, group = id:read("*l"), id:read("*l")
  id:close()
  return name == "root" and ("user %s %s;"):format(name, group) or ""
end

local function program()
  for _, path in ipairs { "/usr/sbin/nginx", "/usr/local/sbin/nginx", "/usr/bin/nginx" } do
    if lfs.attributes(path) then return path end
  end
  return "nginx"
end

local methods = {}

--- One request, by curl: `status` (0: no answer), `body`, `location`.
-- @tparam string path
-- @tparam[opt] string arguments more of them for curl
function methods:get(path, arguments)
  local pipe = io.popen(("curl -sS --max-time 30 %s -w '\n%%{http_code} %%header{location}' "
    .. "'http://127.0.0.1:%d%s' 2>&1"):format(arguments or "", self.port, path))
  local text = pipe:read("*a")
  pipe:close()
  local body, status, location = text:match("^(.*)\n(%d+) ([^\n]*)$")
  return { status = tonumber(status), body = body, location = location ~= "" and location or nil }
end

--- Load on a path, in the background; `load:result()` waits for its end (http_load.py).
-- @tparam string path
-- @tparam string ... arguments of http_load.py
function methods:load(path, ...)
  local load = env.spawn { env.python, "spec/support/http_load.py", self.port, path, ... }
  function load.result(this, timeout)
    local line = this:readline(timeout or 60)
    if not line then error("no result: " .. this:errors(), 2) end
    return json_decode(line)
  end
  return load
end

--- The processes that serve now.
function methods:workers()
  local found = {}
  local file = io.open(("/proc/%d/task/%d/children"):format(self.pid, self.pid))
  for child in (file and file:read("*a") or ""):gmatch("%d+") do
    found[#found + 1] = tonumber(child)
  end
  if file then file:close() end
  return found
end

--- HUP, and waits until all workers but those there were before have started.
function methods:reload()
  local before = {}
  for _, pid in ipairs(self:workers()) do before[pid] = true end
  self:kill("HUP")
  env.wait_until(60, function()
    local started = 0
    for _, pid in ipairs(self:workers()) do
      if not before[pid] then started = started + 1 end
    end
    return started >= self.worker_processes
  end, "nginx to start other workers")
end

--- What its error log has from `level` up ("warn", "error", "alert" ...), one line each.
function methods:complaints()
  local lines = {}
  for line in read(self.folder .. "/error.log"):gmatch("[^\n]+") do
    if line:match("%[warn%]") or line:match("%[error%]") or line:match("%[crit%]")
      or line:match("%[alert%]") or line:match("%[emerg%]") then
      lines[#lines + 1] = line
    end
  end
  return lines
end

--- All of the error log.
function methods:log() return read(self.folder .. "/error.log") end

local function new_folder()
  local folder = ("%s/openresty-%s"):format(env.tmp, env.uuid())
  if folder:sub(1, 1) ~= "/" then folder = lfs.currentdir() .. "/" .. folder end
  assert(lfs.mkdir(folder))
  return folder
end

-- It listens before its workers, none without a master, are there.
local function adopt(process, folder, workers, master)
  process.port, process.folder = process.ports.http, folder
  process.worker_processes = tonumber(workers)
  for name, method in pairs(methods) do process[name] = method end
  if master ~= "off" then
    env.wait_until(60, function() return #process:workers() >= process.worker_processes end,
      "nginx to start its workers")
  end
  return process
end

--- Starts an nginx.
-- @tparam table options text for its configuration: `locations`, `http`, `main`; `workers` (1),
--   `connections` (4096), `code_cache` ("on"), `address` (of the Temporal server), `master`
-- @return the process, with `port`, `folder` and the methods above
function openresty.start(options)
  local folder = new_folder()
  local values = {
    folder = folder, root = lfs.currentdir(), build = BUILD, user = user(), daemon = "off",
    master = options.master or "on",
    workers = options.workers or 1, connections = options.connections or 4096,
    code_cache = options.code_cache or "on", listen = options.listen or "",
    main = options.main or "", http = options.http or "",
    locations = options.locations or "",
    address = options.address or from_environment("address"),
    namespace = from_environment("namespace"), task_queue = from_environment("task_queue"),
  }
  values.locations, values.http = fill(values.locations, values), fill(values.http, values)
  write(folder .. "/site.lua", fill(MODULE, values))
  local process = listener.start({ "http" }, function(ports)
    values.port = tostring(ports.http)
    write(folder .. "/nginx.conf", fill(MAIN, values))
    return { program(), "-p", folder, "-c", folder .. "/nginx.conf", "-e", folder .. "/error.log" }
  end)
  return adopt(process, folder, values.workers, values.master)
end

--- Starts a folder with an nginx.conf as its user would, from a copy of it on another port.
-- @tparam string source the folder
-- @tparam table where environment variables
-- @return the process, as of `start`
function openresty.start_folder(source, where)
  local folder = new_folder()
  os.execute(("cp -r %s/. %s"):format(source, folder))
  local root, text = lfs.currentdir(), read(folder .. "/nginx.conf")
  local environment = {
    LUA_PATH = ("%s/lua/?.lua;%s/lua/?/init.lua;;"):format(root, root),
    LUA_CPATH = ("%s/%s/?.so;;"):format(root, BUILD),
  }
  for name, value in pairs(where) do environment[name] = value end
  local process = listener.start({ "http" }, function(ports)
    write(folder .. "/nginx.conf", (text:gsub("127%.0%.0%.1:%d+", "127.0.0.1:" .. ports.http)))
    return { program(), "-p", folder, "-c", "nginx.conf", "-g", user(), env = environment }
  end)
  return adopt(process, folder, text:match("worker_processes (%d+)"))
end

return openresty

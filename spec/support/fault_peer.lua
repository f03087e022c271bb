--- Starts and drives the fault peer (fault_peer.c): a gRPC server that does what
-- it is told. One command a line; every command is answered.
--
--    conn [N] [OPTION ...] [: STEP; STEP ...]     what the next N connections do
--    call [N] [METHOD] [early] : STEP; ...        what the next N streams do
--
-- Without N: all from now on. The first rule that fits and is not used up is taken. `early` begins
-- at the request's headers, else at its end. Without a rule StartWorkflowExecution is answered with
-- a run id, GetWorkflowExecutionHistory with COMPLETED "done" after `release`, the rest with an
-- empty message.
--
-- Options: no-settings no-settings-ack no-ping-ack no-window-update, mute (reads, sends nothing),
-- raw (no HTTP/2 at all, only steps), cut-sent=BYTES cut-received=BYTES (ends there; by RST with
-- cut-abort), slow=BYTES/MS; SETTINGS: max-streams= window= frame-size= header-table= header-list=
--
-- Steps of a stream
--    headers [NAME=VALUE|!NAME ...]   :status=200 content-type=application/grpc, changed so
--    inform [...]                     1xx headers, :status=103
--    message [flag=N] [length=N] [first=N] MESSAGE     framed; another length; its first N bytes
--    data HEX, text "WORDS"           bytes of the body as they are
--    trailers [...]                   grpc-status=0; the stream ends
--    only [...]                       a trailers-only answer
--    end                              END_STREAM on an empty DATA
--    answer MESSAGE                   headers, message, trailers
--    rst CODE                         a number or NO_ERROR, REFUSED_STREAM, CANCEL ...
--    header-flood N                   HEADERS without end and N CONTINUATION of 16 KB
--    request                          waits for the end of the request (after `early`)
-- MESSAGE: none | hex HEX | fill N | started [RUN] | empty [TOKEN] | [raw] EVENT [VALUE] [next=RUN]
-- EVENT: completed JSON, failed TEXT, timed-out, terminated REASON, canceled JSON, continued RUN
-- (RUN `auto`: a new one; raw: as raw_history; fill N: the answer to a start in N bytes)
--
-- Steps of streams and connections
--    goaway CODE [all|this|before|ID] [TEXT]     last-stream-id, else the last seen; streams above
--                                                it are ignored, as a Temporal frontend does
--    settings ..., settings-flood N, ping [N], round-trip (a ping and its answer), window N
--    frame TYPE FLAGS this|ID [HEX], bytes HEX, say "TEXT", random N [SEED]
--    mute, slow BYTES MS, close, abort
--    wait MS, await (`release`), hold (for ever), received BYTES, drained (no stream left)
--
-- Commands
--    all : STEP; ...                  now, on every open connection
--    streams [METHOD] : STEP; ...     on open streams, in place of what they were about to do
--    release [N]                      streams that await go on
--    listen on|off|full               off: refused; full: a SYN gets no answer
--    until NAME>=N MS                 answers when the counter is there, or with an error
--    stats, last [METHOD] (headers), body [METHOD], bodies [METHOD] (hex), clear, quit
--
-- Words hold blanks and ; between quotes: "a b", with \n \r \t \" \\ \xHH.
-- @module spec.support.fault_peer

local system = require "system"

local peer = {}

local methods = {}
local metatable = { __name = "spec.fault_peer", __index = methods }

local function build_folder()
  for template in package.cpath:gmatch("[^;]+") do
    local path = template:gsub("%?", "temporal/core")
    local file = io.open(path, "rb")
    if file then
      file:close()
      return (path:gsub("/?temporal/core%.so$", ""))
    end
  end
  return "build/5.4"
end

local function quote(s)
  return "'" .. s:gsub("'", "'\\''") .. "'"
end

--- Starts a peer.
-- @tparam[opt] table options `host` (127.0.0.1), `port` (any), and commands as its list
-- @treturn table the peer: `port`, `address`, `host` and the methods below
function peer.start(options)
  options = options or {}
  local program = options.program or build_folder() .. "/support/fault_peer"
  local host = options.host or "127.0.0.1"
  local name = os.tmpname()
  local fifo = name .. ".fifo"
  assert(os.execute("mkfifo " .. quote(fifo)))
  local output = assert(io.popen(("exec %s --host %s --port %d < %s"):format(
    quote(program), host, options.port or 0, quote(fifo)), "r"))
  local input = assert(io.open(fifo, "w"))
  os.remove(fifo)
  os.remove(name)
  input:setvbuf("line")
  local first = output:read("*l")
  local port = tonumber((first or ""):match("^port (%d+)$"))
  if not port then error("fault_peer did not start: " .. program, 2) end
  local self = setmetatable({
    host = host, port = port, input = input, output = output,
    address = (host:find(":", 1, true) and "[%s]:%d" or "%s:%d"):format(host, port),
  }, metatable)
  for _, command in ipairs(options) do self:cmd(command) end
  return self
end

--- Sends one command and returns its answer; raises what the peer says is wrong.
function methods:cmd(format, ...)
  local line = select("#", ...) > 0 and format:format(...) or format
  self.input:write(line, "\n")
  local answer = self.output:read("*l")
  if not answer then error("the fault peer is gone; last command: " .. line, 2) end
  local text = answer:match("^ok ?(.*)$")
  if not text then error(("fault peer: %s: %s"):format(line, answer), 2) end
  return text
end

--- Forgets rules, requests and counters, then takes the commands given.
function methods:reset(...)
  self:cmd("clear")
  for i = 1, select("#", ...) do self:cmd((select(i, ...))) end
end

--- Waits until a counter is there, such as "polls_open>=3".
function methods:wait_until(condition, seconds)
  self:cmd("until %s %d", condition, math.floor((seconds or 30) * 1000))
end

--- Lets at most `count` streams that await go on; the request of the first may still be coming in.
function methods:release(count)
  local last = system.monotime() + 30
  repeat
    local released = tonumber(self:cmd("release %d", count):match("released=(%d+)"))
    if released == 0 then system.sleep(0.001) end
  until released > 0 or system.monotime() > last
end

--- All counters, and the number of requests of each method.
function methods:stats()
  local counters = {}
  for name, value in self:cmd("stats"):gmatch("(%S+)=(%d+)") do counters[name] = tonumber(value) end
  return setmetatable(counters, { __index = function() return 0 end })
end

--- The request headers of the last call (of a method): name to value.
function methods:headers(method)
  local headers = {}
  for word in self:cmd("last " .. (method or "")):gmatch("%S+") do
    local name, value = word:match("^(.[^=]*)=(.*)$")
    headers[name] = value:gsub("%%(%x%x)", function(hex)
      return string.char(tonumber(hex, 16))
    end)
  end
  return headers
end

local function bytes(hex)
  return (hex:gsub("%x%x", function(two) return string.char(tonumber(two, 16)) end))
end

--- The request messages of a method, oldest first, without their gRPC prefix.
function methods:requests(method)
  local list = {}
  for hex in self:cmd("bodies " .. (method or "")):gmatch("%S+") do
    list[#list + 1] = hex == "-" and "" or bytes(hex):sub(6)
  end
  return list
end

--- Ends the peer.
function methods:stop()
  if not self.input then return end
  self.input:write("quit\n")
  self.input:close()
  self.output:close()
  self.input = nil
end

local function varint(n)
  local out = {}
  while n > 127 do
    out[#out + 1] = string.char(n % 128 + 128)
    n = math.floor(n / 128)
  end
  out[#out + 1] = string.char(n)
  return table.concat(out)
end

local function field(number, s)
  return varint(number * 8 + 2) .. varint(#s) .. s
end

local alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

local function base64(s)
  return (s:gsub("..?.?", function(three)
    local a, b, c = three:byte(1, 3)
    local n = a * 65536 + (b or 0) * 256 + (c or 0)
    local out = ""
    for i = 0, #three do
      local index = math.floor(n / 64 ^ (3 - i)) % 64 + 1
      out = out .. alphabet:sub(index, index)
    end
    return out
  end))
end

--- The words that make `only` or `trailers` an error with one status detail.
-- @tparam number code gRPC status
-- @tparam string message ASCII
-- @tparam string type full name of the detail's message
-- @tparam string detail its bytes
function peer.status(code, message, type, detail)
  local any = field(1, "type.googleapis.com/" .. type) .. field(2, detail)
  local status = "\8" .. varint(code) .. field(2, message) .. field(3, any)
  return ('grpc-status=%d "grpc-message=%s" grpc-status-details-bin=%s')
    :format(code, message, base64(status))
end

return peer

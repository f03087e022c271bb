--- Programs that listen on a port they are told: each gets a free one, and is tried again on
-- others when somebody else was quicker.

local lfs = require "lfs"
local env = require "spec.support.environment"

local listener = {}

-- Below the ports that the system gives out by itself.
local FIRST, COUNT = 20000, 12000
local next_port

--- Ports nobody has asked for yet.
function listener.port()
  next_port = next_port or tonumber(env.uuid():sub(1, 6), 16)
  next_port = next_port + 1
  return FIRST + next_port % COUNT
end

local function sockets_of(pid)
  local inodes = {}
  local folder = ("/proc/%d/fd"):format(pid)
  if lfs.attributes(folder) then
    for name in lfs.dir(folder) do
      local link = lfs.symlinkattributes(folder .. "/" .. name, "target")
      local inode = link and link:match("^socket:%[(%d+)%]$")
      if inode then inodes[inode] = true end
    end
  end
  return inodes
end

--- Does the process itself listen there? Another's answer on the port would prove nothing.
function listener.listens(pid, port)
  local inodes = sockets_of(pid)
  for line in io.lines("/proc/net/tcp") do
    local hex, state, inode = line:match(
      "^%s*%d+: %x+:(%x+) %x+:%x+ (%x+) %S+ %S+ %S+ +%d+ +%d+ (%d+)")
    if state == "0A" and tonumber(hex, 16) == port and inodes[inode] then return true end
  end
  return false
end

--- Starts a program that listens on one port or several.
-- @tparam {string,...} names of its ports
-- @tparam function command ports (name to number) -> a command for `environment.spawn`
-- @return the process, with `ports`
function listener.start(names, command)
  local errors
  for _ = 1, 10 do
    local ports = {}
    for _, name in ipairs(names) do ports[name] = listener.port() end
    local process = env.spawn(command(ports))
    local ready
    env.wait_until(60, function()
      ready = true
      for _, port in pairs(ports) do ready = ready and listener.listens(process.pid, port) end
      return ready or process:wait(0)
    end, process.command .. " to listen")
    if ready then
      process.ports = ports
      return process
    end
    errors = process:errors() .. process:output()
  end
  error("it does not listen: " .. errors, 2)
end

return listener

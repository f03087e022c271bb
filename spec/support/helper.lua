--- Loaded by busted before the first spec (.busted): the collector's mode, and the check that a
-- spec file leaves nothing behind: no open connection, no child process.

local busted = require "busted"
local lfs = require "lfs"
local environment = require "spec.support.environment"
local older = require "spec.support.older_server"

local aggressive = os.getenv("TEMPORAL_LUA_GC") == "aggressive"
if aggressive then
  -- No pause between cycles, and big steps: a reference that is missing shows at once.
  collectgarbage("setpause", 0)
  collectgarbage("setstepmul", 1000)
end

--- The TCP connections of this process: inode -> true.
local function connections()
  local ours, found = {}, {}
  for name in lfs.dir("/proc/self/fd") do
    local target = lfs.symlinkattributes("/proc/self/fd/" .. name, "target")
    local inode = target and target:match("^socket:%[(%d+)%]$")
    if inode then ours[inode] = true end
  end
  for _, path in ipairs{ "/proc/net/tcp", "/proc/net/tcp6" } do
    local file = io.open(path)
    for line in (file and file:lines() or function() end) do
      local inode = line:match("^%s*%d+:%s+%S+%s+%S+%s+%S+%s+%S+%s+%S+%s+%S+%s+%d+%s+%d+%s+(%d+)")
      if inode and ours[inode] then table.insert(found, inode) end
    end
    if file then file:close() end
  end
  return found
end

local function check_left_behind(element, parent)
  local complaint
  collectgarbage()
  collectgarbage()
  -- The I/O thread closes connections in its own time.
  local ok = pcall(environment.wait_until, 30, function() return #connections() == 0 end)
  if not ok then
    complaint = ("leaves %d connections open: close every client"):format(#connections())
  end
  local state = package.loaded["temporal.base.state"]
  if type(state) == "table" and state.host ~= nil then
    state.host = nil
    complaint = "leaves a host chosen: call temporal.host.use(nil)"
  end
  local left = environment.stop_all()
  if #left > 0 then complaint = "leaves running: " .. table.concat(left, "; ") end
  -- A test that ended early because the server lacks what it needs does not clean up.
  if complaint and older.inapplicable == 0 then
    busted.publish({ "failure", element.descriptor }, element, parent, complaint, element.trace)
  end
  return nil, true
end

busted.subscribe({ "file", "end" }, check_left_behind, { priority = 1 })

if aggressive then
  busted.subscribe({ "test", "end" }, function()
    collectgarbage()
    collectgarbage()
    return nil, true
  end)
end

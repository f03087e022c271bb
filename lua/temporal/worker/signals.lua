--- SIGINT and SIGTERM, while `worker:run` has a plain script for itself. The first
-- begins the stop; the second has the effect it had before.
-- @module temporal.worker.signals

local core = require "temporal.core"
local host = require "temporal.wait.host"
local options = require "temporal.base.options"
local protect = require "temporal.base.protect"

local error, next, type = error, next, type

local SLICE = 0.1 -- seconds between two looks
local DEFAULT = { "INT", "TERM" }
local KNOWN = { INT = true, TERM = true, HUP = true, QUIT = true }
local FORM = 'must be a list of "INT", "TERM", "HUP", "QUIT", or false for none'

local signals = {}

--- Checks the option `signals`.
function signals.option(settings, value, spec, name)
  if value == false then
    settings.signals = {}
    return
  elseif type(value) ~= "table" then
    return options.fail(spec, name, FORM, options.show(value))
  end
  for _, each in next, value do
    if not KNOWN[each] then
      return options.fail(spec, name, FORM, options.show(each))
    end
  end
  settings.signals = value
end

--- Catches signals from now on, in a plain script.
-- @tparam table|nil names
-- @treturn table|nil what `wait` is told; nil: none is caught
function signals.catch(names)
  names = names or DEFAULT
  if not host.is_plain() or #names == 0 then
    return nil
  end
  local caught = { names = names, before = core.caught_signals() }
  for i = 1, #names do
    core.catch_signal(names[i])
  end
  return caught
end

local function watch(worker, caught)
  while not worker.stopped:ready() do
    if core.caught_signals() ~= caught.before then
      caught.before = core.caught_signals()
      worker:begin_stop()
    end
    worker.stopped:wait(SLICE)
  end
end

--- Waits until a worker has stopped, and has signals stop it meanwhile.
-- @tparam worker worker
-- @tparam table|nil caught by `catch`
-- @treturn boolean|nil true, or nil
-- @treturn temporal.error why it has failed
function signals.wait(worker, caught)
  if not caught then
    return worker:wait()
  end
  -- Where the thread sleeps no wait has to pass through the pcall.
  local ok, problem = (host.current().sleeps and pcall or protect)(watch, worker, caught)
  for i = 1, #caught.names do
    core.release_signal(caught.names[i])
  end
  if not ok then
    error(problem, 0)
  end
  return worker:wait()
end

return signals

--- busted's output for tools/run_tests: one line for each spec file and each failure on the
-- terminal, one line for each test in the file TEMPORAL_TEST_RESULTS ("running", "passed",
-- "failed" or "not applicable", the seconds since its start, the name, with tabs between), written
-- as it happens, so that a crash loses no count.

local busted = require "busted"
local monotime = require "system".monotime
local older = require "spec.support.older_server"
local base = require "busted.outputHandlers.base"

local results = io.open(os.getenv("TEMPORAL_TEST_RESULTS") or "/dev/null", "a")
results:setvbuf("no")
local VERSION = rawget(_G, "jit") and "jit" or _VERSION:match("%d%.%d")
local CACHE, STICKY = os.getenv "TEMPORAL_SPEC_CACHE", os.getenv "TEMPORAL_SPEC_STICKY"
local AGAINST = VERSION .. (older.is and ", older server" or "")
  .. (CACHE and ", cache " .. CACHE or "") .. (STICKY and ", sticky " .. STICKY or "")

local function text_of(message)
  if type(message) == "string" then return message end
  if message == nil then return "nil error" end
  return tostring(require("pl.pretty").write(message))
end

return function()
  local handler = base()
  local passed, failed, began
  local inapplicable -- is the test that runs?
  local test_began = monotime()

  local function record(word, name)
    results:write(("%s\t%.3f\t%s\n"):format(word, monotime() - test_began,
      (name:gsub("%s+", " "))))
  end

  local function fail(element, message, trace)
    failed = failed + 1
    local name = handler.getFullName(element)
    record("failed", name)
    local where = trace or element.trace or {}
    local trace_back = where.traceback and where.message ~= message and where.traceback .. "\n"
    io.write(("FAILED %s\n  %s:%s (Lua %s)\n  %s\n%s"):format(name, where.short_src or "?",
      where.currentline or "?", AGAINST, text_of(message):gsub("\n", "\n  "), trace_back or ""))
    io.flush()
  end

  busted.subscribe({ "file", "start" }, function()
    passed, failed, began = 0, 0, monotime()
    return nil, true
  end)
  busted.subscribe({ "file", "end" }, function(element)
    io.write(("%-52s %4d passed %5.1f s  %s%s%s\n"):format(element.name, passed, monotime() - began,
      AGAINST, failed > 0 and (", %d failed"):format(failed) or "", older.inapplicable > 0
        and (", %d not applicable"):format(older.inapplicable) or ""))
    io.flush()
    return nil, true
  end)
  busted.subscribe({ "test", "start" }, function(element)
    test_began, inapplicable = monotime(), false
    older.begin()
    record("running", handler.getFullName(element))
    return nil, true
  end)
  busted.subscribe({ "test", "end" }, function(element, _, status)
    if status == "success" then
      passed = passed + 1
      record("passed", handler.getFullName(element))
    elseif status == "pending" then
      fail(element, "pending: every test of this project runs")
    end
    return nil, true
  end)
  local function failure(element, _, message, trace)
    failed = failed or 0
    local lacks = older.lacks()
    if not lacks then
      fail(element, message, trace)
    elseif not inapplicable then
      inapplicable, older.inapplicable = true, older.inapplicable + 1
      local name = handler.getFullName(element)
      record("not applicable", name)
      io.write(("not applicable: %s (%s)\n"):format(name, lacks))
    end
    return nil, true
  end
  busted.subscribe({ "failure" }, failure)
  busted.subscribe({ "error" }, failure)
  busted.subscribe({ "suite", "end" }, function()
    record("end", "")
    return nil, true
  end)
  return handler
end

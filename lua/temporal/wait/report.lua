--- What nobody asked for: failed submissions and tasks whose error nobody took,
-- polls that keep failing. Said to a logger at the program's next call.
-- @module temporal.report

local core = require "temporal.core"
local errors = require "temporal.error.error"
local logger = require "temporal.observe.logger"
local state = require "temporal.base.state"

local ipairs, next = ipairs, next

local untaken = state.untaken

local report = {}

-- The logger of the client used last.
local log_with = logger.default

local function fields_of(record)
  return {
    workflow_id = record.workflow_id, request_id = record.request_id, method = record.method,
  }
end

local LOST = "%s failed and nobody took its error: %s"
local FAILING = "%s has failed for more than 10 s and is tried again: %s"

local function log_each(records, level, template)
  for i = 1, #records do
    local record = records[i]
    local method = (record.method or "a call"):match("([^/]+)$")
    logger.log(log_with, level, template:format(method, tostring(errors.from_record(record))),
      fields_of(record))
  end
end

-- Errors of tasks that are gone without anybody having asked.
local function report_tasks()
  local gone = {}
  for err, task in next, untaken do
    if not task[1] then
      gone[#gone + 1] = err
    end
  end
  -- A logger may spawn others.
  for _, err in ipairs(gone) do
    if untaken[err] then
      untaken[err] = nil
      logger.log(log_with, "error", "a task failed and nobody took its error: "
        .. errors.uncaught(err))
    end
  end
end

--- Logs failed submissions and tasks whose error nobody took, and polls that
-- keep failing.
-- @tparam[opt] function fn the logger from now on; else the last one given
function report.all(fn)
  log_with = fn or log_with
  local lost, warnings = core.lost(), core.warnings()
  if lost then
    log_each(lost, "error", LOST)
  end
  if warnings then
    log_each(warnings, "warn", FAILING)
  end
  if next(untaken) then
    report_tasks()
  end
end

--- Says something the program should change.
-- @tparam string message
function report.warn(message)
  logger.log(log_with, "warn", message)
end

--- Says that somebody who was to be woken has failed.
-- @param problem what was raised
function report.waiter_failed(problem)
  logger.log(log_with, "error", "a waiter failed: " .. tostring(problem))
end

return report

--- Rows of parity_spec.lua: cancel and terminate.

local env = require "spec.support.environment"
local parity = require "spec.support.parity"
local temporal = require "temporal"

local rows = {}

local function must(...) return (temporal.assert(...)) end

local function start(workflow, ...)
  local args = { ... }
  return function(case)
    case.started = must(case.client:start_workflow({ id = case.id, task_queue = env.task_queue },
      workflow, args[1]))
    case.run_ids = { case.started.run_id }
  end
end

local running = start "Wait"
local function closed(case)
  start("Greeting", "Ada")(case)
  must(case.started:get(20))
end

-- Somebody else has started the id again: the chain is another.
local function other_chain(case)
  running(case)
  case.first = case.started.run_id
  must(case.started:terminate("makes room"))
  running(case)
  table.insert(case.run_ids, case.first)
end

local function row(name, setup, lua, python, more)
  local made = { name, setup = setup, lua = lua, python = python }
  for key, value in pairs(more or {}) do made[key] = value end
  table.insert(rows, made)
end

local function outcome_of(case)
  local value, err = case:run():get(20)
  return err and parity.error_form(err) or { value = value }
end

local function status_of(case) return { must(case:run():describe()).status } end

row("cancel", running, function(case) return case:run():cancel() end, { op = "cancel" },
  { after = outcome_of })
row("cancel one that is closed", closed, function(case) return case:run():cancel() end,
  { op = "cancel" }, { after = outcome_of })
row("cancel nobody", nil, function(case) return case:run():cancel() end, { op = "cancel" })
row("cancel twice", function(case)
  start("Stuck")(case)
  must(case.started:cancel())
end, function(case) return case:run():cancel() end, { op = "cancel" },
  { after = function(case) must(case:run():terminate()) end })
row("cancel of another chain", other_chain, function(case)
  return case:run({ first_execution_run_id = case.first }):cancel()
end, function(case) return { op = "cancel", first_execution_run_id = case.first } end,
  { after = status_of })

local function terminate(name, setup, reason, details, more)
  row(name, setup, function(case)
    return case:run():terminate { reason = reason, details = details }
  end, { op = "terminate", reason = reason, args = parity.list(details or {}) }, more)
end

terminate("terminate", running, nil, nil, { after = outcome_of })
terminate("terminate with a reason and details", running, "grund-ß", { 1, nil, { a = "ü" }, n = 3 },
  { after = outcome_of })
terminate("terminate with an empty reason", running, "", nil, { after = outcome_of })
terminate("terminate one that is closed", closed, "late", nil, { after = outcome_of })
terminate("terminate nobody", nil)
row("terminate of another chain", other_chain, function(case)
  return case:run({ first_execution_run_id = case.first }):terminate("wrong")
end, function(case)
  return { op = "terminate", reason = "wrong", first_execution_run_id = case.first }
end, { after = status_of })
row("terminate a run that is over while another runs", other_chain,
  function(case) return case:run(case.first):terminate("old") end,
  function(case) return { op = "terminate", reason = "old", run_id = case.first } end,
  { after = status_of })

return rows

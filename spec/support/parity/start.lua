--- Rows of parity_spec.lua: starting, with every policy for ids and every option.

local env = require "spec.support.environment"
local temporal = require "temporal"

local unpack = table.unpack or unpack -- luacheck: ignore 113 143

local NOBODY = "parity-nobody"

local function must(...) return (temporal.assert(...)) end

-- How the id has been used before.
local function started(workflow, ...)
  local args = { n = select("#", ...), ... }
  return function(case)
    local run = must(case.client:start_workflow({ id = case.id, task_queue = env.task_queue },
      workflow, unpack(args, 1, args.n)))
    case.run_ids = { run.run_id }
    return run
  end
end

local function ended(workflow, ...)
  local start = started(workflow, ...)
  return function(case) start(case):get(20) end
end

local running = started("Wait")
local completed = ended("Greeting", "Ada")
local failed = ended("Fail", "no", { non_retryable = true })
local function terminated(case) must(running(case):terminate("for the row")) end

local function start(options)
  return function(case)
    local given = { id = case.id, task_queue = env.task_queue }
    for name, value in pairs(options) do given[name] = value end
    local run, err = case.client:start_workflow(given, "Greeting", "Bo")
    return run and { id = run.id, run_id = run.run_id }, err
  end
end

local rows = {}

-- Every policy against every past.
local pasts = { { "an id never used" }, { "a running id", running },
  { "a completed id", completed }, { "a failed id", failed }, { "a terminated id", terminated } }
local reuse = { "allow_duplicate", "allow_duplicate_failed_only", "reject_duplicate" }
local conflict = { "fail", "use_existing", "terminate_existing" }

local function policy_row(past, options, name)
  table.insert(rows, {
    ("start over %s with %s"):format(past[1], name), setup = past[2],
    lua = start(options),
    python = { op = "start", workflow = "Greeting", args = { "Bo" }, options = options },
    after = function(case)
      local found = case:run():describe()
      return { status = found.status ~= "completed" and found.status or "running",
        latest = found.run_id }
    end,
  })
end

for _, past in ipairs(pasts) do
  for _, policy in ipairs(reuse) do
    policy_row(past, { id_reuse_policy = policy }, policy)
  end
  for _, policy in ipairs(conflict) do
    policy_row(past, { id_conflict_policy = policy }, policy)
  end
end
policy_row(pasts[3], { id_reuse_policy = "reject_duplicate",
  id_conflict_policy = "use_existing" }, "reject_duplicate and use_existing")
policy_row(pasts[2], { id_reuse_policy = "reject_duplicate",
  id_conflict_policy = "use_existing" }, "reject_duplicate and use_existing")

-- Every option, as the worker sees it.

-- search_attributes of a request are {name={type, value}}.
local function attributes(given)
  local made = {}
  for name, pair in pairs(given) do made[name] = temporal[pair[1]](pair[2]) end
  return made
end

-- The workflow Info: what the worker was told.
local function told(name, options, more)
  local row = {
    name,
    lua = function(case)
      local given = { id = case.id, task_queue = env.task_queue }
      for key, value in pairs(options) do given[key] = value end
      if options.search_attributes then
        given.search_attributes = attributes(options.search_attributes)
      end
      return case.client:execute_workflow(given, "Info"):get(30)
    end,
    python = { op = "start", workflow = "Info", options = options, get = true },
    normalise = function(outcome)
      local value = outcome.value
      if type(value) ~= "table" then return end
      value.run_id, value.first_execution_run_id = nil, nil
      -- JSON has many spellings: the Python client puts spaces, we none.
      for _, field in ipairs { "memo", "headers" } do
        for _, shown in pairs(value[field]) do
          shown.data = shown.data and #shown.data > 0
        end
      end
    end,
  }
  for key, value in pairs(more or {}) do row[key] = value end
  table.insert(rows, row)
end

told("the worker is told nothing but the defaults", {})
told("timeouts", { execution_timeout = 3600.5, run_timeout = 61, task_timeout = 7 })
told("a retry policy", { retry_policy = { initial_interval = 1.5, backoff_coefficient = 3.0,
  maximum_interval = 20, maximum_attempts = 4, non_retryable_error_types = { "A", "ü" } } })
told("a retry policy with one field", { retry_policy = { maximum_attempts = 1 } })
told("a priority", { priority = { key = 4, fairness_key = "mieter-ß", fairness_weight = 0.5 } })
told("a memo", { memo = { text = "größe", number = 9007199254740991, float = 0.1,
  list = { 1, "two", { three = 3 } }, yes = true, empty = "" } })
told("search attributes", { search_attributes = {
  CustomKeyword = { "keyword", "schlüssel" }, CustomText = { "text", "some words" },
  CustomInt = { "int", -7 }, CustomDouble = { "double", 2.5 }, CustomBool = { "bool", false },
  CustomDatetime = { "datetime", 1700000000.25 },
  CustomKeywordList = { "keyword_list", { "a", "ß" } } } })
told("a start delay", { start_delay = 0.2 })

-- Python's client has no option for a header: parity_peer.py's interceptor puts it there.
told("a header", {}, {
  lua = function(case)
    return case.client:execute_workflow({ id = case.id, task_queue = env.task_queue,
      header = { trace = "ä-1", number = 7 } }, "Info"):get(30)
  end,
  python = { op = "start", workflow = "Info", header = { trace = "ä-1", number = 7 },
    get = true },
})

-- What the server refuses.
local function refused(name, options, more)
  local row = { name, lua = start(options),
    python = { op = "start", workflow = "Greeting", args = { "Bo" }, options = options } }
  for key, value in pairs(more or {}) do row[key] = value end
  table.insert(rows, row)
end

refused("a cron schedule that is none", { cron_schedule = "every monday" })
refused("a search attribute that is not registered", {},
  { lua = start { search_attributes = { Nonesuch = temporal.keyword "x" } },
    python = { op = "start", workflow = "Greeting", args = { "Bo" },
      options = { search_attributes = { Nonesuch = { "keyword", "x" } } } } })
refused("a search attribute of another type", {},
  { lua = start { search_attributes = { CustomInt = temporal.keyword "x" } },
    python = { op = "start", workflow = "Greeting", args = { "Bo" },
      options = { search_attributes = { CustomInt = { "keyword", "x" } } } } })
refused("an id of 1000 bytes is taken", {}, {
  setup = function(case) case.id = case.id .. ("x"):rep(1000 - #case.id) end })
-- The server would refuse it; it is refused where it is written.
refused("reject_duplicate with terminate_existing",
  { id_reuse_policy = "reject_duplicate", id_conflict_policy = "terminate_existing" },
  { raises = 'id_reuse_policy = "reject_duplicate" and .* exclude each other' })

-- Cron.
table.insert(rows, {
  "a cron workflow is found running",
  lua = function(case)
    local run, err = case.client:start_workflow({ id = case.id, task_queue = NOBODY,
      cron_schedule = "0 0 1 1 *" }, "CronCount")
    return run and { id = run.id, run_id = run.run_id }, err
  end,
  python = { op = "start", workflow = "CronCount",
    options = { task_queue = NOBODY, cron_schedule = "0 0 1 1 *" } },
  after = function(case)
    local found = must(case:run():describe())
    must(case:run():terminate())
    return { found.status, found.execution_time > found.start_time }
  end,
})

return rows

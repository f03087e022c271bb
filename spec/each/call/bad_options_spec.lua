--- Bad input to every option of every method that calls the server: wrong types, slips in names,
-- values out of range. Each is raised as a string at the line of the call, names the option and
-- says what would be right, before anything is sent; and the client goes on.

local env = require "spec.support.environment"
local temporal = require "temporal"

local huge, nan = math.huge, 0 / 0

-- What is wrong for an option of each sort.
local BAD = {
  string = { 1, true, {}, print, "" },
  text = { 1, true, {}, print },           -- may be empty
  boolean = { 1, "true", {}, "" },
  count = { "1", -1, 1.5, nan, huge, {}, true },
  whole = { "1", 0, -1, 1.5, nan, huge, -huge, {}, true },
  number = { "1", nan, huge, -huge, {}, true },
  timeout = { 0, -1, nan, huge, -huge, "soon", "", {}, true, 1e300, "-1s" },
  wait = { -1, nan, huge, -huge, "soon", "", {}, true, 1e300 },
  duration = { -1, nan, huge, -huge, "soon", "", {}, true, 1e300, "1 hour" },
  time = { nan, huge, -huge, "yesterday", "", {}, true, 1e300, "2026-13-01T00:00:00Z" },
  choice = { "sometimes", "", 1, {}, true },
  list = { 1, "x", true, print },
  map = { 1, "x", true, { "a list" } },
  func = { 1, "x", {}, true },
  name = { 1, true, {}, "" },              -- or a function
  secret = { 1, true, "" },
  yes_or_table = { 1, "x", print },
  metadata = { 1, "x", true, { "a list" }, { ["a key"] = "x" }, { [""] = "x" }, { x = 1 },
    { x = {} }, { x = "line\nbreak" }, { x = "\0" }, { [":path"] = "x" } },
}

local function options(more)
  more.timeout, more.metadata = more.timeout or "timeout", "metadata"
  return more
end

-- By method: its options, and how it is called with them.
local METHODS = {
  ["workflow:signal"] = { options { name = "string", wait = "boolean", header = "map" },
    function(c, o) return c.run:signal(o) end, { name = "x" } },
  ["workflow:query"] = { options { name = "string", reject = "choice", header = "map" },
    function(c, o) return c.run:query(o) end, { name = "x" } },
  ["workflow:update"] = { options { name = "string", id = "string", header = "map" },
    function(c, o) return c.run:update(o) end, { name = "x" } },
  ["workflow:start_update"] = { options { name = "string", id = "string", wait = "choice",
    header = "map" }, function(c, o) return c.run:start_update(o) end, { name = "x" } },
  ["workflow:update_handle"] = { options {},
    function(c, o) return c.run:update_handle("u", o) end },
  ["workflow:cancel"] = { options { reason = "text" },
    function(c, o) return c.run:cancel(o) end },
  ["workflow:terminate"] = { options { reason = "text", details = "list" },
    function(c, o) return c.run:terminate(o) end },
  ["workflow:describe"] = { options {}, function(c, o) return c.run:describe(o) end },
  ["workflow:history"] = { options { wait = "boolean", filter = "choice", reverse = "boolean",
    page_size = "whole" }, function(c, o) return c.run:history(o) end },
  ["workflow:fetch_history"] = { options { json = "boolean" },
    function(c, o) return c.run:fetch_history(o) end },
  ["workflow:reset"] = { options { event_id = "whole", reason = "text", exclude = "list",
    request_id = "string" }, function(c, o) return c.run:reset(o) end, { event_id = 3 } },
  ["workflow:delete"] = { options {}, function(c, o) return c.run:delete(o) end },
  ["workflow:pause"] = { options { reason = "text" }, function(c, o) return c.run:pause(o) end },
  ["workflow:unpause"] = { options { reason = "text" },
    function(c, o) return c.run:unpause(o) end },
  ["workflow:update_options"] = { options { priority = "map", versioning_override = "choice" },
    function(c, o) return c.run:update_options(o) end },
  ["future:get"] = { { timeout = "wait", follow_runs = "boolean", raw = "boolean" },
    function(c, o) return c.run:get(o) end },
  ["client:workflow"] = { { run_id = "string", first_execution_run_id = "string" },
    function(c, o) return c.client:workflow("x", o) end },
  ["client:list_workflows"] = { options { query = "text", limit = "count", page_size = "whole" },
    function(c, o) return c.client:list_workflows(o) end },
  ["client:list_workflows_page"] = { options { query = "text", page_size = "whole",
    page_token = "string" }, function(c, o) return c.client:list_workflows_page(o) end },
  ["client:count_workflows"] = { options { query = "text" },
    function(c, o) return c.client:count_workflows(o) end },
  ["client:list_schedules"] = { options { query = "text", limit = "count", page_size = "whole" },
    function(c, o) return c.client:list_schedules(o) end },
  ["client:count_schedules"] = { options { query = "text" },
    function(c, o) return c.client:count_schedules(o) end },
  ["client:list_activities"] = { options { query = "text", limit = "count", page_size = "whole" },
    function(c, o) return c.client:list_activities(o) end },
  ["client:count_activities"] = { options { query = "text" },
    function(c, o) return c.client:count_activities(o) end },
  ["client:create_schedule"] = { options { spec = "map", action = "map", overlap = "choice",
    catchup_window = "duration", pause_on_failure = "boolean", paused = "boolean", note = "text",
    limit = "count", memo = "map", search_attributes = "map", trigger_immediately = "boolean",
    backfill = "list", request_id = "string" },
    function(c, o) return c.client:create_schedule("s", o) end,
    { action = { workflow = "X", task_queue = "q" } } },
  ["a schedule's spec"] = { { calendars = "list", intervals = "list", cron = "list",
    skip = "list", start_at = "time", end_at = "time", jitter = "duration", timezone = "string" },
    function(c, o)
      return c.client:create_schedule("s", { spec = o, action = { workflow = "X",
        task_queue = "q" } })
    end },
  ["a schedule's action"] = { { workflow = "name", task_queue = "string", args = "list",
    id = "string", execution_timeout = "duration", run_timeout = "duration",
    task_timeout = "duration", retry_policy = "map", memo = "map", search_attributes = "map",
    static_summary = "text", static_details = "text", priority = "map", header = "map" },
    function(c, o) return c.client:create_schedule("s", { action = o }) end,
    { workflow = "X", task_queue = "q" } },
  ["schedule:describe"] = { options {}, function(c, o) return c.schedule:describe(o) end },
  ["schedule:trigger"] = { options { overlap = "choice", scheduled_time = "time" },
    function(c, o) return c.schedule:trigger(o) end },
  ["schedule:pause"] = { options {}, function(c, o) return c.schedule:pause("note", o) end },
  ["schedule:unpause"] = { options {}, function(c, o) return c.schedule:unpause("note", o) end },
  ["schedule:backfill"] = { options {},
    function(c, o) return c.schedule:backfill({ { start_at = 1, end_at = 2 } }, o) end },
  ["a backfill"] = { { start_at = "time", end_at = "time", overlap = "choice" },
    function(c, o) return c.schedule:backfill { o } end, { start_at = 1, end_at = 2 } },
  ["schedule:update"] = { options {},
    function(c, o) return c.schedule:update(function() end, o) end },
  ["schedule:delete"] = { options {}, function(c, o) return c.schedule:delete(o) end },
  ["schedule:matching_times"] = { options {},
    function(c, o) return c.schedule:matching_times(1, 2, o) end },
  ["client:async_activity"] = { options { task_token = "string", workflow_id = "string",
    run_id = "string", activity_id = "string" },
    function(c, o) return c.client:async_activity(o) end },
  ["async_activity:fail"] = { options { last_heartbeat_details = "list" },
    function(c, o) return c.async:fail("x", o) end },
  ["client:execute_activity"] = { options { id = "string", task_queue = "string",
    schedule_to_close_timeout = "duration", schedule_to_start_timeout = "duration",
    start_to_close_timeout = "duration", heartbeat_timeout = "duration",
    start_delay = "duration", retry_policy = "map", id_reuse_policy = "choice",
    id_conflict_policy = "choice", search_attributes = "map", static_summary = "text",
    static_details = "text", priority = "map", header = "map", request_id = "string" },
    function(c, o) return c.client:execute_activity(o, "X") end,
    { task_queue = "q", start_to_close_timeout = 1 } },
  ["client:activity"] = { { run_id = "string" },
    function(c, o) return c.client:activity("a", o) end },
  ["activity:get"] = { { timeout = "wait", raw = "boolean" },
    function(c, o) return c.activity:get(o) end },
  ["activity:describe"] = { options {}, function(c, o) return c.activity:describe(o) end },
  ["activity:cancel"] = { options { reason = "text" },
    function(c, o) return c.activity:cancel(o) end },
  ["activity:terminate"] = { options { reason = "text" },
    function(c, o) return c.activity:terminate(o) end },
  ["activity:delete"] = { options {}, function(c, o) return c.activity:delete(o) end },
  ["client:signal_with_start (the signal)"] = { { name = "string", args = "list" },
    function(c, o) return c.client:signal_with_start({ task_queue = "q" }, o, "X") end,
    { name = "x" } },
  ["client:update_with_start (the update)"] = { { name = "string", args = "list", id = "string",
    wait = "choice" }, function(c, o)
      return c.client:update_with_start({ task_queue = "q", id_conflict_policy = "fail" }, o, "X")
    end, { name = "x" } },
  ["client:describe_task_queue"] = { options { name = "string", type = "choice",
    stats = "boolean" }, function(c, o) return c.client:describe_task_queue(o) end,
    { name = "q" } },
  ["client:describe_namespace"] = { options { name = "string" },
    function(c, o) return c.client:describe_namespace(o) end },
  ["client:system_info"] = { options {}, function(c, o) return c.client:system_info(o) end },
  ["client:check_health"] = { options { name = "string" },
    function(c, o) return c.client:check_health(o) end },
  ["client:metrics"] = { { format = "choice" }, function(c, o) return c.client:metrics(o) end },
  ["temporal.client"] = { { tls = "yes_or_table", api_key = "secret", proxy = "secret",
    codecs = "list", codec_headers = "boolean", failure_converter = "boolean",
    interceptors = "list", logger = "func", metadata = "metadata", rpc_timeout = "timeout",
    shutdown_timeout = "wait", converter = "list", namespace = "string", identity = "string" },
    function(_, o) return temporal.client(o) end, { target = "localhost:1" } },
  ["client option tls"] = { { ca_file = "string", ca_pem = "string", cert_file = "string",
    cert_pem = "string", key_file = "string", key_pem = "string", server_name = "string",
    verify = "boolean" }, function(_, o) return temporal.client { tls = o } end },
  ["client:with"] = { { namespace = "string", identity = "string", metadata = "metadata",
    rpc_timeout = "timeout", shutdown_timeout = "wait", converter = "list", codecs = "list",
    codec_headers = "boolean", interceptors = "list", logger = "func" },
    function(c, o) return c.client:with(o) end },
  ["temporal.config.load"] = { { profile = "string", file = "string", env = "map",
    strict = "boolean" }, function(_, o) return temporal.config.load(o) end },
  ["temporal.codec.remote"] = { { endpoint = "string" },
    function(_, o) return temporal.codec.remote(o) end, { endpoint = "http://localhost:1" } },
  ["temporal.failure_converter"] = { { encode_common_attributes = "boolean" },
    function(_, o) return temporal.failure_converter(o) end },
  ["temporal.application_error"] = { { type = "text", non_retryable = "boolean",
    details = "list", category = "choice", next_retry_delay = "duration" },
    function(_, o) return temporal.application_error("x", o) end },
}

local function sorted(map)
  local names = {}
  for name in pairs(map) do table.insert(names, name) end
  table.sort(names)
  return names
end

local function show(value)
  return type(value) == "string" and ("%q"):format(value) or tostring(value)
end

describe("bad options of", function()
  local c

  setup(function()
    c = { client = temporal.client { target = env.address, namespace = env.namespace } }
    c.run = c.client:workflow("bad-options-nobody")
    c.schedule = c.client:schedule("bad-options-nobody")
    c.activity = c.client:activity("bad-options-nobody")
    c.async = c.client:async_activity { task_token = "x" }
  end)

  teardown(function() assert(c.client:close()) end)

  -- The message of what is raised at our own line, or a complaint.
  local function raised(call, given)
    local results = { pcall(call, c, given) }
    if results[1] then
      return nil, ("nothing was raised, it returned %s, %s"):format(tostring(results[2]),
        tostring(results[3]))
    elseif type(results[2]) ~= "string" then
      return nil, "not a string: " .. tostring(results[2])
    elseif not results[2]:find("bad_options_spec%.lua:%d+: ") then
      return nil, "not at the caller's line: " .. results[2]
    end
    return results[2]
  end

  local function with(base, name, value)
    local given = {}
    for key, each in pairs(base or {}) do given[key] = each end
    given[name] = value
    return given
  end

  for _, method in ipairs(sorted(METHODS)) do
    local known, call, base = METHODS[method][1], METHODS[method][2], METHODS[method][3]

    it(method, function()
      local complaints = {}
      local function complain(...) table.insert(complaints, (("%s = %s: %s"):format(...))) end
      for _, name in ipairs(sorted(known)) do
        for _, value in ipairs(BAD[known[name]]) do
          local message, problem = raised(call, with(base, name, value))
          if not message then
            complain(name, show(value), problem)
          elseif not message:find(name, 1, true) then
            complain(name, show(value), "does not name the option: " .. message)
          end
        end
        -- One letter too many.
        local slip = name .. name:sub(-1)
        local message, problem = raised(call, with(base, slip, "x"))
        if not message then
          complain(slip, "x", problem)
        elseif not message:find('"' .. name .. '"', 1, true)
          and not message:find("." .. name .. '"', 1, true) then
          complain(slip, "x", "does not suggest " .. name .. ": " .. message)
        end
      end
      for _, key in ipairs { "nonesuch_at_all", 1, true } do
        local message, problem = raised(call, with(base, key, 1))
        if not message then complain(tostring(key), "1", problem) end
      end
      assert.equal("", table.concat(complaints, "\n"))
      assert.is_truthy(temporal.assert(c.client:system_info()).server_version)
    end)
  end
end)

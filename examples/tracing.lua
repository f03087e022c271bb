-- Carries the trace in hand to the workers: an interceptor that sends a W3C traceparent as the
-- OpenTelemetry interceptors of the other SDKs do, in the header "_tracer-data" as a JSON object.
-- usage: lua5.4 examples/tracing.lua [TRACEPARENT]      (in the tree: eval "$(make -s env)" first)
-- needs: a Temporal server at TEMPORAL_ADDRESS and examples/worker.lua
-- as a module: local tracing = require "examples.tracing"
local temporal = require "temporal"

local tracing = {}

local function random_hex(bytes)
  local file = assert(io.open("/dev/urandom", "rb"))
  local random = file:read(bytes)
  file:close()
  return (random:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

-- A span below `parent` (a traceparent), or the first of a new trace.
local function new_span(name, parent)
  local trace_id, parent_id, flags
  if parent then
    trace_id, parent_id, flags = parent:match("^00%-(%x+)%-(%x+)%-(%x%x)$")
  end
  local span = { name = name, trace_id = trace_id or random_hex(16), parent_id = parent_id,
                 span_id = random_hex(8) }
  span.traceparent = ("00-%s-%s-%s"):format(span.trace_id, span.span_id, flags or "01")
  return span
end

-- What the other SDKs call the spans of what carries a header, and ours of the rest. start_workflow
-- is execute_workflow and a wait: it has no span of its own.
local NAMES = {
  execute_workflow = "StartWorkflow", signal_with_start = "SignalWithStartWorkflow",
  update_with_start = "StartUpdateWithStartWorkflow", signal = "SignalWorkflow",
  query = "QueryWorkflow", update = "StartWorkflowUpdate", start_update = "StartWorkflowUpdate",
  execute_activity = "StartActivity", create_schedule = "CreateSchedule",
  get = "GetWorkflowResult", get_update_result = "GetWorkflowUpdateResult",
  get_activity_result = "GetActivityResult", describe = "DescribeWorkflow",
  diagnose = "DiagnoseWorkflow",
  cancel = "CancelWorkflow", terminate = "TerminateWorkflow", reset = "ResetWorkflow",
  delete = "DeleteWorkflow", pause = "PauseWorkflow", unpause = "UnpauseWorkflow",
  update_options = "UpdateWorkflowOptions", history = "GetWorkflowHistory",
  fetch_history = "FetchWorkflowHistory", call = "Call", submit = "Submit",
}
-- These are called what they are: list_workflows is ListWorkflows.
for name in ([[list_workflows list_workflows_page count_workflows cancel_activity
    terminate_activity delete_activity describe_activity list_activities count_activities
    complete_activity fail_activity heartbeat_activity report_canceled_activity
    describe_schedule update_schedule trigger_schedule pause_schedule unpause_schedule
    backfill_schedule delete_schedule matching_schedule_times list_schedules count_schedules
    describe_namespace describe_task_queue system_info check_health connect
    close]]):gmatch "%S+" do
  NAMES[name] = name:gsub("^%l", string.upper):gsub("_(%l)", string.upper)
end

--- Makes the interceptor.
-- @tparam function current `current()` returns the traceparent in hand, or nil
-- @tparam function ended `ended(span, err)` takes each span, for your tracer to send
function tracing.interceptor(current, ended)
  local function finish(span, ...)
    local value, err = ...
    ended(span, value == nil and err or nil) -- some have a second value
    return ...
  end
  local interceptor = {}
  for operation, name in pairs(NAMES) do
    interceptor[operation] = function(input, next)
      local what = input.name or input.type or input.method or input.id
      local span = new_span(what and name .. ":" .. what or name, current())
      if input.header then
        input.header["_tracer-data"] = { traceparent = span.traceparent }
      end
      return finish(span, next(input))
    end
  end
  return interceptor
end

if ... == "examples.tracing" then return tracing end

local parent = ...
local client = temporal.client{
  target = os.getenv("TEMPORAL_ADDRESS") or "localhost:7233",
  namespace = os.getenv("TEMPORAL_NAMESPACE") or "default",
  interceptors = { tracing.interceptor(function() return parent end, function(span)
    print(span.name, span.trace_id, span.span_id, span.parent_id or "no parent")
  end) },
}
local run = client:execute_workflow({ task_queue = "orders" }, "YourWorkflowDefinition",
  { amount = 3 })
local result, err = run:get()
if err then io.stderr:write(tostring(err), "\n") else print("result", result) end
client:close()

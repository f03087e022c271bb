--- Names that other SDKs of Temporal have for what has another name here.
-- @module temporal.foreign

local misuse = require "temporal.base.misuse"

local ARGS = "the arguments are no option: they follow the name"
local TLS_OR_KEY = "here it is tls, or api_key"

-- By the label of a list of options: how a name of others is called here, or
-- what to do instead. Names are without case, "_" and "-".
local OPTIONS = {
  ["client option"] = {
    address = "target", hostport = "target", targethost = "target", host = "target",
    serviceurl = "target", server = "target", url = "target",
    credentials = TLS_OR_KEY, tlsconfig = "tls", rpcmetadata = "metadata",
    headersprovider = "metadata", grpcmeta = "metadata", dataconverter = "converter",
    payloadconverter = "converter", payloadcodec = "codecs", payloadcodecs = "codecs",
    retryconfig = "retry", keepaliveconfig = "keepalive", httpconnectproxyconfig = "proxy",
    contextpropagators = "interceptors", metricshandler = "here it is client:metrics()",
  },
  ["start option"] = {
    workflowid = "id", activityid = "id", taskqueuename = "task_queue", args = ARGS, arg = ARGS,
    arguments = ARGS, input = ARGS, workflowexecutiontimeout = "execution_timeout",
    workflowruntimeout = "run_timeout", workflowtasktimeout = "task_timeout",
    workflowidreusepolicy = "id_reuse_policy", idconflict = "id_conflict_policy",
    workflowidconflictpolicy = "id_conflict_policy", workflowstartdelay = "start_delay",
    typedsearchattributes = "search_attributes", summary = "static_summary",
    details = "static_details", rpctimeout = "timeout", rpcmetadata = "metadata",
    requesteagerstart = "request_eager_start", enableeagerstart = "request_eager_start",
    startsignal = "here it is client:signal_with_start",
    startsignalargs = "here it is client:signal_with_start",
    signal = "here it is client:signal_with_start",
  },
  ["schedule option"] = {
    workflowid = "id", taskqueuename = "task_queue", workflowtype = "workflow",
    schedulespec = "spec", cronexpressions = "cron", timezonename = "timezone",
    catchupwindow = "catchup_window", pauseonfailure = "pause_on_failure",
    triggerimmediately = "trigger_immediately", scheduleid = "the id is the first argument",
    rpctimeout = "timeout", rpcmetadata = "metadata",
  },
}

-- What any other list is asked for, where it has the option that is meant.
local COMMON = {
  rpctimeout = "timeout", rpcmetadata = "metadata", signalname = "name", signal = "name",
  queryname = "name", querytype = "name", query = "name", updatename = "name", updateid = "id",
  workflowid = "workflow_id", runid = "run_id", activityid = "activity_id",
  waitforstage = "wait", waitpolicy = "wait", rejectcondition = "reject",
  queryrejectcondition = "reject", firstexecutionrunid = "first_execution_run_id",
  nextpagetoken = "page_token", maxresults = "limit", waitnewevent = "wait",
  historyeventfiltertype = "filter", eventfiltertype = "filter",
}
local COMMON_ADVICE = {
  args = ARGS, arg = ARGS, arguments = ARGS, input = ARGS,
  taskqueuename = "the task queue is an option of the start",
}

-- Which methods the options of a start or of a client are for.
local OWNERS = {
  ["client option"] = "temporal.client (or client:with)",
  ["start option"] = "client:execute_workflow or its like",
}

local foreign = {}

local function misplaced(label, name, lists)
  for other, owner in next, OWNERS do
    if other ~= label and lists[other] and lists[other][name] then
      return ("it is a %s: give it to %s"):format(other, owner)
    end
  end
  return nil
end

--- What an unknown option is called here, in words.
-- @tparam string label of the list it was found in
-- @tparam table handlers of that list
-- @tparam string name
-- @tparam table lists the handlers of other lists, by their labels
-- @treturn string|nil
function foreign.option(label, handlers, name, lists)
  local folded = name:lower():gsub("[_%-]", "")
  local list = OPTIONS[label] or COMMON
  local here = list[folded] or COMMON_ADVICE[folded]
  if here == ARGS and handlers.args then
    return nil
  elseif not here then
    return misplaced(label, name, lists)
  elseif here:find " " then
    return here
  elseif handlers[here] then
    return "here it is " .. here
  end
  return nil
end

-- By object: what others call its methods and fields.
local MEMBERS = {
  temporal = {
    Client = "temporal.client{...}", connect = "temporal.client{...}, then client:connect()",
    dial = "temporal.client{...}", Dial = "temporal.client{...}",
    new_client = "temporal.client{...}", Connection = "temporal.client{...}",
    gather = "temporal.wait_all{...}", wait_any = "temporal.wait{...}",
  },
  client = {
    get_workflow_handle = "client:workflow(id)", get_handle = "client:workflow(id)",
    getHandle = "client:workflow(id)", GetWorkflow = "client:workflow(id)",
    workflow_handle = "client:workflow(id)", ExecuteWorkflow = "client:execute_workflow(...)",
    start = "client:start_workflow(...)", execute = "client:execute_workflow(...)",
    signal_workflow = "client:workflow(id):signal(name, ...)",
    query_workflow = "client:workflow(id):query(name, ...)",
    update_workflow = "client:workflow(id):update(name, ...)",
    cancel_workflow = "client:workflow(id):cancel()",
    terminate_workflow = "client:workflow(id):terminate()",
    describe_workflow = "client:workflow(id):describe()",
    get_schedule_handle = "client:schedule(id)",
    get_async_activity_handle = "client:async_activity{...}",
    get_activity_handle = "client:activity(id)",
    signal_with_start_workflow = "client:signal_with_start(...)",
    execute_update_with_start_workflow = "client:update_with_start(...)",
    start_update_with_start_workflow = "client:update_with_start(...)",
    dial = "client:connect()",
  },
  future = {
    result = "future:get()", get_result = "future:get()", Get = "future:get()",
    await = "future:get()", workflow_id = "future.id", WorkflowID = "future.id",
    execute_update = "future:update(name, ...)",
    get_update_handle = "future:update_handle(id)",
    fetch_history_events = "future:history()",
    first_run_id = "future.first_execution_run_id",
  },
}

--- A member that there is not: raises where others have it.
-- @tparam string object `"temporal"`, `"client"` or `"future"`
-- @param name
-- @treturn nil
-- @raise when it is a name of another SDK
function foreign.member(object, name)
  local here = MEMBERS[object][name]
  if here then
    misuse.raisef('there is no %s of the name "%s": here it is %s',
      object == "temporal" and "function" or "member", name, here)
  end
  return nil
end

return foreign

--- What a run knows of itself, and what it hands on to the run that follows it and to its children.

local core = require "temporal.core"
local search_attributes = require "temporal.value.search_attributes"
local simulation = require "spec.support.simulation"
local temporal = require "temporal"
local workflow = require "temporal.workflow"

if simulation.impossible(describe, it) then return end

local converter = temporal.converter.new()

local function payload(value)
  return core.decode("temporal.api.common.v1.Payload", (converter:payload(value)))
end

local function memo(fields)
  for name, value in pairs(fields) do fields[name] = payload(value) end
  return { fields = fields }
end

local STARTED = {
  first_execution_run_id = "first", continued_execution_run_id = "before", attempt = 3,
  workflow_execution_timeout = { seconds = 30 }, workflow_run_timeout = { seconds = 20 },
  retry_policy = { initial_interval = { seconds = 1 }, backoff_coefficient = 2,
    maximum_interval = { seconds = 9 }, maximum_attempts = 4,
    non_retryable_error_types = { "Bad" } },
  cron_schedule = "* * * * *",
  parent_workflow_namespace = "elsewhere",
  parent_workflow_execution = { workflow_id = "parent", run_id = "p1" },
  root_workflow_execution = { workflow_id = "root", run_id = "r1" },
  priority = { priority_key = 2, fairness_key = "f" },
  last_completion_result = { payloads = { payload { 1, 2 } } },
  continued_failure = { message = "last time", application_failure_info = { type = "Broken" } },
}

local function started()
  local copy = {}
  for name, value in pairs(STARTED) do copy[name] = value end
  copy.memo = memo { note = "first", kept = 1 }
  copy.search_attributes = search_attributes.encode { CustomKeyword = "a",
    CustomInt = temporal.int(7), CustomDatetime = temporal.datetime(1.5e9) }
  return copy
end

-- Runs `fn` as a workflow of one task, and returns what it was given to look at.
local function look(fn, attributes)
  local seen
  local sim = simulation.begin(simulation.watch(function() seen = fn() end), attributes)
  assert.equal("complete_workflow_execution", (assert(sim:task())):match "%S+$")
  local first = seen
  sim:verify()
  return first, seen
end

describe("workflow.info", function()
  it("has all that the run was started with", function()
    local info = look(workflow.info, started())
    assert.same({
      id = "simulated", run_id = "11111111-1111-4111-8111-111111111111", namespace = "default",
      workflow_type = "Simulated", task_queue = "queue", first_execution_run_id = "first",
      continued_run_id = "before", attempt = 3, start_time = 1e9 + 1, execution_timeout = 30,
      run_timeout = 20, task_timeout = 10,
      retry_policy = { initial_interval = 1, backoff_coefficient = 2, maximum_interval = 9,
        maximum_attempts = 4, non_retryable_error_types = { "Bad" } },
      cron_schedule = "* * * * *",
      parent = { id = "parent", run_id = "p1", namespace = "elsewhere" },
      root = { id = "root", run_id = "r1" }, priority = { key = 2, fairness_key = "f" },
      memo = { note = "first", kept = 1 },
      search_attributes = { CustomKeyword = "a", CustomInt = 7, CustomDatetime = 1.5e9 },
      last_result = { 1, 2 }, history_length = 3, history_size = 0,
      continue_as_new_suggested = false, suggest_reasons = {}, target_version_changed = false,
      last_failure = info.last_failure,
    }, info)
    assert.same({ "application", "Broken", "last time" },
      { info.last_failure.kind, info.last_failure.type, info.last_failure.message })
  end)

  it("leaves out what there is not", function()
    local info = look(workflow.info, {})
    assert.same({}, { info.parent, info.root, info.priority, info.last_result, info.last_failure,
      info.cron_schedule, info.continued_run_id, info.retry_policy })
    assert.same({ {}, {} }, { info.memo, info.search_attributes })
  end)

  it("sees upserts at once, the same in each replay", function()
    local live, replayed = look(function()
      local before = workflow.info()
      workflow.upsert_memo { note = temporal.null, added = { 1 } }
      workflow.upsert_search_attributes { CustomKeyword = "b", CustomInt = temporal.null }
      workflow.patched "change"
      local after = workflow.info()
      return { before == after, after.memo, after.search_attributes }
    end, started())
    assert.same({ true, { kept = 1, added = { 1 } },
      { CustomKeyword = "b", CustomDatetime = 1.5e9, TemporalChangeVersion = { "change" } } }, live)
    assert.same(live, replayed)
  end)
end)

describe("workflow.continue_as_new", function()
  -- The attributes of the command.
  local function continued(given)
    local sim = simulation.begin(function()
      workflow.upsert_memo { note = temporal.null, added = "new" }
      workflow.upsert_search_attributes { CustomKeyword = "b" }
      workflow.continue_as_new(given, 1)
    end, started())
    assert.equal("modify_workflow_properties upsert_workflow_search_attributes "
      .. "continue_as_new_workflow_execution", sim:task())
    local commands = sim.answers[1].commands
    sim:verify()
    return core.decode("temporal.api.command.v1.Command", commands[#commands])
      .continue_as_new_workflow_execution_command_attributes
  end

  local function values(fields)
    local decoded = {}
    for name, each in pairs(fields) do decoded[name] = converter:value(each) end
    return decoded
  end

  it("keeps what is not given, upserts included", function()
    local attributes = continued(nil)
    assert.same({ "Simulated", "queue", 20, 4 }, { attributes.workflow_type.name,
      attributes.task_queue.name, tonumber(attributes.workflow_run_timeout.seconds),
      attributes.retry_policy.maximum_attempts })
    assert.same({ kept = 1, added = "new" }, values(attributes.memo.fields))
    local fields = search_attributes.decode(attributes.search_attributes)
    assert.same({ CustomKeyword = "b", CustomInt = 7, CustomDatetime = 1.5e9 }, fields)
  end)

  it("takes memo, search attributes and the rest", function()
    local attributes = continued { workflow = "Other", task_queue = "other", run_timeout = 5,
      task_timeout = 6, retry_policy = { maximum_attempts = 9 }, memo = { only = true },
      search_attributes = { CustomKeyword = "c" }, versioning_behavior = "auto_upgrade" }
    assert.same({ "Other", "other", 5, 6, 9 }, { attributes.workflow_type.name,
      attributes.task_queue.name, tonumber(attributes.workflow_run_timeout.seconds),
      tonumber(attributes.workflow_task_timeout.seconds),
      attributes.retry_policy.maximum_attempts })
    assert.same({ only = true }, values(attributes.memo.fields))
    assert.same({ CustomKeyword = "c" }, search_attributes.decode(attributes.search_attributes))
    assert.equal("CONTINUE_AS_NEW_VERSIONING_BEHAVIOR_AUTO_UPGRADE",
      attributes.initial_versioning_behavior)
  end)

  it("says which option is wrong", function()
    local _, problem = simulation.new(function()
      workflow.continue_as_new { search_attributes = { X = {} } }
    end):task()
    assert.matches("info_spec.lua:%d+: ", problem)
    assert.matches('option of workflow.continue_as_new "search_attributes"', problem, 1, true)
  end)
end)

describe("workflow.execute_child_workflow", function()
  it("takes every option of a start", function()
    local sim = simulation.new(function()
      workflow.execute_child_workflow({
        id = "child", task_queue = "other", execution_timeout = 1, run_timeout = 2,
        task_timeout = 3, id_reuse_policy = "reject_duplicate",
        retry_policy = { maximum_attempts = 9 }, cron_schedule = "* * * * *",
        memo = { note = { 1 } }, search_attributes = { CustomKeyword = "c" },
        header = { trace = "t" }, priority = { key = 1 },
        static_summary = "*short*", static_details = "long",
        versioning_override = "auto_upgrade", parent_close_policy = "abandon",
      }, "Child", 1)
      workflow.sleep(1, { summary = "a nap" })
    end)
    assert.equal("start_child_workflow_execution start_timer", sim:task())
    local command = core.decode("temporal.api.command.v1.Command", sim.answers[1].commands[1])
    local attributes = command.start_child_workflow_execution_command_attributes
    assert.same({ "child", "other", 1, 2, 3, "WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE", 9,
      "* * * * *", 1, "PARENT_CLOSE_POLICY_ABANDON", true }, {
      attributes.workflow_id, attributes.task_queue.name,
      tonumber(attributes.workflow_execution_timeout.seconds),
      tonumber(attributes.workflow_run_timeout.seconds),
      tonumber(attributes.workflow_task_timeout.seconds), attributes.workflow_id_reuse_policy,
      attributes.retry_policy.maximum_attempts, attributes.cron_schedule,
      attributes.priority.priority_key, attributes.parent_close_policy,
      attributes.versioning_override.auto_upgrade })
    assert.same({ 1 }, converter:value(attributes.memo.fields.note))
    assert.equal("t", converter:value(attributes.header.fields.trace))
    assert.same({ CustomKeyword = "c" }, search_attributes.decode(attributes.search_attributes))
    assert.same({ '"*short*"', '"long"' }, { command.user_metadata.summary.data,
      command.user_metadata.details.data })
    local timer = core.decode("temporal.api.command.v1.Command", sim.answers[1].commands[2])
    assert.equal('"a nap"', timer.user_metadata.summary.data)
    sim:verify()
  end)
end)

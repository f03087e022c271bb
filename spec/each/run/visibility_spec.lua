--- Listing and counting on the real server.

local env = require "spec.support.environment"
local service = require "temporal.call.service"
local temporal = require "temporal"

describe("visibility", function()
  local client, nobody, mark
  local open = {}

  setup(function()
    client = temporal.client { target = env.address, namespace = env.namespace }
    nobody = "nobody-" .. env.uuid()
    mark = "märk-" .. env.uuid()
  end)

  teardown(function()
    for _, run in ipairs(open) do
      client:call("TerminateWorkflowExecution", { workflow_execution = { workflow_id = run.id } })
    end
    assert(client:close())
  end)

  local function begin(options, workflow, ...)
    options.task_queue = options.task_queue or nobody
    options.search_attributes = options.search_attributes or {}
    options.search_attributes.CustomKeyword = mark
    local run = temporal.assert(client:start_workflow(options, workflow or "Order", ...))
    open[#open + 1] = run
    return run
  end

  local function marked(more)
    return ("CustomKeyword = '%s'%s"):format(mark, more or "")
  end

  local function collect(iterator)
    local list = {}
    for item in iterator do
      list[#list + 1] = item
    end
    return list
  end

  local function wait_for(count, query)
    env.wait_until(30, function()
      return temporal.assert(client:count_workflows(query or marked())) == count
    end, count .. " listed executions")
  end

  it("an empty list", function()
    local nothing = "WorkflowId = 'no-such-" .. env.uuid() .. "'"
    assert.same({}, collect(client:list_workflows(nothing)))
    local iterator = client:list_workflows { query = nothing }
    assert.is_nil(iterator())
    assert.is_nil(iterator())
    local items, token = client:list_workflows_page { query = nothing }
    assert.same({}, items)
    assert.is_nil(token)
    local count, groups = client:count_workflows(nothing)
    assert.same({ 0, {} }, { count, groups })
    count, groups = client:count_workflows(nothing .. " GROUP BY ExecutionStatus")
    assert.same({ 0, {} }, { count, groups })
  end)

  it("items have describe's fields as far as the listing knows them", function()
    local run = begin({
      id = "list-öäü-" .. env.uuid(),
      memo = { text = "grüße", n = temporal.int64 "9007199254740993" },
      search_attributes = { CustomInt = 42, CustomDouble = 1.5, CustomBool = false,
        CustomDatetime = temporal.datetime(1700000000.25), CustomText = temporal.text "some words",
        CustomKeywordList = temporal.keyword_list { "a", "é" } },
      priority = { key = 2 },
    })
    wait_for(1, "WorkflowId = '" .. run.id .. "'")
    local list = collect(client:list_workflows("WorkflowId = '" .. run.id .. "'"))
    assert.equal(1, #list)
    local item, found = list[1], temporal.assert(run:describe())
    for _, name in ipairs { "id", "run_id", "workflow_type", "task_queue", "status",
      "first_execution_run_id", "memo", "search_attributes", "root" } do
      if item[name] ~= nil or name ~= "first_execution_run_id" then
        assert.same(found[name], item[name], name)
      end
    end
    assert.equal("running", item.status)
    assert.equal("grüße", item.memo.text)
    assert.equal(temporal.int64 "9007199254740993", item.memo.n)
    assert.same({ 42, 1.5, false, 1700000000.25, mark }, {
      item.search_attributes.CustomInt, item.search_attributes.CustomDouble,
      item.search_attributes.CustomBool, item.search_attributes.CustomDatetime,
      item.search_attributes.CustomKeyword })
    assert.is_true(math.abs(item.start_time - found.start_time) < 0.00001)
    assert.is_nil(item.close_time)
    assert.equal(run.id, item.raw.execution.workflow_id)
    assert.equal(("temporal.description (%s, running)"):format(run.id), tostring(item))
    temporal.assert(client:call("TerminateWorkflowExecution",
      { workflow_execution = { workflow_id = run.id } }))
    local query = "WorkflowId = '" .. run.id .. "' AND ExecutionStatus = 'Terminated'"
    wait_for(1, query)
    item = client:list_workflows(query)()
    assert.equal("terminated", item.status)
    assert.is_number(item.close_time)
    assert.equal(3, item.history_length)
    assert.is_true(item.history_size > 100)
  end)

  it("integers above 2^53 are exact in describe; a list has what the server rounds", function()
    local run = begin { search_attributes = { CustomInt = temporal.int "9007199254740993" } }
    local exact = temporal.int64 "9007199254740993"
    assert.equal(exact, temporal.assert(run:describe()).search_attributes.CustomInt)
    wait_for(1, "WorkflowId = '" .. run.id .. "'")
    local item = client:list_workflows("WorkflowId = '" .. run.id .. "'")()
    local rounded = item.search_attributes.CustomInt
    if type(rounded) ~= "number" then
      rounded = tonumber((tostring(rounded):match "^%d+"))
    end
    assert.is_true(math.abs(rounded - 9007199254740992) <= 2)
  end)

  it("pages, limits and iterators give every execution once", function()
    mark = "pages-" .. env.uuid()
    local started = {}
    for i = 1, 25 do
      started[begin({ id = ("%s-%d"):format(mark, i) }).id] = true
    end
    wait_for(25)
    local function check(list, count)
      local seen, number = {}, 0
      for _, item in ipairs(list) do
        assert.is_true(started[item.id], item.id)
        assert.is_nil(seen[item.id])
        seen[item.id] = true
        number = number + 1
      end
      assert.equal(count, number)
    end
    check(collect(client:list_workflows(marked())), 25)
    check(collect(client:list_workflows { query = marked(), page_size = 1 }), 25)
    check(collect(client:list_workflows { query = marked(), page_size = 7 }), 25)
    check(collect(client:list_workflows { query = marked(), page_size = 5, limit = 10 }), 10)
    check(collect(client:list_workflows { query = marked(), limit = 3 }), 3)
    check(collect(client:list_workflows { query = marked(), page_size = 2, limit = 100 }), 25)
    check(collect(client:list_workflows { query = marked(), limit = 0 }), 0)
    local all, token, pages = {}, nil, 0
    repeat
      local items
      items, token = temporal.assert(client:list_workflows_page {
        query = marked(), page_size = 10, page_token = token })
      pages = pages + 1
      for _, item in ipairs(items) do
        all[#all + 1] = item
      end
    until not token
    check(all, 25)
    assert.is_true(pages >= 3)
  end)

  it("thousands of pages, one in memory at a time", function()
    -- The answers are made here: what is to be seen is that nothing is kept.
    local function answered(response)
      return { wait = function() return true end, get = function() return response end }
    end
    local served = 0
    local kept = setmetatable({}, { __mode = "k" })
    local start = service.start
    service.start = function(_, method, request)
      assert.equal("ListWorkflowExecutions", method)
      if served > 0 then
        assert.equal(tostring(served), request.next_page_token)
      end
      served = served + 1
      -- Some pages are empty, and not the last.
      local executions = {}
      for i = 1, served % 3 do
        executions[i] = { execution = { workflow_id = served .. "/" .. i, run_id = "r" } }
      end
      kept[executions] = true
      return answered { executions = executions,
        next_page_token = served < 3000 and tostring(served) or "" }
    end
    local count = 0
    local done, problem = pcall(function()
      for item in client:list_workflows() do
        count = count + 1
        assert.is_string(item.id)
        if count % 1000 == 0 then
          collectgarbage()
          local pages = 0
          for _ in pairs(kept) do
            pages = pages + 1
          end
          assert.is_true(pages <= 2, pages .. " pages are kept")
        end
      end
    end)
    service.start = start
    assert.is_true(done, problem)
    assert.same({ 3000, 3000 }, { served, count })
  end)

  it("counts, with groups", function()
    mark = "count-" .. env.uuid()
    for i = 1, 5 do
      local run = begin {}
      if i <= 2 then
        temporal.assert(client:call("TerminateWorkflowExecution",
          { workflow_execution = { workflow_id = run.id } }))
      end
    end
    wait_for(2, marked " AND ExecutionStatus = 'Terminated'")
    wait_for(3, marked " AND ExecutionStatus = 'Running'")
    local count, groups = client:count_workflows(marked())
    assert.same({ 5, {} }, { count, groups })
    count, groups = client:count_workflows { query = marked " GROUP BY ExecutionStatus",
      timeout = 30 }
    assert.equal(5, count)
    table.sort(groups, function(a, b) return a.count < b.count end)
    assert.same({ { values = { "Terminated" }, count = 2 },
      { values = { "Running" }, count = 3 } }, groups)
    assert.is_true(temporal.assert(client:count_workflows()) >= 5)
    assert.is_true(temporal.assert(client:count_workflows {}) >= 5)
  end)

  it("puts the error where a value cannot be read", function()
    local run = begin { memo = { plain = 1,
      odd = temporal.raw { metadata = { encoding = "x/unknown" }, data = "?" } } }
    wait_for(1, "WorkflowId = '" .. run.id .. "'")
    local item = client:list_workflows("WorkflowId = '" .. run.id .. "'")()
    assert.equal(1, item.memo.plain)
    assert.is_true(temporal.is_error(item.memo.odd))
    assert.equal("conversion", item.memo.odd.kind)
  end)

  it("raises or returns what goes wrong", function()
    local ok, err = pcall(client:list_workflows "no such query")
    assert.is_false(ok)
    assert.is_true(temporal.is_error(err))
    assert.equal("invalid_argument", err.kind)
    assert.matches("; the query: no such query$", tostring(err))
    local items
    items, err = client:list_workflows_page { query = "also = wrong" }
    assert.is_nil(items)
    assert.equal("invalid_argument", err.kind)
    assert.matches("; the query: also = wrong$", tostring(err))
    local count
    count, err = client:count_workflows "WorkflowId ~ 1"
    assert.is_nil(count)
    assert.equal("invalid_argument", err.kind)
    assert.matches("; the query: WorkflowId ~ 1$", tostring(err))
    -- A token that is none: the server hides why, and the client tries again until then.
    items, err = client:list_workflows_page { page_token = "garbage", timeout = 1 }
    assert.is_nil(items)
    assert.is_true(temporal.is_error(err))
    local other = temporal.client { target = env.address, namespace = env.namespace }
    local iterator = other:list_workflows()
    assert(other:close())
    ok, err = pcall(iterator)
    assert.is_false(ok)
    assert.equal("closed", err.kind)
    ok, err = pcall(other.list_workflows, other)
    assert.is_false(ok)
    assert.matches("attempt to use a closed client", err)
  end)

  it("raises on misuse", function()
    local function raised(method, ...)
      local ok, message = pcall(client[method], client, ...)
      assert.is_false(ok)
      assert.matches("visibility_spec%.lua:%d+: ", message)
      return message
    end
    assert.matches("client:list_workflows takes a query (a string) or a table of options, got 7",
      raised("list_workflows", 7), 1, true)
    assert.matches('"limit" must be a whole number of at least 0, got -1',
      raised("list_workflows", { limit = -1 }), 1, true)
    assert.matches('"page_size" must be a whole number from 1', raised("list_workflows",
      { page_size = 1.5 }), 1, true)
    assert.matches('unknown option of client:list_workflows "querry"; did you mean "query"?',
      raised("list_workflows", { querry = "" }), 1, true)
    assert.matches('"query" must be a string, got a table', raised("count_workflows",
      { query = {} }), 1, true)
    assert.matches('unknown option of client:list_workflows_page "limit"',
      raised("list_workflows_page", { limit = 1 }), 1, true)
    assert.matches('"page_token" must be a string', raised("list_workflows_page",
      { page_token = 1 }), 1, true)
    assert.matches("not valid UTF%-8", select(2, pcall(client:list_workflows "\255")))
  end)
end)

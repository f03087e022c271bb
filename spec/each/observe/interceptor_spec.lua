--- Interceptors: the chains by themselves, then around operations and RPCs of a real client.

local env = require "spec.support.environment"
local faults = require "spec.support.faults"
local interceptor = require "temporal.observe.interceptor"
local misuse_prefix = "interceptor_spec%.lua:%d+: "
local temporal = require "temporal"

local START = "StartWorkflowExecution"

local function chains_of(list)
  return assert(interceptor.new(list))
end

-- Appends to a log what passes.
local function logging(log, mark)
  return function(input, next)
    log[#log + 1] = mark .. " in"
    local result = next(input)
    log[#log + 1] = mark .. " out"
    return result
  end
end

describe("temporal.interceptor", function()
  describe("new", function()
    local function problem(list)
      local chains, message = interceptor.new(list)
      assert.is_nil(chains)
      return message
    end

    it("takes a function for every operation", function()
      local all = {}
      for _, name in ipairs(interceptor.names) do
        all[name] = function(input, next) return next(input) end
      end
      local chains = assert(interceptor.new { all, {}, { call = {} } })
      for _, name in ipairs(interceptor.names) do
        assert.is_function(chains[name], name)
      end
    end)

    it("has its names sorted, so that the nearest can be told", function()
      local copy = {}
      for i, name in ipairs(interceptor.names) do copy[i] = name end
      table.sort(copy)
      assert.same(copy, interceptor.names)
    end)

    it("names what is wrong, and the nearest name", function()
      assert.equal("interceptors must be a list of tables, got a function", problem(print))
      assert.equal("interceptors must be a list with the keys 1 to n, got the key \"signal\"",
        problem { signal = print })
      assert.equal("interceptors must be a list with the keys 1 to n, got the key 1.5",
        problem { [1.5] = {} })
      assert.equal("interceptors[2] must be a table of functions by operation, got a string",
        problem { {}, "x" })
      assert.equal('interceptors[1]: unknown operation "signall"; did you mean "signal"?',
        problem { { signall = print } })
      assert.equal('interceptors[1]: unknown operation "startWorkflow"; did you mean '
        .. '"start_workflow"?', problem { { startWorkflow = print } })
      assert.matches('^interceptors%[1%]: unknown operation "quux"; known are: backfill_schedule, ',
        problem { { quux = print } })
      assert.equal("interceptors[1]: operations are given by name, got the key 1",
        problem { { print } })
      assert.equal("interceptors[1].signal must be a function, got a table",
        problem { { signal = {} } })
      assert.equal('interceptors[1].call: unknown hook "befor"; did you mean "before"?',
        problem { { call = { befor = print } } })
      assert.equal("interceptors[1].call.after must be a function, got true",
        problem { { call = { after = true } } })
    end)
  end)

  describe("run", function()
    it("performs at once where there are none", function()
      local input = {}
      local function perform(given)
        assert.equal(input, given)
        return 1, nil, 3
      end
      assert.equal(3, select("#", interceptor.run({}, "signal", input, perform)))
      assert.equal(3, select("#", interceptor.run(chains_of { {} }, "signal", input, perform)))
      assert.equal(3, select("#",
        interceptor.run(chains_of { { query = error } }, "signal", input, perform)))
    end)

    it("calls the first in the list outermost", function()
      local log = {}
      local chains = chains_of {
        { signal = logging(log, "a") }, { query = error }, { signal = logging(log, "b") },
      }
      assert.equal("done", interceptor.run(chains, "signal", {}, function()
        log[#log + 1] = "perform"
        return "done"
      end))
      assert.same({ "a in", "b in", "perform", "b out", "a out" }, log)
    end)

    it("passes values of any number, nils too", function()
      local chains = chains_of { { get = function(input, next) return next(input) end },
                                 { get = function(input, next) return next(input) end } }
      local function count(...) return select("#", ...) end
      assert.equal(4, count(interceptor.run(chains, "get", {}, function()
        return nil, "x", nil, nil
      end)))
      assert.equal(1, count(interceptor.run(chains, "get", {}, function() return nil end)))
    end)

    it("lets an interceptor repeat, replace the input, or answer by itself", function()
      local inputs = {}
      local chains = chains_of {
        { query = function(input, next)
            assert.is_nil(next(input))
            return next { name = "other" }
          end },
        { query = function(input, next)
            input.seen = (input.seen or 0) + 1
            return next(input)
          end },
      }
      local answer, err = interceptor.run(chains, "query", { name = "first" }, function(input)
        inputs[#inputs + 1] = input.name .. input.seen
        if input.name == "first" then return nil, "no" end
        return "yes"
      end)
      assert.same({ "yes", nil }, { answer, err })
      assert.same({ "first1", "other1" }, inputs)
      chains = chains_of { { query = function() return "mine" end } }
      assert.equal("mine", interceptor.run(chains, "query", {}, error))
    end)

    it("passes what is raised, on its way in and out", function()
      local thrown, seen = {}, nil
      local chains = chains_of { { query = function(input, next)
        local ok, raised = pcall(next, input)
        seen = raised
        assert.is_false(ok)
        error(raised, 0)
      end } }
      local ok, raised = pcall(interceptor.run, chains, "query", {}, function()
        error(thrown, 0)
      end)
      assert.is_false(ok)
      assert.equal(thrown, raised)
      assert.equal(thrown, seen)
    end)

    it("tells an interceptor that forgot the input", function()
      for _, list in ipairs { { { query = function(_, next) next() end } },
                              { { query = function(_, next) next() end }, { query = print } } } do
        local ok, message = pcall(interceptor.run, chains_of(list), "query", {}, function() end)
        assert.is_false(ok)
        assert.matches(misuse_prefix
          .. 'interceptor "query": next takes the input, a table, got nothing', message)
      end
    end)

    it("may wait: it yields through the chain", function()
      local chains = chains_of { { get = function(input, next)
        coroutine.yield("outer")
        return next(input)
      end } }
      local co = coroutine.wrap(function()
        return interceptor.run(chains, "get", {}, function()
          coroutine.yield("inner")
          return "value"
        end)
      end)
      assert.same({ "outer", "inner", "value" }, { co(), co(), co() })
    end)
  end)
end)

describe("client option interceptors", function()
  local open = {}

  local function new_client(interceptors, options)
    options = options or {}
    options.target, options.namespace = env.address, env.namespace
    options.interceptors = interceptors
    local client = temporal.client(options)
    open[#open + 1] = client
    return client
  end

  after_each(function()
    for _, client in ipairs(open) do client:close() end
    open = {}
  end)

  it("is checked", function()
    local ok, message = pcall(temporal.client, { interceptors = { { signall = print } } })
    assert.is_false(ok)
    assert.matches(misuse_prefix .. 'client option "interceptors": interceptors%[1%]: unknown '
      .. 'operation "signall"; did you mean "signal"%?', message)
  end)

  it("stands around starts: type, arguments, id, header and options can be changed", function()
    local inputs = {}
    local function change(input, next)
      inputs[#inputs + 1] = input
      input.type = "Info"
      input.header.trace = { id = "x" }
      input.options.memo = { seen = true }
      return next(input)
    end
    local started_with
    local client = new_client { {
      execute_workflow = change,
      start_workflow = function(input, next)
        started_with = input.type
        return next(input)
      end,
    } }
    local given = { id = "intercepted-" .. env.uuid(), task_queue = env.task_queue }
    local run = client:execute_workflow(given, "Nothing", 1, nil)
    local info = temporal.assert(run:get())
    assert.equal("Info", info.workflow_type)
    assert.same({ metadata = { encoding = "json/plain" }, data = "eyJpZCI6IngifQ==" },
      info.headers.trace)
    assert.is_truthy(info.memo.seen)
    assert.same({ client, given.id, 2, 1 },
      { inputs[1].client, inputs[1].id, inputs[1].args.n, inputs[1].args[1] })
    -- The caller's own table is left alone.
    assert.same({ nil, nil }, { given.memo, given.header })
    local started =
      temporal.assert(client:start_workflow({ task_queue = env.task_queue }, "Nothing"))
    assert.equal("Info", temporal.assert(started:get()).workflow_type)
    -- Starting is executing and waiting for the acknowledgement: both are asked.
    assert.same({ "Nothing", 2 }, { started_with, #inputs })
  end)

  it("stands around get, call, submit, connect and close", function()
    local log = {}
    local function note(name)
      return function(input, next)
        log[#log + 1] = name .. ":" .. tostring(input.method or input.id)
        return next(input)
      end
    end
    local list = { {} }
    for _, name in ipairs { "get", "call", "submit", "connect", "close" } do
      list[1][name] = note(name)
    end
    local client = new_client(list)
    assert.is_true(client:connect())
    temporal.assert(client:call("GetSystemInfo"))
    temporal.assert(client:submit("GetClusterInfo"):get())
    local run = client:execute_workflow({ id = "i-" .. env.uuid(), task_queue = env.task_queue },
      "Echo", "x")
    assert.equal("x", run:get(10))
    assert.is_true(client:close())
    assert.same({ "connect:nil", "call:GetSystemInfo", "submit:GetClusterInfo",
                  "get:" .. run.id, "close:nil" }, log)
  end)
end)

describe("hooks around RPCs", function()
  setup(function() faults.start_peer() end)
  teardown(faults.stop_peer)
  after_each(function()
    faults.after_each()
    faults.peer:reset()
  end)

  local function recording(log, mark)
    return { call = {
      before = function(input)
        log[#log + 1] = mark .. " before " .. input.method
      end,
      after = function(input, outcome)
        log[#log + 1] = ("%s after %s %s"):format(mark, input.method,
          outcome.error and outcome.error.kind or "ok")
        log.outcome = outcome
      end,
    } }
  end

  it("run before it is sent, and in reverse by the first that takes the answer", function()
    local log = {}
    local client = faults.client { interceptors = { recording(log, "a"), recording(log, "b") } }
    local future = client:submit("GetSystemInfo")
    assert.same({ "a before GetSystemInfo", "b before GetSystemInfo" }, log)
    assert.is_true(future:wait(30))
    assert.equal(2, #log)
    temporal.assert(future:get())
    assert.same({ "b after GetSystemInfo ok", "a after GetSystemInfo ok" }, { log[3], log[4] })
    assert.is_nil(log.outcome.error)
    assert.equal(1, log.outcome.attempts)
    assert.is_true(log.outcome.seconds > 0 and log.outcome.seconds < 5)
    temporal.assert(future:get())
    assert.equal(4, #log)
  end)

  it("see where it goes, and may change its metadata", function()
    local seen
    local client = faults.client { namespace = "n", interceptors = { { call = {
      before = function(input)
        seen = input
        input.metadata.added = "by a hook"
        input.metadata.given = input.metadata.given .. "!"
      end,
    } } } }
    local metadata = { given = "value" }
    client:submit("DescribeNamespace", {}, { metadata = metadata, timeout = 3 }):get()
    assert.same({ client, "DescribeNamespace", "temporal.api.workflowservice.v1.WorkflowService",
                  "n", "n", 3 },
                { seen.client, seen.method, seen.service, seen.namespace, seen.request.namespace,
                  seen.timeout })
    local headers = faults.peer:headers("DescribeNamespace")
    assert.same({ "by a hook", "value!" }, { headers.added, headers.given })
    assert.same({ given = "value" }, metadata)
  end)

  it("are told of failures, attempts and seconds", function()
    faults.peer:cmd("call 2 : only grpc-status=14")
    local log = {}
    local client = faults.client { retry = faults.QUICK, interceptors = { recording(log, "a") } }
    temporal.assert(client:call("GetSystemInfo"))
    assert.equal(3, log.outcome.attempts)
    faults.peer:cmd("call 1 : only grpc-status=5 grpc-message=none")
    local _, err = client:call("GetSystemInfo")
    assert.equal("not_found", err.kind)
    assert.equal(err, log.outcome.error)
    assert.equal(1, log.outcome.attempts)
  end)

  it("stand around a start, and not around the polls for its result", function()
    local log = {}
    local client = faults.client { interceptors = { recording(log, "a") } }
    faults.peer:cmd("call GetWorkflowExecutionHistory : answer completed 7")
    local run = faults.submit(client)
    assert.same({ "a before StartWorkflowExecution" }, log)
    assert.equal(7, run:get(30))
    assert.equal(7, run:get(30))
    assert.same({ "a before StartWorkflowExecution", "a after StartWorkflowExecution ok" },
      { log[1], log[2] })
    assert.equal(2, #log)
    assert.equal(1, log.outcome.attempts)
    run = faults.submit(client)
    assert.is_true(run:started(30))
    assert.equal(4, #log)
    faults.peer:cmd("call 1 %s : only grpc-status=7", START)
    run = faults.submit(client)
    local _, err = run:get(30)
    assert.equal("permission_denied", err.kind)
    assert.equal("permission_denied", log.outcome.error.kind)
    run:get(30)
    assert.equal(6, #log)
  end)

  it("pass what they raise: before, nothing is sent; after, the next take is silent", function()
    local client = faults.client { interceptors = { { call = {
      before = function(input)
        if input.method == "GetClusterInfo" then error("not that", 0) end
      end,
      after = function() error("afterwards", 0) end,
    } } } }
    local ok, message = pcall(client.call, client, "GetClusterInfo")
    assert.same({ false, "not that" }, { ok, message })
    local future = client:submit("GetSystemInfo")
    ok, message = pcall(future.get, future)
    assert.same({ false, "afterwards" }, { ok, message })
    assert.is_table(future:get())
    assert.equal(0, #faults.peer:requests("GetClusterInfo"))
  end)

  it("that leave metadata which cannot be sent are told so", function()
    local client = faults.client { interceptors = { { call = {
      before = function(input) input.metadata.x = {} end,
    } } } }
    local ok, message = pcall(client.call, client, "GetSystemInfo")
    assert.is_false(ok)
    assert.matches(misuse_prefix .. '.*the value of "x" must be a string, got a table', message)
  end)

  it("that return nothing are told so, with their place", function()
    local client = faults.client { interceptors = { {
      execute_workflow = function() end,
      get = function() return nil end,
    } } }
    local ok, message = pcall(faults.submit, client)
    assert.is_false(ok)
    assert.matches(misuse_prefix .. '.*interceptor "execute_workflow" %(spec/each/observe/'
      .. "interceptor_spec%.lua:%d+%) returned nothing: return what next%(input%) returns", message)
    -- A nil is a value.
    assert.is_nil(client:workflow("w"):get())
  end)
end)

--- What a client counts: against a real server, and call by call against the fault peer.

local core = require "temporal.core"
local env = require "spec.support.environment"
local fault_peer = require "spec.support.fault_peer"
local faults = require "spec.support.faults"
local temporal = require "temporal"

local unpack = table.unpack or unpack -- luacheck: ignore 113 143

local START = "StartWorkflowExecution"
local POLL = "GetWorkflowExecutionHistory"

-- The samples of a metric, those with the given tags only.
local function samples(client, name, tags)
  local found = {}
  for _, sample in ipairs(client:metrics()[name]) do
    local fits = true
    for tag, value in pairs(tags or {}) do
      fits = fits and sample[tag] == value
    end
    if fits then found[#found + 1] = sample end
  end
  return found
end

-- The value of the only sample with these tags; 0 when there is none.
local function value(client, name, tags)
  local found = samples(client, name, tags)
  assert.is_true(#found <= 1, "one sample of " .. name)
  return found[1] and (found[1].value or found[1].count) or 0
end

local function connection(client)
  local m = client:metrics()
  return { m.temporal_connections[1].value, m.temporal_connections_dialled[1].value,
           m.temporal_dial_failures[1].value, m.temporal_pending_requests[1].value,
           m.temporal_unacknowledged_requests[1].value }
end

describe("client:metrics", function()
  describe("on a real server", function()
    local client

    setup(function()
      client = temporal.client { target = env.address, namespace = env.namespace }
    end)

    teardown(function() assert(client:close()) end)

    it("counts calls, attempts, failures and latencies by operation", function()
      for name, list in pairs(client:metrics()) do
        local own = name:match("connections") or name:match("dial") or name:match("pending")
          or name:match("unacknowledged")
        assert.equal(own and 1 or 0, #list, name)
      end
      assert.equal(0, value(client, "temporal_connections"))

      local run = client:execute_workflow({ task_queue = env.task_queue }, "Greeting", "Lua")
      assert.equal("Hello, Lua!", temporal.assert(run:get()))
      for _ = 1, 2 do
        local _, err = client:call("DescribeWorkflowExecution",
          { execution = { workflow_id = "no-such-" .. env.uuid() } })
        assert.equal("not_found", err.kind)
      end
      temporal.assert(client:call("GetSystemInfo"))

      local start = { operation = START, namespace = env.namespace }
      assert.equal(1, value(client, "temporal_request", start))
      assert.equal(1, value(client, "temporal_request_attempt", start))
      assert.equal(0, value(client, "temporal_request_failure", start))
      assert.equal(0, value(client, "temporal_long_request", start))
      local poll = { operation = POLL, namespace = env.namespace }
      assert.is_true(value(client, "temporal_long_request", poll) >= 1)
      assert.is_true(value(client, "temporal_long_request_attempt", poll) >= 1)
      assert.equal(0, value(client, "temporal_request", poll))
      local describe_call = { operation = "DescribeWorkflowExecution" }
      assert.equal(2, value(client, "temporal_request", describe_call))
      assert.same({ { operation = "DescribeWorkflowExecution", namespace = env.namespace,
                      status_code = "NOT_FOUND", value = 2 } },
                  samples(client, "temporal_request_failure", describe_call))
      assert.equal(1, value(client, "temporal_request",
        { operation = "GetSystemInfo", namespace = "_unknown_" }))
      assert.same({ 1, 1, 0, 0, 0 }, connection(client))
    end)

    it("keeps latencies as a histogram in seconds", function()
      temporal.assert(client:call("GetClusterInfo"))
      for _, name in ipairs { "temporal_request_latency", "temporal_request_latency_attempt" } do
        local latency = samples(client, name, { operation = "GetClusterInfo" })[1]
        assert.equal(1, latency.count)
        assert.is_true(latency.sum > 0 and latency.sum < 10)
        local before, le = 0, 0
        for _, bucket in ipairs(latency.buckets) do
          assert.is_true(bucket.le > le and bucket.count >= before)
          assert.equal(latency.sum <= bucket.le and 1 or 0, bucket.count)
          before, le = bucket.count, bucket.le
        end
        assert.equal(30, le)
      end
    end)
  end)

  describe("on the fault peer", function()
    setup(function() faults.start_peer() end)
    teardown(faults.stop_peer)
    after_each(function()
      faults.after_each()
      faults.peer:reset()
    end)

    it("tells a call from its attempts", function()
      faults.peer:cmd("call 2 %s : only grpc-status=14 grpc-message=busy", START)
      local client = faults.client { retry = faults.QUICK }
      faults.must_start(client)
      local tags = { operation = START }
      assert.equal(1, value(client, "temporal_request", tags))
      assert.equal(0, #samples(client, "temporal_request_failure", tags))
      assert.equal(3, value(client, "temporal_request_attempt", tags))
      assert.equal(2, value(client, "temporal_request_failure_attempt",
        { operation = START, status_code = "UNAVAILABLE" }))
      local calls = samples(client, "temporal_request_latency", tags)[1]
      local attempts = samples(client, "temporal_request_latency_attempt", tags)[1]
      assert.same({ 1, 3 }, { calls.count, attempts.count })
      -- The waits between attempts are the call's.
      assert.is_true(calls.sum > attempts.sum)
    end)

    it("names the cause of resource_exhausted", function()
      local detail = "temporal.api.errordetails.v1.ResourceExhaustedFailure"
      faults.peer:cmd("call 1 %s : only %s", START, fault_peer.status(8, "m", detail, "\8\2"))
      faults.peer:cmd("call 1 %s : only %s", START, fault_peer.status(8, "m", detail, "\8\127"))
      faults.peer:cmd("call 1 %s : only grpc-status=8", START)
      local client = faults.client()
      for _ = 1, 3 do
        local _, err = faults.start(client)
        assert.equal("resource_exhausted", err.kind)
      end
      local found = {}
      for _, sample in ipairs(samples(client, "temporal_request_resource_exhausted")) do
        found[sample.cause] = sample.value
      end
      assert.same({ ConcurrentLimit = 1, Unspecified = 2 }, found)
      assert.equal(3, value(client, "temporal_request_failure",
        { status_code = "RESOURCE_EXHAUSTED" }))
    end)

    it("counts a stream that the peer did not process as no attempt", function()
      faults.peer:cmd("call 1 %s : rst REFUSED_STREAM", START)
      local client = faults.client()
      faults.must_start(client)
      assert.equal(1, value(client, "temporal_request_attempt", { operation = START }))
    end)

    it("counts a deadline", function()
      faults.peer:cmd("call %s : hold", START)
      local client = faults.client { rpc_timeout = 0.3 }
      temporal.assert(client:connect(30))
      local _, err = faults.start(client)
      assert.equal("deadline_exceeded", err.kind)
      local tags = { operation = START, status_code = "DEADLINE_EXCEEDED" }
      assert.equal(1, value(client, "temporal_request_failure", tags))
      assert.equal(1, value(client, "temporal_request_failure_attempt", tags))
    end)

    it("does not count what was given up", function()
      faults.peer:cmd("call %s : hold", POLL)
      local client = faults.client()
      local run = faults.must_start(client)
      assert.is_false(run:ready())
      faults.peer:wait_until("polls_open>=1")
      run:abandon()
      local _, err = run:get(1)
      assert.equal("call_canceled", err.kind)
      faults.must_start(client)
      assert.equal(0, #samples(client, "temporal_long_request"))
      assert.equal(2, value(client, "temporal_request", { operation = START }))
    end)

    it("counts connections, dials that fail, and attempts on them", function()
      faults.peer:cmd("listen off")
      local client = faults.client { retry = { initial = 0.05, max = 0.05, attempts = 1000 } }
      local run = faults.submit(client)
      env.wait_until(30, function() return connection(client)[3] >= 2 end, "two failed dials")
      local open, dialled, _, pending, unacknowledged = unpack(connection(client))
      assert.same({ 0, 0, 1, 1 }, { open, dialled, pending, unacknowledged })
      faults.peer:cmd("listen on")
      temporal.assert(run:started(30))
      local now = connection(client)
      assert.same({ 1, 1, 0, 0 }, { now[1], now[2], now[4], now[5] })
      assert.equal(now[3], value(client, "temporal_request_failure_attempt",
        { operation = START, status_code = "UNAVAILABLE" }))
      assert.equal(now[3] + 1, value(client, "temporal_request_attempt", { operation = START }))
      faults.peer:cmd("all : close")
      env.wait_until(30, function() return connection(client)[1] == 0 end, "the end of it")
    end)

    it("is counted by each client for itself", function()
      local a, b = faults.client(), faults.client()
      faults.must_start(a)
      assert.equal(1, value(a, "temporal_request"))
      assert.equal(0, value(b, "temporal_request"))
    end)
  end)

  describe("as text for Prometheus", function()
    local NAMESPACE = 'n "quoted" \\'
    local client

    setup(function()
      faults.start_peer()
      faults.peer:cmd("call 1 %s : only grpc-status=5", START)
      client = faults.client { namespace = NAMESPACE }
      faults.start(client)
      faults.must_start(client)
    end)

    teardown(function()
      faults.after_each()
      faults.stop_peer()
    end)

    local function unescape(text)
      return (text:gsub("\\(.)", { n = "\n", ["\\"] = "\\", ['"'] = '"' }))
    end

    local function read_labels(text)
      local read, at = {}, 1
      while at <= #text do
        local name, from = text:match('^([%a_][%w_]*)="()', at)
        local to = assert(from, text)
        while text:sub(to, to) ~= '"' do
          to = to + (text:sub(to, to) == "\\" and 2 or 1)
          assert(to <= #text, text)
        end
        read[name] = unescape(text:sub(from, to - 1))
        at = text:match("^,()", to + 1) or to + 1
        assert(at > to + 1 or at > #text, text)
      end
      return read
    end

    -- Reads the format strictly: by name, {help=, type=, {name=, labels=, value=}, ...}.
    local function parse(text)
      local families, family = {}, nil
      assert.equal("\n", text:sub(-1))
      for line in text:gmatch("([^\n]*)\n") do
        local what, name, rest = line:match("^# (%u+) ([%a_][%w_]*) (.+)$")
        if what == "HELP" then
          assert.is_nil(families[name], "one block of " .. name)
          family = { name = name, help = rest }
          families[name] = family
        elseif what == "TYPE" then
          assert.equal(family.name, name)
          family.type = rest
        else
          local sample, labels, number = line:match("^([%a_][%w_]*){(.+)} (%S+)$")
          if not sample then
            sample, number = line:match("^([%a_][%w_]*) (%S+)$")
          end
          assert(sample, "cannot be read: " .. line)
          assert.equal(family.name, sample:sub(1, #family.name))
          family[#family + 1] =
            { name = sample, labels = read_labels(labels or ""), value = tonumber(number) }
        end
      end
      return families
    end

    it("has help, type and labels, and what the snapshot has", function()
      local families = parse(client:metrics { format = "prometheus" })
      local request = families.temporal_request
      assert.equal("counter", request.type)
      assert.same({ { name = "temporal_request", value = 2,
                      labels = { operation = START, namespace = NAMESPACE } } },
                  { request[1] })
      local failure = families.temporal_request_failure
      assert.same({ operation = START, namespace = NAMESPACE, status_code = "NOT_FOUND" },
                  failure[1].labels)
      assert.is_nil(families.temporal_long_request)
      assert.equal("gauge", families.temporal_connections.type)
      assert.same({ name = "temporal_connections", value = 1, labels = {} },
                  families.temporal_connections[1])
      assert.equal("counter", families.temporal_connections_dialled.type)
    end)

    it("has histograms in milliseconds, their buckets cumulative", function()
      local latency = parse(client:metrics { format = "prometheus" }).temporal_request_latency
      assert.equal("histogram", latency.type)
      local les, before = {}, 0
      for _, sample in ipairs(latency) do
        if sample.name == "temporal_request_latency_bucket" then
          les[#les + 1] = sample.labels.le
          assert.is_true(sample.value >= before)
          before = sample.value
        end
      end
      assert.same({ "1", "2", "5", "10", "20", "50", "100", "200", "500", "1000", "2500", "5000",
                    "10000", "30000", "+Inf" }, les)
      local sum, count = latency[#latency - 1], latency[#latency]
      assert.same({ "temporal_request_latency_sum", "temporal_request_latency_count" },
                  { sum.name, count.name })
      assert.same({ 2, 2 }, { count.value, before })
      local seconds = samples(client, "temporal_request_latency")[1].sum
      assert.is_true(math.abs(sum.value - 1000 * seconds) < 1e-6)
    end)

    it("names things as the Python SDK's PrometheusConfig does", function()
      local families = parse(client:metrics { format = "prometheus",
        counters_total_suffix = true, unit_suffix = true, durations_as_seconds = true })
      assert.equal(2, families.temporal_request_total[1].value)
      assert.equal("0.001", families.temporal_request_latency_seconds[1].labels.le)
      assert.is_truthy(families.temporal_connections)
      families = parse(client:metrics { format = "prometheus", unit_suffix = true })
      assert.equal("1", families.temporal_request_latency_milliseconds[1].labels.le)
      assert.is_nil(families.temporal_request_latency)
    end)

    it("puts tags on every sample", function()
      local families = parse(client:metrics { format = "prometheus",
        tags = { zone = 'a "b"\\\nc', shard = 7 } })
      local count = 0
      for _, family in pairs(families) do
        for _, sample in ipairs(family) do
          count = count + 1
          assert.same({ 'a "b"\\\nc', "7" }, { sample.labels.zone, sample.labels.shard })
        end
      end
      assert.is_true(count > 30)
    end)

    it("tags the process in nginx", function()
      rawset(_G, "ngx", { worker = {} })
      finally(function() rawset(_G, "ngx", nil) end)
      local families = parse(client:metrics { format = "prometheus" })
      assert.equal(tostring(core.pid()), families.temporal_request[1].labels.pid)
      families = parse(client:metrics { format = "prometheus", tags = { pid = "one" } })
      assert.equal("one", families.temporal_request[1].labels.pid)
    end)

    it("refuses what it does not know", function()
      local function raised(expected, options)
        local ok, message = pcall(client.metrics, client, options)
        assert.is_false(ok)
        assert.matches("metrics_spec%.lua:%d+: ", message)
        assert.matches(expected, message, 1, true)
      end
      raised("client:metrics takes a table of options, got a string", "prometheus")
      raised('"format" must be one of "prometheus" (did you mean "prometheus"?), got "prometheu"',
        { format = "prometheu" })
      raised('unknown option of client:metrics "tag"; did you mean "tags"?', { tag = {} })
      raised('"tags" must be a table of values by name, got a string',
        { format = "prometheus", tags = "x" })
      raised('"tags" must have names of letters, digits and underscores as keys, got "a b"',
        { format = "prometheus", tags = { ["a b"] = 1 } })
      raised('"tags.le" is a tag that the metrics have themselves',
        { format = "prometheus", tags = { le = 1 } })
      raised('"tags.x" must be a string or a number, got a table',
        { format = "prometheus", tags = { x = {} } })
      raised('"unit_suffix" is for the text of format = "prometheus" only', { unit_suffix = true })
    end)
  end)
end)

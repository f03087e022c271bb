-- The generated descriptor tables: the same bytes again, small, and complete.
-- The Python with the pinned packages is TEMPORAL_LUA_PYTHON, the test runner's,
-- or .deps/venv/bin/python.
local core = require "temporal.core"

local python = os.getenv("TEMPORAL_LUA_PYTHON") or os.getenv("TEMPORAL_TEST_PYTHON")
  or ".deps/venv/bin/python"

local function output_of(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read("*a")
  pipe:close()
  return text
end

local function contents(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

local function joined(lines)
  return "'" .. table.concat(lines, "\n"):gsub("'", "'\\''") .. "'"
end

describe("the schema", function()
  it("is what tools/schema.py makes of the pinned packages, byte for byte", function()
    local generated = output_of(("'%s' -B tools/schema.py"):format(python))
    assert.is_true(#generated > 100000)
    assert.is_true(generated == contents("csrc/core/proto/schema_table.c"),
      "csrc/core/proto/schema_table.c is stale: run make schema")
  end)

  it("names its generator and the packages it was made of", function()
    local banner = contents("csrc/core/proto/schema_table.c"):sub(1, 600)
    local hash = output_of("sha256sum tools/schema.py"):match("^%x+")
    assert.is_truthy(banner:find("sha256 " .. hash, 1, true))
    for name in ("temporalio googleapis-common-protos"):gmatch("%S+") do
      local pinned = contents("tools/requirements.txt"):match(name:gsub("%-", "%%-") .. "==(%S+)")
      assert.is_truthy(banner:find(name .. " " .. pinned, 1, true))
    end
  end)

  it("is at most 200 KB of read-only data, without relocations", function()
    local object = os.tmpname()
    local sections = output_of(("cc -std=c99 -O2 -fPIC -iquote csrc/core -c -o '%s' "
      .. "csrc/core/proto/schema_table.c"
      .. " && size -A '%s'; rm -f '%s'"):format(object, object, object))
    local rodata = 0
    for name, size in sections:gmatch("(%.%S+)%s+(%d+)") do
      if name:match("^%.rodata") then
        rodata = rodata + tonumber(size)
      end
      assert.is_falsy(tonumber(size) > 0 and (name:match("^%.data") or name:match("^%.bss")),
        name)
    end
    assert.is_true(rodata > 50000)
    assert.is_true(rodata <= 200 * 1024, rodata .. " bytes")
  end)

  it("keeps the whole module's read-only data within 200 KB", function()
    local path
    for template in package.cpath:gmatch("[^;]+") do
      local candidate = template:gsub("%?", "temporal/core")
      local file = not path and io.open(candidate, "rb")
      if file then
        path = candidate
        file:close()
      end
    end
    local size = output_of(("size -A '%s'"):format(path)):match("%.rodata%s+(%d+)")
    -- Sanitizers put zones around what is there.
    local limit = path:match("%-[at]san/") and 250 or 200
    assert.is_true(tonumber(size) <= limit * 1024, size .. " bytes")
  end)

  it("has every RPC of the services, with its types", function()
    local lines = output_of(("'%s' -B -c %s"):format(python, joined{
      "from temporalio.api.workflowservice.v1 import service_pb2 as w",
      "from temporalio.api.operatorservice.v1 import service_pb2 as o",
      "from temporalio.api.testservice.v1 import service_pb2 as t",
      "for file in (w, o, t):",
      "  for s in file.DESCRIPTOR.services_by_name.values():",
      "    for m in s.methods:",
      "      types = (m.input_type.full_name, m.output_type.full_name)",
      "      print(s.full_name, m.name, *types)",
    }))
    lines = lines .. "grpc.health.v1.Health Check grpc.health.v1.HealthCheckRequest "
      .. "grpc.health.v1.HealthCheckResponse\n"
    local n = 1 -- Health.Watch
    for service, method, request, response in lines:gmatch("(%S+) (%S+) (%S+) (%S+)\n") do
      local rpc = assert(core.rpc(service .. "/" .. method))
      assert.equal("/" .. service .. "/" .. method, rpc.path)
      assert.equal(request, rpc.request)
      assert.equal(response, rpc.response)
      assert.equal(rpc.path, core.rpc(method).path)
      n = n + 1
    end
    assert.is_true(n > 130)
    assert.equal(n, #core.schema_rpcs())
  end)

  it("says which requests have a namespace, an identity, a request id", function()
    local rpc = core.rpc("StartWorkflowExecution")
    assert.is_true(rpc.namespace and rpc.identity and rpc.request_id)
    rpc = core.rpc("GetWorkflowExecutionHistory")
    assert.is_true(rpc.namespace)
    assert.is_false(rpc.identity or rpc.request_id)
    rpc = core.rpc("grpc.health.v1.Health/Check")
    assert.is_false(rpc.namespace or rpc.identity or rpc.request_id)
  end)

  it("suggests the nearest method", function()
    local cases = {
      StartWorkflowExecuton = "StartWorkflowExecution",
      ["describe_namespace"] = "DescribeNamespace",
      ["temporal.api.operatorservice.v1.OperatorService/ListSearchAttribute"] =
        "ListSearchAttributes",
      ["no.such.Service/ListSearchAttributes"] = "ListSearchAttributes",
    }
    for wrong, right in pairs(cases) do
      local rpc, message = core.rpc(wrong)
      assert.is_nil(rpc)
      assert.is_truthy(message:find('did you mean "' .. right .. '"?', 1, true), message)
    end
    assert.same({ nil, 'unknown method "x"' }, { core.rpc("x") })
    assert.same({ nil, 'unknown method ""' }, { core.rpc("") })
    assert.same({ nil, 'unknown method "/"' }, { core.rpc("/") })
  end)

  it("has the messages of the failure, errordetails, sdk and status files", function()
    local messages = {}
    local list = core.schema_messages()
    for i, name in ipairs(list) do
      messages[name] = true
      assert.is_true(i == 1 or list[i - 1] < name)
    end
    for name in ([[google.rpc.Status google.protobuf.Any grpc.health.v1.HealthCheckResponse
        temporal.api.failure.v1.Failure temporal.api.sdk.v1.UserMetadata
        temporal.api.sdk.v1.WorkflowMetadata temporal.api.sdk.v1.EnhancedStackTrace
        temporal.api.sdk.v1.WorkflowTaskCompletedMetadata
        temporal.api.errordetails.v1.WorkflowExecutionAlreadyStartedFailure
        temporal.api.errordetails.v1.MultiOperationExecutionFailure]]):gmatch("%S+") do
      assert.is_true(messages[name], name)
    end
    assert.is_nil(messages["temporal.api.common.v1.Memo.FieldsEntry"])
    assert.is_nil((core.encode("temporal.api.common.v1.Memo.FieldsEntry", {})))
  end)

  it("finds every field of every message by name", function()
    local lines = output_of(("'%s' -B -c %s"):format(python, joined{
      "import sys; sys.path.insert(0, 'tools'); import schema",
      "for m in schema.Schema(*schema.sources()).messages:",
      "  for f in m.fields:",
      "    if not schema.is_entry(m): print(m.full_name, f.name, f.number)",
    }))
    local n = 0
    for message, field, number in lines:gmatch("(%S+) (%S+) (%d+)\n") do
      assert.equal(tonumber(number), core.field_number(message, field))
      n = n + 1
    end
    assert.is_true(n > 2500)
    local number, message = core.field_number("temporal.api.common.v1.Payload", "dat")
    assert.is_nil(number)
    assert.equal('unknown field "dat"; did you mean "data"?', message)
  end)

  it("agrees with the numbers the core uses by hand", function()
    local list = contents("csrc/core/client/workflow_fields.h"):gsub("\\\n%s*", "")
    local n = 0
    for number, message, field in list:gmatch('X%([%u_%d]+, (%d+), *"([^"]+)", *"([^"]+)"%)') do
      assert.equal(tonumber(number), core.field_number("temporal.api." .. message, field))
      n = n + 1
    end
    assert.is_true(n > 20)
  end)
end)

describe("enums", function()
  local policy = "temporal.api.enums.v1.WorkflowIdReusePolicy"

  it("map names to numbers and back", function()
    local enum = core.enum(policy)
    assert.equal(1, enum.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE)
    assert.equal("WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE", enum[1])
    assert.equal("WORKFLOW_ID_REUSE_POLICY_UNSPECIFIED", enum[0])
    assert.same({ nil, 'unknown enum "no.Such"' }, { core.enum("no.Such") })
  end)

  it("have short names in lower snake case", function()
    assert.equal("allow_duplicate", core.enum_short(policy, 1))
    assert.equal("allow_duplicate",
      core.enum_short(policy, "WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE"))
    assert.equal(77, core.enum_short(policy, 77))
    assert.is_nil((core.enum_short(policy, "no")))
    assert.equal("not_serving",
      core.enum_short("grpc.health.v1.HealthCheckResponse.ServingStatus", 2))
  end)

  it("find a number by either name, and nothing else", function()
    assert.equal(1, core.enum_number(policy, "allow_duplicate"))
    assert.equal(1, core.enum_number(policy, "WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE"))
    assert.is_nil((core.enum_number(policy, "ALLOW_DUPLICATE")))
    assert.is_nil((core.enum_number(policy, "")))
    local number, message = core.enum_number(policy, "allow_duplicat")
    assert.is_nil(number)
    assert.equal('unknown value "allow_duplicat"; did you mean "allow_duplicate"?', message)
  end)

  it("find every value of every enum by its short name", function()
    local lines = output_of(("'%s' -B -c %s"):format(python, joined{
      "import sys; sys.path.insert(0, 'tools'); import schema",
      "for e in schema.Schema(*schema.sources()).enums:",
      "  for v in e.values: print(e.full_name, v.name, v.number)",
    }))
    local n = 0
    for enum, name, number in lines:gmatch("(%S+) (%S+) (%d+)\n") do
      number = tonumber(number)
      local short = core.enum_short(enum, number)
      assert.equal(short, short:lower())
      assert.equal(name:sub(-#short):lower(), short)
      assert.equal(number, core.enum_number(enum, short))
      assert.equal(number, core.enum_number(enum, name))
      n = n + 1
    end
    assert.is_true(n > 400)
  end)
end)

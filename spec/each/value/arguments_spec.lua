--- What definitions and handlers say of their arguments: the types of what arrives.

local arguments = require "temporal.value.arguments"
local core = require "temporal.core"
local options = require "temporal.base.options"
local temporal = require "temporal"

local SPEC = options.define("option of the test", { args = arguments.option "args" })
local converter = temporal.converter.new()

local function compile(args) return options.apply(SPEC, { args = args }, {}).args end

local function read(args, ...)
  local bytes = assert(converter:payloads(select("#", ...), ...))
  local payloads = type(bytes) == "string"
    and assert(core.decode("temporal.api.common.v1.Payloads", bytes)) or bytes
  local values, problem = arguments.read(args and compile(args), converter, payloads)
  return values, problem and problem.message
end

describe("args", function()
  it("takes what has the types, in order", function()
    local values = read({ "string", "number", "boolean", "table", "any" }, "a", 1.5, true, { 1 }, 7)
    assert.same({ "a", 1.5, true, { 1 }, 7, n = 5 }, values)
  end)

  it("takes an exact integer for a number", function()
    local values = read({ "number" }, temporal.int64 "9007199254740993")
    assert.equal("9007199254740993", (tostring(values[1]):gsub("LL$", "")))
  end)

  it("takes what may be missing, nil and null", function()
    assert.same({ n = 0 }, read { "string?", "any" })
    assert.same({ n = 2 }, read({ "string?", "number?" }, nil, temporal.null))
    assert.same({ "a", n = 1 }, read({ "string", "number?", "raw?" }, "a"))
  end)

  it("hands a raw argument on as it came", function()
    local payload = { metadata = { encoding = "x/unknown", other = "1" }, data = "\0\255" }
    local values = read({ "raw" }, temporal.raw(payload))
    assert.equal("raw", core.value_kind(values[1]))
    assert.same({ "x/unknown", "1", "\0\255" }, { values[1].metadata.encoding,
      values[1].metadata.other, values[1].data })
  end)

  it("says which argument is wrong, and what it is", function()
    local function refused(words, ...)
      local values, message = read(...)
      assert.is_nil(values)
      assert.equal(words, message)
    end
    refused("argument 1 must be a string, got a number", { "string" }, 1)
    refused("argument 2 must be a number, got nil", { "string", "number" }, "a")
    refused("argument 1 must be a table, got nil", { "table" }, temporal.null)
    refused("argument 2 must be a boolean, got a string", { "any", "boolean?" }, nil, "x")
    refused("argument 1 must be there, got nil", { "raw" })
    refused("1 argument is wanted, got 2", { "string" }, "a", "b")
    refused("0 arguments are wanted, got 1", {}, "a")
  end)

  it("keeps what the converter says of what it cannot read", function()
    local values, message = read({ "any" }, temporal.raw { metadata = { encoding = "x/y" },
      data = "" })
    assert.is_nil(values)
    assert.matches("x/y", message, 1, true)
  end)

  it("is misused at the caller's line", function()
    local function raises(words, args)
      local ok, problem = pcall(compile, args)
      assert.is_false(ok)
      assert.matches(words, problem, 1, true)
      assert.matches("arguments_spec.lua:%d+:", problem)
    end
    raises('"args" must be a list of types, such as {"string", "number?"}', "string")
    raises('"args[2]" must be one of "string", "number"', { "string", "integer" })
    raises('"args[1]" must be one of', { "string??" })
    raises('"args[1]" must be one of', { 1 })
    raises('"args" must be a list with the keys 1 to n', { "string", [3] = "number" })
    raises('"args" must be a list with the keys 1 to n', { first = "string" })
  end)

  it("is an option of a workflow's definition, which knows no other", function()
    local fn = function() end
    assert.equal(fn, temporal.define_workflow("WithArguments", fn, { args = { "string" },
      description = "some *text*", fail_workflow_on = { "error" },
      versioning_behavior = "pinned" }))
    local function raises(words, given)
      local ok, problem = pcall(temporal.define_workflow, "WithArguments", fn, given)
      assert.is_false(ok)
      assert.matches(words, problem, 1, true)
    end
    raises('"args[1]" must be one of', { args = { "str" } })
    raises('"fail_workflow_on[1]" must be "nondeterminism", "error"', { fail_workflow_on = { 1 } })
    raises('"versioning_behavior" must be one of "auto_upgrade", "pinned"',
      { versioning_behavior = "pin" })
    raises('did you mean "args"?', { arg = {} })
  end)
end)

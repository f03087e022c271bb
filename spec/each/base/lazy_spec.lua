local lazy = require "temporal.base.lazy"

describe("temporal.lazy", function()
  local loaded

  before_each(function()
    loaded = 0
    package.preload["spec.lazy_example"] = function()
      loaded = loaded + 1
      return { answer = 42, greet = function(name) return "hello " .. name end }
    end
    package.loaded["spec.lazy_example"] = nil
  end)

  after_each(function()
    package.preload["spec.lazy_example"] = nil
    package.loaded["spec.lazy_example"] = nil
  end)

  it("loads the module with its first field, once", function()
    local example = lazy "spec.lazy_example"
    assert.equal(0, loaded)
    assert.equal("hello Lua", example.greet("Lua"))
    assert.equal(42, example.answer)
    assert.is_nil(example.nothing)
    assert.equal(1, loaded)
  end)

  it("has no field before, and all of the module's afterwards", function()
    local example = lazy "spec.lazy_example"
    assert.is_nil(next(example))
    assert.is_nil(example.nothing)
    assert.equal(42, rawget(example, "answer"))
    assert.is_function(rawget(example, "greet"))
    package.loaded["spec.lazy_example"].late = true
    assert.is_true(example.late)
  end)

  it("raises what require raises", function()
    local missing = lazy "spec.no_such_module"
    local ok, message = pcall(function() return missing.field end)
    assert.is_false(ok)
    assert.matches("spec.no_such_module", message, 1, true)
  end)

  it("loads once more what could not be loaded", function()
    local load = package.preload["spec.lazy_example"]
    package.preload["spec.lazy_example"] = function() error "not enough memory" end
    local example = lazy "spec.lazy_example"
    local ok, message = pcall(function() return example.answer end)
    assert.is_false(ok)
    assert.matches("not enough memory", message)
    package.preload["spec.lazy_example"] = load
    assert.equal(42, example.answer)
  end)

  it("keeps the seldom used modules out of the start", function()
    local names = { "temporal.error.failure", "temporal.call.service", "temporal.run.start",
      "temporal.value.search_attributes", "temporal.workflow.api", "temporal.activity.api" }
    local env = require "spec.support.environment"
    local code = [[require "temporal" require "temporal.workflow" require "temporal.activity"
      for _, n in ipairs{...} do if package.loaded[n] then print(n) end end]]
    local file = os.tmpname()
    local handle = assert(io.open(file, "w"))
    handle:write(code)
    handle:close()
    local process = env.spawn { env.lua, file, (table.unpack or unpack)(names) }
    assert.is_nil(process:readline(60))
    os.remove(file)
  end)
end)

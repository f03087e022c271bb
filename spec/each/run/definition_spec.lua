local definition = require "temporal.run.definition"

local function raised(fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok, "expected an error")
  assert.is_string(message)
  return message
end

describe("temporal.definition", function()
  -- Modules and globals a test made; taken away after it.
  local modules, globals

  local function load_module(name, module)
    package.loaded[name] = module
    modules[#modules + 1] = name
  end

  local function set_global(name, value)
    rawset(_G, name, value)
    globals[#globals + 1] = name
  end

  before_each(function()
    modules, globals = {}, {}
  end)

  after_each(function()
    for _, name in ipairs(modules) do
      package.loaded[name] = nil
    end
    for _, name in ipairs(globals) do
      rawset(_G, name, nil)
    end
  end)

  it("takes a type name as it is", function()
    assert.equal("Order", definition.resolve("Order", 99))
    assert.matches("must not be empty", raised(definition.resolve, "", 0))
    assert.matches("must be a type name or a definition (a function), got a table",
      raised(definition.resolve, {}, 0), 1, true)
    assert.matches("got nothing", raised(definition.resolve, nil, 0), 1, true)
  end)

  it("returns the function it is given", function()
    local function fn() end
    assert.equal(fn, definition.define("Defined", fn))
    assert.equal("Defined", definition.resolve(fn, 0))
    assert.equal(fn, definition.define("Defined", fn, {}))
  end)

  it("lets the last name given to a function win", function()
    local function fn() end
    definition.define("First", fn)
    definition.define("Second", fn)
    assert.equal("Second", definition.resolve(fn, 0))
    -- The first name is free again.
    local function other() end
    definition.define("First", other)
    assert.equal("Second", definition.resolve(fn, 0))
    assert.equal("First", definition.resolve(other, 0))
  end)

  it("lets the last function given to a name win", function()
    local function old() end
    local function new() end
    definition.define("Taken", old)
    definition.define("Taken", new)
    assert.equal("Taken", definition.resolve(new, 0))
    assert.matches("no workflow type is known", raised(definition.resolve, old, 0))
  end)

  it("holds definitions weakly", function()
    local probe = setmetatable({}, { __mode = "k" })
    do
      local captured = {}
      local function fn() return captured end
      probe[fn] = true
      definition.define("Collected", fn)
    end
    collectgarbage()
    collectgarbage()
    assert.is_nil(next(probe))
  end)

  it("finds globals and fields of loaded modules", function()
    local function global_workflow() end
    set_global("SpecGlobalWorkflow", global_workflow)
    assert.equal("SpecGlobalWorkflow", definition.resolve(global_workflow, 0))

    local function field() end
    load_module("spec.workflows", { SpecField = field })
    assert.equal("SpecField", definition.resolve(field, 0))

    local function nested() end
    load_module("spec.nested", { workflows = { SpecNested = nested } })
    assert.equal("SpecNested", definition.resolve(nested, 0))

    local function module() end
    load_module("spec.workflows.SpecModule", module)
    assert.equal("SpecModule", definition.resolve(module, 0))
  end)

  it("accepts several ways under one last segment", function()
    local function fn() end
    load_module("spec.one", { SpecShared = fn })
    load_module("spec.two", { SpecShared = fn })
    set_global("SpecShared", fn)
    assert.equal("SpecShared", definition.resolve(fn, 0))
  end)

  it("raises on two different names, with the fix", function()
    local function fn() end
    load_module("spec.one", { SpecA = fn, SpecB = fn })
    local message = raised(definition.resolve, fn, 0)
    assert.matches("under different names (SpecA, SpecB)", message, 1, true)
    assert.matches('temporal.define_workflow("SpecA", fn)', message, 1, true)
    assert.matches("definition_spec.lua:%d+ is reachable", message)
    -- The registry wins over names found.
    definition.define("SpecChosen", fn)
    assert.equal("SpecChosen", definition.resolve(fn, 0))
  end)

  it("raises when there is no name, with the fix", function()
    local message = raised(definition.resolve, function() end, 0)
    assert.matches('name it with temporal.define_workflow("Name", fn), or pass the type name',
      message, 1, true)
  end)

  it("survives cyclic and hostile tables", function()
    local function fn() end
    local cyclic = { SpecCyclic = fn }
    cyclic.self = cyclic
    cyclic.loaded = package.loaded
    load_module("spec.cyclic", cyclic)
    load_module("spec.hostile", setmetatable({}, {
      __index = function() error("must not be called") end,
      __pairs = function() error("must not be called") end,
    }))
    assert.equal("SpecCyclic", definition.resolve(fn, 0))
  end)

  it("remembers what it found", function()
    local function fn() end
    load_module("spec.cached", { SpecCached = fn })
    assert.equal("SpecCached", definition.resolve(fn, 0))
    package.loaded["spec.cached"] = nil
    assert.equal("SpecCached", definition.resolve(fn, 0))
  end)

  it("raises on more arguments than a definition takes, where the VM can tell", function()
    local none = definition.define("SpecNone", function() end)
    local two = definition.define("SpecTwo", function(_, _) end)
    local any = definition.define("SpecAny", function(_, ...) return ... end)
    assert.equal("SpecTwo", definition.resolve(two, 2))
    assert.equal("SpecTwo", definition.resolve(two, 0))
    assert.equal("SpecAny", definition.resolve(any, 20))
    if debug.getinfo(none, "u").nparams then
      assert.matches("workflow SpecNone takes 0 arguments, got 1",
        raised(definition.resolve, none, 1), 1, true)
      assert.matches("workflow SpecTwo takes 2 arguments, got 3",
        raised(definition.resolve, two, 3), 1, true)
    else
      assert.equal("SpecNone", definition.resolve(none, 1))
    end
  end)

  it("raises on wrong names, functions and options", function()
    assert.matches("the name must be a string that is not empty, got 7",
      raised(definition.define, 7, print), 1, true)
    assert.matches("the definition must be a function, got a string",
      raised(definition.define, "X", "fn"), 1, true)
    assert.matches('unknown option of temporal.define_workflow "queue"',
      raised(definition.define, "X", print, { queue = 1 }), 1, true)
    assert.matches("the options must be a table", raised(definition.define, "X", print, 1), 1,
      true)
  end)
end)

--- What a run has of the code it is made of: a copy of its own, in which nothing is left of other
-- runs.

local luassert = require "luassert"
local simulation = require "spec.support.simulation"
local temporal = require "temporal"
local workflow = require "temporal.workflow"

if simulation.impossible(describe, it) then return end

local client

local function worker(options)
  options.client, options.task_queue = client, "q"
  options.passthrough = options.passthrough or { "luassert" }
  return temporal.worker(options)
end

-- The result of a run of a worker's workflow that only computes.
local function result_of(of, name, ...)
  local sim = simulation.new(assert(of.code.entries[name], name), ...)
  local commands, problem = sim:task()
  luassert.is_string(commands, tostring(problem))
  local result = sim:result()
  sim:verify()
  return result
end

local function problem_of(of, name, ...)
  local commands, problem = simulation.new(of.code.entries[name], ...):task()
  luassert.is_nil(commands)
  return tostring(problem)
end

local function refused(pattern, options)
  local ok, problem = pcall(worker, options)
  luassert.is_false(ok)
  luassert.matches(pattern, problem)
  luassert.matches("^[^:]*copy_spec.lua:%d+: ", problem)
end

describe("a run", function()
  setup(function() client = temporal.client() end)
  teardown(function() client:close(0) end)

  it("has its own upvalues and tables, which its functions share as the program's do", function()
    local count, config = 0, { list = { 1, 2 }, [true] = "yes" }
    config.itself = config
    local function add() count = count + 1 end
    local function get() return count end
    local of = worker { workflows = { Count = function()
      add()
      add()
      config.list[#config.list + 1] = count
      return { get(), #config.list, config.itself == config, config[true] }
    end } }
    for _ = 1, 3 do assert.same({ 2, 3, true, "yes" }, result_of(of, "Count")) end
    assert.same({ 0, 2 }, { count, #config.list })
  end)

  it("has what there was when the worker was made", function()
    local rate, rates = 1, { a = 1 }
    local of = worker { workflows = { Rate = function() return { rate, rates.a } end } }
    rate, rates.a = 2, 2
    assert.same({ 1, 1 }, result_of(of, "Rate"))
    assert.same({ 2, 2 }, { rate, rates.a })
  end)

  it("has globals as they were when a run first asked for them", function()
    rawset(_G, "spec_rate", { value = 1 })
    local of = worker { workflows = { Rate = function()
      _G.spec_rate.value = _G.spec_rate.value + 1
      return { _G.spec_rate.value, _G.spec_absent == nil }
    end } }
    assert.same({ 2, true }, result_of(of, "Rate"))
    rawset(_G, "spec_rate", { value = 7 })
    assert.same({ 2, true }, result_of(of, "Rate"))
    rawset(_G, "spec_rate", nil)
  end)

  it("shares upvalues with functions that come to it as globals, too", function()
    local count = 0
    rawset(_G, "spec_get", function() return count end)
    rawset(_G, "spec_set", function(n) count = n end)
    local of = worker { workflows = {
      Main = function()
        count = count + 1
        local first = _G.spec_get()
        _G.spec_set(first + 10)
        return { first, count, _G.spec_get() }
      end,
      Globals = function()
        _G.spec_set(5)
        return { _G.spec_get() }
      end,
    } }
    for _ = 1, 2 do
      assert.same({ 1, 11, 11 }, result_of(of, "Main"))
      assert.same({ 5 }, result_of(of, "Globals"))
    end
    assert.equal(0, count)
    rawset(_G, "spec_get", nil)
    rawset(_G, "spec_set", nil)
  end)

  it("has no copies of what only other workflows reach", function()
    local shared, large = {}, { 1 }
    local of = worker { workflows = {
      Large = function() return { #large, #shared } end,
      Small = function() return { #shared } end,
    } }
    local function copied(name)
      local sim, tables = simulation.new(of.code.entries[name]), {}
      sim:task()
      for _, copy in next, sim.run.instance.copies do
        if type(copy) == "table" and #copy > 0 then tables[#tables + 1] = copy end
      end
      return tables
    end
    assert.same({ { 1 } }, copied "Large")
    assert.same({}, copied "Small")
  end)

  it("has classes, closures in tables, and keys that are tables", function()
    local key = {}
    local Point = { made = 0 }
    Point.__index = Point
    function Point.new(x)
      Point.made = Point.made + 1
      return setmetatable({ x = x }, Point)
    end
    function Point:double() return self.x * 2 end
    local origin = Point.new(5)
    local by = { [key] = "found" }
    local of = worker { workflows = { Points = function()
      return { Point.new(3):double(), origin:double(), getmetatable(origin) == Point, Point.made,
        by[key] }
    end } }
    for _ = 1, 2 do assert.same({ 6, 10, true, 2, "found" }, result_of(of, "Points")) end
  end)

  it("has Lua's functions and libraries in the place of those that were captured", function()
    local clock, tables, insert, all = os.time, table, table.insert, _G
    local execute = os.execute
    local of = worker { workflows = { Captured = function()
      local list = {}
      insert(list, clock())
      list[2], list[3] = tables == table, all == _G
      list[4] = not pcall(execute, "true")
      return list
    end } }
    assert.same({ 1000000003, true, true, true }, result_of(of, "Captured"))
  end)

  it("has activities as names, which cannot be called, and workflows as children", function()
    local secret = io.stdout
    local function Charge() return secret end
    local function Ship() workflow.sleep(1) end
    local function Order(how)
      if how == "call" then return Charge() end
      workflow.execute_activity({ start_to_close_timeout = 1 }, Charge)
      workflow.execute_child_workflow({ id = "child" }, Ship)
      workflow.sleep(1)
      workflow.continue_as_new({ workflow = Order }, "again")
    end
    local of = worker { workflows = { Order = Order, Ship = Ship },
      activities = { Charge = Charge } }
    assert.matches("the activity Charge was called by itself in a workflow",
      problem_of(of, "Order", "call"), 1, true)
    local sim = simulation.new(of.code.entries.Order)
    assert.equal("schedule_activity_task start_child_workflow_execution start_timer", sim:task())
    assert.equal("Charge", sim.initiated[1].attributes.activity_type.name)
    assert.equal("Ship", sim.initiated[2].attributes.workflow_type.name)
    sim:fire "1"
    assert.equal("continue_as_new_workflow_execution", sim:task())
    assert.equal("Order", sim:continued().workflow_type.name)
    sim:verify()
  end)

  it("cannot have what is outside of Lua: the worker says where it is", function()
    local file, thread = io.stdout, coroutine.create(print)
    local deep = { settings = { handle = file } }
    local function helper() return deep end
    refused('worker option "workflows": Bad %([^)]*copy_spec.lua:%d+%) > file: a userdata, which',
      { workflows = { Bad = function() return file end } })
    refused("> helper %([^)]*copy_spec.lua:%d+%) > deep.settings.handle: a userdata",
      { workflows = { Bad = function() return helper() end } })
    refused("> thread: a thread", { workflows = { Bad = function() return thread end } })
    refused("> client: a temporal.client", { workflows = { Bad = function() return client end } })
    local write = file.write
    refused("> write: a C function", { workflows = { Bad = function() return write end } })
    local many = {}
    for i = 1, 10001 do many[i] = i end
    refused("more than 10000 entries", { workflows = { Bad = function() return many end } })
  end)

  it("raises where it asks for a global that it cannot have, each time", function()
    rawset(_G, "spec_handles", { list = {}, file = io.stdout })
    local of = worker { workflows = { Asks = function()
      local ok, problem = pcall(function() return _G.spec_handles end)
      return { ok, problem, (pcall(function() return _G.spec_handles.list end)) }
    end } }
    local result = result_of(of, "Asks")
    assert.same({ false, false }, { result[1], result[3] })
    assert.matches("copy_spec.lua:%d+: the global spec_handles.file: a userdata", result[2])
    rawset(_G, "spec_handles", nil)
  end)

  it("shares the modules that are passed through", function()
    local shared = { calls = 0, handle = io.stdout }
    function shared.call() shared.calls = shared.calls + 1 end
    package.loaded["spec.shared"] = shared
    local call = shared.call
    local of = worker { passthrough = { "spec.shared" }, workflows = { Calls = function()
      call()
      require("spec.shared").call()
      return shared == require "spec.shared"
    end } }
    local sim = simulation.new(of.code.entries.Calls)
    sim:task()
    assert.is_true(sim:result())
    assert.equal(2, shared.calls)
    package.loaded["spec.shared"] = nil
    refused('option "passthrough": the module no.such.module cannot be loaded',
      { passthrough = { "no.such.module" }, workflows = { W = function() end } })
  end)
end)

describe("definitions of a worker", function()
  setup(function() client = temporal.client() end)
  teardown(function() client:close(0) end)

  it("may be lists of functions that have names", function()
    local function Two() return 2 end
    local One = temporal.define_workflow("One", function() return 1 end)
    local Act = temporal.define_activity("Act", function() end)
    local of = worker { workflows = { One, Second = Two }, activities = { Act } }
    assert.equal(1, result_of(of, "One"))
    assert.equal(2, result_of(of, "Second"))
    assert.equal(Act, of.activities.Act)
    refused('no name; name it with temporal.define_workflow%("Name", fn%), or write {Name = fn}',
      { workflows = { function() end } })
    refused('no name; name it with temporal.define_activity%("Name", fn%), or write {Name = fn}',
      { activities = { function() end } })
  end)

  it("may be a workflow and an activity both", function()
    local factor = 2
    local function Double(n) return factor * n end
    local of = worker { workflows = { Double = Double }, activities = { Double = Double } }
    assert.equal(6, result_of(of, "Double", 3))
    assert.equal(Double, of.activities.Double)
  end)

  it("may handle all other names", function()
    local of = worker { workflows = { [temporal.any] = function(name, n) return { name, n } end },
      activities = { [temporal.any] = function(name) return name end } }
    local run = of.code:run("Whatever", { converter = temporal.converter.new() })
    assert.is_function(run.definition:instance(run))
    assert.is_function(of.activities[temporal.any])
  end)

  it("have one name each", function()
    local function A() end
    refused('there are two definitions of the name "Twice"', { workflows = {
      temporal.define_workflow("Twice", A), Twice = function() end } })
    refused("must be functions or names of modules", { workflows = "shop" })
    refused('workflows.Bad" must be a function, or the name of a module',
      { workflows = { Bad = 1 } })
    refused('workflows.temporal.any" must be a function',
      { workflows = { [temporal.any] = "module" } })
  end)
end)

describe("a worker with workflows", function()
  it("starts under the locale C only", function()
    local output = require("spec.support.locale").run "spec/support/locale_worker.lua"
    assert.matches("needs the locale C for LC_NUMERIC, and it is ", output, 1, true)
  end)
end)

describe("a module of workflows", function()
  local path, folder = package.path, nil

  local function write(name, text)
    local file = assert(io.open(("%s/%s.lua"):format(folder, name:gsub("%.", "_")), "w"))
    file:write(text)
    file:close()
  end

  setup(function()
    client = temporal.client()
    folder = os.tmpname()
    os.remove(folder)
    assert(os.execute("mkdir " .. folder))
    package.path = path .. ";" .. folder .. "/?.lua"
    write("shop", [[
      local workflow = require "temporal.workflow"
      local temporal = require "temporal"
      local stock = require "stock"
      started = (started or 0) + 1
      local shop = {}
      function shop.Order(n)
        stock.take(n)
        return { started, stock.left(), getmetatable(_G) == nil }
      end
      function shop.Parent()
        workflow.execute_child_workflow({ id = "other" }, require("elsewhere").Ship)
        workflow.start_child_workflow({ id = "child" }, shop.Order, 1)
      end
      shop.Named = temporal.define_workflow("Renamed", function()
        return stock == require "stock"
      end)
      return shop
    ]])
    write("elsewhere", "return { Ship = function() end }")
    write("stock", "local left = 10\nreturn { take = function(n) left = left - n end, "
      .. "left = function() return left end }")
    write("single", "return function(...) return ... end, 1")
    write("broken", "local x = = 1")
    write("raising", "error 'at once'")
    write("number", "return 7")
    write("needs_c", "local core = require 'lfs_or_so'\nreturn function() end")
  end)
  teardown(function()
    package.path = path
    os.execute("rm -r " .. folder)
    client:close(0)
  end)

  it("is loaded for each run, with all it requires", function()
    local of = worker { workflows = { "shop", Alias = "single" } }
    for _ = 1, 2 do assert.same({ 1, 7, false }, result_of(of, "Order", 3)) end
    assert.is_true(result_of(of, "Renamed"))
    assert.is_nil(package.loaded.shop)
    assert.is_nil(package.loaded.stock)
    assert.is_nil(rawget(_G, "started"))
    local sim = simulation.new(of.code.entries.Parent)
    assert.equal("start_child_workflow_execution start_child_workflow_execution", sim:task())
    assert.equal("Ship", sim.initiated[1].attributes.workflow_type.name)
    assert.equal("Order", sim.initiated[2].attributes.workflow_type.name)
    assert.equal(4, result_of(of, "Alias", 4))
  end)

  it("may wait while it is loaded", function()
    write("waits", "require('temporal.workflow').sleep(1)\nreturn { answer = 42 }")
    local of = worker { workflows = { Asks = function() return require("waits").answer end } }
    local sim = simulation.new(of.code.entries.Asks)
    assert.equal("start_timer", sim:task())
    sim:fire "1"
    sim:task()
    assert.equal(42, sim:result())
    sim:verify()
  end)

  it("may be lpeg, which every run shares, whether the program has loaded it or not", function()
    local loaded, preload, count = package.loaded.lpeg, package.preload.lpeg, 0
    package.loaded.lpeg = nil
    package.preload.lpeg = function()
      count = count + 1
      return { version = os.clock and "of C" }
    end
    write("parses", "local lpeg = require 'lpeg'\nreturn function() return lpeg.version end")
    local of = worker { workflows = { "parses" } }
    for _ = 1, 2 do assert.equal("of C", result_of(of, "parses")) end
    assert.equal(1, count)
    package.loaded.lpeg, package.preload.lpeg = loaded, preload
  end)

  it("is read when the worker is made", function()
    write("edited", "return function() return 'before' end")
    local of = worker { workflows = { "edited" } }
    write("edited", "return function() return 'after' end")
    assert.equal("before", result_of(of, "edited"))
  end)

  it("says what is wrong with it", function()
    refused("the module broken: .*error loading module 'broken' from file '.*broken.lua'",
      { workflows = { "broken" } })
    refused("the module raising: .*raising.lua:1: at once", { workflows = { "raising" } })
    refused("the module number must return a function, or a table", { workflows = { "number" } })
    refused("module 'no.such' not found:\n\tno file", { workflows = { "no.such" } })
    package.loaded.lfs_or_so = { now = os.clock }
    refused("module 'lfs_or_so' in a workflow: it is in C", { workflows = { "needs_c" } })
    package.loaded.lfs_or_so = nil
    package.preload.lfs_or_so = os.clock
    refused("module 'lfs_or_so' in a workflow: it is in C", { workflows = { "needs_c" } })
    package.preload.lfs_or_so = nil
    refused('the module shop has no function Missing', { workflows = { Missing = "shop" } })
  end)
end)

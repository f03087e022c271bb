--- Closures of one code: they behave as if each had been loaded for itself, and share it.

local luassert = require "luassert"
local prototype = require "temporal.workflow.sandbox.prototype"
local simulation = require "spec.support.simulation"

if simulation.impossible(describe, it) then return end

local load = rawget(_G, "loadstring") or load
local SHARES = rawget(_G, "jit") ~= nil or _VERSION == "Lua 5.4"

-- A function of a text, with these values for its upvalues, by name.
local function set(fn, values)
  for i = 1, math.huge do
    local name = debug.getupvalue(fn, i)
    if not name then return fn end
    debug.setupvalue(fn, i, values[name])
  end
end

local function made_of(fn) return prototype.new(string.dump(fn)) end

local function locals(count)
  local names = {}
  for i = 1, count do names[i] = "v" .. i end
  return names
end

-- A function that returns the sum of so many upvalues. No function has more than 200 locals:
-- the rest stands in another one.
local function with_upvalues(count)
  local names, sum = locals(count), { "return 0" }
  for i = 1, count do sum[i + 1] = " + " .. names[i] end
  local first = "_," .. table.concat(names, ",", 1, math.min(count, 120))
  local second = "_," .. table.concat(names, ",", 121)
  return load(("local %s return (function() local %s return function() %s end end)()")
    :format((first:gsub(",$", "")), (second:gsub(",$", "")), table.concat(sum)))()
end

describe("closures of one code", function()
  it("have upvalues of their own", function()
    local count, step = 1, 2
    local make = made_of(function()
      local function add() count = count + step end
      add()
      return count
    end)
    local a, b = set(make(), { count = 10, step = 1 }), set(make(), { count = 20, step = 5 })
    assert.not_equal(a, b)
    assert.same({ 11, 25, 12, 30 }, { a(), b(), a(), b() })
    assert.same({ 1, 2 }, { count, step })
    assert.is_nil((select(2, debug.getupvalue(make(), 1))))
  end)

  it("have all that a function can have", function()
    local env, word = { type = type, select = select }, "w"
    local fn = load([[
      local word = ...
      return function(x, ...)
        local t = { 1, 2.5, -7, 1e300, true, false, "short", ("?"):rep(3), ']]
          .. ("long"):rep(100) .. [[', [9] = nil }
        local function inner(n)
          if n > 0 then return inner(n - 1) end
          return function() word = word .. x return word end
        end
        for i = 1, 2 do t[#t + 1] = i * 0.25 end
        return t, inner(2)(), select("#", ...), type(x)
      end
    ]])
    fn = fn(word)
    local made = set(made_of(fn)(), { word = word, _ENV = env })
    if rawget(_G, "setfenv") then setfenv(made, env) end
    local function told(f) return { f("x", nil, nil) } end
    assert.same(told(fn), told(made))
    assert.same({ "wxx", 0, "string" }, { select(2, made "x") })
  end)

  it("say where they are as the function does", function()
    local function fails(t) return t.a.b.c end
    local function told(fn) return select(2, pcall(fn, { a = {} })) end
    local made = made_of(fails)()
    assert.equal(told(fails), told(made))
    assert.matches("prototype_spec.lua:%d+: ", told(made))
    local a, b = debug.getinfo(fails, "Su"), debug.getinfo(made, "Su")
    for name, value in pairs(a) do assert.equal(value, b[name], name) end
  end)

  it("have as many upvalues as Lua allows, or none", function()
    local most = rawget(_G, "jit") and 60 or 220
    for _, count in ipairs { 0, 1, 2, 59, 60, 130, 200, 201, most } do
      if count <= most then
        local values = {}
        for i, name in ipairs(locals(count)) do values[name] = i end
        local make = made_of(with_upvalues(count))
        assert.equal(count * (count + 1) / 2, set(make(), values)())
      end
    end
  end)

  it("are made of a chunk, too", function()
    local make = made_of(load "local a = ... ; b = a; return function() return a, b end")
    local function in_env(env)
      local chunk = make()
      if rawget(_G, "setfenv") then return setfenv(chunk, env) end
      debug.setupvalue(chunk, 1, env)
      return chunk
    end
    local first, second = {}, {}
    local f, g = in_env(first)(1), in_env(second)(2)
    assert.same({ 1, 1, 2, 2, 1, 2 }, { first.b, (f()), second.b, (g()), select(2, f()),
      select(2, g()) })
  end)

  if SHARES then
    it("keep it once", function()
      local text = ("local x return function() %s end"):format(("x = x + 1\n"):rep(200))
      local make, kept = made_of(load(text)()), {}
      for i = 1, 100 do kept[i] = false end
      collectgarbage()
      collectgarbage()
      local before = collectgarbage "count"
      for i = 1, 100 do kept[i] = make() end
      collectgarbage()
      local kb = collectgarbage "count" - before
      luassert.equal(100, #kept)
      luassert.is_true(kb < 30) -- the code alone has 1
    end)
  end
end)

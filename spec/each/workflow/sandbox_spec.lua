--- What code of a workflow finds in the place of Lua's own functions.

local luassert = require "luassert"
local simulation = require "spec.support.simulation"
local temporal = require "temporal"
local workflow = require "temporal.workflow"

if simulation.impossible(describe, it) then return end

local JIT = rawget(_G, "jit") ~= nil

local CONVERTER = temporal.converter

-- What a workflow returns that only computes; replayed, too.
local function result_of(fn, ...)
  local sim = simulation.new(fn, ...)
  sim.run.deadlock_timeout = 60
  local commands, problem = sim:task()
  luassert.is_string(commands, tostring(problem))
  sim:verify()
  return sim:result()
end

-- Why a task fails.
local function problem_of(fn, ...)
  local sim = simulation.new(fn, ...)
  local commands, problem = sim:task()
  luassert.is_nil(commands)
  return tostring(problem)
end

describe("in a workflow, pairs and next", function()
  local function keys_by_pairs(t)
    local keys = {}
    for key in pairs(t) do keys[#keys + 1] = tostring(key) end
    return table.concat(keys, " ")
  end
  local function keys_by_next(t)
    local keys, key = {}, nil
    repeat
      key = next(t, key)
      if key ~= nil then keys[#keys + 1] = tostring(key) end
    until key == nil
    return table.concat(keys, " ")
  end

  it("go through 1 to n, other numbers, strings by their bytes, false, true", function()
    local expected = "1 2 3 -1 0.5 2.5 1000000 A a b false true"
    for _, each in ipairs { keys_by_pairs, keys_by_next } do
      assert.equal(expected, result_of(function()
        return each { b = 1, a = 1, A = 1, [true] = 1, [false] = 1, [2] = 1, [1] = 1, [3] = 1,
          [-1] = 1, [1000000] = 1, [2.5] = 1, [0.5] = 1 }
      end))
      assert.equal("1 2 3", result_of(function() return each { 1, 1, 1 } end))
      assert.equal("", result_of(function() return each {} end))
    end
  end)

  it("go on where keys lose their values in the loop", function()
    assert.same({ 40, 0 }, result_of(function()
      local t, seen = {}, 0
      for i = 1, 20 do t[i], t["k" .. i] = true, true end
      for key in next, t do
        t[key] = nil
        seen = seen + 1
      end
      return { seen, next(t) == nil and 0 or 1 }
    end))
    assert.equal("a c", result_of(function()
      local keys, t = {}, { a = 1, b = 2, c = 3 }
      for key in pairs(t) do
        keys[#keys + 1] = key
        t.b = nil
      end
      return table.concat(keys, " ")
    end))
  end)

  it("compare integers and fractions exactly", function()
    local huge = math.huge
    assert.equal("1 -inf -2 -1.5 -1 0 0.5 3 inf", result_of(function()
      return (keys_by_pairs { [3] = 1, [huge] = 1, [0] = 1, [-1] = 1, [-1.5] = 1, [-2] = 1,
        [0.5] = 1, [-huge] = 1, [1] = 1 }:gsub("%.0", ""))
    end))
    local most, least = math.maxinteger, math.mininteger
    if not most then return end
    assert.equal(5, result_of(function()
      local order, at = { least, -1, 0.5, most, 2 ^ 63 }, 0
      for key in pairs { [most] = 1, [2 ^ 63] = 1, [least] = 1, [0.5] = 1, [-1] = 1 } do
        if key == order[at + 1] then at = at + 1 end
      end
      return at
    end))
  end)

  it("call __pairs", function()
    assert.equal("mine", result_of(function()
      local t = setmetatable({}, { __pairs = function() return next, { mine = 1 }, nil end })
      return (pairs(t)) == next and select(2, pairs(t)).mine == 1 and "mine"
    end))
  end)

  it("refuse keys whose order would be their address", function()
    assert.matches("sandbox_spec.lua:%d+: a table with more than one key that is a table",
      problem_of(function()
        local iterate = pairs { [{}] = 1, [{}] = 2 }
        return iterate
      end))
    assert.equal(1, result_of(function()
      return select(2, next { [{}] = 1 })
    end))
    assert.equal(2, result_of(function()
      local count = 0
      for _ in workflow.unsafe.pairs { [{}] = 1, [{}] = 2 } do count = count + 1 end
      return count
    end))
  end)
end)

describe("in a workflow", function()
  it("the time is the workflow's, in UTC", function()
    assert.same({ 1000000003, "2001-09-09 01:46:43", 2001, 86400 * 365, 951782400, false },
      result_of(function()
        return { os.time(), os.date "%Y-%m-%d %H:%M:%S", os.date("*t").year,
          os.time { year = 1971, month = 1, day = 1, hour = 0 },
          os.time { year = 2000, month = 2, day = 29, hour = 0 }, os.date("!*t", 0).isdst }
      end))
    assert.equal(0, result_of(function()
      local wrong = 0
      for day = -20000, 40000, 13 do
        local date = os.date("*t", day * 86400 + 4711)
        if os.time(date) ~= day * 86400 + 4711 then wrong = wrong + 1 end
      end
      return wrong
    end))
  end)

  it("random numbers are the run's", function()
    local first = result_of(function()
      return { math.random(), math.random(10), math.random(5, 6), workflow.uuid() }
    end)
    assert.same(first, result_of(function()
      return { math.random(), math.random(10), math.random(5, 6), workflow.uuid() }
    end))
    assert.matches("math.randomseed in a workflow", problem_of(function() math.randomseed(1) end))
  end)

  it("what needs the machine raises, and says what to do", function()
    for name, fn in pairs {
      ["os.execute"] = function() os.execute "true" end,
      ["os.getenv"] = function() os.getenv "HOME" end,
      ["os.clock"] = function() os.clock() end,
      ["io.open"] = function() io.open "file" end,
      ["io.stdout.write"] = function() io.stdout:write "x" end,
      ["dofile"] = function() dofile "file" end,
      ["debug.sethook"] = function() debug.sethook() end,
      ["string.dump"] = function() string.dump(print) end,
      ["package.loaded"] = function() return package.loaded end,
      ["temporal.client"] = function() temporal.client {} end,
      ["temporal.spawn"] = function() temporal.spawn(print) end,
      ["package.path"] = function() package.path = "x" end,
      ["temporal.host.use"] = function() temporal.host.use "loop" end,
      ["temporal.converter.new"] = function() local new = CONVERTER.new() return new end,
    } do
      local problem = problem_of(fn)
      assert.matches(name .. " in a workflow: use an activity", problem, 1, true)
      assert.matches("sandbox_spec.lua:%d+:", problem)
    end
    if JIT then
      assert.matches("jit.off in a workflow", problem_of(function() jit.off() end), 1, true)
    end
  end)

  it("wrong arguments are said at the line of the call", function()
    for words, fn in pairs {
      ["bad argument #1 to 'random' (number expected, got table)"] = function()
        local n = math.random {}
        return n
      end,
      ["bad argument #2 to 'random' (number expected, got boolean)"] = function()
        local n = math.random(1, true)
        return n
      end,
      ["bad argument to 'random' (interval is empty)"] = function()
        local n = math.random(2, 1)
        return n
      end,
      ["bad argument to 'random' (interval is too large"] = function()
        local n = math.random(1, math.huge)
        return n
      end,
      ["bad argument #1 to 'date' (string expected, got table)"] = function()
        local date = os.date {}
        return date
      end,
    } do
      local problem = problem_of(fn)
      assert.matches(words, problem, 1, true)
      assert.matches("sandbox_spec.lua:%d+:", problem)
    end
  end)

  it("a side effect may do what the rest may not", function()
    assert.same({ "string", true }, result_of(function()
      local path = workflow.side_effect(function() return type(os.getenv "PATH") end)
      local now = workflow.side_effect(function() return os.time() > 1600000000 end)
      return { path, now }
    end))
  end)

  it("tables and functions have numbers for addresses", function()
    assert.same({ "table: 1", "table: 2", "table: 1", "function: 3", "[table: 2]", "named",
      "Point: 4", "table: 2 and 1.5" }, result_of(function()
      local a, b = {}, {}
      return { tostring(a), tostring(b), tostring(a), tostring(function() end),
        ("[%s]"):format(b),
        tostring(setmetatable({}, { __tostring = function() return "named" end })),
        tostring(setmetatable({}, { __name = "Point" })),
        string.format("%s and %.1f", b, 1.5) }
    end))
    if not pcall(string.format, "%p", {}) then return end
    assert.equal("1", result_of(function() return ("%p"):format {} end))
  end)

  it("print goes to the log", function()
    local sim = simulation.new(function() print("a", 1, nil, {}) end)
    sim:task()
    assert.same({ "info: a\t1\tnil\ttable: 1" }, sim.log)
  end)

  it("table.sort is stable, and its comparisons may wait", function()
    assert.equal(true, result_of(function()
      local list = {}
      for i = 1, 500 do list[i] = { key = (i * 7919) % 13, place = i } end
      table.sort(list, function(a, b) return a.key < b.key end)
      for i = 2, #list do
        local a, b = list[i - 1], list[i]
        if a.key > b.key or a.key == b.key and a.place > b.place then return i end
      end
      return true
    end))
    assert.same({ 1, 2, 3 }, result_of(function()
      local list = { 3, 1, 2 }
      table.sort(list)
      return list
    end))
    local sim = simulation.new(function()
      local list = { 2, 1 }
      table.sort(list, function(a, b)
        workflow.sleep(1)
        return a < b
      end)
      return list
    end)
    assert.equal("start_timer", sim:task())
    sim:fire "1"
    sim:task()
    assert.same({ 1, 2 }, sim:result())
  end)

  it("collection cannot be seen", function()
    assert.equal(0, result_of(function()
      collectgarbage()
      return collectgarbage "count"
    end))
    assert.matches("__gc in a workflow", problem_of(function()
      setmetatable({}, { __gc = print })
    end), 1, true)
    assert.equal(true, result_of(function()
      local meta = { __mode = "k" }
      return getmetatable(setmetatable({}, meta)) == meta and meta.__mode == nil
    end))
  end)

  it("variables that are to be closed are closed", function()
    if _VERSION ~= "Lua 5.4" then return end
    assert.same({ "body", "closed" }, result_of(function()
      local got = {}
      local fn = load [[
        local got = ...
        local function close() got[#got + 1] = "closed" end
        local guard <close> = setmetatable({}, { __close = close })
        got[#got + 1] = "body"
      ]]
      fn(got)
      return got
    end))
  end)

  it("waits pass through coroutines of its own, nested too", function()
    local sim = simulation.new(function()
      local seen = {}
      local outer = coroutine.wrap(function()
        local inner = coroutine.wrap(function()
          workflow.sleep(1)
          coroutine.yield "inner"
          workflow.sleep(2)
          return "end"
        end)
        coroutine.yield(inner())
        coroutine.yield(inner())
      end)
      seen[1], seen[2] = outer(), outer()
      local ok, problem = coroutine.resume(coroutine.create(function() error { "raised" } end))
      seen[3], seen[4] = ok, problem[1]
      return seen
    end)
    assert.equal("start_timer", sim:task())
    sim:fire "1"
    assert.equal("start_timer", sim:task())
    sim:fire "2"
    sim:task()
    assert.same({ "inner", "end", false, "raised" }, sim:result())
    sim:verify()
  end)

  it("load takes text, in the run's environment", function()
    assert.same({ 3, 7, "text only" }, result_of(function()
      _G.seven = 7
      local pieces, at = { "return 1", " + ", "2" }, 0
      local sum = load(function()
        at = at + 1
        return pieces[at]
      end)
      local fn, problem = load "\27Lua"
      return { sum(), load("return seven")(), fn == nil and problem:match "text only" }
    end))
    assert.is_nil(rawget(_G, "seven"))
  end)

  it("globals, libraries and the methods of strings are the run's own", function()
    local function changes()
      local before = { tostring(rawget(string, "shout")) .. tostring(("x").shout) }
      _G.counter = (_G.counter or 0) + 1
      string.shout = function(s) return s:upper() .. "!" end -- luacheck: ignore
      math.pi = 3 -- luacheck: ignore
      before[#before + 1] = _G.counter .. ("hey"):shout() .. math.pi
      return before
    end
    for _ = 1, 2 do assert.same({ "nilnil", "1HEY!3" }, result_of(changes)) end
    assert.is_nil(rawget(_G, "counter"))
    assert.is_nil(rawget(string, "shout"))
    assert.is_true(math.pi > 3.1)
    assert.is_false(result_of(function() return getmetatable "" end))
  end)

  it("a traceback has no addresses", function()
    local text = result_of(function()
      local _, shown = xpcall(function() (nil)() end, debug.traceback) -- luacheck: ignore
      return shown
    end)
    assert.matches("sandbox_spec.lua:%d+:.*\nstack traceback:\n.*sandbox_spec.lua:", text)
    assert.is_nil(text:find "0x%x")
  end)

  it("rawget finds globals, too", function()
    assert.same({ true, true, false }, result_of(function()
      return { rawget(_G, "print") == print, rawget(_G, "no_such_global") == nil,
        rawget({}, "print") ~= nil }
    end))
  end)

  it("strings have their own methods again where the program goes on", function()
    local sim = simulation.new(function()
      string.shout = function() return "in the run" end -- luacheck: ignore
      workflow.sleep(1)
      return ("x"):shout()
    end)
    sim:task()
    assert.is_nil(("x").shout)
    sim:fire "1"
    sim:task()
    assert.equal("in the run", sim:result())
    assert.is_nil(("x").shout)
    assert.matches("in a workflow", problem_of(function() ("x").dump(print) end), 1, true)
  end)

  it("is the same in every process", function()
    local function run()
      local interpreter, at = "lua", -1
      while arg[at] do interpreter, at = arg[at], at - 1 end
      local command = "LUA_PATH='%s' LUA_CPATH='%s' %s spec/support/commands.lua 2>&1"
      local pipe = assert(io.popen(command:format(package.path, package.cpath,
        os.getenv "TEMPORAL_TEST_LUA" or interpreter)))
      local text = pipe:read "*a"
      pipe:close()
      return text
    end
    local first = run()
    assert.matches("^%x+\n%x+\n", first)
    for _ = 1, 3 do assert.equal(first, run()) end
  end)
end)

--- What every SDK is asked for: the features in spec/features, on the real server. Many run at the
-- same time, each with a worker of its own.

local env = require "spec.support.environment"
local features = require "spec.support.features"
local promise = require "temporal.wait.promise"
local simulation = require "spec.support.simulation"
local temporal = require "temporal"

if simulation.impossible(describe, it) then return end

local unpack = table.unpack or unpack -- luacheck: ignore

local HUNG = 120
local AT_A_TIME = 8

local function load_all(want)
  local names = {}
  for _, name in ipairs(features.names()) do
    if want(features.load(name)) then names[#names + 1] = name end
  end
  return names
end

-- Some at a time, in their order; the tasks by name.
local function begin(names, options)
  local tasks, turn = {}, 0
  local function one_after_the_other()
    while turn < #names do
      turn = turn + 1
      local task = tasks[names[turn]]
      task.result = { pcall(features.run, names[turn], options) }
      task:finish()
    end
  end
  for _, name in ipairs(names) do tasks[name] = promise.new() end
  for _ = 1, AT_A_TIME do temporal.spawn(one_after_the_other) end
  return tasks
end

local WAYS = {
  { says = "with a cache", options = { max_cached_workflows = 1000 } },
  { says = "without a cache", options = { max_cached_workflows = 0 } },
}

for _, way in ipairs(WAYS) do
  describe("features " .. way.says, function()
    local names = load_all(function(feature)
      return way.options.max_cached_workflows > 0 or feature.uncached ~= false
    end)
    local tasks
    setup(function() tasks = begin(names, way.options) end)
    for _, name in ipairs(names) do
      it(name, function()
        assert.is_true(tasks[name]:wait(HUNG))
        local ok, problem = unpack(tasks[name].result)
        if not ok then error(problem, 0) end
      end)
    end
  end)
end

describe("features whose worker is killed every two seconds", function()
  local KILLS = 5
  local names = load_all(function(feature) return feature.survives end)
  local tasks, kills, queue = {}, 0, nil

  local function worker()
    return env.spawn { env.lua, "spec/support/features_worker.lua", env.address, env.namespace,
      queue }
  end

  setup(function()
    queue = "lua-" .. env.uuid()
    local process = worker()
    process:readline()
    for _, name in ipairs(names) do
      tasks[name] = temporal.spawn(features.repeated, name, queue, function()
        return kills >= KILLS
      end)
    end
    tasks.killer = temporal.spawn(function()
      while kills < KILLS do
        promise.pause(2)
        process:kill "KILL"
        kills = kills + 1
        process:wait()
        process = worker()
      end
    end)
    tasks.process = function() return process end
  end)

  for _, name in ipairs(names) do
    it(name, function()
      local times, err = tasks[name]:get(HUNG)
      if err then error(err.raw or err, 0) end
      assert.is_true(times > 0)
    end)
  end

  teardown(function()
    tasks.killer:get(HUNG)
    tasks.process():stop(0)
  end)
end)

--- Side effects: values that code gets from outside of the run, recorded so that
-- each replay has the same.
-- @module temporal.workflow.effect

local errors = require "temporal.error.error"
local fiber = require "temporal.workflow.fiber"
local marker = require "temporal.workflow.op.marker"
local misuse = require "temporal.base.misuse"

local error, tostring = error, tostring

local effect = {}

-- The value as each replay has it.
local function read(run, payloads)
  local values, problem = run.converter:values(payloads)
  if not values then
    error(run:unreadable(problem, "the value of a side effect"), 0)
  end
  return values[1]
end

local function call(fn)
  local ok, value = fiber.look("a side effect", fn)
  if not ok then
    error(value, 0)
  end
  return value
end

local function encode(run, value)
  local payloads, problem = run.converter:payloads(1, value)
  if not payloads then
    misuse.raisef("the value of a side effect: %s", tostring(problem))
  end
  return payloads
end

-- The id of the event that the next command of this step would make.
local function next_event(run)
  local id = run.history_length + 2
  for i = 1, #run.commands do
    id = run.commands[i].dropped and id or id + 1
  end
  return id
end

-- Code that asks for what history does not have: the run's code must not go on,
-- whatever it catches.
local function missing(run, key)
  local id, actual = next_event(run), ("side effect %s"):format(key)
  run:fail_task(errors.received {
    kind = "nondeterminism", event_id = tonumber(("%d"):format(id)),
    expected = "another event, or none", actual = actual,
    message = ("[TMPRL1100] event %d of the history is not %s, which the workflow's code made")
      :format(id, actual),
  })
  return fiber.stop()
end

--- The value of a function, called once in the life of the run.
-- @tparam run run
-- @tparam function fn
-- @return its value, encoded and decoded
function effect.once(run, fn)
  run.effect_count = run.effect_count + 1
  local key = ("%d"):format(run.effect_count)
  if run.replaying then
    local data = run.effects[key]
    if not data then
      return missing(run, key)
    end
    run.effects[key] = nil
    marker.effect(run, key)
    return read(run, data)
  end
  local payloads = encode(run, call(fn))
  marker.effect(run, key, payloads)
  return read(run, payloads)
end

--- The value of a function that is called each time, recorded when it has changed.
-- @tparam run run
-- @tparam string id
-- @tparam function fn
-- @tparam function|nil equal `equal(before, now)`; `==` when absent
-- @return the value
function effect.changing(run, id, fn, equal)
  local state = run.changing[id] or { calls = 0 }
  run:own "changing"[id] = state
  state.calls = state.calls + 1
  local key = ("%s:%d"):format(id, state.calls)
  local data = run.effects[key]
  if run.replaying then
    if data then
      run.effects[key] = nil
      marker.effect(run, key)
      state.known, state.value = true, read(run, data)
    elseif not state.known then
      return missing(run, key)
    end
    return state.value
  end
  local value = call(fn)
  local payloads = encode(run, value)
  local now = read(run, payloads)
  local same = state.known and state.value == now
  if state.known and equal then
    same = equal(state.value, now)
  end
  if not same then
    marker.effect(run, key, payloads)
    state.known, state.value = true, now
  end
  return state.value
end

return effect

--- What is recorded so that each replay has it: patches, values from outside,
-- attributes, random numbers.
-- @submodule temporal.workflow.api

local attributes = require "temporal.workflow.op.attributes"
local current = require "temporal.workflow.current"
local effect = require "temporal.workflow.effect"
local fiber = require "temporal.workflow.fiber"
local misuse = require "temporal.base.misuse"
local numbers = require "temporal.workflow.numbers"
local operation = require "temporal.workflow.operation"
local options = require "temporal.base.options"
local patch = require "temporal.workflow.patch"
local search_attributes = require "temporal.value.search_attributes"

local next, tostring, type = next, tostring, type

local workflow = {}

-- The answer to a patch: one that was given before is known everywhere.
local function ask(id, what, deprecated)
  local run = fiber.run_of(what)
  if type(id) ~= "string" or id == "" then
    misuse.raisef("%s: the id must be a string that is not empty, got %s", what, options.show(id))
  end
  if run.patched[id] == nil then
    fiber.running(what)
    run:before_step()
  end
  return patch.ask(run, id, deprecated)
end

--- Is a change of the code in force in this run? True in new runs, which record it,
-- and in those that have recorded it. Code that may only look can ask for what was asked
-- before.
-- @tparam string id of the change
-- @treturn boolean the same for the whole run
function workflow.patched(id)
  return ask(id, "workflow.patched", false)
end

--- Says that no run is left without the change: `patched` goes, this stays until no
-- run is left that has recorded it.
-- @tparam string id of the change
function workflow.deprecate_patch(id)
  ask(id, "workflow.deprecate_patch", true)
end

local function check_effect(what, fn)
  if type(fn) ~= "function" then
    misuse.raisef("%s takes a function, got %s", what, options.kind_of(fn))
  end
  local run = operation.begin(what)
  return run
end

--- The value of a function, called once in the life of the run and recorded. For
-- what can fail there are activities.
-- @tparam function fn may not wait
-- @return its value, as each replay has it
function workflow.side_effect(fn)
  return effect.once(check_effect("workflow.side_effect", fn), fn)
end

--- The value of a function that is called each time, and recorded when it has
-- changed.
-- @tparam string id which of them
-- @tparam function fn may not wait
-- @tparam[opt] function equal `equal(before, now)`; `==` when absent
-- @return the value, as each replay has it
function workflow.mutable_side_effect(id, fn, equal)
  if type(id) ~= "string" then
    misuse.raisef("workflow.mutable_side_effect: the id must be a string, got %s",
      options.kind_of(id))
  elseif equal ~= nil and type(equal) ~= "function" then
    misuse.raisef("workflow.mutable_side_effect: equal must be a function, got %s",
      options.kind_of(equal))
  end
  return effect.changing(check_effect("workflow.mutable_side_effect", fn), id, fn, equal)
end

local function begin_upsert(what, values)
  if type(values) ~= "table" or next(values) == nil then
    misuse.raisef("%s takes a table of values by name, got %s", what,
      type(values) == "table" and "an empty one" or options.kind_of(values))
  end
  return (operation.begin(what))
end

--- Changes search attributes of the run.
-- @tparam table values by name; `temporal.null` removes one
function workflow.upsert_search_attributes(values)
  local run = begin_upsert("workflow.upsert_search_attributes", values)
  local encoded, problem = search_attributes.encode(values)
  if not encoded then
    misuse.raisef("workflow.upsert_search_attributes: %s", problem)
  end
  attributes.upsert_search_attributes(run, encoded.indexed_fields)
end

--- Changes values of the run's memo.
-- @tparam table values by name; `temporal.null` removes one
function workflow.upsert_memo(values)
  local run = begin_upsert("workflow.upsert_memo", values)
  local fields = {}
  for name, value in next, values do
    if type(name) ~= "string" then
      misuse.raisef("workflow.upsert_memo: memo: the names must be strings, got %s",
        options.kind_of(name))
    end
    local payload, problem = run.converter:payload(value, "memo." .. name)
    if not payload then
      misuse.raisef("workflow.upsert_memo: %s", tostring(problem))
    end
    fields[name] = payload
  end
  attributes.upsert_memo(run, fields)
end

--- A random number of the run: the same at each replay, as math.random gives it.
-- @tparam[opt] integer m
-- @tparam[opt] integer n
-- @treturn number at least 0, below 1; with m, a whole number of 1 to m; with both, of m
--   to n, which may be 2^53 apart
function workflow.random(m, n)
  fiber.running "workflow.random"
  return numbers.random(current.run:generator(), m, n)
end

--- A UUID of the run: the same at each replay.
-- @treturn string
function workflow.uuid()
  fiber.running "workflow.uuid"
  return current.run:generator():uuid()
end

return workflow

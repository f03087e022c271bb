--- The workflow types that functions of a run stand for.
-- @module temporal.workflow.sandbox.names

local definition = require "temporal.run.definition"

local type = type

local names = {}

--- The workflow type that code of a run means.
-- @tparam run run
-- @param workflow a type name, or a definition: the run's copy of it, or one of a module
--   that the run has loaded
-- @tparam integer count how many arguments it is to be called with
-- @treturn string
-- @raise on misuse
function names.resolve(run, workflow, count)
  local instance = run.instance
  if not instance or type(workflow) ~= "function" then
    return definition.resolve(workflow, count)
  end
  local name = instance:name_of(workflow)
  if not name then
    local original = instance:original(workflow)
    local found = original == workflow and definition.names_of(workflow, instance.loaded or {})
      or {}
    if #found ~= 1 then
      return definition.resolve(original, count)
    end
    name = found[1]
  end
  definition.check_arguments(workflow, name, count)
  return name
end

return names

--- The queries that every run answers: `__stack_trace`, where it waits, and
-- `__temporal_workflow_metadata`, which handlers it has, and what it says of itself
-- (temporal.api.sdk.v1.WorkflowMetadata).
-- @module temporal.workflow.metadata

local fiber = require "temporal.workflow.fiber"
local misuse = require "temporal.base.misuse"
local proto = require "temporal.value.proto"
local types = require "temporal.value.types"

local concat, insert, sort = table.concat, table.insert, table.sort
local getinfo = debug.getinfo
local next = next
local status = require("temporal.workflow.thread").status

local metadata = {}

local DESCRIPTIONS = {
  __stack_trace = "Where the workflow waits: the stack of each of its coroutines.",
  __temporal_workflow_metadata = "Which handlers the workflow has, and what it says of itself.",
}

local function definitions_of(handlers, builtin)
  local list = {}
  for name, handler in next, handlers do
    list[#list + 1] = { name = name == types.any and "" or name,
      description = handler.description }
  end
  for name, description in next, builtin or {} do
    list[#list + 1] = { name = name, description = description }
  end
  sort(list, function(a, b)
    return a.name < b.name
  end)
  return list
end

local function describe(run)
  return proto.new("temporal.api.sdk.v1.WorkflowMetadata", {
    definition = {
      type = run.workflow_type,
      query_definitions = definitions_of(run.query_handlers, DESCRIPTIONS),
      signal_definitions = definitions_of(run.signal_handlers),
      update_definitions = definitions_of(run.update_handlers),
    },
    current_details = run.current_details or run.settings.description,
  })
end

local function name_of(frame)
  if frame.what == "main" then
    return "main chunk"
  elseif frame.name then
    return ("function '%s'"):format(frame.name)
  end
  return ("function <%s:%d>"):format(frame.short_src, frame.linedefined)
end

-- The stack of a coroutine, without the functions of this package and those that
-- it stands on.
local function stack_of(thread, lines)
  local level, frame = 0, getinfo(thread, 0, "Sln")
  while frame do
    if frame.what == "tail" then
      lines[#lines + 1] = "  (a tail call)"
    elseif frame.what ~= "C" and not misuse.is_own(frame.source) then
      lines[#lines + 1] = ("  %s:%d: in %s"):format(frame.short_src, frame.currentline,
        name_of(frame))
    end
    level = level + 1
    frame = getinfo(thread, level, "Sln")
  end
end

local function title_of(run, each)
  local handler = run.handling[each]
  return each == run.main and "main function" or handler and handler.what or "task"
end

-- The stacks of all that waits, in the order in which it began.
local function stacks(run)
  local lines, list = {}, {}
  for each in next, run.alive do
    list[#list + 1] = each
  end
  sort(list, function(a, b)
    return run.alive[a] < run.alive[b]
  end)
  if run.main and status(run.main.thread) ~= "dead" then
    insert(list, 1, run.main)
  end
  for i = 1, #list do
    lines[#lines + 1] = (i > 1 and "\n" or "") .. title_of(run, list[i])
    stack_of(list[i].thread, lines)
  end
  return concat(lines, "\n")
end

local QUERIES = { __stack_trace = stacks, __temporal_workflow_metadata = describe }

--- The answer to a query that every run has.
-- @tparam string name
-- @treturn function|nil `fn(run)`
function metadata.find(name)
  return QUERIES[name]
end

--- The names of queries that a run has, with those every run has.
-- @tparam table handlers
-- @treturn string
function metadata.names_of(handlers)
  local names = {}
  for name in next, handlers do
    names[#names + 1] = name ~= types.any and name or nil
  end
  for name in next, QUERIES do
    names[#names + 1] = name
  end
  sort(names)
  return concat(names, ", ")
end

--- Long-form text about the run, for the UI.
-- @tparam string markdown
function metadata.set_details(markdown)
  fiber.running "workflow.set_current_details"
  fiber.run_of "workflow.set_current_details".current_details = markdown
end

return metadata

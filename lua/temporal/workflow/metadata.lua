--- The queries that every run answers: `__stack_trace`, where it waits, as text,
-- `__enhanced_stack_trace`, the same for tools (temporal.api.sdk.v1.EnhancedStackTrace),
-- and `__temporal_workflow_metadata`, which handlers it has, and what it says of itself
-- (temporal.api.sdk.v1.WorkflowMetadata).
-- @module temporal.workflow.metadata

local core = require "temporal.core"
local debug = require "temporal.base.debug"
local fiber = require "temporal.workflow.fiber"
local misuse = require "temporal.base.misuse"
local proto = require "temporal.value.proto"
local types = require "temporal.value.types"

local concat, sort = table.concat, table.sort
local getinfo = debug.getinfo
local ipairs, next = ipairs, next
local status = require("temporal.workflow.thread").status

local metadata = {}

local DESCRIPTIONS = {
  __stack_trace = "Where the workflow waits: the stack of each of its coroutines.",
  __enhanced_stack_trace = "The same with the code that waits, for tools.",
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

-- The frames of a fiber, the innermost first, without the functions of this
-- package and those that it stands on.
local function frames_of(each)
  local frames, level = {}, 0
  local thread = each.thread -- nil: it has not begun
  local frame = thread and getinfo(thread, 0, "Sln")
  while frame do
    local below = getinfo(thread, level + 1, "Sln")
    if below and misuse.is_own(below.source) then
      frame.name = nil -- what this package calls it by says nothing
    end
    if frame.what == "tail" or frame.what ~= "C" and not misuse.is_own(frame.source) then
      frames[#frames + 1] = frame
    end
    level, frame = level + 1, below
  end
  return frames
end

-- All that waits, in the order in which it began.
local function waiting(run)
  local list, youngest_first, count = {}, {}, 0
  for each in fiber.all(run) do
    count = count + 1
    youngest_first[count] = each
  end
  local main = run.main
  if main and (main.args or main.thread and status(main.thread) ~= "dead") then
    count = count + 1
    youngest_first[count] = main
  end
  for i = 1, count do
    list[i] = youngest_first[count + 1 - i]
  end
  return list
end

local function title_of(run, each)
  local handler = each.handler
  return each == run.main and "main function" or handler and handler.what or "task"
end

local function stacks(run)
  local lines = {}
  for i, each in ipairs(waiting(run)) do
    lines[#lines + 1] = (i > 1 and "\n" or "") .. title_of(run, each)
    for _, frame in ipairs(frames_of(each)) do
      lines[#lines + 1] = frame.what == "tail" and "  (a tail call)"
        or ("  %s:%d: in %s"):format(frame.short_src, frame.currentline, name_of(frame))
    end
  end
  return concat(lines, "\n")
end

-- What a function's `source` says of where it is written: the path, and the text, nil
-- where that cannot be had.
local function source_of(frame)
  local kind, path = frame.source:match "^([@=]?)(.*)$"
  local text = frame.source
  if kind == "@" then
    text = core.read_source(path)
  elseif kind == "=" then
    text = nil
  end
  return kind == "@" and path or frame.short_src, text and not core.utf8_offset(text) and text
end

-- The same with the code that waits, for tools.
local function enhanced_stacks(run)
  local sources, list, known = {}, {}, {}
  for i, each in ipairs(waiting(run)) do
    local locations = {}
    for _, frame in ipairs(frames_of(each)) do
      if frame.what ~= "tail" then
        known[frame.source] = known[frame.source] or { source_of(frame) }
        local path, text = known[frame.source][1], known[frame.source][2]
        locations[#locations + 1] = { file_path = path, line = frame.currentline, column = -1,
          function_name = frame.name or frame.what == "main" and "main chunk" or nil }
        sources[path] = text and { content = text } or nil
      end
    end
    list[i] = { locations = locations }
  end
  return proto.new("temporal.api.sdk.v1.EnhancedStackTrace", {
    sdk = { name = core.name, version = core.version }, sources = sources, stacks = list,
  })
end

local QUERIES = {
  __stack_trace = stacks, __enhanced_stack_trace = enhanced_stacks,
  __temporal_workflow_metadata = describe,
}

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

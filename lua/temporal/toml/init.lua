--- Reads TOML, the language of `temporal.toml`: all of version 1.0, and 1.1 when asked.
--
-- A document is a table. Strings, booleans, integers and floats become their
-- Lua values; dates and times stay the text they were written as. Integers that
-- the VM's numbers cannot hold exactly are what `temporal.int64` makes.
-- The rules and their names are those of the standard, toml.io/en/v1.0.0.
-- @module temporal.toml

local core = require "temporal.core"
local misuse = require "temporal.base.misuse"
local number = require "temporal.toml.number"
local text_of = require "temporal.toml.text"

local byte, find, match, sub = string.byte, string.find, string.match, string.sub

-- Arrays and inline tables in one another: far more than people write, far
-- less than the Lua stack holds.
local MAX_DEPTH = 100

local VERSIONS = { ["1.0"] = true, ["1.1"] = true }
local BOM = "\239\187\191"

local NEWLINE, QUOTE, HASH, APOSTROPHE, COMMA = byte("\n\"#',", 1, -1)
local DOT, EQUALS, OPEN, CLOSE, OPEN_BRACE, CLOSE_BRACE = byte(".=[]{}", 1, -1)

-- What stopped the reader. Raised inside, never seen outside.
local problem_metatable = {}

--- Stops at a place in the text.
-- A message names keys, never values: they may be secrets.
local function fail(_, at, template, ...)
  error(setmetatable({ at = at, message = template:format(...) }, problem_metatable), 0)
end

-- The line and the column, in characters, of a byte of the text. Counted on
-- from the last place asked for, so that a document is counted once.
local function place(reader, at)
  local from, line, column = reader.counted, reader.line, reader.column
  if at < from then
    from, line, column = 1, 1, 1
  end
  local passed = sub(reader.text, from, at - 1)
  local _, newlines = passed:gsub("\n", "")
  if newlines > 0 then
    passed, column = match(passed, "^.*\n(.*)$"), 1
  end
  local _, continuation = passed:gsub("[\128-\191]", "")
  reader.counted, reader.line, reader.column = at, line + newlines, column + #passed - continuation
  return { at = at, line = reader.line, column = reader.column }
end

local function show_key(name)
  return find(name, "^[A-Za-z0-9_-]+$") and name or text_of.quoted(name)
end

-- White space, comments, ends of lines.

local function skip_space(reader)
  reader.at = find(reader.text, "[^ \t]", reader.at) or #reader.text + 1
  return byte(reader.text, reader.at)
end

local function skip_comment(reader)
  if byte(reader.text, reader.at) == HASH then
    reader.at = find(reader.text, "[^\t\32-\126\128-\255]", reader.at) or #reader.text + 1
  end
end

-- Passes over an end of line, if there is one.
local function skip_newline(reader)
  local stop = match(reader.text, "^\r?\n()", reader.at)
  if stop then
    reader.at = stop
  end
  return stop
end

local function end_line(reader, after)
  skip_space(reader)
  skip_comment(reader)
  if reader.at > #reader.text or skip_newline(reader) then
    return
  end
  if find(reader.text, "^[%z\1-\8\11-\31\127]", reader.at) then
    reader:fail(reader.at, "a control character; only tabs may stand in a line")
  end
  reader:fail(reader.at, "expected the end of the line after %s", after)
end

-- White space over any number of lines: inside arrays.
local function skip_lines(reader)
  repeat
    skip_space(reader)
    skip_comment(reader)
  until not skip_newline(reader)
  return byte(reader.text, reader.at)
end

-- Keys.

local function read_name(reader)
  local c = skip_space(reader)
  if c == QUOTE or c == APOSTROPHE then
    return text_of.line(reader, c)
  end
  local name = match(reader.text, "^[A-Za-z0-9_-]+", reader.at)
  if not name then
    reader:fail(reader.at, "expected a key: letters, digits, - and _, or a string in quotes")
  end
  reader.at = reader.at + #name
  return name
end

-- A key is a list of names: `a."b.c"` is {"a", "b.c"}.
local function read_key(reader)
  skip_space(reader)
  local key = { place = place(reader, reader.at) }
  repeat
    key[#key + 1] = read_name(reader)
    local dotted = skip_space(reader) == DOT
    if dotted then
      reader.at = reader.at + 1
    end
  until not dotted
  return key
end

local function key_text(key, last)
  local names = {}
  for i = 1, last do
    names[i] = show_key(key[i])
  end
  return table.concat(names, ".")
end

-- Tables. `kinds` says how each came to be, which decides what may still be
-- added: "header" [a], "implied" (a of [a.b]), "dotted" (a of a.b = 1),
-- "array" [...] and "inline" {...}, both closed, and "tables" [[a]].

local function put(reader, parent, name, value, type_name, where)
  local origin = reader.origin[parent]
  if not origin then
    origin = {}
    reader.origin[parent] = origin
  end
  origin[name] = { line = where.line, column = where.column, type = type_name }
  parent[name] = value
end

local function put_table(reader, parent, name, kind, where)
  local new = {}
  reader.kinds[new] = kind
  put(reader, parent, name, new, kind == "tables" and "array" or "table", where)
  return new
end

local function taken(reader, parent, key, last)
  local first = reader.origin[parent][key[last]]
  reader:fail(key.place.at, "%s is already defined, in line %d", key_text(key, last), first.line)
end

-- The table that the names of a dotted key before the last one lead to.
local function walk_dotted(reader, from, key)
  local current = from
  for i = 1, #key - 1 do
    local child = current[key[i]]
    if child == nil then
      child = put_table(reader, current, key[i], "dotted", key.place)
    elseif reader.kinds[child] == "implied" then
      reader.kinds[child] = "dotted"
    elseif reader.kinds[child] ~= "dotted" then
      taken(reader, current, key, i)
    end
    current = child
  end
  return current
end

local WALKED_BY_HEADERS = { header = true, implied = true, dotted = true }

local function walk_header(reader, key)
  local current = reader.root
  for i = 1, #key - 1 do
    local child = current[key[i]]
    local kind = reader.kinds[child == nil and "" or child]
    if child == nil then
      child = put_table(reader, current, key[i], "implied", key.place)
    elseif kind == "tables" then
      child = child[#child]
    elseif not WALKED_BY_HEADERS[kind] then
      taken(reader, current, key, i)
    end
    current = child
  end
  return current
end

local function open_table(reader, key)
  local parent, name = walk_header(reader, key), key[#key]
  local found = parent[name]
  if found == nil then
    return put_table(reader, parent, name, "header", key.place)
  elseif reader.kinds[found] ~= "implied" then
    taken(reader, parent, key, #key)
  end
  reader.kinds[found] = "header"
  return found
end

local function open_array_item(reader, key)
  local parent, name = walk_header(reader, key), key[#key]
  local found = parent[name]
  if found == nil then
    found = put_table(reader, parent, name, "tables", key.place)
  elseif reader.kinds[found] ~= "tables" then
    taken(reader, parent, key, #key)
  end
  return put_table(reader, found, #found + 1, "header", key.place)
end

local function read_header(reader)
  local start = reader.at
  local brackets = match(reader.text, "^%[%[?", start)
  reader.at = start + #brackets
  local key = read_key(reader)
  local closing = #brackets == 2 and "]]" or "]"
  if sub(reader.text, reader.at, reader.at + #closing - 1) ~= closing then
    reader:fail(reader.at, 'expected "%s" after the name of the table', closing)
  end
  reader.at = reader.at + #closing
  end_line(reader, "the name of the table")
  if #brackets == 2 then
    return open_array_item(reader, key)
  end
  return open_table(reader, key)
end

-- Values.

local read_value

local function read_pair(reader, into, depth)
  local key = read_key(reader)
  if byte(reader.text, reader.at) ~= EQUALS then
    reader:fail(reader.at, 'expected "=" after the key')
  end
  reader.at = reader.at + 1
  skip_space(reader)
  local value, type_name = read_value(reader, depth)
  local parent = walk_dotted(reader, into, key)
  if parent[key[#key]] ~= nil then
    taken(reader, parent, key, #key)
  end
  put(reader, parent, key[#key], value, type_name, key.place)
end

local function read_array(reader, depth)
  local array = {}
  reader.kinds[array] = "array"
  reader.at = reader.at + 1
  while true do
    if skip_lines(reader) == CLOSE then
      break
    end
    local where = place(reader, reader.at)
    local value, type_name = read_value(reader, depth)
    put(reader, array, #array + 1, value, type_name, where)
    local c = skip_lines(reader)
    if c == COMMA then
      reader.at = reader.at + 1
    elseif c ~= CLOSE then
      reader:fail(reader.at, 'expected "," or "]" in the array')
    end
  end
  reader.at = reader.at + 1
  return array, "array"
end

-- In 1.0 an inline table is one line without a comma at its end.
local function read_inline_table(reader, depth)
  local skip_blank = reader.version == "1.1" and skip_lines or skip_space
  local inline = {}
  reader.at = reader.at + 1
  local c = skip_blank(reader)
  while c ~= CLOSE_BRACE do
    read_pair(reader, inline, depth)
    c = skip_blank(reader)
    if c == COMMA then
      reader.at = reader.at + 1
      c = skip_blank(reader)
      if c == CLOSE_BRACE and reader.version == "1.0" then
        reader:fail(reader.at, "expected a key: an inline table has no comma at its end")
      end
    elseif c ~= CLOSE_BRACE then
      reader:fail(reader.at, 'expected "," or "}" in the inline table')
    end
  end
  reader.at = reader.at + 1
  reader.kinds[inline] = "inline"
  return inline, "table"
end

function read_value(reader, depth)
  local c = byte(reader.text, reader.at)
  if c == QUOTE or c == APOSTROPHE then
    return text_of.value(reader, c), "string"
  elseif c ~= OPEN and c ~= OPEN_BRACE then
    return number.read(reader)
  elseif depth == MAX_DEPTH then
    reader:fail(reader.at, "more than %d arrays and tables in one another", MAX_DEPTH)
  elseif c == OPEN then
    return read_array(reader, depth + 1)
  end
  return read_inline_table(reader, depth + 1)
end

local function read_document(reader)
  local current = reader.root
  while true do
    local c = skip_space(reader)
    if not c then
      return
    elseif c == OPEN then
      current = read_header(reader)
    else
      if c ~= HASH and c ~= NEWLINE and not find(reader.text, "^\r\n", reader.at) then
        read_pair(reader, current, 0)
        end_line(reader, "the value")
      else
        end_line(reader, "the comment")
      end
    end
  end
end

--- Reads a document.
-- @tparam string text UTF-8; a byte order mark at its start is passed over
-- @tparam[opt="1.0"] string version of the language: `"1.0"` or `"1.1"`, which
--   adds `\e` and `\x41` in strings, times without seconds, and inline tables
--   over several lines
-- @treturn table|nil the document, or nil
-- @treturn table|string where each key was defined:
--   `origin[table][key] = {line=, column=, type=}`, type one of `string integer
--   float boolean array table` and `offset date-time`, `local date-time`, `local
--   date`, `local time`; or the message, which begins with line and column and
--   holds no value of the document
-- @treturn[opt] integer the line of the problem
-- @treturn[opt] integer its column, in characters
-- @raise when `text` is not a string, or `version` not one of these
local function decode(text, version)
  version = version or "1.0"
  if type(text) ~= "string" then
    misuse.raisef("toml.decode: expected the text of a document, got a %s", type(text))
  elseif not VERSIONS[version] then
    misuse.raisef('toml.decode: the version must be "1.0" or "1.1", got %s', tostring(version))
  end
  local root = {}
  local reader = {
    text = text, version = version, at = 1, fail = fail,
    counted = 1, line = 1, column = 1,
    root = root, kinds = { [root] = "header" }, origin = { [root] = {} },
  }
  if sub(text, 1, #BOM) == BOM then
    reader.text = sub(text, #BOM + 1)
  end
  local ok, problem = pcall(function()
    local invalid = core.utf8_offset(reader.text)
    if invalid then
      reader:fail(invalid + 1, "the text is not UTF-8")
    end
    return read_document(reader)
  end)
  if ok then
    return root, reader.origin
  elseif getmetatable(problem) ~= problem_metatable then
    error(problem, 0)
  end
  local where = place(reader, problem.at)
  return nil, ("line %d, column %d: %s"):format(where.line, where.column, problem.message),
    where.line, where.column
end

return {
  decode = decode,
}

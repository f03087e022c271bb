--- Documents for the TOML reader, made from a number, and what must be true of each: a valid one
-- reads as what it was made from, a broken one gives an error that says where, and nothing
-- raises. fuzz_toml.lua makes them for a while, spec/each/toml some of them at every test.

local toml = require "temporal.toml"

local fuzz = {}

-- The same numbers on every Lua: Park and Miller's generator.
local seed

local function random(most)
  seed = seed * 16807 % 2147483647
  return seed % most + 1
end

local function one_of(list)
  return list[random(#list)]
end

-- Values: what the reader gives, and a text of it.

local SECRET = "SECRET"
local PIECES = { "a", "é", "漢", "😀", " ", "#", "=", "[", "]", "{", "'", '"', "\\", "\n", "\t", ",",
  "." }
local ESCAPED = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\t"] = "\\t" }
local AS_CODE = { a = "\\u0061", ["é"] = "\\u00E9", ["漢"] = "\\u6f22", ["😀"] = "\\U0001F600" }

local make_value

local function make_string()
  local value, basic = { SECRET }, { SECRET }
  for i = 2, random(8) do
    local piece = one_of(PIECES)
    value[i] = piece
    basic[i] = random(3) == 1 and AS_CODE[piece] or ESCAPED[piece] or piece
  end
  value = table.concat(value)
  if not value:find "['\n]" and random(3) == 1 then
    return value, "'" .. value .. "'"
  elseif random(4) == 1 then
    local joined = random(2) == 1 and "\\\n   " or ""
    return value, '"""\n' .. joined .. table.concat(basic) .. '"""'
  end
  return value, '"' .. table.concat(basic) .. '"'
end

local function make_integer()
  local value = random(1000000) - 1
  local format = one_of { "%d", "+%d", "0x%X", "0x%x", "0o%o" }
  local text = format:format(value)
  if value > 999 and format == "%d" and random(2) == 1 then
    text = text:gsub("^(%d+)(%d%d%d)$", "%1_%2")
  end
  if format == "%d" and random(3) == 1 and value > 0 then
    return -value, "-" .. text
  end
  return value, text
end

local function make_float()
  local whole, quarters = random(10000) - 1, random(4) - 1
  local value = whole + quarters / 4
  local text = ("%d.%02d"):format(whole, quarters * 25)
  if random(3) == 1 then
    local exponent = random(3)
    value, text = value * 10 ^ exponent, text .. one_of { "e", "E+", "e0" } .. exponent
  end
  return value, text
end

local TIMES = { "1979-05-27T07:32:00Z", "1979-05-27 07:32:00.5-07:00", "1979-05-27T00:32:00",
  "2000-02-29", "23:59:60" }

local function make_array(depth)
  local value, text = {}, { "[" }
  local separator = one_of { ",", " , ", ",\n", ", # a comment\n" }
  for i = 1, random(4) - 1 do
    value[i], text[i + 1] = make_value(depth + 1)
  end
  text = "[" .. table.concat(text, separator, 2)
  return value, text .. (#value > 0 and random(2) == 1 and "," or "") .. "]"
end

local function make_key(count)
  local name = one_of { "a", "b-c", "D_9", "7" } .. count
  if random(4) > 1 then
    return name, name
  end
  name = one_of { "é", "a.b", "", "'", "#" } .. count
  if name:find "'" or random(2) == 1 then
    return name, '"' .. name .. '"'
  end
  return name, "'" .. name .. "'"
end

-- `name = value` of a table; a dotted key makes tables on the way.
local function make_pair(into, count, depth)
  local name, text = make_key(count)
  if random(5) == 1 then
    local inner, inner_text = make_key(count)
    into[name] = {}
    into, name, text = into[name], inner, text .. one_of { ".", " . " } .. inner_text
  end
  local value_text
  into[name], value_text = make_value(depth)
  return text .. one_of { "=", " = ", "\t=" } .. value_text
end

local function make_inline(depth)
  local value, pairs_text = {}, {}
  for i = 1, random(3) - 1 do
    pairs_text[i] = make_pair(value, i, depth + 1)
  end
  return value, "{" .. table.concat(pairs_text, ", ") .. "}"
end

function make_value(depth)
  local kind = random(depth > 3 and 5 or 7)
  if kind == 1 then
    return make_string()
  elseif kind == 2 then
    return make_integer()
  elseif kind == 3 then
    return make_float()
  elseif kind == 4 then
    local value = random(2) == 1
    return value, tostring(value)
  elseif kind == 5 then
    local text = one_of(TIMES)
    return text, text
  elseif kind == 6 then
    return make_array(depth)
  end
  return make_inline(depth)
end

-- Pairs, each on its line.
local function add_pairs(lines, into, newline)
  for i = 1, random(4) - 1 do
    lines[#lines + 1] = one_of { "", "  ", "# " .. SECRET .. newline }
      .. make_pair(into, "p" .. i, 0) .. one_of { "", " # why" } .. newline
  end
end

local function make_document()
  local newline = one_of { "\n", "\n", "\r\n" }
  local root, lines = {}, {}
  add_pairs(lines, root, newline)
  for i = 1, random(4) - 1 do
    local name, text = make_key("t" .. i)
    local inner = {}
    if random(3) == 1 then
      root[name] = {}
      for j = 1, random(3) do
        inner = {}
        root[name][j] = inner
        lines[#lines + 1] = "[[" .. text .. "]]" .. newline
        add_pairs(lines, inner, newline)
      end
    else
      local below, below_text = make_key("u" .. i)
      root[name] = { [below] = inner }
      lines[#lines + 1] = "[ " .. text .. "." .. below_text .. " ]" .. newline
      add_pairs(lines, inner, newline)
    end
  end
  return root, table.concat(lines)
end

local PARTS = { "[", "]", "{", "}", '"', "'", "\\", "\n", "=", ".", ",", "#", "\0", "\255", "\27",
  "_", "e", "0x", "[[", "]]", '"""', "'''", "\\u", "\\UD800", "\r", "\r\n", "\239\187\191", "-",
  "T00:00", "1e999", ("["):rep(120), ("a."):rep(50), ("9"):rep(400), ("{a="):rep(120) }

local function break_it(text)
  for _ = 1, random(6) do
    local at, kind = random(#text + 1) - 1, random(4)
    if kind == 1 then
      text = text:sub(1, at) .. one_of(PARTS) .. text:sub(at + 1)
    elseif kind == 2 then
      text = text:sub(1, at) .. text:sub(at + random(10) + 1)
    elseif kind == 3 then
      text = text:sub(1, at) .. string.char(random(256) - 1) .. text:sub(at + 2)
    else
      text = text:sub(1, at) .. text:sub(at, at + random(40)):rep(random(5)) .. text:sub(at + 1)
    end
  end
  return text:sub(1, 20000)
end

-- What must be true.

local function equal(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then
    return a == b
  end
  for key, value in pairs(a) do
    if not equal(value, b[key]) then
      return false
    end
  end
  for key in pairs(b) do
    if a[key] == nil then
      return false
    end
  end
  return true
end

local function line_of(text, number)
  local at = 1
  for line in (text .. "\n"):gmatch "([^\n]*)\n" do
    if at == number then
      return line
    end
    at = at + 1
  end
end

-- nil, or what is wrong with how a document was refused.
local function check_refusal(text, message, line, column)
  local said_line, said_column = tostring(message):match "^line (%d+), column (%d+): ."
  if tonumber(said_line) ~= line or tonumber(said_column) ~= column or not line then
    return "the message does not name the place"
  end
  local there = line_of(text:gsub("^\239\187\191", "", 1), line)
  if not there or column < 1 or column > #there + 1 then
    return ("there is no line %d, column %d"):format(line, column)
  end
end

local function check(text, version)
  local ok, document, message, line, column = pcall(toml.decode, text, version)
  if not ok then
    return "raised " .. tostring(document)
  elseif document == nil then
    return check_refusal(text, message, line, column), document, message
  end
  return nil, document
end

-- Nothing of a value is in what is said of the first part of a valid document.
local function check_start(text)
  local problem, _, message = check(text:sub(1, random(#text + 1) - 1))
  if not problem and message and message:find(SECRET, 1, true) then
    return "the message shows a value"
  end
  return problem
end

--- Makes a document of a number, and looks what the reader makes of it, whole, broken and cut.
-- @tparam integer number 1 or more
-- @treturn string|nil what is wrong, with the document
function fuzz.try(number)
  seed = number % 2147483646 + 1
  for _ = 1, 3 do
    random(2)
  end
  local value, text = make_document()
  local version = one_of { "1.0", "1.1" }
  local problem, document, message = check(text, version)
  if not problem and not document then
    problem = "refuses a valid document: " .. message
  elseif not problem and not equal(value, document) then
    problem = "reads something else"
  end
  if not problem then
    problem = check_start(text)
  end
  if not problem then
    text = break_it(text)
    problem = check(text, version)
  end
  return problem and ("document %d: %s\n%q"):format(number, problem, text)
end

return fuzz

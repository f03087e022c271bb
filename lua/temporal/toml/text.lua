--- The strings of TOML: basic "..." with escapes, literal '...' without, and
-- both over several lines within three quotes.
-- @module temporal.toml.text

local byte, char, find, match, sub = string.byte, string.char, string.find, string.match, string.sub
local concat, floor = table.concat, math.floor

local QUOTE, BACKSLASH, NEWLINE = byte("\"\\\n", 1, -1)

-- Text up to the next character with a meaning, by quote. Tabs are the only
-- control characters that may stand for themselves.
local PLAIN = {
  ['"'] = "^[%]\t\32\33\35-\91\94-\126\128-\255]*",
  ["'"] = "^[\t\32-\38\40-\126\128-\255]*",
}

local ESCAPES = {
  b = "\b", t = "\t", n = "\n", f = "\f", r = "\r", ['"'] = '"', ["\\"] = "\\",
}
local HEX_DIGITS = { u = 4, U = 8 }
-- What 1.1 adds.
local ESCAPES_1_1 = { e = "\27" }
local HEX_DIGITS_1_1 = { x = 2 }

-- A character in UTF-8; nil for what is none.
local function encode(code)
  if code < 0x80 then
    return char(code)
  elseif code < 0x800 then
    return char(0xC0 + floor(code / 0x40), 0x80 + code % 0x40)
  elseif code >= 0xD800 and code < 0xE000 or code > 0x10FFFF then
    return nil
  elseif code < 0x10000 then
    return char(0xE0 + floor(code / 0x1000), 0x80 + floor(code / 0x40) % 0x40, 0x80 + code % 0x40)
  end
  return char(0xF0 + floor(code / 0x40000), 0x80 + floor(code / 0x1000) % 0x40,
    0x80 + floor(code / 0x40) % 0x40, 0x80 + code % 0x40)
end

local function read_escape(reader)
  local start = reader.at
  local letter = sub(reader.text, start + 1, start + 1)
  local newer = reader.version == "1.1"
  local plain = ESCAPES[letter] or newer and ESCAPES_1_1[letter]
  if plain then
    reader.at = start + 2
    return plain
  end
  local count = HEX_DIGITS[letter] or newer and HEX_DIGITS_1_1[letter]
  if not count then
    reader:fail(start, 'no such escape after "\\"; a backslash itself is written "\\\\"')
  end
  local digits = sub(reader.text, start + 2, start + 1 + count)
  if #digits < count or find(digits, "[^0-9A-Fa-f]") then
    reader:fail(start, 'expected %d hexadecimal digits after "\\%s"', count, letter)
  end
  local character = encode(tonumber(digits, 16))
  if not character then
    reader:fail(start, "the escape is no Unicode character: above 10FFFF, or half of a pair")
  end
  reader.at = start + 2 + count
  return character
end

local function stop_inside(reader, start)
  if reader.at > #reader.text then
    reader:fail(start, "the string has no end")
  elseif find(reader.text, "^\r?\n", reader.at) then
    reader:fail(start, "the string does not end on its line; longer ones have three quotes")
  end
  reader:fail(reader.at, "a control character in a string; write it as an escape")
end

-- A string on one line; the reader is at its quote.
local function read_line(reader, quote)
  local start, parts = reader.at, {}
  local mark = char(quote)
  reader.at = start + 1
  while true do
    local plain = match(reader.text, PLAIN[mark], reader.at)
    parts[#parts + 1] = plain
    reader.at = reader.at + #plain
    local c = byte(reader.text, reader.at)
    if c == quote then
      reader.at = reader.at + 1
      return concat(parts)
    elseif c == BACKSLASH then
      parts[#parts + 1] = read_escape(reader)
    else
      stop_inside(reader, start)
    end
  end
end

-- Up to two quotes may stand before the three that end the string.
local function read_quotes(reader, mark)
  local run = match(reader.text, "^" .. mark .. "+", reader.at)
  local inside = #run < 3 and #run or math.min(#run - 3, 2)
  reader.at = reader.at + inside
  if #run >= 3 then
    reader.at = reader.at + 3
  end
  return mark:rep(inside), #run >= 3
end

-- A string within three quotes. Ends of lines are "\n" in it, however the
-- file has them; one right after the opening quotes does not count.
local function read_lines(reader, quote)
  local start, parts, closed = reader.at, {}, false
  local mark = char(quote)
  reader.at = match(reader.text, "^\r?\n()", start + 3) or start + 3
  repeat
    local plain = match(reader.text, PLAIN[mark], reader.at)
    parts[#parts + 1] = plain
    reader.at = reader.at + #plain
    local c = byte(reader.text, reader.at)
    local newline = match(reader.text, "^\r?\n()", reader.at)
    if newline then
      parts[#parts + 1] = "\n"
      reader.at = newline
    elseif c == quote then
      parts[#parts + 1], closed = read_quotes(reader, mark)
    elseif c == BACKSLASH then
      -- At the end of a line it takes away all white space that follows.
      local joined = match(reader.text, "^\\[ \t]*\r?\n()", reader.at)
      if joined then
        reader.at = joined
        repeat
          reader.at = find(reader.text, "[^ \t\n]", reader.at) or #reader.text + 1
          local next_line = match(reader.text, "^\r\n()", reader.at)
          reader.at = next_line or reader.at
        until not next_line
      else
        parts[#parts + 1] = read_escape(reader)
      end
    else
      stop_inside(reader, start)
    end
  until closed
  return concat(parts)
end

-- A string of either length.
local function read_value(reader, quote)
  if byte(reader.text, reader.at + 1) == quote and byte(reader.text, reader.at + 2) == quote then
    return read_lines(reader, quote)
  end
  return read_line(reader, quote)
end

local NAMED = { [QUOTE] = '\\"', [BACKSLASH] = "\\\\", [NEWLINE] = "\\n" }

--- A name as a basic string, for messages.
-- @tparam string name
-- @treturn string
local function quoted(name)
  return '"' .. name:gsub('[%z\1-\31\127"\\]', function(c)
    return NAMED[byte(c)] or ("\\u%04X"):format(byte(c))
  end) .. '"'
end

return {
  line = read_line,
  value = read_value,
  quoted = quoted,
}

local environment = require "spec.support.environment"
local toml = require "temporal.toml"
local types = require "temporal.value.types"

local INF = math.huge

-- { document, value }
local ACCEPT = {
  -- documents, comments, ends of lines
  { "", {} }, { "\n", {} }, { " \t", {} }, { "# comment", {} }, { "#\195\169\t\n", {} },
  { "a=1", { a = 1 } }, { "\239\187\191a=1", { a = 1 } },
  { "a = 1 # c\r\n# d\r\nb = 2\r\n", { a = 1, b = 2 } }, { "\n\n a = 1\n", { a = 1 } },
  { 'a = "# no comment" # one', { a = "# no comment" } },
  -- keys
  { "1234 = 1", { ["1234"] = 1 } }, { "-_- = 1", { ["-_-"] = 1 } },
  { '"a b" = 1', { ["a b"] = 1 } }, { "'a\"b' = 1", { ['a"b'] = 1 } }, { '"" = 1', { [""] = 1 } },
  { '"\\u00e9" = 1', { ["\195\169"] = 1 } }, { "3.14 = 1", { ["3"] = { ["14"] = 1 } } },
  { 'a . "b" . \'c\' = 1', { a = { b = { c = 1 } } } }, { "true = 1", { ["true"] = 1 } },
  { "a.b = 1\na.c.d = 2", { a = { b = 1, c = { d = 2 } } } },
  { "a.b = 1\nc = 2\na.d = 3", { a = { b = 1, d = 3 }, c = 2 } },
  { "[a]\na = 1\n[b]\na.a = 1", { a = { a = 1 }, b = { a = { a = 1 } } } },
  -- strings
  { 'a = ""', { a = "" } }, { "a = ''", { a = "" } }, { "a = '\\n'", { a = "\\n" } },
  { 'a = "\\b\\t\\n\\f\\r\\"\\\\"', { a = '\b\t\n\f\r"\\' } }, { 'a = "]["', { a = "][" } },
  { 'a = "\\u0000\\u00E9\\u20ac\\U0001F600\\U0010ffff"',
    { a = "\0\195\169\226\130\172\240\159\152\128\244\143\191\191" } },
  { 'a = "\t\195\169"', { a = "\t\195\169" } },
  { 'a = """"""', { a = "" } }, { "a = ''''''", { a = "" } },
  { 'a = """\nb\nc"""', { a = "b\nc" } }, { 'a = """\r\nb\r\nc\r\n"""', { a = "b\nc\n" } },
  { "a = '''\n\nb'''", { a = "\nb" } }, { "a = '''\nb\\\n'''", { a = "b\\\n" } },
  { 'a = """b \\  \n\n \t c\\\r\n  \r\n"""', { a = "b c" } },
  { 'a = """"b"" """"', { a = '"b"" "' } }, { 'a = """b"""""', { a = 'b""' } },
  { "a = ''''b'''''", { a = "'b''" } }, { 'a = """\\""""', { a = '"' } },
  -- integers
  { "a = 0", { a = 0 } }, { "a = +0", { a = 0 } }, { "a = -0", { a = 0 } },
  { "a = +99", { a = 99 } }, { "a = -17", { a = -17 } }, { "a = 1_2_3", { a = 123 } },
  { "a = 0xDEAD_beef", { a = 3735928559 } }, { "a = 0o0755", { a = 493 } },
  { "a = 0b0_1101", { a = 13 } }, { "a = 0x0", { a = 0 } },
  { "a = 9007199254740992", { a = types.int64 "9007199254740992" } },
  { "a = 9223372036854775807", { a = types.int64 "9223372036854775807" } },
  { "a = -9223372036854775808", { a = types.int64 "-9223372036854775808" } },
  { "a = 0x7fff_ffff_ffff_ffff", { a = types.int64 "9223372036854775807" } },
  { "a = 0b1" .. ("0"):rep(62), { a = types.int64 "4611686018427387904" } },
  -- floats
  { "a = 1.0", { a = 1.0 } }, { "a = +1.5", { a = 1.5 } }, { "a = -0.01", { a = -0.01 } },
  { "a = 5e+22", { a = 5e22 } }, { "a = 1e06", { a = 1e6 } }, { "a = -2E-2", { a = -0.02 } },
  { "a = 6.626e-34", { a = 6.626e-34 } }, { "a = 1_0.2_5e1_0", { a = 10.25e10 } },
  { "a = 0e0", { a = 0.0 } }, { "a = inf", { a = INF } }, { "a = -inf", { a = -INF } },
  { "a = +inf", { a = INF } }, { "a = 1e400", { a = INF } },
  -- booleans, dates and times, which stay text
  { "a = true", { a = true } }, { "a = false", { a = false } },
  { "a = 1979-05-27T07:32:00Z", { a = "1979-05-27T07:32:00Z" } },
  { "a = 1979-05-27t00:32:00.999999-07:00", { a = "1979-05-27t00:32:00.999999-07:00" } },
  { "a = 1979-05-27 07:32:00z # c", { a = "1979-05-27 07:32:00z" } },
  { "a = 1979-05-27T07:32:00", { a = "1979-05-27T07:32:00" } },
  { "a = 2000-02-29", { a = "2000-02-29" } }, { "a = 2001-02-28 # c", { a = "2001-02-28" } },
  { "a = 07:32:00", { a = "07:32:00" } }, { "a = 23:59:60.5", { a = "23:59:60.5" } },
  { "a = [1979-05-27,07:32:00]", { a = { "1979-05-27", "07:32:00" } } },
  -- arrays
  { "a = []", { a = {} } }, { "a = [ ]", { a = {} } }, { "a = [1,2]", { a = { 1, 2 } } },
  { "a = [1, 2, ]", { a = { 1, 2 } } }, { "a = [\n1 # c\n,\r\n# d\n2,\n# e\n]", { a = { 1, 2 } } },
  { 'a = [[1], ["b", {c = 1}]]', { a = { { 1 }, { "b", { c = 1 } } } } },
  { "a = [false, 1, 1.5]", { a = { false, 1, 1.5 } } },
  -- inline tables
  { "a = {}", { a = {} } }, { "a = { }", { a = {} } },
  { "a = {b=1, c = 2 }", { a = { b = 1, c = 2 } } },
  { "a = {b.c=1,b.d=2}", { a = { b = { c = 1, d = 2 } } } },
  { "a = {b=[\n1,\n]}", { a = { b = { 1 } } } }, { 'a = {b="""\n"""}', { a = { b = "" } } },
  -- tables
  { "[a]", { a = {} } }, { "[ a . b ] # c\nc=1", { a = { b = { c = 1 } } } },
  { "[a.b]\n[a]\nc=1", { a = { b = {}, c = 1 } } }, { '["a.b".c]', { ["a.b"] = { c = {} } } },
  { "[a]\nb.c=1\n[a.b.d]\ne=2", { a = { b = { c = 1, d = { e = 2 } } } } },
  { "[a.b.c]\n[a]\nb.d=1", { a = { b = { c = {}, d = 1 } } } },
  { "a=1\n[b]\na=2\n[c]\na=3", { a = 1, b = { a = 2 }, c = { a = 3 } } },
  { "[[a]]\n[[a]]\nb=1\n[a.c]\n[[a]]\n[a.c]", { a = { {}, { b = 1, c = {} }, { c = {} } } } },
  { "[[a]]\n[[a.b]]\nc=1\n[[a.b]]\nc=2", { a = { { b = { { c = 1 }, { c = 2 } } } } } },
  { "[[a.b]]\n[a]\nc=1", { a = { b = { {} }, c = 1 } } },
}

-- { document, what the message has }
local REFUSE = {
  -- documents, comments, ends of lines
  { "a = 1 b = 2", "line 1, column 7: expected the end of the line after the value" },
  { "a = 1\rb = 2", "line 1, column 6: a control character" }, { "\ra=1", "line 1, column 1" },
  { "# \0", "line 1, column 3: a control character" }, { "# \127", "line 1, column 3" },
  { "a=1\n\n\255", "line 3, column 1: the text is not UTF-8" }, { '"\195\169" 1', "column 5" },
  { "a = '\237\160\128'", "line 1, column 6: the text is not UTF-8" },
  { "a=1\239\187\191", "line 1, column 4" },
  -- keys
  { "a", 'column 2: expected "="' }, { "a b = 1", 'expected "="' }, { "= 1", "expected a key" },
  { "a. = 1", "expected a key" }, { ".a = 1", "expected a key" }, { "a..b = 1", "expected a key" },
  { "\195\169 = 1", "expected a key: letters" }, { 'a"b" = 1', 'expected "="' },
  { '"""a""" = 1', 'expected "="' }, { '"a\n" = 1', "does not end on its line" },
  { "a\n= 1", 'expected "="' }, { "a =\n1", "column 4: expected a value" },
  { "a =", "expected a value" },
  { "a = 1\na = 2", "line 2, column 1: a is already defined, in line 1" },
  { 'a = 1\n"a" = 2', "already" }, { "a = 1\na.b = 2", "a is already defined" },
  { "a.b = 1\na = 2", "already" }, { "a.b = 1\na.b.c = 2", "a.b is already defined" },
  { '"\\u0001\\"" = 1\n"\\u0001\\"" = 1', '"\\u0001\\"" is already defined' },
  -- strings
  { 'a = "b', "column 5: the string has no end" }, { "a = 'b", "the string has no end" },
  { 'a = "b\nc"', "three quotes" }, { "a = 'b\r\nc'", "three quotes" },
  { 'a = """b', "no end" }, { "a = '''b''", "no end" }, { 'a = """"""""""', "end of the line" },
  { 'a = """b\\', "no such escape" }, { "a = '''''''''", "expected the end of the line" },
  { 'a = "\\x41"', "no such escape" }, { 'a = "\\e"', "no such escape" },
  { 'a = "\\', "no such escape" },
  { 'a = """\\ b"""', "no such escape" }, { 'a = "\\u12"', "expected 4 hexadecimal digits" },
  { 'a = "\\u12g4"', "expected 4" }, { 'a = "\\U0000"', "expected 8" },
  { 'a = "\\ud800"', "half of a pair" }, { 'a = "\\U00110000"', "above 10FFFF" },
  { "a = 'b\0'", "column 7: a control character in a string" }, { 'a = "\127"', "control" },
  { 'a = """\rb"""', "control" }, { "a = '''\1'''", "control" }, { "a = `b`", "expected a value" },
  -- integers
  { "a = 01", "no number" }, { "a = -01", "no number" }, { "a = 1_", "no number" },
  { "a = _1", "no number" }, { "a = 1__2", "no number" }, { "a = +", "no number" },
  { "a = ++1", "no number" }, { "a = 0x", "no number" }, { "a = 0X1", "no number" },
  { "a = 0xg", "no number" }, { "a = 0o8", "no number" }, { "a = 0b2", "no number" },
  { "a = +0x1", "no number" }, { "a = 0x_1", "no number" }, { "a = 0x1_", "no number" },
  { "a = 9223372036854775808", "outside of 64 bits" },
  { "a = -9223372036854775809", "outside of 64 bits" },
  { "a = 0x8000000000000000", "outside of 64 bits" },
  { "a = 0x1" .. ("0"):rep(400), "outside of 64 bits" }, { "a = " .. ("9"):rep(400), "64 bits" },
  -- floats
  { "a = .5", "no number" }, { "a = 5.", "no number" }, { "a = 5.e1", "no number" },
  { "a = 01.5", "no number" }, { "a = 1e", "no number" }, { "a = 1e+", "no number" },
  { "a = 1e1.5", "no number" }, { "a = 1_.5", "no number" }, { "a = 1._5", "no number" },
  { "a = 1.5_", "no number" }, { "a = 1e_5", "no number" }, { "a = Inf", "no number" },
  { "a = 1.2.3", "no number" }, { "a = infinity", "no number" }, { "a = 0x1.8p1", "no number" },
  -- booleans, dates and times
  { "a = True", "strings are in quotes" }, { "a = truer", "strings are in quotes" },
  { "a = 2001-02-29", "no date or time" }, { "a = 1900-02-29", "no date" },
  { "a = 2001-13-01", "no date" }, { "a = 2001-00-01", "no date" }, { "a = 2001-01-00", "no date" },
  { "a = 2001-04-31", "no date" }, { "a = 2001-1-01", "no date" }, { "a = 24:00:00", "no date" },
  { "a = 12:60:00", "no date" }, { "a = 12:00:61", "no date" }, { "a = 12:00", "no date" },
  { "a = 12:00:00.", "no date" }, { "a = 12:00:00Z", "no date" }, { "a = 1:00:00", "no number" },
  { "a = 2001-01-01T12:00:00+24:00", "no date" }, { "a = 2001-01-01T12:00:00+01:60", "no date" },
  { "a = 2001-01-01T", "no date" }, { "a = 2001-01-01T12:00Z", "no date" },
  { "a = 2001-01-01T12:00:00+0100", "no date" }, { "a = 2001-01-01  12:00:00", "end of the line" },
  { "a = 2001-01-01 12", "end of the line" }, { "a = 2001-01-01Z", "no date" },
  { "a = 20010-01-01", "no number" }, { "a = 2001-01-01T1200:00", "no date" },
  -- arrays
  { "a = [", "expected a value" }, { "a = [1", 'expected "," or "]"' },
  { "a = [,]", "expected a value" },
  { "a = [1,,2]", "expected a value" }, { "a = [1 2]", 'expected "," or "]"' },
  { "a = ]", "expected a value" },
  { "a = [1]]", "end of the line" }, { "a = []\n[a]", "already" }, { "a = [{}]\n[a.b]", "already" },
  { "a = []\n[[a]]", "already" }, { "a = [{}]\na.b = 1", "already" },
  { "a = " .. ("["):rep(101) .. ("]"):rep(101), "more than 100 arrays and tables in one another" },
  { "a = " .. ("["):rep(100000), "more than 100" },
  { "a = " .. ("{a="):rep(100000), "more than 100" },
  -- inline tables
  { "a = {", "expected a key" }, { "a = {b=1", 'expected "," or "}"' },
  { "a = {b=1,}", "no comma at its end" },
  { "a = {b=1 c=2}", 'expected "," or "}"' }, { "a = {,}", "expected a key" },
  { "a = {b}", 'expected "="' },
  { "a = {\nb=1}", "expected a key" }, { "a = {b=1\n}", 'expected ","' },
  { "a = {b=1, # c\nd=2}", "expected a key" },
  { "a = {b=1, b=2}", "b is already defined" }, { "a = {b=1}\na.c=2", "a is already defined" },
  { "a = {b=1}\n[a.c]", "already" }, { "a = {}\n[a]", "already" },
  { "a = {b={}, b.c=1}", "already" },
  { "a = {b.c=1}\n[a.b.d]", "already" }, { "a = {b.c=1, b=2}", "already" },
  { "[a]\nb={}\n[a.b.c]", "already" },
  -- tables
  { "[", "expected a key" }, { "[]", "expected a key" }, { "[a", 'expected "]"' },
  { "[a]b=1", "end of the line" },
  { "[a\n]", 'expected "]"' }, { "[a.]", "expected a key" }, { "[[a]", 'expected "]]"' },
  { "[[a] ]", 'expected "]]"' },
  { "[ [a]]", "expected a key" }, { "[a]]", "end of the line" }, { "[a] [b]", "end of the line" },
  { "[a]\n[a]", "line 2, column 2: a is already defined, in line 1" },
  { "[a]\nb=1\n[a.b]", "a.b is already defined" },
  { "a=1\n[a.b]", "a is already defined" }, { "a.b=1\n[a]", "already" },
  { "[a]\nb.c=1\n[a.b]", "already" },
  { "[a.b.c]\n[a]\nb.c.d=1", "b.c is already defined" },
  { "[a.b]\n[a]\nb.c=1", "b is already defined" },
  { "[a.b.c]\n[a]\nb.d=1\n[a.b]", "already" }, { "[a]\n[[a]]", "already" },
  { "[[a]]\n[a]", "already" },
  { "[a.b]\n[[a]]", "already" }, { "[[a.b]]\n[a]\nb.c=1", "already" },
  { "[[a]]\nb=1\n[a.b]", "already" },
  { "[[a]]\n[a.b]\n[a.b]", "already" },
}

-- A value as toml_peer.py reads it; `origin` tells what the VM may not.
local function hex(text)
  return (text:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

local function spell(value, origin, type_name)
  if type_name == "boolean" then return value and "t" or "f"
  elseif type_name == "integer" then
    -- On VMs without integers int64s are objects, and 0 may have a sign.
    local plain = type(value) == "number" and not math.type
    return "i" .. (plain and ("%.0f"):format(value + 0) or tostring(value):match("^%-?%d+")) .. ";"
  elseif type_name == "float" then
    return "d" .. ("%.17g"):format(value) .. ";"
  elseif type_name == "string" then return "s" .. hex(value) .. ";"
  elseif type_name ~= "array" and type_name ~= "table" then return "D" .. hex(value) .. ";" end
  local parts = {}
  if type_name == "array" then
    for i, item in ipairs(value) do parts[i] = spell(item, origin, origin[value][i].type) end
    return "[" .. table.concat(parts) .. "]"
  end
  for name, item in pairs(value) do
    parts[#parts + 1] = hex(name) .. "=" .. spell(item, origin, origin[value][name].type)
  end
  return "{" .. table.concat(parts) .. "}"
end

local function answer(document)
  local value, origin = toml.decode(document)
  if not value then return "!" .. origin end
  return spell(value, origin, "table")
end

-- The same documents on every VM.
local function random_source(seed)
  return function(n)
    seed = (seed * 16807) % 2147483647
    return seed % n + 1
  end
end

-- What the standard is about, to be put where it does not belong.
local PIECES = {
  '"', "'", '"""', "'''", "\\", "[", "]", "[[", "]]", "{", "}", ",", "=", ".", "#", "\n", "\r\n",
  "\r", " ", "\t", "0", "1", "_", "+", "-", "e", "x", "T", "Z", ":", "a", "b", "a.b", "inf", "nan",
  "true", "\\u0041", "\0", "\127", "\195\169", "\195", "12:00:00", "2001-02-03", "a=1\n", "[a]\n",
  "[[a]]\n",
}

local function mutate(document, random)
  for _ = 1, random(2) do
    local at = random(#document + 1)
    local kind = random(4)
    if kind == 1 then
      document = document:sub(1, at - 1) .. document:sub(at + random(3))
    elseif kind == 2 then
      local from = random(#document + 1)
      document = document:sub(1, at - 1) .. document:sub(from, from + random(8)) .. document:sub(at)
    else
      document = document:sub(1, at - 1) .. PIECES[random(#PIECES)] .. document:sub(at)
    end
  end
  return document
end

local function ask_peer(documents)
  local name = os.tmpname()
  local file = assert(io.open(name, "wb"))
  for _, document in ipairs(documents) do
    local said = answer(document)
    file:write(("%d %d\n"):format(#document, #said), document, said, "\n")
  end
  file:close()
  local pipe = io.popen(environment.python .. " spec/support/toml_peer.py " .. name)
  local output = pipe:read("*a")
  pipe:close()
  os.remove(name)
  local count, accepted = output:match("ok (%d+) (%d+)")
  return count, accepted, output
end

describe("toml.decode", function()
  it("reads what the standard has", function()
    for _, case in ipairs(ACCEPT) do
      local value, message = toml.decode(case[1])
      assert(value, case[1] .. ": " .. tostring(message))
      assert.same(case[2], value, case[1])
    end
  end)

  it("refuses what the standard does not have, and says where", function()
    for _, case in ipairs(REFUSE) do
      local value, message, line, column = toml.decode(case[1])
      assert(value == nil, "read: " .. case[1]:sub(1, 80))
      assert(message:find(case[2], 1, true), case[1]:sub(1, 80) .. ": " .. message)
      assert.equal(("line %d, column %d: "):format(line, column), message:match("^.-: "))
    end
  end)

  it("agrees with Python's tomllib", function()
    local documents = {}
    for _, list in ipairs { ACCEPT, REFUSE } do
      for _, case in ipairs(list) do
        -- How deep tomllib goes is its stack's affair.
        if #case[1] < 1000 then
          documents[#documents + 1] = case[1]
        end
      end
    end
    local count, _, output = ask_peer(documents)
    assert(count, output)
    assert.equal(#documents, tonumber(count))
  end)

  it("agrees with Python's tomllib about documents that slips of the pen have changed", function()
    local random = random_source(20261123)
    local documents = {}
    local function any()
      local list = random(8) == 1 and REFUSE or ACCEPT
      local text = list[random(#list)][1]
      return #text < 200 and text or "a = 1"
    end
    for i = 1, 6000 do
      local document = any()
      for section = 1, random(3) do
        document = ("%s\n[t%d]\n%s"):format(document, section, any())
      end
      documents[i] = mutate(random(2) == 1 and any() or document, random)
    end
    local count, accepted, output = ask_peer(documents)
    assert(count, output)
    assert(tonumber(accepted) > 500, "only " .. tostring(accepted) .. " documents were good ones")
  end)

  it("says where each key was defined and what it holds", function()
    local value, origin = toml.decode(
      '"\195\169" = {b = 1.5}\n\n  c.d = 12:00:00\n[[e]]\nf=[true, "x"]')
    assert.same({ line = 1, column = 1, type = "table" }, origin[value]["\195\169"])
    assert.same({ line = 1, column = 8, type = "float" }, origin[value["\195\169"]].b)
    assert.same({ line = 3, column = 3, type = "table" }, origin[value].c)
    assert.same({ line = 3, column = 3, type = "local time" }, origin[value.c].d)
    assert.same({ line = 4, column = 3, type = "array" }, origin[value].e)
    assert.same({ line = 5, column = 4, type = "boolean" }, origin[value.e[1].f][1])
    assert.same({ line = 5, column = 10, type = "string" }, origin[value.e[1].f][2])
  end)

  it("tells the kinds of dates and times apart", function()
    local value, origin = toml.decode(
      "a=2001-02-03\nb=04:05:06\nc=2001-02-03 04:05:06\n" ..
      "d=2001-02-03T04:05:06+01:00\ne='2001-02-03'")
    local found = {}
    for name, at in pairs(origin[value]) do found[name] = at.type end
    assert.same({ a = "local date", b = "local time", c = "local date-time", d = "offset date-time",
      e = "string" }, found)
  end)

  it("reads 1.1 when asked", function()
    local document = 'a = {b = "\\e\\x41", # c\n  d = 12:00,\n}\ne = 2001-02-03 04:05Z\n'
    assert.is_nil((toml.decode(document)))
    assert.same({ a = { b = "\27A", d = "12:00" }, e = "2001-02-03 04:05Z" },
      (toml.decode(document, "1.1")))
    assert.is_nil((toml.decode('a = {b = 1,,}', "1.1")))
    assert.is_nil((toml.decode('a = "\\xg0"', "1.1")))
  end)

  it("has not a number, minus zero, and a float that is whole", function()
    for _, text in ipairs { "nan", "+nan", "-nan" } do
      local value = toml.decode("a = " .. text).a
      assert(value ~= value)
    end
    assert.equal(-INF, 1 / toml.decode("a = -0.0").a)
    assert.equal("float", math.type and math.type(toml.decode("a = 1e3").a) or "float")
    assert.equal("integer", math.type and math.type(toml.decode("a = 0xf").a) or "integer")
  end)

  it("reads numbers in every locale", function()
    local before = os.setlocale(nil)
    for _, name in ipairs { "de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "C" } do
      if os.setlocale(name) then
        local value = toml.decode("a = 1.25").a
        os.setlocale(before)
        assert.equal(1.25, value)
      end
    end
  end)

  it("takes time in proportion to the text", function()
    local lines = {}
    for i = 1, 20000 do lines[i] = ("k%d = '%s'"):format(i, ("x"):rep(20)) end
    local text = table.concat(lines, "\n")
    local before = os.clock()
    assert.equal(("x"):rep(20), toml.decode(text).k20000)
    assert.equal(1, toml.decode(("#"):rep(2000000) .. "\na=1").a)
    assert.equal(50000, #toml.decode("a = [" .. ("[{b=1}],"):rep(50000) .. "]").a)
    assert(os.clock() - before < 10)
  end)

  it("puts no value into a message", function()
    for _, text in ipairs {
      'a = "s3cr3t', "a = s3cr3t", 'a = "\\q s3cr3t"', "a = 's3cr3t' s3cr3t", "a = [s3cr3t",
      "a = {b = s3cr3t}", "s3cr3t", "a = '''s3cr3t", "a = 1\nb s3cr3t",
    } do
      local _, message = toml.decode(text)
      assert.is_nil(message:find("s3cr", 1, true), message)
    end
  end)

  it("raises when the text is none, or the version unknown", function()
    local ok, message = pcall(toml.decode, nil)
    assert.is_false(ok)
    assert.equal("toml.decode: expected the text of a document, got a nil",
      message:match("toml%..*"))
    ok, message = pcall(toml.decode, "", "2.0")
    assert.is_false(ok)
    assert.equal('toml.decode: the version must be "1.0" or "1.1", got 2.0',
      message:match("toml%..*"))
  end)
end)

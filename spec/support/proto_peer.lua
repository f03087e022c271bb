-- The Lua half of the property test: decodes what proto_peer.py generated,
-- compares with what it says Lua should see, encodes again, and lets it check.
-- In a spec: require it and call run(). As a program (its own Lua state, for
-- a core with another schema): lua proto_peer.lua core.so python seed count
local peer = {}

local concat, sort = table.concat, table.sort
local format, sub, find = string.format, string.sub, string.find
local has_integers = math.type ~= nil
local here = debug.getinfo(1, "S").source:match("^@(.*)%.lua$")

local special = { nan = 0 / 0, inf = math.huge, ["-inf"] = -math.huge, ["-0"] = -1 / math.huge }

local function dump_number(v)
  if has_integers and math.type(v) == "integer" then
    return format("i%d;", v)
  elseif v ~= v then
    return "fnan;"
  end
  return format("f%.17g;", v)
end

--- A value in the notation of proto_peer.py's `dump`.
function peer.dump(v)
  local kind = type(v)
  if kind == "string" then
    return "s" .. #v .. ":" .. v
  elseif kind == "number" then
    return dump_number(v)
  elseif kind == "boolean" then
    return v and "t" or "b"
  end
  assert(kind == "table", kind)
  local items, values = {}, {}
  for key, value in pairs(v) do
    local dumped = peer.dump(key)
    items[#items + 1] = dumped
    values[dumped] = peer.dump(value)
  end
  sort(items)
  for i = 1, #items do
    items[i] = items[i] .. values[items[i]]
  end
  return "{" .. concat(items) .. "}"
end

--- The inverse: value, position after it.
function peer.parse(s, at)
  local kind = sub(s, at, at)
  if kind == "s" then
    local colon = find(s, ":", at, true)
    local last = colon + tonumber(sub(s, at + 1, colon - 1))
    return sub(s, colon + 1, last), last + 1
  elseif kind == "t" or kind == "b" then
    return kind == "t", at + 1
  elseif kind == "i" or kind == "f" then
    local stop = find(s, ";", at, true)
    local text = sub(s, at + 1, stop - 1)
    if kind == "i" then
      return math.tointeger(text), stop + 1
    end
    return special[text] or tonumber(text) + 0.0, stop + 1
  end
  assert(kind == "{", kind)
  local out = {}
  at = at + 1
  while sub(s, at, at) ~= "}" do
    local key, value
    key, at = peer.parse(s, at)
    value, at = peer.parse(s, at)
    out[key] = value
  end
  return out, at + 1
end

local function read_frame(file)
  local header = file:read(4)
  if not header then
    return nil
  end
  local a, b, c, d = header:byte(1, 4)
  local n = ((a * 256 + b) * 256 + c) * 256 + d
  return n == 0 and "" or file:read(n)
end

local function write_frame(file, s)
  local n = #s
  local low = n % 65536
  local high = (n - low) / 65536
  file:write(string.char(math.floor(high / 256), high % 256, math.floor(low / 256), low % 256), s)
end

-- Where two dumps part, with a little of both.
local function difference(a, b)
  local i = 1
  while sub(a, i, i) == sub(b, i, i) do
    i = i + 1
  end
  local from = i > 60 and i - 60 or 1
  return format("at %d: expected ...%q, Lua has ...%q", i, sub(a, from, i + 40),
    sub(b, from, i + 40))
end

local function one_message(core, name, bytes, expected, spelled)
  local decoded, message = core.decode(name, bytes)
  if not decoded then
    return nil, "decode: " .. message
  end
  local seen = peer.dump(decoded)
  if seen ~= expected then
    return nil, "decoded value " .. difference(expected, seen)
  end
  local again, again_message = core.encode(name, decoded)
  if not again then
    return nil, "encode of the decoded: " .. again_message
  end
  local from_table, table_message = core.encode(name, (peer.parse(spelled, 1)))
  if not from_table then
    return nil, "encode: " .. table_message
  end
  return again, from_table
end

local function read_all(command)
  local pipe = assert(io.popen(command .. " 2>&1; echo status $?"))
  local text = pipe:read("*a")
  pipe:close()
  local output, status = text:match("^(.-)status (%d+)\n$")
  return output, tonumber(status)
end

--- Runs the whole comparison. options: core, python, seed, count, set.
-- @return the number of messages compared, or nil and what differs
function peer.run(options)
  local given, answers = os.tmpname(), os.tmpname()
  local command = format("'%s' -B '%s' %%s --set %s --seed %d --count %d --integers %d"
    .. " --file '%s' --answers '%s'", options.python, here .. ".py", options.set,
    options.seed, options.count, has_integers and 1 or 0, given, answers)
  local function finish(...)
    os.remove(given)
    os.remove(answers)
    return ...
  end
  local output, status = read_all(format(command, "generate"))
  if status ~= 0 then
    return finish(nil, output)
  end
  local input, out = assert(io.open(given, "rb")), assert(io.open(answers, "wb"))
  local n = 0
  for name in read_frame, input do
    local bytes, expected, spelled = read_frame(input), read_frame(input), read_frame(input)
    local again, from_table = one_message(options.core, name, bytes, expected, spelled)
    if not again then
      return finish(nil, format("message %d, %s: %s", n, name, from_table))
    end
    write_frame(out, again)
    write_frame(out, from_table)
    n = n + 1
  end
  input:close()
  out:close()
  output, status = read_all(format(command, "check"))
  if status ~= 0 or tonumber(output) ~= n then
    return finish(nil, output)
  end
  return finish(n)
end

--- The same with one message that has every kind of field, which needs a core of its own, and
-- that a Lua state of its own: this file as a program.
-- options: lua, python, seed, count
function peer.run_every(options)
  local name = rawget(_G, "jit") and "luajit" or _VERSION:lower():gsub(" ", "")
  local module = os.tmpname()
  local output, status = read_all(([[
    { '%s' -B '%s.py' table > '%s.c' &&
      cc -std=c99 -D_GNU_SOURCE -O1 -fPIC -shared -iquote csrc/core/proto -iquote csrc/binding \
        $(pkg-config --cflags %s 2>/dev/null || echo -I/usr/include/%s) -o '%s' '%s.c' \
        spec/support/core/boxed_buffer.c csrc/binding/base/decimal.c csrc/binding/message/*.c \
        csrc/core/base/*.c csrc/core/json/json_number.c csrc/core/proto/wire.c \
        csrc/core/proto/schema.c csrc/core/proto/history_index.c -lm &&
      '%s' '%s.lua' '%s' '%s' %d %d; }]]):format(options.python, here, module, name, name,
    module, module, options.lua, here, module, options.python, options.seed, options.count))
  os.remove(module)
  os.remove(module .. ".c")
  if status ~= 0 then
    return nil, output
  end
  return tonumber(output)
end

-- What random messages do not reach: map entries as levels, the order of integer keys, and
-- varints with more bits than their type.
local function every_checks(core)
  local value = "" -- 33 messages, each within maps, entry: 99 levels
  for _ = 1, 33 do
    value = core.encode("every.Every", { maps = { to_message = { value } } }, true)
  end
  local deepest = core.encode("every.Every", { one_message = value }, true)
  local decoded = assert(core.decode("every.Every", deepest))
  assert(core.encode("every.Every", decoded) == deepest)
  assert(core.decode("every.Every", core.encode("every.Every", { one_message = deepest }, true))
    == nil)
  local deeper = core.encode("every.Every", { maps = { to_message = { value } } }, true)
  local _, message = core.decode("every.Every", deeper)
  assert(message:match("%.to_message%[1%]%.maps%.to_message: nested deeper than 100 levels at"))
  assert(core.encode("every.Every", { one_message = { one_message = decoded } }) == nil)
  assert(core.encode("every.Every", { maps = { to_message = { decoded.one_message } } }) == nil)
  for kind in ("int32 int64 sint32 sint64 sfixed32 sfixed64"):gmatch("%w+") do
    local field = "by_" .. kind
    local encoded = core.encode("every.Maps", { [field] = { [3] = "c", [-300] = "a", [-5] = "b" } })
    assert(encoded:match("a.*b.*c"), field)
  end
  local tag = core.field_number("every.Every", "one_sint32") * 8
  local overlong = string.char(tag % 128 + 128, (tag - tag % 128) / 128)
    .. "\255\255\255\255\31"
  assert(core.decode("every.Every", overlong).one_sint32 == -2147483648)
end

local function program(path, python, seed, count)
  local core = assert(package.loadlib(path, "luaopen_temporal_core"))()
  every_checks(core)
  local n, message = peer.run({ core = core, python = python, set = "every",
    seed = tonumber(seed), count = tonumber(count) })
  if not n then
    io.stderr:write(message, "\n")
    os.exit(1)
  end
  print(n)
end

if arg and arg[0] and arg[0]:match("proto_peer%.lua$") then
  program(arg[1], arg[2], arg[3], arg[4])
end

return peer

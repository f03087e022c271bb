-- The Lua half of the comparison with protojson_peer.py: writes the JSON of what it generated and
-- reads its JSON, and lets it check both. In a spec: require it and call run(). As a program (its
-- own Lua state, for a core with another schema): lua protojson_peer.lua core.so python seed count
local peer = {}

local here = debug.getinfo(1, "S").source:match("^@(.*)%.lua$")
local dump = dofile((here:gsub("protojson_peer$", "proto_peer.lua"))).dump

peer.dump = dump

local function to_hex(s)
  return s == "" and "-" or (s:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

local function from_hex(s)
  return s == "-" and "" or (s:gsub("%x%x", function(x) return string.char(tonumber(x, 16)) end))
end

local function read_all(command)
  local pipe = assert(io.popen(command .. " 2>&1; echo status $?"))
  local text = pipe:read("*a")
  pipe:close()
  local output, status = text:match("^(.-)status (%d+)\n$")
  return output, tonumber(status)
end

-- The JSON text of the bytes, and the bytes of Python's text; or nil and what differs.
local function one_message(core, name, bytes, text, spelling)
  local options = { proto_names = spelling == "proto" }
  local written, problem = core.protojson_encode(name, bytes, options)
  if not written then
    return nil, "encode of bytes: " .. problem
  end
  local from_table
  from_table, problem = core.protojson_encode(name, assert(core.decode(name, bytes)), options)
  if from_table ~= written then
    return nil, ("encode of the table: %s\nof the bytes: %s"):format(from_table or problem,
      written)
  end
  local read
  read, problem = core.protojson_decode(name, text, { encoded = true })
  if not read then
    return nil, ("decode: %s\n%s"):format(problem, text:sub(1, 2000))
  end
  local decoded = assert(core.protojson_decode(name, text))
  if dump(decoded) ~= dump(assert(core.decode(name, read))) then
    return nil, "the table is not that of the bytes: " .. text
  end
  return written, read
end

--- Runs the whole comparison. options: core, python, seed, count, set.
-- @return the number of messages compared, or nil and what differs
function peer.run(options)
  local given, answers = os.tmpname(), os.tmpname()
  local command = ("'%s' -B '%s.py' %%s --set %s --seed %d --count %d --file '%s' --answers '%s'")
    :format(options.python, here, options.set, options.seed, options.count, given, answers)
  local function finish(...)
    os.remove(given)
    os.remove(answers)
    return ...
  end
  local output, status = read_all(command:format("generate"))
  if status ~= 0 then
    return finish(nil, output)
  end
  local out = assert(io.open(answers, "w"))
  local n = 0
  for line in io.lines(given) do
    local name, bytes, text, spelling = line:match("^(%S+) (%S+) (%S+) (%S+)$")
    name = from_hex(name)
    local written, read = one_message(options.core, name, from_hex(bytes), from_hex(text),
      from_hex(spelling))
    if not written then
      out:close()
      return finish(nil, ("message %d, %s: %s"):format(n, name, read))
    end
    out:write(to_hex(written), " ", to_hex(read), "\n")
    n = n + 1
  end
  out:close()
  output, status = read_all(command:format("check"))
  if status ~= 0 or tonumber(output) ~= n then
    return finish(nil, output)
  end
  return finish(n)
end

--- What Python says of {type, text} pairs: a list of bytes, or {refused=why}.
function peer.verdicts(options)
  local path = os.tmpname()
  local file = assert(io.open(path, "w"))
  for _, case in ipairs(options.cases) do
    file:write(case[1], "\t", case[2], "\n")
  end
  file:close()
  local output = read_all(("'%s' -B '%s.py' verdicts --set %s --file '%s'"):format(
    options.python, here, options.set or "schema", path))
  os.remove(path)
  local list = {}
  for line in output:gmatch("[^\n]+") do
    local word, rest = line:match("^(%S+) ?(.*)$")
    list[#list + 1] = word == "accepted" and from_hex(rest) or { refused = rest }
  end
  return list
end

--- The comparison with messages that have every kind of field and every well-known type, which
-- needs a core of its own, and that a Lua state of its own: this file as a program.
-- options: lua, python, seed, count
function peer.run_known(options)
  local name = rawget(_G, "jit") and "luajit" or _VERSION:lower():gsub(" ", "")
  local module = os.tmpname()
  local sources = "spec/support/core/boxed_buffer.c csrc/binding/base/decimal.c"
    .. " csrc/binding/message/*.c csrc/binding/value/*.c"
    .. " csrc/core/base/*.c csrc/core/json/*.c csrc/core/proto/wire.c csrc/core/proto/schema.c"
    .. " csrc/core/proto/history_index.c"
  local output, status = read_all(([[
    { '%s' -B '%s.py' table > '%s.c' &&
      cc -std=c99 -D_GNU_SOURCE -O1 -fPIC -shared -iquote csrc/core/proto -iquote csrc/binding \
        $(pkg-config --cflags %s 2>/dev/null || echo -I/usr/include/%s) -o '%s' '%s.c' %s -lm &&
      '%s' '%s.lua' '%s' '%s' %d %d; }]]):format(options.python, here, module, name, name,
    module, module, sources, options.lua, here, module, options.python, options.seed,
    options.count))
  os.remove(module)
  os.remove(module .. ".c")
  if status ~= 0 then
    return nil, output
  end
  return tonumber(output)
end

local function program(path, python, seed, count)
  local core = assert(package.loadlib(path, "luaopen_temporal_core"))()
  local n, message = peer.run({ core = core, python = python, set = "known",
    seed = tonumber(seed), count = tonumber(count) })
  if not n then
    io.stderr:write(message, "\n")
    os.exit(1)
  end
  print(n)
end

if arg and arg[0] and arg[0]:match("protojson_peer%.lua$") then
  program(arg[1], arg[2], arg[3], arg[4])
end

return peer

-- The Lua files as C, on standard output: bytecode of the Lua that runs this, with its names and
-- lines. usage (by make bundle and make static): lua tools/bundle.lua
-- Messages show a module's file as [temporal]/run/start.lua.

package.path = "lua/?.lua;" .. package.path
local load = rawget(_G, "loadstring") or load -- luacheck: ignore
local write = io.write

local function bytecode(path)
  local file = assert(io.open("lua/temporal/" .. path .. ".lua", "rb"))
  local text = file:read "*a"
  file:close()
  return string.dump(assert(load(text, "@[temporal]/" .. path .. ".lua")))
end

local function name_of(path)
  return (("temporal/" .. path):gsub("/init$", ""):gsub("/", "."))
end

local function write_code(index, code)
  write("static const unsigned char code_", index, "[] = {")
  for at = 1, #code, 20 do
    write("\n", table.concat({ code:byte(at, at + 19) }, ","), ",")
  end
  write "\n};\n"
end

local paths = { "init" }
for _, path in ipairs(require "temporal.base.modules") do paths[#paths + 1] = path end

write "/* Made by tools/bundle.lua. */\n#include \"bundle.h\"\n\n"
for i, path in ipairs(paths) do write_code(i, bytecode(path)) end
local jit = rawget(_G, "jit")
write(('\nconst char ltp_bundle_lua[] = "%s";\n'):format(jit and jit.version or _VERSION))
write "\nconst ltp_bundled ltp_bundle[] = {\n"
for i, path in ipairs(paths) do
  write(('  {"%s", code_%d, sizeof code_%d},\n'):format(name_of(path), i, i))
end
write "  {NULL, NULL, 0}};\n"

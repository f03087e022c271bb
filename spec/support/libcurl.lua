--- Imitations of libcurl, for a program whose LD_LIBRARY_PATH is the folder of one.

local assert = require "luassert"
local env = require "spec.support.environment"
local lfs = require "lfs"

local libcurl = {}

-- What csrc/core/net/libcurl_late.c looks up.
local FUNCTIONS = {}
do
  local file = io.open "csrc/core/net/libcurl_late.c"
  local text = file:read("*a"):match "#define CURL_FUNCTIONS(.-)\n\n"
  file:close()
  for name in text:gmatch "curl_[%a_]+" do FUNCTIONS[#FUNCTIONS + 1] = name end
end

local function write(path, text)
  local file = io.open(path, "w")
  file:write(text)
  file:close()
end

--- A library whose functions give 0, but for those that are written here.
-- @tparam string source C
-- @tparam[opt] string without the name of a function that it has not
-- @treturn string its folder
function libcurl.imitate(source, without)
  local folder = ("%s/libcurl-%s"):format(env.tmp, env.uuid())
  local stubs = {}
  for _, name in ipairs(FUNCTIONS) do
    if name ~= without and not source:find(name .. "(", 1, true) then
      stubs[#stubs + 1] = ("void *%s(void) { return 0; }"):format(name)
    end
  end
  assert.is_truthy(lfs.mkdir(folder))
  write(folder .. "/written.c", source)
  write(folder .. "/stubs.c", table.concat(stubs, "\n"))
  local compiled = env.spawn { "cc", "-shared", "-fPIC", "-o", folder .. "/libcurl.so.4",
    folder .. "/written.c", folder .. "/stubs.c" }
  assert.same({ "exit", 0 }, { compiled:wait(30) }, compiled:errors())
  return folder
end

local function run(...)
  local process = env.spawn { ... }
  assert.same({ "exit", 0 }, { process:wait(30) }, process:errors())
  return process:output()
end

--- The real libcurl with one function of another kind: what passes calls on to it in the core is
-- compiled into a library of that name, which exports its functions.
-- @tparam string name
-- @tparam string source C of the function, where `passed(...)` is the real one
-- @treturn string its folder
function libcurl.alter(name, source)
  local folder = libcurl.imitate ""
  local real = run("cc", "-print-file-name=libcurl.so.4"):match "^%s*(.-)%s*$"
  local file = io.open "csrc/core/net/libcurl_late.c"
  local text = file:read "*a"
  file:close()
  text = text:gsub("visibility push%(hidden%)", "visibility push(default)")
    :gsub('#define LIBRARY "[^"]*"', function() return ("#define LIBRARY %q"):format(real) end)
    :gsub("%(" .. name .. "%)%(CURL", "(passed)(CURL"):gsub("&%(" .. name .. "%)%)", "&(passed))")
  -- Most are there by a macro.
  text = text:gsub("PASS_ON%((%w+), " .. name .. ",", "PASS_ON_AS(passed, %1, " .. name .. ",")
    :gsub("#define PASS_ON%(", "#define PASS_ON_AS(as, type, name, parameters, arguments) \\\n"
      .. "  type (as) parameters { return FOUND(name) arguments; }\n%0")
  write(folder .. "/altered.c", text .. source .. [[
    __attribute__((constructor)) static void load(void) {
      char reason[TP_REASON];
      if (!tp_libcurl_load(reason)) __builtin_abort();
    }
  ]])
  run("cc", "-shared", "-fPIC", "-iquote", "csrc/core/net", "-o", folder .. "/libcurl.so.4",
    folder .. "/altered.c")
  return folder
end

--- A file of that name that is no library.
-- @treturn string its folder
function libcurl.spoil()
  local folder = libcurl.imitate ""
  write(folder .. "/libcurl.so.4", "This is no library.\n")
  return folder
end

return libcurl

-- Started by spec/each/base/loading_spec.lua: loads the package, makes a client, connects. Then
-- what the package was read from is out of reach, and everything must work as before, or fail for
-- a reason of its own. Prints what fails for want of a file.
--   loading.lua ADDRESS moved FOLDER | chdir | descriptors

local lfs = require "lfs"
local temporal = require "temporal"
local client = temporal.client { target = arg[1] }
assert(client:connect(20))

local function out_of_reach(how, folder)
  if how == "moved" then
    assert(os.rename(folder, folder .. ".moved"))
  elseif how == "chdir" then
    assert(lfs.chdir "/")
  else
    local held = {}
    repeat
      local file = io.open "/dev/null"
      held[#held + 1] = file
    until not file
    return held
  end
end

local function check(what, fn, ...)
  local ok, problem = pcall(fn, ...)
  problem = tostring(problem)
  if not ok and (problem:find "module 'temporal" or problem:find "cannot open") then
    print(what, problem:match "[^\n]*")
  end
end

local held = out_of_reach(arg[2], arg[3])

-- What calls need: an answer of the server each.
local function expect(kind, result, err)
  local found = err and err.kind or result and "result"
  if found ~= kind then print("expected " .. kind, found, tostring(err)) end
end

local nothing = client:workflow "nothing-of-the-kind"
expect("not_found", nothing:describe())
expect("not_found", nothing:signal("go", { 1 }))
expect("not_found", nothing:query "state")
expect("not_found", nothing:update("add", { 1 }))
expect("not_found", nothing:cancel())
expect("not_found", nothing:terminate "unwanted")
expect("not_found", nothing:reset { event_id = 3 })
expect("not_found", nothing:fetch_history())
expect("not_found", client:schedule("nothing-of-the-kind"):describe())
expect("result", client:list_workflows_page {})
expect("result", client:count_workflows "")
expect("result", client:check_health())
expect("result", client:describe_namespace())
expect("result", temporal.spawn(function() return 5 end):get(5))
expect("timeout", client:execute_workflow({
  task_queue = "nobody-listens", memo = { a = temporal.int64 "1" },
}, "Nothing", { 7 }):get(0.2))

-- And every module, whatever uses it.
for _, path in ipairs(require "temporal.base.modules") do
  local name = "temporal." .. path:gsub("/init$", ""):gsub("/", ".")
  check(name, require, name)
end
for _, name in ipairs { "codec", "config", "failure_converter", "proto", "spawn", "converter" } do
  check("temporal." .. name, function() return temporal[name] end)
end
for _, name in ipairs { "cqueues", "luv", "loop", "plain" } do
  check("the host " .. name, temporal.host.use, name)
end
print(held and "held" or "", "done")

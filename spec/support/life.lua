--- What the specs of life and death share: the programs of spec/support/life, run by lua itself or
-- by the host program host.c, once or many times.

local assert = require "luassert"
local env = require "spec.support.environment"

local life = {
  HUNG = 60, -- s: no program here takes so long
  -- How often each is repeated that must never go wrong; `make soak` says 500.
  ROUNDS = tonumber(os.getenv "TEMPORAL_TEST_ROUNDS") or 20,
  sanitizer = env.build:match "%-(%a+)$",
}

-- s: the most that a program here waits at its exit for what is unacknowledged (shutdown_timeout)
local LONGEST_EXIT = 10

local programs = {} -- name -> path

local FOLDER = "spec/support/life/"

local function quote(word)
  return "'" .. tostring(word):gsub("'", "'\\''") .. "'"
end

--- Compiles a program of spec/support/life and links it with this Lua.
function life.compile(program)
  local name = rawget(_G, "jit") and "luajit" or "lua" .. _VERSION:match "%d%.%d"
  local pipe = io.popen("pkg-config --cflags --libs " .. name)
  local flags = pipe:read "*l"
  pipe:close()
  local extra = { asan = "-fsanitize=address,undefined", tsan = "-fsanitize=thread" }
  local path = env.tmp .. "/life_" .. program
  local ok = os.execute(("%s -std=c99 -D_GNU_SOURCE -Wall -Wextra -g -O1 -pthread -rdynamic %s "
    .. "-o %s %s%s.c %s"):format(os.getenv "CC" or "cc", extra[life.sanitizer] or "", path,
    FOLDER, program, assert(flags, "pkg-config does not know " .. name)))
  assert(ok == true or ok == 0, program .. ".c does not compile")
  programs[program] = path
end

-- The sanitizers' own rules for the host: no leak can be told in a forked child (the threads of its
-- parent are missing) nor under threads that run on; ThreadSanitizer waits at the end for no use,
-- and minds threads that outlive main.
local function sanitizer_options(how)
  local asan, tsan = os.getenv "ASAN_OPTIONS", os.getenv "TSAN_OPTIONS"
  local forks = how:match "^run" or how:match " fork$" or how:match "^leave"
  return {
    ASAN_OPTIONS = (asan or "") .. (forks and ":detect_leaks=0" or ""),
    TSAN_OPTIONS = (tsan or "") .. ":atexit_sleep_ms=0:report_thread_leaks=0",
  }
end

--- The command that runs a script of spec/support/life.
function life.lua(script, ...)
  return { env.lua, FOLDER .. script .. ".lua", ... }
end

--- The command that has a program run a script, the last word of `how`.
function life.in_program(program, how, ...)
  local command = { programs[program], env = sanitizer_options(how) }
  for word in how:gmatch "%S+" do
    -- The name of a script ends the host's own words.
    command[#command + 1] = word:match "^%l[%l_]*$" and #command > 1 and
      FOLDER .. word .. ".lua" or word
  end
  for _, word in ipairs { ... } do command[#command + 1] = word end
  return command
end

--- The same of the host program.
function life.in_host(how, ...)
  return life.in_program("host", how, ...)
end

--- Waits for the end of a program: its exit code (or "signal N") and its standard error.
function life.finish(process, seconds)
  local how, number = process:wait(seconds or life.HUNG)
  local errors = process:errors()
  if not how then
    process:kill "ABRT"
    process:stop(1)
    error(process.command .. " hangs; its errors: " .. errors, 2)
  end
  return how == "exit" and number or how .. " " .. number, errors
end

--- Waits for the end, which must be with this exit code; its standard error. What a program prints
-- when it is killed by a sanitizer belongs into the report.
function life.finishes(code, process, seconds)
  local got, errors = life.finish(process, seconds)
  assert.equal(code, got, process.command .. ": " .. errors)
  return errors
end

--- What a program said, without that it waits: a busy machine may need the second after which it
-- says so.
function life.without_patience(errors)
  return (errors:gsub("temporal: waiting up to [^\n]*\n", ""))
end

local scripts = 0

--- Runs a command ROUNDS times, `at_once` side by side. Each must end with this exit code; `{}` in
-- its words is the number of the round. What they said on standard error.
function life.repeated(code, at_once, command)
  local words = {}
  for i, word in ipairs(command) do words[i] = quote(word):gsub("{}", "'$1'") end
  scripts = scripts + 1
  local path = ("%s/rounds-%d.sh"):format(env.tmp, scripts)
  local file = assert(io.open(path, "w"))
  file:write(('%s\ncode=$?\n[ $code = %d ] || { echo "round $1 ended with $code" >&2; exit 1; }\n')
    :format(table.concat(words, " "), code))
  file:close()
  local process = env.spawn { "sh", "-c", ("seq %d | xargs -P %d -n 1 sh %s"):format(life.ROUNDS,
    at_once, quote(path)), env = command.env }
  return life.finishes(0, process, life.HUNG + LONGEST_EXIT * life.ROUNDS / at_once)
end

return life

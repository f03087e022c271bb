-- Adds words to a schedule's note, one update for each: one of two racing writers.
-- usage: schedule_writer.lua ADDRESS NAMESPACE ID LETTER TIMES

local temporal = require "temporal"

local address, namespace, id, letter, times = ...
local client = temporal.client { target = address, namespace = namespace }
local schedule = client:schedule(id)

local function add(word)
  return schedule:update(function(description)
    local note = description.note or ""
    -- It runs again when another came first, and maybe when none did.
    if not (note .. " "):find(" " .. word .. " ", 1, true) then
      description.note = note .. " " .. word
    end
    return description
  end)
end

for i = 1, tonumber(times) do
  local ok, err
  repeat
    ok, err = add(letter .. i)
  until ok or err.kind ~= "aborted" and err.kind ~= "resource_exhausted"
  temporal.assert(ok, err)
end
client:close()

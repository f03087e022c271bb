--- What belongs to a Lua state rather than to one copy of these modules: a
-- package that is loaded a second time (`package.loaded` cleared) finds the
-- same engine, and with it the waiters and answers of its first copy.
-- @module temporal.state

local core = require "temporal.core"

local metatable = core.run_metatable

if not metatable.__temporal then
  metatable.__temporal = {
    -- Tickets by the id of what they wait for.
    waiters = {},
    -- Clients that are not closed yet.
    open_clients = setmetatable({}, { __mode = "k" }),
    -- How many wait, by the host that watches our descriptor meanwhile.
    watched = {},
    -- What has been taken from the engine, by future.
    taken = setmetatable({}, { __mode = "k" }),
    -- Why a start was refused before it was sent, by future.
    refusals = setmetatable({}, { __mode = "k" }),
    -- The RPCs whose `after` hooks have not run, by future.
    hooked = setmetatable({}, { __mode = "k" }),
    -- When another key was tried, by future.
    renewals = setmetatable({}, { __mode = "k" }),
    -- The host chosen with temporal.host.use.
    host = nil,
  }
end

return metatable.__temporal

--- What belongs to a Lua state rather than to one copy of these modules: a
-- package that is loaded a second time (`package.loaded` cleared) finds the
-- same engine, and with it the waiters and answers of its first copy.
-- @module temporal.state

local core = require "temporal.core"

local metatable = core.run_metatable

if not metatable.__temporal then
  metatable.__temporal = {
    -- Tickets by the id of what they wait for, or by the task. Only the wait
    -- holds its ticket: of one that ended unseen nothing stays.
    waiters = setmetatable({}, { __mode = "v" }),
    -- Clients that are not closed yet.
    open_clients = setmetatable({}, { __mode = "k" }),
    -- Workers that are running, or about to.
    workers = {},
    -- Who waits, by the host that watches our descriptor meanwhile.
    watching = setmetatable({}, { __mode = "k" }),
    -- The tasks by their coroutines, and how many are unfinished.
    tasks = setmetatable({}, { __mode = "k" }),
    unfinished = 0,
    -- Errors of tasks that nobody has taken, with a weak list of the task.
    untaken = {},
    -- The coroutines this package resumes by itself (scheduler.lua): by
    -- ticket, those to resume next, and the tickets that have a deadline.
    parked = {},
    runnable = { first = 1, last = 0 },
    deadlines = {},
    -- Waits that have lasted long: see wait/overdue.lua.
    overdue = { free_at = 0 },
    -- What has been taken from the engine, by run.
    taken = setmetatable({}, { __mode = "k" }),
    -- Why a start was refused before it was sent, by future.
    refusals = setmetatable({}, { __mode = "k" }),
    -- The RPCs whose `after` hooks have not run, by future.
    hooked = setmetatable({}, { __mode = "k" }),
    -- What is largest in a large request, by future.
    large = setmetatable({}, { __mode = "k" }),
    -- The first run of the chain, where describe said it, by future.
    first_runs = setmetatable({}, { __mode = "k" }),
    -- When another key was tried, by future.
    renewals = setmetatable({}, { __mode = "k" }),
    -- Metadata given to a start itself, where the client's is a function's.
    metadata = setmetatable({}, { __mode = "k" }),
    -- The hosts that watch our descriptor or listen, by name: two of a kind
    -- would be in each other's way.
    hosts = {},
    -- Chosen with temporal.host.use: a function that returns the adapter.
    host = nil,
    -- It has been said that a wait stopped a scheduler nobody has named.
    stop_said = false,
  }
end

return metatable.__temporal

--- Which run, and which of its fibers, is being resumed: what the functions of
-- `temporal.workflow` work on, however deep in coroutines of the user's they are
-- called.
--
-- Fields: `run` (nil outside of workflows), `fiber` (nil where a run may not
-- wait: in conditions, queries, validators), `read_only` (what runs instead of a
-- fiber: `"a condition"`, `"a query"`; nil otherwise), `deadline` (when the code that
-- runs must wait, in seconds of core.now(); nil: no limit).
-- @module temporal.workflow.current

return { run = nil, fiber = nil, read_only = nil, deadline = nil }

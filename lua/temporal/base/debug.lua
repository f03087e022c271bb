--- Lua's library debug, for modules that are loaded late: a host may have taken it
-- away from the program by then.
-- @module temporal.debug

return debug

-- What every Lua from 5.1 to 5.4 and LuaJIT has.
std = "min"
max_line_length = 100
-- Specs also ask what the Lua at hand has beyond that.
files["spec"] = { std = "max+busted" }
files[".busted"] = { std = "min" }

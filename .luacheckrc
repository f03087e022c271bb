-- What every Lua from 5.1 to 5.4 and LuaJIT has.
std = "min"
max_line_length = 100
files["spec"] = { std = "min+busted" }
files[".busted"] = { std = "min" }

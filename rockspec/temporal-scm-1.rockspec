package = "temporal"
version = "scm-1"
rockspec_format = "3.0"
source = {
  url = "git+file://.", -- until there is a public repository: `luarocks make` in the tree
}
description = {
  summary = "Temporal for Lua: start workflows and get their results",
  detailed = "A client for Temporal (durable execution): many workflows in flight from one "
    .. "thread, without blocking the host. Needs libcurl and nghttp2. Linux.",
  license = "MIT",
}
supported_platforms = { "linux" }
dependencies = { "lua >= 5.1, < 5.5" }
build = {
  -- One file, the Lua modules inside: "make bundle" with the Lua of this tree of rocks.
  type = "make",
  build_target = "bundle",
  build_variables = {
    LUA_BIN = "$(LUA)",
    LUA_INC = "-I$(LUA_INCDIR)",
    CC = "$(CC)",
    CFLAGS = "$(CFLAGS)",
    BUILD = "build/rock",
  },
  install_pass = false,
  install = { lib = { temporal = "build/rock/temporal.so" } },
}

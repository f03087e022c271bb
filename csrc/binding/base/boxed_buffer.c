/* Buffers in userdata: see boxed_buffer.h. */
#include "boxed_buffer.h"

#include "compat.h"

#define METATABLE "temporal.buffer"

static int Ltp_buffer_gc(lua_State *L) {
  tp_buffer_free(luaL_checkudata(L, 1, METATABLE));
  return 0;
}

/* Made at first use, and registered once it is complete. */
static void push_metatable(lua_State *L) {
  luaL_getmetatable(L, METATABLE);
  if (!lua_isnil(L, -1)) return;
  lua_pop(L, 1);
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, Ltp_buffer_gc);
  lua_setfield(L, -2, "__gc");
  lua_pushvalue(L, -1);
  lua_setfield(L, LUA_REGISTRYINDEX, METATABLE);
}

tp_buffer *ltp_newbuffer(lua_State *L, size_t ceiling) {
  tp_buffer *b = ltp_newuserdata(L, sizeof *b);
  tp_buffer_init(b, ceiling);
  push_metatable(L);
  lua_setmetatable(L, -2);
  return b;
}

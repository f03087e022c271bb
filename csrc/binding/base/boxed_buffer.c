/* Buffers in userdata: see boxed_buffer.h. */
#include "boxed_buffer.h"

#include <string.h>

#include "state.h"

#define METATABLE "temporal.buffer"

typedef struct boxed_buffer {
  ltp_box box; /* first: a box is a boxed buffer */
  tp_buffer buffer;
} boxed_buffer;

static void empty(ltp_box *box) {
  tp_buffer_free(&((boxed_buffer *)box)->buffer);
}

/* Made at first use, and registered once it is complete. */
static void push_metatable(lua_State *L) {
  luaL_getmetatable(L, METATABLE);
  if (!lua_isnil(L, -1)) return;
  lua_pop(L, 1);
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, ltp_box_gc);
  lua_setfield(L, -2, "__gc");
  lua_pushvalue(L, -1);
  lua_setfield(L, LUA_REGISTRYINDEX, METATABLE);
}

tp_buffer *ltp_newbuffer(lua_State *L, size_t ceiling) {
  boxed_buffer *b = ltp_newuserdata(L, sizeof *b);
  memset(b, 0, sizeof *b);
  tp_buffer_init(&b->buffer, ceiling);
  push_metatable(L);
  lua_setmetatable(L, -2);
  ltp_box_add(ltp_findstate(L), &b->box, empty);
  return &b->buffer;
}

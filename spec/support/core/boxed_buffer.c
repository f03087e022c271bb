/* csrc/binding/base/boxed_buffer.c for modules that specs build of the message
** and value code alone, with no engine to give a state's boxes back to.
*/
#include "base/boxed_buffer.h"

#include <lauxlib.h>

#define METATABLE "spec.buffer"

static int empty(lua_State *L) {
  tp_buffer_free(lua_touserdata(L, 1));
  return 0;
}

tp_buffer *ltp_newbuffer(lua_State *L, size_t ceiling) {
  tp_buffer *buffer = lua_newuserdata(L, sizeof *buffer);
  tp_buffer_init(buffer, ceiling);
  if (luaL_newmetatable(L, METATABLE)) {
    lua_pushcfunction(L, empty);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
  return buffer;
}

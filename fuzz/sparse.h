/* Is a sparse table what the full one is? For the targets that decode both. */
#ifndef FUZZ_SPARSE_H
#define FUZZ_SPARSE_H

#include "../csrc/binding/message/message_decode.h"
#include "../csrc/core/base/limits.h"
#include "../csrc/core/proto/schema.h"
#include "state.h"

static int reads_as(lua_State *L, int full, int sparse);

static int has(lua_State *L, int table, const char *name) {
  int found;
  lua_pushstring(L, name);
  lua_rawget(L, table);
  found = !lua_isnil(L, -1);
  lua_pop(L, 1);
  return found;
}

/* What stayed bytes, decoded: pushed. False when the bytes are wrong. */
static int push_kept(lua_State *L, int full, int kept) {
  size_t n;
  const char *bytes = lua_tolstring(L, kept, &n);
  const char *name = has(L, full, "payloads")
                         ? "temporal.api.common.v1.Payloads"
                         : "temporal.api.history.v1.History";
  return ltp_message_decode(L, (const uint8_t *)bytes, n,
                            tp_schema_message(name, strlen(name)),
                            TP_MAX_DECODED) == 0;
}

static int tables_read_as(lua_State *L, int full, int sparse) {
  int same = 1;
  luaL_checkstack(L, 8, "comparison");
  lua_pushnil(L);
  while (same && lua_next(L, full)) {
    lua_pushvalue(L, -2);
    lua_gettable(L, sparse);
    same = reads_as(L, lua_gettop(L) - 1, lua_gettop(L));
    lua_pop(L, 2);
  }
  if (!same) lua_pop(L, 1);
  if (same) lua_pushnil(L);
  while (same && lua_next(L, sparse)) {
    lua_pop(L, 1);
    lua_pushvalue(L, -1);
    lua_rawget(L, full);
    same = !lua_isnil(L, -1);
    lua_pop(L, 1);
    if (!same) lua_pop(L, 1);
  }
  return same;
}

/* Every field of the full one reads so in the sparse one, which has no more. */
static int reads_as(lua_State *L, int full, int sparse) {
  int same;
  luaL_checkstack(L, 4, "comparison");
  if (lua_type(L, full) == LUA_TTABLE && lua_type(L, sparse) == LUA_TSTRING) {
    same = push_kept(L, full, sparse) &&
           reads_as(L, full, lua_gettop(L));
    lua_pop(L, 1);
    return same;
  }
  if (lua_type(L, full) != lua_type(L, sparse)) return 0;
  if (lua_type(L, full) == LUA_TTABLE) return tables_read_as(L, full, sparse);
  if (lua_type(L, full) == LUA_TNUMBER && !lua_rawequal(L, full, full))
    return !lua_rawequal(L, sparse, sparse); /* not a number, both */
  return lua_rawequal(L, full, sparse);
}

#endif

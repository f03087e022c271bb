/* The schema's names for Lua: see message_names.h. */
#include "message_names.h"

#include "../../core/proto/schema.h"
#include "message_path.h"

/* Its address is the key in the registry: found without a string. */
static char key;

void ltp_push_names(lua_State *L) {
  lua_pushlightuserdata(L, &key);
  lua_rawget(L, LUA_REGISTRYINDEX);
  if (!lua_isnil(L, -1)) return;
  lua_pop(L, 1);
  lua_createtable(L, tp_schema_count.names, 0);
  lua_pushlightuserdata(L, &key);
  lua_pushvalue(L, -2);
  lua_rawset(L, LUA_REGISTRYINDEX);
}

void ltp_push_name(lua_State *L, int names, unsigned id) {
  const char *name;
  size_t n;
  lua_rawgeti(L, names, (int)id + 1);
  if (!lua_isnil(L, -1)) return;
  lua_pop(L, 1);
  name = tp_schema_string(id, &n);
  lua_pushlstring(L, name, n);
  lua_pushvalue(L, -1);
  lua_rawseti(L, names, (int)id + 1);
}

/* An integer no Lua number holds. */
static void push_decimal(lua_State *L, int negative, uint64_t magnitude) {
  char digits[24], *p = digits + sizeof digits;
  do {
    *--p = (char)('0' + magnitude % 10);
    magnitude /= 10;
  } while (magnitude > 0);
  if (negative) *--p = '-';
  lua_pushlstring(L, p, (size_t)(digits + sizeof digits - p));
}

void ltp_push_signed(lua_State *L, int64_t value) {
#if LTP_HAS_INTEGERS
  lua_pushinteger(L, (lua_Integer)value);
#else
  const int64_t exact = INT64_C(1) << 53;
  if (value >= -exact && value <= exact) lua_pushnumber(L, (lua_Number)value);
  else push_decimal(L, value < 0, value < 0 ? 0 - (uint64_t)value
                                            : (uint64_t)value);
#endif
}

void ltp_push_unsigned(lua_State *L, uint64_t value) {
  if (value <= INT64_MAX) ltp_push_signed(L, (int64_t)value);
  else push_decimal(L, 0, value);
}

int ltp_unknown_name(lua_State *L, const char *what, const char *name,
                     size_t n, const char *nearest) {
  char shown[LTP_DESCRIBED];
  ltp_quote(name, n, shown);
  lua_pushnil(L);
  if (nearest == NULL)
    lua_pushfstring(L, "unknown %s %s", what, shown);
  else
    lua_pushfstring(L, "unknown %s %s; did you mean \"%s\"?", what, shown,
                    nearest);
  return 2;
}

int ltp_check_message_type(lua_State *L, int index) {
  size_t n;
  const char *name = luaL_checklstring(L, index, &n);
  int type = tp_schema_message(name, n);
  if (type < 0)
    ltp_unknown_name(L, "message", name, n,
                     tp_schema_nearest_message(name, n));
  return type;
}

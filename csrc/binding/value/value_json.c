/* temporal.core's json_encode and json_decode. Lua's thread only. */
#include "../../core/base/limits.h"
#include "../base/parts.h"
#include "value_decode.h"
#include "value_encode.h"

/* json_encode(v[, name]) -> text | nil, message */
static int Ltp_json_encode(lua_State *L) {
  ltp_values *v = lua_touserdata(L, lua_upvalueindex(1));
  const char *name = luaL_optstring(L, 2, "value");
  tp_buffer *out;
  lua_settop(L, 2);
  out = ltp_scratch_open(L, v);
  return ltp_scratch_push(L, v, out, ltp_values_encode(L, v, 1, name, out));
}

/* json_decode(text[, lenient]) -> value | nil, message */
static int Ltp_json_decode(lua_State *L) {
  ltp_values *v = lua_touserdata(L, lua_upvalueindex(1));
  size_t n;
  const char *s;
  int lenient = lua_toboolean(L, 2), failed;
  luaL_checktype(L, 1, LUA_TSTRING);
  lua_settop(L, 1);
  s = lua_tolstring(L, 1, &n);
  failed = ltp_values_decode(L, v, s, n, TP_MAX_DECODED, lenient);
  if (!failed) return 1;
  lua_pushnil(L);
  lua_insert(L, -2);
  return 2;
}

void ltp_open_json(lua_State *L, int first) {
  static const luaL_Reg functions[] = {
    {"json_encode", Ltp_json_encode},
    {"json_decode", Ltp_json_decode},
    {NULL, NULL}};
  (void)first;
  ltp_values_register(L, functions);
}

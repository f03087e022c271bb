/* temporal.core's protojson_encode and _decode: see value_protojson.h. */
#include "value_protojson.h"

#include "../../core/base/limits.h"
#include "../base/parts.h"
#include "../message/message_decode.h"
#include "../message/message_encode.h"
#include "../message/message_names.h"

/* Is the option `name` true in the table at index 3, if there is one? */
static int option(lua_State *L, const char *name) {
  int value;
  if (!lua_istable(L, 3)) return 0;
  lua_pushstring(L, name);
  lua_rawget(L, 3);
  value = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return value;
}

/* protojson_encode(type_name, table or bytes[, {proto_names=}]) -> text
** | nil, message */
static int Ltp_protojson_encode(lua_State *L) {
  ltp_values *v = lua_touserdata(L, lua_upvalueindex(1));
  int type = ltp_check_message_type(L, 1), flags, wrong;
  char error[TP_PROTOJSON_ERROR];
  tp_buffer *bytes, *out;
  if (type < 0) return 2;
  luaL_checkany(L, 2);
  lua_settop(L, 3);
  flags = option(L, "proto_names") ? TP_PROTOJSON_PROTO_NAMES : 0;
  bytes = ltp_scratch_open(L, v);
  out = ltp_scratch_open(L, v); /* another one: the first is in use */
  wrong = ltp_message_encode(L, 2, type, bytes, LTP_ALLOW_ENCODED);
  if (!wrong) {
    wrong = tp_protojson_write(type, bytes->data, bytes->length, flags, out,
                               error);
    if (wrong) lua_pushstring(L, error);
  }
  ltp_scratch_close(v, bytes);
  return ltp_scratch_push(L, v, out, wrong);
}

int ltp_protojson_decode(lua_State *L, ltp_values *v, const char *s, size_t n,
                         int type, int flags, size_t max) {
  char error[TP_PROTOJSON_ERROR];
  tp_buffer *bytes;
  int wrong;
  luaL_checkstack(L, 4, "protojson");
  bytes = ltp_scratch_open(L, v);
  if (tp_protojson_read(type, s, n, flags, bytes, error) != 0) {
    lua_pushstring(L, error);
    wrong = -1;
  } else {
    wrong = ltp_message_decode(L, bytes->data, bytes->length, type, max);
  }
  ltp_scratch_close(v, bytes);
  lua_remove(L, -2);
  return wrong;
}

/* protojson_decode(type_name, text[, {ignore_unknown=, encoded=}]) -> table,
** or with `encoded` the message's bytes | nil, message */
static int Ltp_protojson_decode(lua_State *L) {
  ltp_values *v = lua_touserdata(L, lua_upvalueindex(1));
  int type = ltp_check_message_type(L, 1), flags, wrong;
  char error[TP_PROTOJSON_ERROR];
  tp_buffer *out;
  const char *s;
  size_t n;
  if (type < 0) return 2;
  luaL_checktype(L, 2, LUA_TSTRING);
  lua_settop(L, 3);
  s = lua_tolstring(L, 2, &n);
  flags = option(L, "ignore_unknown") ? TP_PROTOJSON_IGNORE_UNKNOWN : 0;
  if (option(L, "encoded")) {
    out = ltp_scratch_open(L, v);
    wrong = tp_protojson_read(type, s, n, flags, out, error);
    if (wrong) lua_pushstring(L, error);
    return ltp_scratch_push(L, v, out, wrong);
  }
  if (ltp_protojson_decode(L, v, s, n, type, flags, TP_MAX_DECODED) == 0)
    return 1;
  lua_pushnil(L);
  lua_insert(L, -2);
  return 2;
}

void ltp_open_protojson(lua_State *L, int first) {
  static const luaL_Reg functions[] = {
    {"protojson_encode", Ltp_protojson_encode},
    {"protojson_decode", Ltp_protojson_decode},
    {NULL, NULL}};
  (void)first;
  ltp_values_register(L, functions);
}

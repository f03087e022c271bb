/* The message functions of temporal.core: encode, decode, rpc, enums and the
** schema's names. Lua thread. What is wrong with the arguments' contents is
** `nil, message`; wrong argument types (an internal mistake) raise.
*/
#include <string.h>

#include "../../core/base/limits.h"
#include "../../core/proto/schema.h"
#include "../base/boxed_buffer.h"
#include "../base/parts.h"
#include "message_decode.h"
#include "message_encode.h"
#include "message_names.h"
#include "message_path.h"

/* The enum named by argument `arg`, or -1: nil, message pushed. */
static int check_enum(lua_State *L, int arg) {
  size_t n;
  const char *name = luaL_checklstring(L, arg, &n);
  int enumeration = tp_schema_enum(name, n);
  if (enumeration < 0) ltp_unknown_name(L, "enum", name, n, NULL);
  return enumeration;
}

/* encode(type_name, table[, allow_encoded]) -> string | nil, message */
static int Ltp_encode(lua_State *L) {
  int type = ltp_check_message_type(L, 1);
  tp_buffer *box;
  if (type < 0) return 2;
  luaL_checkany(L, 2);
  lua_settop(L, 3);
  box = ltp_newbuffer(L, TP_MAX_MESSAGE);
  if (ltp_message_encode(L, 2, type, box,
                         lua_toboolean(L, 3) ? LTP_ALLOW_ENCODED : 0) != 0) {
    lua_pushnil(L);
    lua_insert(L, -2);
    return 2;
  }
  lua_pushlstring(L, (const char *)box->data, box->length);
  tp_buffer_free(box);
  return 1;
}

/* decode(type_name, bytes[, max_decoded[, sparse]]) -> table | nil, message, is
** it more than may be decoded? */
static int Ltp_decode(lua_State *L) {
  int type = ltp_check_message_type(L, 1), wrong, sparse;
  size_t n;
  lua_Number max;
  const char *bytes;
  if (type < 0) return 2;
  bytes = luaL_checklstring(L, 2, &n);
  max = luaL_optnumber(L, 3, TP_MAX_DECODED);
  sparse = lua_toboolean(L, 4);
  lua_settop(L, 2);
  if (sparse)
    wrong = ltp_message_decode_sparse(L, (const uint8_t *)bytes, n, type,
                                      LTP_ALL_FIELDS, (size_t)max);
  else
    wrong = ltp_message_decode(L, (const uint8_t *)bytes, n, type,
                               (size_t)max);
  if (wrong == 0) return 1;
  lua_pushnil(L);
  lua_insert(L, -2);
  lua_pushboolean(L, wrong == LTP_TOO_MUCH);
  return 3;
}

static void set_boolean(lua_State *L, const char *key, int value) {
  lua_pushboolean(L, value);
  lua_setfield(L, -2, key);
}

/* rpc(name) -> {path=, request=, response=, namespace=, identity=,
** request_id=} | nil, message. The last three: has the request such a field? */
static int Ltp_rpc(lua_State *L) {
  size_t n;
  const char *name = luaL_checklstring(L, 1, &n);
  int rpc = tp_schema_rpc(name, n), request;
  if (rpc < 0)
    return ltp_unknown_name(L, "method", name, n,
                            tp_schema_nearest_rpc(name, n));
  request = tp_schema_rpc_request(rpc);
  lua_createtable(L, 0, 6);
  lua_pushstring(L, tp_schema_rpc_path(rpc, NULL));
  lua_setfield(L, -2, "path");
  lua_pushstring(L, tp_schema_message_name(request));
  lua_setfield(L, -2, "request");
  lua_pushstring(L, tp_schema_message_name(tp_schema_rpc_response(rpc)));
  lua_setfield(L, -2, "response");
  set_boolean(L, "namespace", tp_schema_has_string(request, "namespace"));
  set_boolean(L, "identity", tp_schema_has_string(request, "identity"));
  set_boolean(L, "request_id", tp_schema_has_string(request, "request_id"));
  return 1;
}

/* schema_messages() -> list of full names, sorted */
static int Ltp_schema_messages(lua_State *L) {
  int i, n = 0;
  lua_newtable(L);
  for (i = 0; i < tp_schema_count.messages; i++) {
    if (tp_schema_messages[i].flags & TP_MESSAGE_ENTRY) continue;
    lua_pushstring(L, tp_schema_message_name(i));
    lua_rawseti(L, -2, ++n);
  }
  return 1;
}

/* schema_rpcs() -> list of paths, by service */
static int Ltp_schema_rpcs(lua_State *L) {
  int i;
  lua_createtable(L, tp_schema_count.rpcs, 0);
  for (i = 0; i < tp_schema_count.rpcs; i++) {
    lua_pushstring(L, tp_schema_rpc_path(i, NULL));
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

/* field_number(type_name, field_name) -> number | nil, message */
static int Ltp_field_number(lua_State *L) {
  int type = ltp_check_message_type(L, 1);
  size_t n;
  const char *name;
  const tp_field *field;
  if (type < 0) return 2;
  name = luaL_checklstring(L, 2, &n);
  field = tp_schema_field_named(type, name, n);
  if (field == NULL)
    return ltp_unknown_name(L, "field", name, n,
                            tp_schema_nearest_field(type, name, n));
  lua_pushinteger(L, field->number);
  return 1;
}

/* enum(name) -> {full name = number, [number] = full name} | nil, message */
static int Ltp_enum(lua_State *L) {
  int enumeration = check_enum(L, 1), i;
  const tp_enum *e;
  if (enumeration < 0) return 2;
  e = &tp_schema_enums[enumeration];
  lua_createtable(L, e->count, e->count + 1);
  for (i = 0; i < e->count; i++) {
    const tp_enum_value *value = &tp_schema_values[e->first + i];
    lua_pushstring(L, tp_schema_string(value->name, NULL));
    lua_pushvalue(L, -1);
    lua_pushinteger(L, value->number);
    lua_rawset(L, -4);
    lua_rawseti(L, -2, value->number);
  }
  return 1;
}

/* enum_short(enum_name, number or full name) -> short name in lower snake
** case; the number itself when it has no name; nil when a name is unknown */
static int Ltp_enum_short(lua_State *L) {
  int enumeration = check_enum(L, 1);
  const tp_enum_value *value;
  char text[128];
  size_t n;
  if (enumeration < 0) return 2;
  if (lua_type(L, 2) == LUA_TSTRING) {
    const char *name = lua_tolstring(L, 2, &n);
    value = tp_schema_value_named(enumeration, name, n);
  } else {
    value = tp_schema_value(enumeration, (int32_t)luaL_checkinteger(L, 2));
  }
  lua_settop(L, 2);
  if (value == NULL) {
    if (lua_type(L, 2) == LUA_TSTRING) lua_pushnil(L);
    return 1;
  }
  n = tp_schema_value_short(enumeration, value, text, sizeof text);
  lua_pushlstring(L, text, n);
  return 1;
}

/* enum_number(enum_name, full or short name) -> number | nil, message */
static int Ltp_enum_number(lua_State *L) {
  int enumeration = check_enum(L, 1);
  const tp_enum_value *value;
  char near_name[128];
  size_t n;
  const char *name;
  if (enumeration < 0) return 2;
  name = luaL_checklstring(L, 2, &n);
  value = tp_schema_value_named(enumeration, name, n);
  if (value != NULL) {
    lua_pushinteger(L, value->number);
    return 1;
  }
  value = tp_schema_nearest_value(enumeration, name, n);
  if (value != NULL)
    tp_schema_value_short(enumeration, value, near_name, sizeof near_name);
  return ltp_unknown_name(L, "value", name, n,
                          value != NULL ? near_name : NULL);
}

void ltp_open_message(lua_State *L, int first) {
  static const luaL_Reg functions[] = {
      {"encode", Ltp_encode},
      {"decode", Ltp_decode},
      {"rpc", Ltp_rpc},
      {"schema_messages", Ltp_schema_messages},
      {"schema_rpcs", Ltp_schema_rpcs},
      {"field_number", Ltp_field_number},
      {"enum", Ltp_enum},
      {"enum_short", Ltp_enum_short},
      {"enum_number", Ltp_enum_number},
      {NULL, NULL}};
  const luaL_Reg *f;
  (void)first;
  ltp_push_names(L);
  lua_pop(L, 1);
  for (f = functions; f->name != NULL; f++) {
    lua_pushcfunction(L, f->func);
    lua_setfield(L, -2, f->name);
  }
}

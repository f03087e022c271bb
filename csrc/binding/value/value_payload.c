/* A Lua value as a temporal.api.common.v1.Payload and back: the built-in
** conversion of docs/conversion.md. Lua's thread only; bad values are messages.
*/
#include <stdbool.h>
#include <string.h>

#include "../../core/base/limits.h"
#include "../../core/base/utf8.h"
#include "../../core/json/json.h"
#include "../../core/proto/schema.h"
#include "../../core/proto/wire.h"
#include "../base/parts.h"
#include "../message/message_decode.h"
#include "../message/message_encode.h"
#include "value_decode.h"
#include "value_encode.h"
#include "value_payload.h"
#include "value_protojson.h"

#define PAYLOAD "temporal.api.common.v1.Payload"
enum { PAYLOADS_PAYLOADS = 1, PAYLOAD_METADATA = 1, PAYLOAD_DATA = 2 };

static void put_encoding(tp_buffer *out, const char *encoding) {
  size_t mark = tp_wire_begin(out, PAYLOAD_METADATA);
  tp_wire_put_string(out, 1, "encoding"); /* a map entry: key, value */
  tp_wire_put_string(out, 2, encoding);
  tp_wire_end(out, mark);
}

static int encode_json(lua_State *L, ltp_values *v, int index,
                       const char *name, tp_buffer *out) {
  size_t mark;
  put_encoding(out, "json/plain");
  mark = tp_wire_begin(out, PAYLOAD_DATA);
  if (ltp_values_encode(L, v, index, name, out) != 0) return -1;
  tp_wire_end(out, mark);
  return 0;
}

static int encode_bytes(lua_State *L, int index, const char *name,
                        tp_buffer *out) {
  size_t n;
  const char *s;
  lua_pushliteral(L, "data");
  lua_rawget(L, index);
  if (lua_type(L, -1) != LUA_TSTRING) {
    lua_pop(L, 1);
    lua_pushfstring(L, "%s: the data of temporal.bytes must be a string",
                    name);
    return -1;
  }
  s = lua_tolstring(L, -1, &n);
  put_encoding(out, "binary/plain");
  if (n > 0) tp_wire_put_bytes(out, PAYLOAD_DATA, s, n);
  lua_pop(L, 1);
  return 0;
}

/* The payload as it came or was made, with fields we do not know too. */
static int encode_raw(lua_State *L, int index, const char *name,
                      tp_buffer *out) {
  int type = tp_schema_message(PAYLOAD, sizeof PAYLOAD - 1);
  if (ltp_message_encode(L, index, type, out, 0) == 0) return 0;
  lua_pushfstring(L, "%s: temporal.raw: %s", name, lua_tostring(L, -1));
  lua_remove(L, -2);
  return -1;
}

static int encode(lua_State *L, ltp_values *v, int index, const char *name,
                  tp_buffer *out) {
  switch (lua_type(L, index)) {
    case LUA_TNIL: put_encoding(out, "binary/null"); return 0;
    case LUA_TTABLE:
      switch (ltp_value_kind(L, v, index)) {
        case LTP_BYTES: return encode_bytes(L, index, name, out);
        case LTP_RAW: return encode_raw(L, index, name, out);
        default: break;
      }
      break;
    default: break;
  }
  return encode_json(L, v, index, name, out);
}

/* The same, with the buffer's own failures told. */
static int encode_whole(lua_State *L, ltp_values *v, int index,
                        const char *name, tp_buffer *out) {
  size_t start = out->length;
  int failed = encode(L, v, index, name, out);
  if (!failed && out->status == TP_OK) return 0;
  out->length = start;
  if (failed) return -1;
  if (out->status == TP_ENOMEM) return luaL_error(L, "not enough memory");
  lua_pushfstring(L, "%s: longer than %d MiB", name,
                  (int)(out->ceiling >> 20));
  return -1;
}

/* payload(v[, name]) -> bytes of a Payload | nil, message */
static int Ltp_payload(lua_State *L) {
  ltp_values *v = lua_touserdata(L, lua_upvalueindex(1));
  const char *name = luaL_optstring(L, 2, "value");
  tp_buffer *out;
  lua_settop(L, 2);
  out = ltp_scratch_open(L, v);
  return ltp_scratch_push(L, v, out, encode_whole(L, v, 1, name, out));
}

int ltp_payloads_encode(lua_State *L, ltp_values *v, int first, int n,
                        tp_buffer *out) {
  int i;
  for (i = 0; i < n; i++) {
    char name[16 + TP_DECIMAL_SIZE] = "argument ";
    size_t mark = tp_wire_begin(out, PAYLOADS_PAYLOADS);
    name[9 + tp_integer_write(i + 1, name + 9)] = '\0';
    if (encode_whole(L, v, first + i, name, out) != 0) return -1;
    tp_wire_end(out, mark);
  }
  if (out->status == TP_OK) return 0;
  if (out->status == TP_ENOMEM) return luaL_error(L, "not enough memory");
  lua_pushfstring(L, "the arguments: longer than %d MiB",
                  (int)(out->ceiling >> 20));
  return -1;
}

/* payloads(n, ...) -> bytes of a Payloads | nil, message */
static int Ltp_payloads(lua_State *L) {
  ltp_values *v = lua_touserdata(L, lua_upvalueindex(1));
  int n = (int)luaL_checkinteger(L, 1);
  tp_buffer *out;
  luaL_argcheck(L, n >= 0 && n <= 1000000, 1, "not a count of arguments");
  luaL_checkstack(L, n + 8, "too many arguments");
  lua_settop(L, n + 1);
  out = ltp_scratch_open(L, v);
  return ltp_scratch_push(L, v, out, ltp_payloads_encode(L, v, 2, n, out));
}

/* ---- back ---- */

static int fails(lua_State *L, const char *message, int encoding) {
  lua_pushnil(L);
  lua_pushstring(L, message);
  lua_pushvalue(L, encoding);
  return 3;
}

/* The same for what could not be decoded, for the reason on the top. */
static int fails_to_decode(lua_State *L, const char *what, int wrong,
                           int encoding) {
  bool too_much = wrong == LTP_TOO_MUCH;
  lua_pushfstring(L, "the payload's %s cannot be read: %s%s", what,
                  lua_tostring(L, -1), too_much ? LTP_RAISE_LIMIT : "");
  fails(L, lua_tostring(L, -1), encoding);
  lua_pushboolean(L, too_much);
  return 4;
}

/* A payload that nobody here can read, as temporal.raw. */
static int push_raw(lua_State *L, int index) {
  lua_newtable(L);
  lua_pushnil(L);
  while (lua_next(L, index)) {
    lua_pushvalue(L, -2);
    lua_insert(L, -2);
    lua_rawset(L, -4);
  }
  luaL_getmetatable(L, "temporal.raw");
  lua_setmetatable(L, -2);
  return 1;
}

static int push_json(lua_State *L, ltp_values *v, int encoding, size_t max) {
  size_t n;
  const char *s = lua_tolstring(L, -1, &n);
  int wrong = ltp_values_decode(L, v, s, n, max, 0);
  if (wrong != 0) return fails_to_decode(L, "JSON", wrong, encoding);
  if (ltp_value_kind(L, v, -1) == LTP_NULL) lua_pushnil(L);
  return 1;
}

/* A message of a type we know as its table; of any other as temporal.raw. */
static int push_message(lua_State *L, ltp_values *v, int metadata, int json,
                        size_t max) {
  const uint8_t *data;
  size_t n;
  int type = -1, wrong;
  lua_pushliteral(L, "messageType");
  lua_rawget(L, metadata);
  if (lua_type(L, -1) == LUA_TSTRING) {
    const char *name = lua_tolstring(L, -1, &n);
    type = tp_schema_message(name, n);
  }
  lua_pop(L, 1);
  if (type < 0) return push_raw(L, 1);
  data = (const uint8_t *)lua_tolstring(L, -1, &n);
  /* a newer peer may know more fields than we: as with bytes, ours are read */
  if (json)
    wrong = ltp_protojson_decode(L, v, (const char *)data, n, type,
                                 TP_PROTOJSON_IGNORE_UNKNOWN, max);
  else
    wrong = ltp_message_decode(L, data, n, type, max);
  if (wrong == 0) return 1;
  return fails_to_decode(L, "message", wrong, 2);
}

static int unknown_encoding(lua_State *L, int encoding) {
  size_t n;
  const char *s = lua_tolstring(L, encoding, &n);
  if (n <= 200 && strlen(s) == n && tp_utf8_valid_prefix(s, n) == n)
    lua_pushfstring(L,
                    "no converter reads the encoding \"%s\"; the client's"
                    " converter option can add one",
                    s);
  else
    lua_pushliteral(L, "the payload's encoding is not a name");
  return fails(L, lua_tostring(L, -1), encoding);
}

/* payload_value({metadata=, data=}[, max_decoded]) -> value | nil, message,
** encoding[, is it more than may be decoded?] */
static int Ltp_payload_value(lua_State *L) {
  ltp_values *v = lua_touserdata(L, lua_upvalueindex(1));
  size_t max = (size_t)luaL_optnumber(L, 2, TP_MAX_DECODED);
  const char *encoding;
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  lua_pushnil(L);
  lua_pushliteral(L, "metadata");
  lua_rawget(L, 1);
  if (lua_type(L, -1) == LUA_TTABLE) {
    lua_pushliteral(L, "encoding");
    lua_rawget(L, -2);
    lua_replace(L, 2);
  }
  if (lua_type(L, 2) != LUA_TSTRING) {
    lua_settop(L, 1);
    lua_pushnil(L);
    return fails(L, "the payload has no metadata \"encoding\"", 2);
  }
  encoding = lua_tostring(L, 2);
  lua_pushliteral(L, "data");
  lua_rawget(L, 1);
  if (lua_type(L, -1) != LUA_TSTRING) lua_pushliteral(L, "");
  if (strcmp(encoding, "json/plain") == 0) return push_json(L, v, 2, max);
  if (strcmp(encoding, "binary/plain") == 0) return 1;
  if (strcmp(encoding, "binary/null") == 0) {
    lua_pushnil(L);
    return 1;
  }
  if (strcmp(encoding, "json/protobuf") == 0)
    return push_message(L, v, 3, 1, max);
  if (strcmp(encoding, "binary/protobuf") == 0)
    return push_message(L, v, 3, 0, max);
  return unknown_encoding(L, 2);
}

/* One payload as it lies on the wire. */
typedef struct {
  const char *encoding;
  size_t encoding_length;
  const char *data;
  size_t length;
} wired;

#define is(v, n) ((v).number == (n) && (v).wire == TP_WIRE_BYTES)

static int read_metadata(const tp_field_value *entry, wired *w) {
  static const char wanted[] = "encoding";
  static const uint8_t nothing[1] = {0};
  tp_field_value v;
  const uint8_t *key = nothing, *value = nothing;
  size_t key_length = 0, length = 0;
  tp_reader r;
  tp_reader_init(&r, entry->bytes, entry->length);
  while (!tp_reader_done(&r)) {
    if (tp_wire_next(&r, &v) != TP_OK) return -1;
    if (is(v, 1)) key = v.bytes, key_length = v.length;
    if (is(v, 2)) value = v.bytes, length = v.length;
  }
  if (tp_utf8_valid_prefix((const char *)key, key_length) != key_length)
    return -1;
  if (key_length != sizeof wanted - 1 ||
      memcmp(key, wanted, key_length) != 0)
    return 0;
  w->encoding = (const char *)value;
  w->encoding_length = length;
  return 0;
}

static int read_payload(const tp_field_value *payload, wired *w) {
  tp_field_value v;
  tp_reader r;
  memset(w, 0, sizeof *w);
  w->data = "";
  tp_reader_init(&r, payload->bytes, payload->length);
  while (!tp_reader_done(&r)) {
    if (tp_wire_next(&r, &v) != TP_OK) return -1;
    if (is(v, PAYLOAD_METADATA) && read_metadata(&v, w) != 0) return -1;
    if (is(v, PAYLOAD_DATA)) {
      w->data = (const char *)v.bytes;
      w->length = v.length;
    }
  }
  return w->encoding == NULL ? -1 : 0;
}

#define encoded_as(w, name)                  \
  ((w)->encoding_length == sizeof name - 1 && \
   memcmp((w)->encoding, name, sizeof name - 1) == 0)

/* Pushes the value, or nothing and returns -1. */
static int push_wired(lua_State *L, ltp_values *v, const wired *w, size_t max) {
  if (encoded_as(w, "json/plain")) {
    if (ltp_values_decode(L, v, w->data, w->length, max, 0) != 0) {
      lua_pop(L, 1);
      return -1;
    }
    if (lua_type(L, -1) == LUA_TLIGHTUSERDATA) {
      lua_pop(L, 1);
      lua_pushnil(L);
    }
  } else if (encoded_as(w, "binary/plain")) {
    lua_pushlstring(L, w->data, w->length);
  } else if (encoded_as(w, "binary/null")) {
    lua_pushnil(L);
  } else {
    return -1;
  }
  return 0;
}

/* payload_values(bytes of a Payloads[, max_decoded]) -> list with `n` | nil:
** there is something unusual, or wrong, that Lua has to look at */
static int Ltp_payload_values(lua_State *L) {
  ltp_values *values = lua_touserdata(L, lua_upvalueindex(1));
  size_t length, max = (size_t)luaL_optnumber(L, 2, TP_MAX_DECODED);
  const char *bytes = luaL_checklstring(L, 1, &length);
  int n = 0;
  tp_field_value v;
  tp_reader r;
  wired w;
  lua_settop(L, 1);
  lua_createtable(L, 1, 1);
  tp_reader_init(&r, bytes, length);
  while (!tp_reader_done(&r)) {
    if (tp_wire_next(&r, &v) != TP_OK) return 0;
    if (!is(v, PAYLOADS_PAYLOADS)) continue;
    if (read_payload(&v, &w) != 0 || push_wired(L, values, &w, max) != 0)
      return 0;
    lua_rawseti(L, 2, ++n);
  }
  lua_pushinteger(L, n);
  lua_setfield(L, 2, "n");
  return 1;
}

void ltp_open_payload(lua_State *L, int first) {
  static const luaL_Reg functions[] = {
    {"payload", Ltp_payload},
    {"payloads", Ltp_payloads},
    {"payload_value", Ltp_payload_value},
    {"payload_values", Ltp_payload_values},
    {NULL, NULL}};
  (void)first;
  ltp_values_register(L, functions);
}

/* libFuzzer target for the message codec; fuzz/README.md says what it checks.
** Bytes 1 and 2: message type, and in the two top bits what is done with the
** rest: round trip of bytes, a table made of them, or a call while memory runs
** out (the allocation whose number is byte 3 fails). Every Lua allocation must
** be given back when the state closes, every other one at once. One thread.
*/
#include "../csrc/binding/message/message_encode.h"
#include "sparse.h"

#define INPUTS_OF_ONE_STATE 1000

static void open_parts(lua_State *L) {
  ltp_open_message(L, 0);
}

static int equal(lua_State *L, int a, int b);

/* Every pair of the table at `a` is in the one at `b`, which has no more. */
static int tables_equal(lua_State *L, int a, int b) {
  int same = 1;
  long surplus = 0;
  luaL_checkstack(L, 8, "comparison");
  lua_pushnil(L);
  for (; lua_next(L, b); surplus++) lua_pop(L, 1);
  lua_pushnil(L);
  while (same && lua_next(L, a)) {
    lua_pushvalue(L, -2);
    lua_rawget(L, b);
    same = equal(L, lua_gettop(L) - 1, lua_gettop(L));
    lua_pop(L, 2);
    surplus--;
  }
  if (!same) lua_pop(L, 1);
  return same && surplus == 0;
}

static int equal(lua_State *L, int a, int b) {
  if (lua_type(L, a) != lua_type(L, b)) return 0;
  if (lua_type(L, a) == LUA_TTABLE) return tables_equal(L, a, b);
  if (lua_type(L, a) == LUA_TNUMBER && !lua_rawequal(L, a, a))
    return !lua_rawequal(L, b, b); /* not a number, both */
  return lua_rawequal(L, a, b);
}

/* Sparse: what the full decode takes, and no less strict but in what stays
** bytes. The full table is on top. */
static void decode_sparse(lua_State *L, int type, const uint8_t *data,
                          size_t n) {
  int full = lua_gettop(L);
  ASSERT(ltp_message_decode_sparse(L, data, n, type, LTP_ALL_FIELDS,
                                   TP_MAX_DECODED) == 0);
  ASSERT(lua_gettop(L) == full + 1);
  ASSERT(reads_as(L, full, full + 1));
  lua_pop(L, 1);
}

static void round_trip(lua_State *L, int type, const uint8_t *data, size_t n) {
  int top = lua_gettop(L);
  tp_buffer first, second;
  if (ltp_message_decode(L, data, n, type, TP_MAX_DECODED) != 0) {
    ASSERT(lua_gettop(L) == top + 1 && lua_type(L, -1) == LUA_TSTRING);
    ASSERT(strchr(lua_tostring(L, -1), ':') != NULL);
    return;
  }
  tp_buffer_init(&first, TP_MAX_MESSAGE);
  tp_buffer_init(&second, TP_MAX_MESSAGE);
  ASSERT(lua_gettop(L) == top + 1);
  decode_sparse(L, type, data, n);
  ASSERT(ltp_message_encode(L, -1, type, &first, 0) == 0);
  ASSERT(lua_gettop(L) == top + 1);
  ASSERT(ltp_message_decode(L, first.data, first.length, type,
                            TP_MAX_DECODED) == 0);
  ASSERT(lua_gettop(L) == top + 2);
  ASSERT(equal(L, top + 1, top + 2));
  ASSERT(ltp_message_encode(L, -1, type, &second, 0) == 0);
  ASSERT(first.length == second.length);
  ASSERT(first.length == 0 ||
         memcmp(first.data, second.data, first.length) == 0);
  tp_buffer_free(&first);
  tp_buffer_free(&second);
}

static void scarce_memory(lua_State *L, int type, const uint8_t *data,
                          size_t n, uint8_t allocations) {
  lua_getfield(L, LUA_REGISTRYINDEX, "core"); /* 1 */
  lua_getfield(L, 1, "encode");
  lua_pushstring(L, tp_schema_message_name(type));
  lua_getfield(L, 1, "decode");
  lua_pushvalue(L, 3);
  lua_pushlstring(L, (const char *)data, n);
  if (scarce_call(L, 2, allocations)) scarce_call(L, 2, allocations);
}

/* Input that is used up byte by byte; zeros follow its end. */
typedef struct {
  const uint8_t *p;
  size_t n;
} bytes;

static uint8_t take(bytes *in) {
  if (in->n == 0) return 0;
  in->n--;
  return *in->p++;
}

static double take_double(bytes *in) {
  uint8_t raw[sizeof(double)];
  double value;
  size_t i;
  for (i = 0; i < sizeof raw; i++) raw[i] = take(in);
  memcpy(&value, raw, sizeof value);
  return value;
}

static void make_table(lua_State *L, int type, bytes *in, int depth);

/* Any value: most often one that suits the field. */
static void make_value(lua_State *L, const tp_field *field, bytes *in,
                       int depth) {
  size_t length;
  uint8_t what = take(in);
  if (field->type == TP_MESSAGE && what < 200 && depth < 120) {
    make_table(L, field->sub, in, depth + 1);
    return;
  }
  switch (what % 8) {
    case 0: lua_pushboolean(L, take(in) & 1); break;
    case 1: lua_pushinteger(L, (int8_t)take(in)); break;
    case 2: lua_pushinteger(L, (int16_t)(take(in) << 8 | take(in))); break;
    case 3: lua_pushnumber(L, take_double(in)); break;
    case 4: lua_newtable(L); break;
    case 5: lua_pushlightuserdata(L, NULL); break;
    default:
      length = take(in) % 40;
      if (length > in->n) length = in->n;
      lua_pushlstring(L, (const char *)in->p, length);
      in->p += length;
      in->n -= length;
  }
}

/* A list or map of such values, or one that is neither. */
static void make_many(lua_State *L, const tp_field *field, bytes *in,
                      int depth) {
  int n = take(in) % 20, i, map = field->flags & TP_FIELD_MAP;
  const tp_field *entry = tp_schema_fields_of(field->sub);
  lua_newtable(L);
  if (take(in) == 7) {
    make_value(L, field, in, depth);
    lua_setfield(L, -2, "n");
  }
  for (i = 1; i <= n && in->n > 0; i++) {
    make_value(L, map ? entry : field, in, depth);
    if (map && !lua_isnil(L, -1) && lua_rawequal(L, -1, -1)) {
      make_value(L, entry + 1, in, depth + 1);
      lua_rawset(L, -3);
    } else {
      lua_rawseti(L, -2, i);
    }
  }
}

static void make_table(lua_State *L, int type, bytes *in, int depth) {
  const tp_field *fields = tp_schema_fields_of(type), *field;
  int n = take(in) % 8, count = tp_schema_messages[type].count;
  luaL_checkstack(L, 20, "table");
  lua_newtable(L);
  for (; n > 0 && count > 0 && in->n > 0; n--) {
    field = &fields[take(in) % count];
    lua_pushstring(L, tp_schema_string(field->name, NULL));
    if (field->flags & (TP_FIELD_MAP | TP_FIELD_REPEATED) && take(in) < 250)
      make_many(L, field, in, depth);
    else
      make_value(L, field, in, depth);
    lua_rawset(L, -3);
  }
}

/* Whatever a table holds: an error with a path, or bytes that decode. */
static void encode_anything(lua_State *L, int type, const uint8_t *data,
                            size_t n) {
  tp_buffer out;
  bytes in;
  in.p = data;
  in.n = n;
  tp_buffer_init(&out, 1 << 16);
  make_table(L, type, &in, 0);
  if (ltp_message_encode(L, 1, type, &out, 0) == 0) {
    ASSERT(lua_gettop(L) == 1);
    round_trip(L, type, out.data, out.length);
    ASSERT(lua_type(L, 2) == LUA_TTABLE);
  } else {
    ASSERT(lua_gettop(L) == 2 && lua_type(L, 2) == LUA_TSTRING);
    ASSERT(strchr(lua_tostring(L, 2), ':') != NULL);
    ASSERT(out.length == 0);
  }
  tp_buffer_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
  lua_State *L;
  int type;
  if (n < 3) return 0;
  L = state(INPUTS_OF_ONE_STATE, open_parts);
  type = ((data[0] & 0x3F) << 8 | data[1]) % tp_schema_count.messages;
  if (tp_schema_messages[type].flags & TP_MESSAGE_ENTRY) return 0;
  if (data[0] & 0x80) scarce_memory(L, type, data + 3, n - 3, data[2]);
  else if (data[0] & 0x40) encode_anything(L, type, data + 3, n - 3);
  else round_trip(L, type, data + 3, n - 3);
  lua_settop(L, 0);
  return 0;
}

/* libFuzzer target for JSON. The reader alone: every number as strtod has it.
** Through Lua: text -> value -> text -> value -> text, both values equal, both
** texts as long; the input as a string in itself; and calls that run out of
** memory. Every Lua allocation must be given back when the state closes,
** every other one right away (the leak check sees those). One thread.
** Byte 1: with the top bit the allocation fails whose number is in the others.
** The rest is the text. See fuzz/README.md.
*/
#include "../csrc/binding/value/value_decode.h"
#include "../csrc/binding/value/value_encode.h"
#include "../csrc/core/base/utf8.h"
#include "../csrc/core/json/json.h"
#include "state.h"

#define INPUTS_OF_ONE_STATE 500

static void open_parts(lua_State *L) {
  ltp_open_value(L, 0);
  ltp_open_json(L, 0);
  ltp_open_payload(L, 0);
}

/* ---- the reader alone ---- */

static int same(double a, double b) {
  return memcmp(&a, &b, sizeof a) == 0;
}

/* The number that ends at `end`, as the C library reads it. */
static double number_before(const char *begin, const char *end) {
  const char *p = end;
  char *copy;
  double value;
  while (p > begin && strchr("0123456789+-.eE", p[-1]) != NULL && p[-1] != 0)
    p--;
  copy = malloc((size_t)(end - p) + 1);
  ASSERT(copy != NULL);
  memcpy(copy, p, (size_t)(end - p));
  copy[end - p] = '\0';
  value = strtod(copy, NULL);
  free(copy);
  return value;
}

static void check_double(const tp_json_reader *r) {
  char text[TP_DECIMAL_SIZE + 1];
  ASSERT(same(r->number, number_before(r->begin, r->next)));
  text[tp_decimal_write(r->number, text)] = '\0';
  ASSERT(same(r->number, strtod(text, NULL)));
}

/* True when it is JSON, or what is taken for it. */
static int read_alone(const char *text, size_t n, int lenient) {
  tp_buffer scratch;
  tp_json_reader r;
  tp_json_event event;
  tp_buffer_init(&scratch, TP_MAX_MESSAGE);
  tp_json_open(&r, text, n, &scratch);
  if (lenient) tp_json_be_lenient(&r);
  do {
    event = tp_json_next(&r);
    ASSERT(r.depth <= (lenient ? TP_MAX_LENIENT_DEPTH : TP_MAX_DEPTH));
    ASSERT(r.next >= r.begin && r.next <= r.end);
    if (event == TP_JSON_DOUBLE && r.number - r.number == 0) check_double(&r);
    ASSERT(lenient || event != TP_JSON_DOUBLE || r.number - r.number == 0);
    if (event == TP_JSON_STRING || event == TP_JSON_KEY)
      ASSERT(tp_utf8_valid_prefix(r.string, r.length) == r.length);
  } while (event != TP_JSON_ERROR && event != TP_JSON_END);
  ASSERT(tp_json_next(&r) == event);
  if (event == TP_JSON_ERROR)
    ASSERT(r.offset <= n && r.reason != NULL && r.status != TP_OK);
  tp_buffer_free(&scratch);
  return event == TP_JSON_END;
}

/* ---- through Lua ---- */

static int equal(lua_State *L, int a, int b);

static int count(lua_State *L, int table) {
  int n = 0;
  luaL_checkstack(L, 8, "comparison");
  for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) n++;
  return n;
}

/* Every pair of the table at `a` is in the one at `b`. */
static int contains(lua_State *L, int a, int b) {
  int equals = 1;
  lua_pushnil(L);
  while (equals && lua_next(L, a)) {
    lua_pushvalue(L, -2);
    lua_rawget(L, b);
    equals = equal(L, lua_gettop(L) - 1, lua_gettop(L));
    lua_pop(L, 2);
  }
  if (!equals) lua_pop(L, 1);
  return equals;
}

static int equal(lua_State *L, int a, int b) {
  int marks;
  if (lua_type(L, a) != lua_type(L, b)) return 0;
  if (lua_type(L, a) == LUA_TNUMBER)
    return ltp_isinteger(L, a) == ltp_isinteger(L, b) &&
           same(lua_tonumber(L, a), lua_tonumber(L, b)) &&
           lua_rawequal(L, a, b);
  if (lua_type(L, a) != LUA_TTABLE) return lua_rawequal(L, a, b);
  marks = lua_getmetatable(L, a);
  if (marks != lua_getmetatable(L, b)) return 0;
  if (marks) lua_pop(L, 2);
  return count(L, a) == count(L, b) && contains(L, a, b);
}

static ltp_values *values(lua_State *L) {
  ltp_values *v;
  lua_getfield(L, LUA_REGISTRYINDEX, "temporal.values");
  v = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return v;
}

static int decode(lua_State *L, const char *text, size_t n) {
  return ltp_values_decode(L, values(L), text, n, TP_MAX_DECODED, 0);
}

static int encode(lua_State *L, int index, tp_buffer *out) {
  return ltp_values_encode(L, values(L), index, "value", out);
}

/* The length of the value as a payload. */
static size_t payload_length(lua_State *L, int index) {
  size_t n = 0;
  lua_getfield(L, LUA_REGISTRYINDEX, "core");
  lua_getfield(L, -1, "payload");
  lua_pushvalue(L, index);
  lua_call(L, 1, 1);
  lua_tolstring(L, -1, &n);
  lua_pop(L, 2);
  return n;
}

static void round_trip(lua_State *L, const char *text, size_t n) {
  tp_buffer first, second;
  int good = read_alone(text, n, 0);
  ASSERT(read_alone(text, n, 1) >= good);
  ASSERT((decode(L, text, n) == 0) == good);
  ASSERT(lua_gettop(L) == 1);
  if (!good) {
    ASSERT(strstr(lua_tostring(L, 1), ", at byte offset ") != NULL);
    return;
  }
  tp_buffer_init(&first, TP_MAX_MESSAGE);
  tp_buffer_init(&second, TP_MAX_MESSAGE);
  ASSERT(encode(L, 1, &first) == 0);
  ASSERT(decode(L, (const char *)first.data, first.length) == 0);
  ASSERT(lua_gettop(L) == 2);
  ASSERT(equal(L, 1, 2));
  ASSERT(encode(L, 2, &second) == 0);
  ASSERT(first.length == second.length); /* the order may differ */
  ASSERT(payload_length(L, 2) > first.length && lua_gettop(L) == 2);
  tp_buffer_free(&first);
  tp_buffer_free(&second);
}

/* The input as one string, whatever it holds. */
static void as_string(lua_State *L, const char *text, size_t n) {
  tp_buffer out;
  size_t back;
  int valid = tp_utf8_valid_prefix(text, n) == n;
  tp_buffer_init(&out, TP_MAX_MESSAGE);
  lua_pushlstring(L, text, n);
  ASSERT((encode(L, 1, &out) == 0) == valid);
  if (valid) {
    ASSERT(decode(L, (const char *)out.data, out.length) == 0);
    ASSERT(lua_rawequal(L, 1, 2));
  } else {
    ASSERT(out.length == 0 && lua_gettop(L) == 2);
  }
  lua_settop(L, 0);
  tp_buffer_free(&out);
  /* and as a key, in a message too */
  lua_newtable(L);
  lua_pushlstring(L, text, n);
  lua_newtable(L);
  lua_pushboolean(L, 1);
  lua_rawseti(L, -2, 2);
  lua_rawset(L, 1);
  tp_buffer_init(&out, TP_MAX_MESSAGE);
  ASSERT(encode(L, 1, &out) == -1 && out.length == 0);
  lua_tolstring(L, -1, &back);
  ASSERT(tp_utf8_valid_prefix(lua_tostring(L, -1), back) == back);
  tp_buffer_free(&out);
}

static void scarce_memory(lua_State *L, const char *text, size_t n,
                          int allocations) {
  lua_getfield(L, LUA_REGISTRYINDEX, "core"); /* 1 */
  lua_getfield(L, 1, "payload");
  lua_getfield(L, 1, "json_encode");
  lua_getfield(L, 1, "json_decode");
  lua_pushlstring(L, text, n);
  if (!scarce_call(L, 1, allocations)) return;
  lua_pushvalue(L, -1);
  lua_replace(L, 1);
  if (!scarce_call(L, 1, allocations)) return;
  lua_pop(L, 1);
  lua_pushvalue(L, 1);
  scarce_call(L, 1, allocations);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
  const char *text = (const char *)data + 1;
  lua_State *L;
  if (n < 1) return 0;
  L = state(INPUTS_OF_ONE_STATE, open_parts);
  if (data[0] & 0x80) {
    scarce_memory(L, text, n - 1, data[0] & 0x7F);
  } else {
    round_trip(L, text, n - 1);
    lua_settop(L, 0);
    as_string(L, text, n - 1);
  }
  lua_settop(L, 0);
  return 0;
}

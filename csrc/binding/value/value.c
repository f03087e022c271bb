/* Marked values, and what the conversions share: see value.h. */
#include "value.h"

#include <string.h>
#include "../../core/base/utf8.h"
#include "../../core/json/json.h"
#include "../base/boxed_buffer.h"
#include "../base/parts.h"

#define KEPT (64u << 10) /* a scratch buffer that grew beyond is given back */
#define VALUES "temporal.values" /* registry: the state's ltp_values */

/* ---- state ---- */

ltp_values *ltp_getvalues(lua_State *L) {
  ltp_values *v;
  lua_getfield(L, LUA_REGISTRYINDEX, VALUES);
  v = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return v;
}

static int Ltp_values_gc(lua_State *L) {
  ltp_values *v = lua_touserdata(L, 1);
  v->busy = 1; /* finalisers that still run use buffers of their own */
  tp_buffer_free(&v->scratch);
  return 0;
}

tp_buffer *ltp_scratch_open(lua_State *L, ltp_values *v) {
  if (v->busy) return ltp_newbuffer(L, TP_MAX_MESSAGE);
  v->busy = 1;
  v->scratch.length = 0;
  v->scratch.status = TP_OK;
  lua_pushnil(L);
  return &v->scratch;
}

void ltp_scratch_close(ltp_values *v, tp_buffer *b) {
  if (b != &v->scratch) {
    tp_buffer_free(b);
    return;
  }
  if (b->capacity > KEPT) tp_buffer_free(b);
  v->busy = 0;
}

int ltp_scratch_push(lua_State *L, ltp_values *v, tp_buffer *b, int failed) {
  if (failed) {
    lua_pushnil(L);
    lua_insert(L, -2);
  } else {
    lua_pushlstring(L, b->length > 0 ? (const char *)b->data : "", b->length);
  }
  ltp_scratch_close(v, b);
  return failed ? 2 : 1;
}

/* Nothing is required here: a program that never loads lua-cjson does not
** pay for it, and no searcher of the user runs. */
void ltp_values_find_cjson(lua_State *L, ltp_values *v) {
  static const char *const names[] = {"cjson", "cjson.safe"};
  size_t i;
  if (v->cjson_known) return;
  lua_getfield(L, LUA_REGISTRYINDEX, "_LOADED");
  if (!lua_istable(L, -1)) {
    lua_pop(L, 1);
    return;
  }
  for (i = 0; i < sizeof names / sizeof *names && !v->cjson_known; i++) {
    lua_pushstring(L, names[i]);
    lua_rawget(L, -2);
    if (lua_istable(L, -1)) {
      v->cjson_known = 1;
      lua_pushliteral(L, "empty_array");
      lua_rawget(L, -2);
      if (lua_islightuserdata(L, -1))
        v->cjson_empty_array = lua_touserdata(L, -1);
      lua_pop(L, 1);
      lua_pushliteral(L, "empty_array_mt");
      lua_rawget(L, -2);
      if (lua_istable(L, -1)) v->cjson_empty_array_mt = lua_topointer(L, -1);
      lua_setfield(L, LUA_REGISTRYINDEX, "temporal.cjson_empty_array_mt");
      lua_pushliteral(L, "array_mt");
      lua_rawget(L, -2);
      if (lua_istable(L, -1)) {
        v->cjson_array_mt = lua_topointer(L, -1);
        lua_setfield(L, LUA_REGISTRYINDEX, LTP_MARK);
      } else {
        lua_pop(L, 1);
      }
    }
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

static ltp_kind table_kind(lua_State *L, ltp_values *v, int index) {
  const void *mt;
  if (!lua_getmetatable(L, index)) return LTP_PLAIN;
  mt = lua_topointer(L, -1);
  lua_pop(L, 1);
  if (mt == v->array_mt) return LTP_ARRAY;
  if (mt == v->bytes_mt) return LTP_BYTES;
  if (mt == v->raw_mt) return LTP_RAW;
  if (mt == v->attribute_mt) return LTP_ATTRIBUTE;
  ltp_values_find_cjson(L, v);
  if (mt == v->cjson_array_mt || mt == v->cjson_empty_array_mt) {
    if (mt == v->cjson_array_mt) return LTP_ARRAY;
    lua_pushnil(L); /* only an empty table with this one is an array */
    if (!lua_next(L, index)) return LTP_ARRAY;
    lua_pop(L, 2);
  }
  if (!luaL_getmetafield(L, index, "__temporal_await")) return LTP_PLAIN;
  lua_pop(L, 1);
  return LTP_FUTURE;
}

ltp_kind ltp_value_kind(lua_State *L, ltp_values *v, int index) {
  const void *mt;
  switch (lua_type(L, index)) {
    case LUA_TTABLE: return table_kind(L, v, ltp_absindex(L, index));
    case LUA_TLIGHTUSERDATA:
      if (lua_touserdata(L, index) == NULL) return LTP_NULL;
      ltp_values_find_cjson(L, v);
      return lua_touserdata(L, index) == v->cjson_empty_array
                 ? LTP_EMPTY_ARRAY
                 : LTP_PLAIN;
    case LUA_TUSERDATA:
      if (!lua_getmetatable(L, index)) return LTP_PLAIN;
      mt = lua_topointer(L, -1);
      lua_pop(L, 1);
      return mt == v->int64_mt ? LTP_INT64 : LTP_PLAIN;
    default: return LTP_PLAIN;
  }
}

/* ---- 64-bit integers ---- */

/* A decimal integer within int64. */
static int read_int64(const char *s, size_t n, int64_t *value) {
  int negative = n > 0 && *s == '-';
  uint64_t x = 0, limit = (uint64_t)INT64_MAX + (uint64_t)negative;
  size_t i = (size_t)negative;
  if (i == n) return 0;
  for (; i < n; i++) {
    unsigned digit = (unsigned)(s[i] - '0');
    if (digit > 9 || x > (limit - digit) / 10) return 0;
    x = x * 10 + digit;
  }
  *value = negative && x > 0 ? -(int64_t)(x - 1) - 1 : (int64_t)x;
  return 1;
}

#if LTP_HAS_INTEGERS

void ltp_push_int64(lua_State *L, ltp_values *v, int64_t value) {
  (void)v;
  lua_pushinteger(L, (lua_Integer)value);
}

static void push_exact(lua_State *L, int64_t value) {
  lua_pushinteger(L, (lua_Integer)value);
}

int ltp_to_int64(lua_State *L, ltp_values *v, int index, int64_t *value) {
  (void)L, (void)v, (void)index, (void)value;
  return 0; /* an integer is a number here */
}

#else

/* LuaJIT: the FFI's int64_t, made by the function types.lua has left with us
** (C cannot make one). Elsewhere: a userdata. */
static void push_exact(lua_State *L, int64_t value) {
  char digits[TP_DECIMAL_SIZE];
  int64_t *box;
  lua_getfield(L, LUA_REGISTRYINDEX, LTP_MAKE);
  if (lua_isfunction(L, -1)) {
    lua_pushlstring(L, digits, tp_integer_write(value, digits));
    lua_call(L, 1, 1);
    return;
  }
  lua_pop(L, 1);
  box = lua_newuserdata(L, sizeof *box);
  *box = value;
  luaL_getmetatable(L, "temporal.int64");
  lua_setmetatable(L, -2);
}

void ltp_push_int64(lua_State *L, ltp_values *v, int64_t value) {
  const int64_t limit = INT64_C(1) << 53;
  (void)v;
  if (value >= -limit && value <= limit) lua_pushnumber(L, (lua_Number)value);
  else push_exact(L, value);
}

int ltp_to_int64(lua_State *L, ltp_values *v, int index, int64_t *value) {
  size_t n;
  const char *s;
  int found;
  if (ltp_value_kind(L, v, index) == LTP_INT64) {
    *value = *(int64_t *)lua_touserdata(L, index);
    return 1;
  }
  if (lua_type(L, index) <= LUA_TTHREAD) return 0;
  lua_getfield(L, LUA_REGISTRYINDEX, LTP_TEXT); /* cdata: its digits, or nil */
  if (!lua_isfunction(L, -1)) {
    lua_pop(L, 1);
    return 0;
  }
  lua_pushvalue(L, index);
  lua_call(L, 1, 1);
  s = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &n) : NULL;
  found = s != NULL && read_int64(s, n, value);
  lua_pop(L, 1);
  return found;
}

#endif

static int Ltp_int64_tostring(lua_State *L) {
  char digits[TP_DECIMAL_SIZE];
  int64_t *box = luaL_checkudata(L, 1, "temporal.int64");
  lua_pushlstring(L, digits, tp_integer_write(*box, digits));
  return 1;
}

static int Ltp_int64_eq(lua_State *L) {
  int64_t *a = luaL_checkudata(L, 1, "temporal.int64");
  int64_t *b = luaL_checkudata(L, 2, "temporal.int64");
  lua_pushboolean(L, *a == *b);
  return 1;
}

/* int64(x) -> exact integer of this VM | nil, message */
static int Ltp_int64(lua_State *L) {
  ltp_values *v = lua_touserdata(L, lua_upvalueindex(1));
  int64_t value;
  int good = 0;
  if (lua_type(L, 1) == LUA_TNUMBER) {
    double d = (double)lua_tonumber(L, 1);
    if (ltp_isinteger(L, 1)) {
      value = (int64_t)lua_tointeger(L, 1);
      good = 1;
    } else if (d >= -9223372036854775808.0 && d < 9223372036854775808.0) {
      value = (int64_t)d;
      good = (double)value == d;
    }
  } else if (lua_type(L, 1) == LUA_TSTRING) {
    size_t n;
    const char *s = lua_tolstring(L, 1, &n);
    good = read_int64(s, n, &value);
  } else {
    good = ltp_to_int64(L, v, 1, &value);
  }
  if (good) {
    push_exact(L, value);
    return 1;
  }
  lua_pushnil(L);
  lua_pushliteral(L,
                  "expected an integral number or decimal digits, from"
                  " -9223372036854775808 to 9223372036854775807");
  return 2;
}

#if !LTP_HAS_INTEGERS
/* int64_hooks(make, text): LuaJIT's cdata, from types.lua */
static int Ltp_int64_hooks(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_settop(L, 2);
  lua_setfield(L, LUA_REGISTRYINDEX, LTP_TEXT);
  lua_setfield(L, LUA_REGISTRYINDEX, LTP_MAKE);
  return 0;
}
#endif

/* ---- marked values ---- */

/* Moves the table at index 1, which Lua has checked, to its class. */
static int mark(lua_State *L, const char *class) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  lua_getfield(L, LUA_REGISTRYINDEX, class);
  lua_setmetatable(L, 1);
  return 1;
}

static int Ltp_bytes(lua_State *L) {
  luaL_checktype(L, 1, LUA_TSTRING);
  lua_settop(L, 1);
  lua_createtable(L, 0, 1);
  lua_insert(L, 1);
  lua_setfield(L, 1, "data");
  return mark(L, "temporal.bytes");
}

static int Ltp_raw(lua_State *L) {
  return mark(L, "temporal.raw");
}

static int Ltp_search_attribute(lua_State *L) {
  return mark(L, "temporal.search_attribute");
}

static int Ltp_array(lua_State *L) {
  ltp_values_find_cjson(L, lua_touserdata(L, lua_upvalueindex(1)));
  return mark(L, LTP_MARK);
}

/* value_kind(v) -> "null", "array", "bytes", "raw", "search_attribute",
** "int64", or nil for a plain value */
static int Ltp_value_kind(lua_State *L) {
  static const char *const names[] = {
      NULL,    "null",  "array", "bytes", "raw", "search_attribute",
      "int64", "array", NULL};
  ltp_values *v = lua_touserdata(L, lua_upvalueindex(1));
  int64_t unused;
  luaL_checkany(L, 1);
  if (ltp_to_int64(L, v, 1, &unused)) lua_pushliteral(L, "int64");
  else lua_pushstring(L, names[ltp_value_kind(L, v, 1)]);
  return 1;
}

/* utf8_offset(s) -> nil when s is valid UTF-8, else the offset of the first
** wrong byte */
static int Ltp_utf8_offset(lua_State *L) {
  size_t n, valid;
  const char *s;
  luaL_checktype(L, 1, LUA_TSTRING);
  s = lua_tolstring(L, 1, &n);
  valid = tp_utf8_valid_prefix(s, n);
  if (valid == n) lua_pushnil(L);
  else lua_pushinteger(L, (lua_Integer)valid);
  return 1;
}

/* ---- opening ---- */

/* A metatable of the registry, made when it is not there; its address. */
static const void *class(lua_State *L, const char *name, lua_CFunction gc) {
  const void *address;
  luaL_newmetatable(L, name);
  lua_pushstring(L, name);
  lua_setfield(L, -2, "__name");
  if (gc != NULL) {
    lua_pushcfunction(L, gc);
    lua_setfield(L, -2, "__gc");
  }
  address = lua_topointer(L, -1);
  lua_pop(L, 1);
  return address;
}

static void set_up_int64(lua_State *L) {
  luaL_getmetatable(L, "temporal.int64");
  lua_pushcfunction(L, Ltp_int64_tostring);
  lua_setfield(L, -2, "__tostring");
  lua_pushcfunction(L, Ltp_int64_eq);
  lua_setfield(L, -2, "__eq");
  lua_pop(L, 1);
}

/* Leaves the state's one ltp_values on the stack: the same again when the
** module is opened a second time. */
static void push_values(lua_State *L) {
  ltp_values *v;
  lua_getfield(L, LUA_REGISTRYINDEX, VALUES);
  if (lua_touserdata(L, -1) != NULL) return;
  lua_pop(L, 1);
  v = ltp_newuserdata(L, sizeof *v);
  memset(v, 0, sizeof *v);
  tp_buffer_init(&v->scratch, TP_MAX_MESSAGE);
  class(L, "temporal.value_state", Ltp_values_gc);
  luaL_getmetatable(L, "temporal.value_state");
  lua_setmetatable(L, -2);
  v->array_mt = class(L, "temporal.array", NULL);
  v->bytes_mt = class(L, "temporal.bytes", NULL);
  v->raw_mt = class(L, "temporal.raw", NULL);
  v->attribute_mt = class(L, "temporal.search_attribute", NULL);
  v->int64_mt = class(L, "temporal.int64", NULL);
  set_up_int64(L);
  luaL_getmetatable(L, "temporal.array");
  lua_setfield(L, LUA_REGISTRYINDEX, LTP_MARK);
  lua_pushvalue(L, -1);
  lua_setfield(L, LUA_REGISTRYINDEX, VALUES);
}

void ltp_values_register(lua_State *L, const luaL_Reg *functions) {
  for (; functions->name != NULL; functions++) {
    lua_getfield(L, LUA_REGISTRYINDEX, VALUES);
    lua_pushcclosure(L, functions->func, 1);
    lua_setfield(L, -2, functions->name);
  }
}

void ltp_open_value(lua_State *L, int first) {
  static const luaL_Reg functions[] = {
      {"bytes", Ltp_bytes},
      {"raw", Ltp_raw},
      {"array", Ltp_array},
      {"search_attribute", Ltp_search_attribute},
      {"int64", Ltp_int64},
#if !LTP_HAS_INTEGERS
      {"int64_hooks", Ltp_int64_hooks},
#endif
      {"value_kind", Ltp_value_kind},
      {"utf8_offset", Ltp_utf8_offset},
      {NULL, NULL}};
  (void)first;
  push_values(L);
  lua_pop(L, 1);
  ltp_values_register(L, functions);
  lua_pushlightuserdata(L, NULL);
  lua_setfield(L, -2, "null");
}

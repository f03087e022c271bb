/* A Lua value as JSON text. Lua's thread only; runs no metamethod, so nothing
** can change the value or the buffer meanwhile. Objects have their members in
** the order of their keys. What has no JSON form is a message with its path.
*/
#include "value_encode.h"

#include <string.h>
#include "../../core/base/utf8.h"
#include "../../core/json/json.h"
#include "value_members.h"

/* While it runs, the stack holds the path: the value at `base`, then for each
** open table the key and the value under work. */
typedef struct encoder {
  tp_buffer *out;
  ltp_values *values;
  const char *name; /* of the value at base, in messages */
  int base;
  int depth;  /* tables open */
  int blamed; /* after a failure: how many keys lead to what it is about */
} encoder;

#define KEY_AT(e, level) ((e)->base + 2 * (level) + 1)
#define VALUE_AT(e, level) ((e)->base + 2 * (level))

#if !LTP_HAS_INTEGERS
#define MAX_EXACT 9007199254740992.0 /* 2^53 */
#define LTP_TCDATA 10                /* LuaJIT's */
#endif

/* ---- what is wrong, and where ---- */

typedef struct text {
  size_t n;
  char bytes[1400]; /* 12 keys of at most 4 * 24 + 8 bytes each fit */
} text;

static void put_text(text *t, const char *s, size_t n) {
  if (n > sizeof t->bytes - 1 - t->n) n = sizeof t->bytes - 1 - t->n;
  memcpy(t->bytes + t->n, s, n);
  t->n += n;
  t->bytes[t->n] = '\0';
}

/* A string in quotes: at most 60 bytes of it, without what would disturb a
** line of text. */
static void put_quoted(text *t, const char *s, size_t n) {
  size_t shown = n > 60 ? 60 : n, valid = tp_utf8_valid_prefix(s, shown), i;
  if (n > 60 && shown - valid < 4) shown = valid; /* cut between characters */
  put_text(t, "\"", 1);
  for (i = 0; i < shown; i++) {
    unsigned char c = (unsigned char)s[i];
    int good = i < valid && c >= 0x20 && c != 0x7F && c != '"' && c != '\\';
    put_text(t, good ? s + i : "?", 1);
  }
  if (shown < n) put_text(t, "...", 3);
  put_text(t, "\"", 1);
}

static void put_key(lua_State *L, int index, text *t) {
  char digits[TP_DECIMAL_SIZE];
  size_t n;
  if (lua_type(L, index) == LUA_TSTRING) {
    const char *s = lua_tolstring(L, index, &n);
    put_quoted(t, s, n);
  } else if (lua_type(L, index) == LUA_TNUMBER) {
    double d = (double)lua_tonumber(L, index);
    if (ltp_isinteger(L, index))
      n = tp_integer_write((int64_t)lua_tointeger(L, index), digits);
    else if (d - d != 0)
      n = (size_t)strlen(strcpy(digits, d > 0 ? "inf" : "-inf"));
    else if (!LTP_HAS_INTEGERS && d > -1e9 && d < 1e9 && d == (double)(int)d)
      n = tp_integer_write((int64_t)d, digits);
    else
      n = tp_decimal_write(d, digits);
    put_text(t, digits, n);
  } else {
    const char *type = lua_typename(L, lua_type(L, index));
    put_text(t, "of type ", 8);
    put_text(t, type, strlen(type));
  }
}

/* `.name`, `[3]`, `["any key"]` */
static void put_step(lua_State *L, int index, text *t) {
  static const char letters[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
  if (lua_type(L, index) == LUA_TSTRING) {
    size_t n;
    const char *s = lua_tolstring(L, index, &n);
    if (n > 0 && n <= 60 && strspn(s, letters) == n &&
        (*s < '0' || *s > '9')) {
      put_text(t, ".", 1);
      put_text(t, s, n);
      return;
    }
  }
  put_text(t, "[", 1);
  put_key(L, index, t);
  put_text(t, "]", 1);
}

static void put_path(lua_State *L, const encoder *e, int levels, text *t) {
  int i;
  for (i = 0; i < levels; i++) {
    if (levels > 12 && i == 6) { /* the middle of a long one */
      put_text(t, "...", 3);
      i = levels - 6;
    }
    put_step(L, KEY_AT(e, i), t);
  }
}

/* The message is on top. */
static int fail(encoder *e, int levels) {
  e->blamed = levels;
  return -1;
}

static int is_future(lua_State *L, int index) {
  const char *name;
  int found;
  if (lua_type(L, index) == LUA_TTABLE) return 1; /* LTP_FUTURE */
  if (!luaL_getmetafield(L, index, "__name")) return 0;
  name = lua_tostring(L, -1);
  found = name != NULL && strcmp(name, "temporal.future") == 0;
  lua_pop(L, 1);
  return found;
}

static int fail_type(lua_State *L, encoder *e, int index) {
  if (is_future(L, index)) {
    lua_pushliteral(L, "a future is not its value; call :get() first, and pass"
                       " what it returns");
    return fail(e, e->depth);
  }
  lua_pushfstring(L,
                  "a %s has no JSON form; a value is nil, a boolean, a number,"
                  " a string or a table of these",
                  lua_typename(L, lua_type(L, index)));
  return fail(e, e->depth);
}

static int fail_number(lua_State *L, encoder *e, double d) {
  lua_pushfstring(L,
                  "%s has no JSON form; send temporal.null or a string in its"
                  " place",
                  d != d ? "NaN" : d > 0 ? "infinity" : "-infinity");
  return fail(e, e->depth);
}

static int fail_utf8(lua_State *L, encoder *e, size_t bad) {
  lua_pushfstring(L,
                  "the string is not valid UTF-8 at byte offset %d; %s",
                  (int)bad,
                  e->depth == 0
                      ? "use temporal.bytes(s) for binary data"
                      : "use temporal.bytes(s) for binary data, as a value of"
                        " its own, or text such as base64");
  return fail(e, e->depth);
}

static int fail_marked(lua_State *L, encoder *e, ltp_kind kind) {
  lua_pushstring(
      L, kind == LTP_BYTES
             ? "temporal.bytes has no JSON form; pass it as a value of its own,"
               " or text such as base64"
         : kind == LTP_RAW
             ? "temporal.raw is a whole payload and has no JSON form; pass it"
               " as a value of its own"
             : "a typed search attribute (temporal.keyword and the like) is"
               " for search_attributes only; pass the plain value");
  return fail(e, e->depth);
}

/* The table whose keys are under work has one that does not fit; it is at
** `index`. */
static int fail_key(lua_State *L, encoder *e, int index) {
  text t = {0, ""};
  put_key(L, index, &t);
  lua_pushfstring(L,
                  "the key %s does not fit; a table is a list with the keys"
                  " 1..n or an object with string keys, not both",
                  t.bytes);
  return fail(e, e->depth - 1);
}

/* Too deep: because a table is inside itself? */
static int fail_depth(lua_State *L, encoder *e) {
  int inner, outer;
  for (inner = 1; inner <= e->depth; inner++) {
    const void *p = lua_topointer(L, VALUE_AT(e, inner));
    for (outer = 0; outer < inner; outer++) {
      text t = {0, ""};
      if (lua_topointer(L, VALUE_AT(e, outer)) != p) continue;
      put_path(L, e, outer, &t);
      lua_pushfstring(L,
                      "the table contains itself (it is %s%s as well);"
                      " a cycle has no JSON form",
                      e->name, t.bytes);
      return fail(e, inner);
    }
  }
  lua_pushfstring(L, "tables are nested deeper than %d levels", TP_MAX_DEPTH);
  return fail(e, e->depth);
}

/* ---- encoding ---- */

static int encode_value(lua_State *L, encoder *e, int index);

static int encode_string(lua_State *L, encoder *e, int index) {
  size_t n, bad = 0;
  const char *s = lua_tolstring(L, index, &n);
  if (tp_json_put_string(e->out, s, n, &bad) == TP_EUTF8)
    return fail_utf8(L, e, bad);
  return 0;
}

static int encode_number(lua_State *L, encoder *e, int index) {
  double d;
#if LTP_HAS_INTEGERS
  if (lua_isinteger(L, index)) {
    tp_json_put_integer(e->out, (int64_t)lua_tointeger(L, index));
    return 0;
  }
  d = (double)lua_tonumber(L, index);
#else
  d = (double)lua_tonumber(L, index);
  if (d >= -MAX_EXACT && d <= MAX_EXACT && d == (double)(int64_t)d &&
      (d != 0 || 1 / d > 0)) {
    tp_json_put_integer(e->out, (int64_t)d);
    return 0;
  }
#endif
  if (tp_json_put_double(e->out, d) == TP_ERANGE) return fail_number(L, e, d);
  return 0;
}

/* Puts the last comma right. */
static int finish(encoder *e, char bracket) {
  if (e->out->status == TP_OK) e->out->data[e->out->length - 1] = bracket;
  e->depth--;
  return 0;
}

/* Writes the key at `key`, its colon behind it. */
static int encode_key(lua_State *L, encoder *e, int key) {
  size_t n, bad = 0;
  const char *s;
  if (lua_type(L, key) != LUA_TSTRING) return fail_key(L, e, key);
  s = lua_tolstring(L, key, &n);
  if (tp_json_put_string(e->out, s, n, &bad) == TP_EUTF8) {
    text t = {0, ""};
    put_quoted(&t, s, n);
    lua_pushfstring(L, "the key %s is not valid UTF-8 at byte offset %d",
                    t.bytes, (int)bad);
    return fail(e, e->depth - 1);
  }
  tp_buffer_byte(e->out, ':');
  return 0;
}

/* The table at `index` has string keys; its first pair is on the stack. */
static int encode_members(lua_State *L, encoder *e, int index) {
  int key = lua_gettop(L) - 1, in_order = 1;
  size_t begin, count = 0, last = 0, last_length = 0;
  tp_buffer_byte(e->out, '{');
  begin = e->out->length;
  do {
    size_t start = e->out->length + 1, length;
    if (encode_key(L, e, key) != 0) return -1;
    length = e->out->length - 2 - start;
    if (count++ > 0 && e->out->status == TP_OK)
      in_order = in_order && ltp_members_in_order(e->out, last, last_length,
                                                  start, length);
    last = start, last_length = length;
    if (encode_value(L, e, key + 1) != 0) return -1;
    tp_buffer_byte(e->out, ',');
    lua_settop(L, key);
  } while (e->out->status == TP_OK && lua_next(L, index));
  lua_settop(L, key - 1);
  if (!in_order) ltp_sort_members(e->out, begin, count);
  return finish(e, '}');
}

/* The key at `index` when it is a possible list key, else 0. */
static lua_Number list_key(lua_State *L, int index) {
  lua_Number d;
  if (lua_type(L, index) != LUA_TNUMBER) return 0;
#if LTP_HAS_INTEGERS
  if (!lua_isinteger(L, index)) return 0;
#endif
  d = lua_tonumber(L, index);
  return d >= 1 && d < 2147483647 && d == (lua_Number)(int)d ? d : 0;
}

/* A list whose items do not come in their order, or not a list at all; the
** stack ends before the place of the key. */
static int encode_unordered(lua_State *L, encoder *e, int index) {
  int key = lua_gettop(L) + 1, i, count = 0;
  lua_Number last = 0;
  lua_pushnil(L);
  while (lua_next(L, index)) {
    lua_Number k = list_key(L, key);
    if (k == 0) return fail_key(L, e, key);
    if (k > last) last = k;
    count++;
    lua_settop(L, key);
  }
  for (i = 1; i <= count && e->out->status == TP_OK; i++) {
    lua_pushinteger(L, i);
    lua_rawgeti(L, index, i);
    if (lua_isnil(L, -1)) {
      lua_pushfstring(L,
                      "the list has no item %d though it has an item %d; use"
                      " temporal.null for an empty place, or string keys",
                      i, (int)last);
      return fail(e, e->depth - 1);
    }
    if (encode_value(L, e, key + 1) != 0) return -1;
    tp_buffer_byte(e->out, ',');
    lua_settop(L, key - 1);
  }
  return finish(e, ']');
}

/* The table at `index` is a list; its first pair is on the stack. Most lists
** are walked in order by lua_next already. */
static int encode_items(lua_State *L, encoder *e, int index) {
  int key = lua_gettop(L) - 1;
  size_t start = e->out->length;
  lua_Number expected = 1;
  tp_buffer_byte(e->out, '[');
  do {
    if (list_key(L, key) != expected) {
      if (e->out->status == TP_OK) e->out->length = start + 1;
      lua_settop(L, key - 1);
      return encode_unordered(L, e, index);
    }
    expected++;
    if (encode_value(L, e, key + 1) != 0) return -1;
    tp_buffer_byte(e->out, ',');
    lua_settop(L, key);
  } while (e->out->status == TP_OK && lua_next(L, index));
  lua_settop(L, key - 1);
  return finish(e, ']');
}

static int encode_table(lua_State *L, encoder *e, int index) {
  ltp_kind kind = ltp_value_kind(L, e->values, index);
  if (kind == LTP_FUTURE) return fail_type(L, e, index);
  if (kind != LTP_PLAIN && kind != LTP_ARRAY) return fail_marked(L, e, kind);
  if (e->depth == TP_MAX_DEPTH) return fail_depth(L, e);
  luaL_checkstack(L, 8, "encoding a value");
  e->depth++;
  lua_pushnil(L);
  if (!lua_next(L, index)) {
    e->depth--;
    tp_buffer_put(e->out, kind == LTP_ARRAY ? "[]" : "{}", 2);
    return 0;
  }
  if (kind == LTP_PLAIN && lua_type(L, -2) == LUA_TSTRING)
    return encode_members(L, e, index);
  return encode_items(L, e, index);
}

static int encode_userdata(lua_State *L, encoder *e, int index) {
  ltp_kind kind = ltp_value_kind(L, e->values, index);
  int64_t value;
  if (kind == LTP_NULL) {
    tp_buffer_put(e->out, "null", 4);
  } else if (kind == LTP_EMPTY_ARRAY) {
    tp_buffer_put(e->out, "[]", 2);
  } else if (ltp_to_int64(L, e->values, index, &value)) {
    tp_json_put_integer(e->out, value);
  } else {
    return fail_type(L, e, index);
  }
  return 0;
}

static int encode_value(lua_State *L, encoder *e, int index) {
  switch (lua_type(L, index)) {
    case LUA_TSTRING: return encode_string(L, e, index);
    case LUA_TNUMBER: return encode_number(L, e, index);
    case LUA_TTABLE: return encode_table(L, e, index);
    case LUA_TBOOLEAN:
      if (lua_toboolean(L, index)) tp_buffer_put(e->out, "true", 4);
      else tp_buffer_put(e->out, "false", 5);
      return 0;
    case LUA_TNIL: tp_buffer_put(e->out, "null", 4); return 0;
    case LUA_TLIGHTUSERDATA:
    case LUA_TUSERDATA:
#if !LTP_HAS_INTEGERS
    case LTP_TCDATA:
#endif
      return encode_userdata(L, e, index);
    default: return fail_type(L, e, index);
  }
}

int ltp_values_encode(lua_State *L, ltp_values *v, int index,
                      const char *name, tp_buffer *out) {
  encoder e;
  size_t start = out->length;
  int failed;
  index = ltp_absindex(L, index);
  luaL_checkstack(L, 8, "encoding a value");
  lua_pushvalue(L, index);
  e.out = out;
  e.values = v;
  e.name = name;
  e.base = lua_gettop(L);
  e.depth = e.blamed = 0;
  failed = encode_value(L, &e, e.base);
  if (!failed && out->status == TP_OK) {
    lua_settop(L, e.base - 1);
    return 0;
  }
  out->length = start;
  if (failed) {
    text t = {0, ""};
    put_path(L, &e, e.blamed, &t);
    lua_pushfstring(L, "%s%s: %s", name, t.bytes, lua_tostring(L, -1));
  } else if (out->status == TP_ETOOBIG) {
    lua_pushfstring(L, "%s: longer than %d MiB as JSON", name,
                    (int)(out->ceiling >> 20));
  } else {
    return luaL_error(L, "not enough memory");
  }
  lua_replace(L, e.base);
  lua_settop(L, e.base);
  return -1;
}

/* Lua table -> protobuf message: see message_encode.h. Lua thread. Raises only
** when out of memory; everything wrong with the table is an error string.
** The bytes are deterministic: fields by number, map entries by key, unknown
** fields last.
*/
#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../core/base/limits.h"
#include "../../core/base/utf8.h"
#include "../../core/proto/schema.h"
#include "../../core/proto/wire.h"
#include "message_encode.h"
#include "message_entries.h"
#include "message_path.h"

#define SLOTS 12 /* of the Lua stack, a level's own needs beside its fields */

typedef struct {
  lua_State *L;
  tp_buffer *out;
  int flags;
} encoder;

/* A scalar on its way to the wire. */
typedef struct {
  uint64_t bits; /* varint or fixed */
  const char *s; /* string, bytes; anchored in the Lua value */
  size_t n;
} scalar;

/* An integer as sign and magnitude: int64 and uint64 in one. */
typedef struct {
  uint64_t magnitude;
  int negative;
} whole;

static int encode_message(encoder *e, int table, int type,
                          const ltp_level *up, int depth);

static int parse_decimal(const char *s, size_t n, whole *w) {
  size_t i = 0;
  w->negative = n > 0 && s[0] == '-';
  w->magnitude = 0;
  if (w->negative) i++;
  if (i == n) return 0;
  for (; i < n; i++) {
    uint64_t digit = (uint64_t)(s[i] - '0');
    if (s[i] < '0' || s[i] > '9') return 0;
    if (w->magnitude > (UINT64_MAX - digit) / 10) return 0;
    w->magnitude = w->magnitude * 10 + digit;
  }
  return 1;
}

static int double_to_whole(double d, whole *w) {
  if (!(d > -18446744073709551616.0 && d < 18446744073709551616.0)) return 0;
  if (d != floor(d)) return 0;
  w->negative = d < 0;
  w->magnitude = (uint64_t)(w->negative ? -d : d);
  return 1;
}

static int to_whole(lua_State *L, int slot, whole *w) {
  size_t n;
  const char *s;
  switch (lua_type(L, slot)) {
    case LUA_TNUMBER:
#if LTP_HAS_INTEGERS
      if (lua_isinteger(L, slot)) {
        lua_Integer i = lua_tointeger(L, slot);
        w->negative = i < 0;
        w->magnitude = i < 0 ? 0 - (uint64_t)i : (uint64_t)i;
        return 1;
      }
#endif
      return double_to_whole((double)lua_tonumber(L, slot), w);
    case LUA_TSTRING:
      s = lua_tolstring(L, slot, &n);
      return parse_decimal(s, n, w);
    default:
      return 0;
  }
}

/* Range of the type, then the bits as the wire has them. */
static int whole_to_bits(int type, const whole *w, uint64_t *bits) {
  uint64_t top = 0, bottom = 0; /* largest magnitudes: positive, negative */
  int64_t value;
  switch (type) {
    case TP_INT32: case TP_SINT32: case TP_SFIXED32: case TP_ENUM:
      top = INT32_MAX;
      bottom = top + 1;
      break;
    case TP_UINT32: case TP_FIXED32:
      top = UINT32_MAX;
      break;
    case TP_UINT64: case TP_FIXED64:
      top = UINT64_MAX;
      break;
    default:
      top = INT64_MAX;
      bottom = top + 1;
  }
  if (w->magnitude > (w->negative ? bottom : top)) return 0;
  *bits = w->negative ? 0 - w->magnitude : w->magnitude;
  value = (int64_t)*bits;
  if (type == TP_SINT32 || type == TP_SINT64) *bits = tp_zigzag_encode(value);
  return 1;
}

static const char *type_name(int type) {
  static const char *const names[] = {
      "", "double", "float", "int64", "uint64", "int32", "fixed64", "fixed32",
      "bool", "string", "group", "message", "bytes", "uint32", "enum",
      "sfixed32", "sfixed64", "sint32", "sint64"};
  return names[type];
}

static int convert_integer(encoder *e, const ltp_level *at, int type,
                           int slot, scalar *out) {
  char got[LTP_DESCRIBED];
  whole w;
  if (!to_whole(e->L, slot, &w)) {
    return ltp_path_error(e->L, at, "expected an integer, got %s",
                          ltp_describe(e->L, slot, got));
  }
  if (whole_to_bits(type, &w, &out->bits)) return 0;
  return ltp_path_error(e->L, at, "out of range for %s: %s", type_name(type),
                        ltp_describe(e->L, slot, got));
}

static int convert_enum(encoder *e, const ltp_level *at,
                        const tp_field *field, int slot, scalar *out) {
  const tp_enum_value *value;
  char got[LTP_DESCRIBED], near_name[LTP_DESCRIBED];
  size_t n;
  const char *s;
  if (lua_type(e->L, slot) == LUA_TNUMBER)
    return convert_integer(e, at, TP_ENUM, slot, out);
  if (lua_type(e->L, slot) != LUA_TSTRING) {
    return ltp_path_error(e->L, at,
                          "expected an enum's name or number, got %s",
                          ltp_describe(e->L, slot, got));
  }
  s = lua_tolstring(e->L, slot, &n);
  value = tp_schema_value_named(field->sub, s, n);
  if (value != NULL) {
    out->bits = (uint64_t)(int64_t)value->number;
    return 0;
  }
  value = tp_schema_nearest_value(field->sub, s, n);
  if (value == NULL) {
    return ltp_path_error(
        e->L, at, "%s is no value of %s", ltp_quote(s, n, got),
        tp_schema_string(tp_schema_enums[field->sub].name, NULL));
  }
  tp_schema_value_short(field->sub, value, near_name, sizeof near_name);
  return ltp_path_error(
      e->L, at, "%s is no value of %s; did you mean \"%s\"?",
      ltp_quote(s, n, got),
      tp_schema_string(tp_schema_enums[field->sub].name, NULL), near_name);
}

static int convert_number(encoder *e, const ltp_level *at, int type, int slot,
                          scalar *out) {
  char got[LTP_DESCRIBED];
  double d;
  float f;
  uint32_t small;
  if (lua_type(e->L, slot) != LUA_TNUMBER) {
    return ltp_path_error(e->L, at, "expected a number, got %s",
                          ltp_describe(e->L, slot, got));
  }
  d = (double)lua_tonumber(e->L, slot);
  if (isnan(d)) { /* one NaN: VMs differ in the sign of theirs */
    out->bits = type == TP_DOUBLE ? UINT64_C(0x7FF8000000000000) : 0x7FC00000;
    return 0;
  }
  if (type == TP_DOUBLE) {
    memcpy(&out->bits, &d, sizeof d);
    return 0;
  }
  if (!isinf(d) && (d > FLT_MAX || d < -FLT_MAX)) {
    return ltp_path_error(e->L, at, "out of range for float: %s",
                          ltp_describe(e->L, slot, got));
  }
  f = (float)d;
  memcpy(&small, &f, sizeof f);
  out->bits = small;
  return 0;
}

static int convert_string(encoder *e, const ltp_level *at, int type, int slot,
                          scalar *out) {
  char got[LTP_DESCRIBED];
  size_t valid;
  if (lua_type(e->L, slot) != LUA_TSTRING) {
    return ltp_path_error(e->L, at, "expected a string, got %s",
                          ltp_describe(e->L, slot, got));
  }
  out->s = lua_tolstring(e->L, slot, &out->n);
  if (type == TP_BYTES) return 0;
  valid = tp_utf8_valid_prefix(out->s, out->n);
  if (valid == out->n) return 0;
  return ltp_path_error(e->L, at, "not valid UTF-8 at byte %lu",
                        (unsigned long)valid + 1);
}

/* The Lua value at `slot` as a value of the field's type. */
static int convert(encoder *e, const ltp_level *at, const tp_field *field,
                   int slot, scalar *out) {
  char got[LTP_DESCRIBED];
  out->bits = 0;
  out->s = NULL;
  out->n = 0;
  switch (field->type) {
    case TP_STRING: case TP_BYTES:
      return convert_string(e, at, field->type, slot, out);
    case TP_BOOL:
      if (lua_type(e->L, slot) != LUA_TBOOLEAN) {
        return ltp_path_error(e->L, at, "expected a boolean, got %s",
                              ltp_describe(e->L, slot, got));
      }
      out->bits = (uint64_t)lua_toboolean(e->L, slot);
      return 0;
    case TP_DOUBLE: case TP_FLOAT:
      return convert_number(e, at, field->type, slot, out);
    case TP_ENUM:
      return convert_enum(e, at, field, slot, out);
    default:
      return convert_integer(e, at, field->type, slot, out);
  }
}

static void put_scalar(tp_buffer *out, const tp_field *field,
                       const scalar *value) {
  switch (ltp_wire_of(field->type)) {
    case TP_WIRE_BYTES:
      tp_wire_put_bytes(out, field->number, value->s, value->n);
      break;
    case TP_WIRE_FIXED32:
      tp_wire_put_fixed32(out, field->number, (uint32_t)value->bits);
      break;
    case TP_WIRE_FIXED64:
      tp_wire_put_fixed64(out, field->number, value->bits);
      break;
    default:
      tp_wire_put_varint(out, field->number, value->bits);
  }
}

static void put_packed(tp_buffer *out, const tp_field *field,
                       const scalar *value) {
  switch (ltp_wire_of(field->type)) {
    case TP_WIRE_FIXED32:
      tp_wire_raw_fixed32(out, (uint32_t)value->bits);
      break;
    case TP_WIRE_FIXED64:
      tp_wire_raw_fixed64(out, value->bits);
      break;
    default:
      tp_wire_raw_varint(out, value->bits);
  }
}

static int encode_scalar(encoder *e, const ltp_level *at,
                         const tp_field *field, int slot, int write_zero) {
  scalar value;
  if (convert(e, at, field, slot, &value) != 0) return -1;
  if (write_zero || value.bits != 0 || value.n != 0)
    put_scalar(e->out, field, &value);
  return 0;
}

/* One nested message: the field itself, a list's element, a map's value. */
static int encode_sub(encoder *e, const ltp_level *at, const tp_field *field,
                      int slot, int depth) {
  char got[LTP_DESCRIBED];
  int type = lua_type(e->L, slot), wrong;
  int wrapper = tp_schema_messages[field->sub].flags & TP_MESSAGE_WRAPPER;
  size_t mark, n;
  const char *s;
  if (type == LUA_TSTRING && !wrapper && e->flags & LTP_ALLOW_ENCODED) {
    s = lua_tolstring(e->L, slot, &n);
    tp_wire_put_bytes(e->out, field->number, s, n);
    return 0;
  }
  if (type != LUA_TTABLE && !wrapper) {
    return ltp_path_error(e->L, at, "expected a table (%s), got %s",
                          tp_schema_message_short(field->sub),
                          ltp_describe(e->L, slot, got));
  }
  if (depth == TP_MAX_DEPTH)
    return ltp_path_error(e->L, at, "%s", tp_status_text(TP_EDEPTH));
  mark = tp_wire_begin(e->out, field->number);
  if (type != LUA_TTABLE)
    wrong = encode_scalar(e, at, tp_schema_fields_of(field->sub), slot, 0);
  else
    wrong = encode_message(e, slot, field->sub, at, depth + 1);
  tp_wire_end(e->out, mark);
  return wrong;
}

/* The length of the list at `slot`: `n` when it has one, else up to the first
** nil. -1: error pushed. */
static int list_length(encoder *e, const ltp_level *at, int slot,
                       size_t *length) {
  lua_State *L = e->L;
  char got[LTP_DESCRIBED];
  whole n = {0, 0};
  int given;
  *length = 0;
  lua_pushliteral(L, "n");
  lua_rawget(L, slot);
  given = !lua_isnil(L, -1);
  if (given && (lua_type(L, -1) != LUA_TNUMBER || !to_whole(L, -1, &n) ||
                n.negative || n.magnitude > INT_MAX)) {
    return ltp_path_error(L, at, "n: expected a length, got %s",
                          ltp_describe(L, -1, got));
  }
  lua_pop(L, 1);
  *length = given ? (size_t)n.magnitude : INT_MAX;
  if (given) return 0;
  lua_rawgeti(L, slot, 1);
  given = !lua_isnil(L, -1);
  lua_pop(L, 1);
  if (given) return 0;
  *length = 0; /* then it had better be empty */
  lua_pushnil(L);
  if (!lua_next(L, slot)) return 0;
  return ltp_path_error(L, at, "expected a list, got a table with key %s",
                        ltp_describe(L, -2, got));
}

static int encode_element(encoder *e, const ltp_level *at,
                          const tp_field *field, int depth) {
  int slot = lua_gettop(e->L);
  scalar value;
  if (field->type == TP_MESSAGE) return encode_sub(e, at, field, slot, depth);
  if (convert(e, at, field, slot, &value) != 0) return -1;
  if (field->flags & TP_FIELD_PACKED) put_packed(e->out, field, &value);
  else put_scalar(e->out, field, &value);
  return 0;
}

static int encode_list(encoder *e, ltp_level *at, const tp_field *field,
                       int slot, int depth) {
  char got[LTP_DESCRIBED];
  size_t length = 0, i, mark = 0;
  int given, packed = field->flags & TP_FIELD_PACKED;
  if (lua_type(e->L, slot) != LUA_TTABLE) {
    return ltp_path_error(e->L, at, "expected a list (table), got %s",
                          ltp_describe(e->L, slot, got));
  }
  if (list_length(e, at, slot, &length) != 0) return -1;
  if (length == 0) return 0;
  given = length != INT_MAX;
  if (packed) mark = tp_wire_begin(e->out, field->number);
  for (i = 1; i <= length && e->out->status == TP_OK; i++) {
    at->index = i;
    lua_rawgeti(e->L, slot, (int)i);
    if (lua_isnil(e->L, -1)) {
      if (given) return ltp_path_error(e->L, at, "nil within a list");
      lua_pop(e->L, 1);
      break;
    }
    if (encode_element(e, at, field, depth) != 0) return -1;
    lua_pop(e->L, 1);
  }
  at->index = 0;
  if (packed) tp_wire_end(e->out, mark);
  return 0;
}

/* One entry of a map: key at gettop - 1, value at gettop. */
static int encode_entry(encoder *e, ltp_level *at, const tp_field *field,
                        int depth) {
  const tp_field *key = tp_schema_fields_of(field->sub), *value = key + 1;
  int slot = lua_gettop(e->L), wrong;
  size_t mark = tp_wire_begin(e->out, field->number);
  at->key = slot - 1;
  if (encode_scalar(e, at, key, slot - 1, 1) != 0) return -1;
  if (value->type == TP_MESSAGE)
    wrong = encode_sub(e, at, value, slot, depth + 1);
  else
    wrong = encode_scalar(e, at, value, slot, 1);
  tp_wire_end(e->out, mark);
  return wrong;
}

static int encode_map(encoder *e, ltp_level *at, const tp_field *field,
                      int slot, int depth) {
  lua_State *L = e->L;
  char got[LTP_DESCRIBED];
  size_t begin = e->out->length, count = 0;
  if (lua_type(L, slot) != LUA_TTABLE) {
    return ltp_path_error(L, at, "expected a table of keys, got %s",
                          ltp_describe(L, slot, got));
  }
  lua_pushnil(L);
  while (lua_next(L, slot)) {
    if (depth == TP_MAX_DEPTH)
      return ltp_path_error(L, at, "%s", tp_status_text(TP_EDEPTH));
    if (encode_entry(e, at, field, depth) != 0) return -1;
    lua_pop(L, 1);
    count++;
  }
  at->key = 0;
  if (count > 1) {
    int key_type = tp_schema_fields_of(field->sub)->type;
    ltp_sort_entries(L, e->out, begin, key_type);
  }
  return 0;
}

static int encode_field(encoder *e, ltp_level *at, const tp_field *field,
                        int slot, int depth) {
  at->field = field;
  if (field->flags & TP_FIELD_MAP)
    return encode_map(e, at, field, slot, depth);
  if (field->flags & TP_FIELD_REPEATED)
    return encode_list(e, at, field, slot, depth);
  if (field->type == TP_MESSAGE) return encode_sub(e, at, field, slot, depth);
  return encode_scalar(e, at, field, slot, field->flags & TP_FIELD_PRESENCE);
}

/* Fields of a newer schema, as decode found them. */
static int encode_unknown(encoder *e, const ltp_level *at, int slot) {
  char got[LTP_DESCRIBED];
  tp_reader r;
  tp_status status;
  size_t n;
  const char *s;
  if (lua_type(e->L, slot) != LUA_TSTRING) {
    return ltp_path_error(e->L, at, "_unknown: expected bytes, got %s",
                          ltp_describe(e->L, slot, got));
  }
  s = lua_tolstring(e->L, slot, &n);
  tp_reader_init(&r, s, n);
  while (!tp_reader_done(&r)) {
    status = tp_wire_skip(&r);
    if (status != TP_OK) {
      return ltp_path_error(
          e->L, at, "_unknown: not a protobuf field at offset %lu: %s",
          (unsigned long)tp_reader_offset(&r), tp_status_text(status));
    }
  }
  tp_buffer_put(e->out, s, n);
  return 0;
}

static int unknown_field(encoder *e, const ltp_level *at, const char *name,
                         size_t n) {
  char shown[LTP_DESCRIBED], known[LTP_LISTED];
  const char *best = tp_schema_nearest_field(at->type, name, n);
  ltp_quote(name, n, shown);
  if (best == NULL)
    return ltp_path_error(e->L, at, "unknown field %s; known are: %s", shown,
                          ltp_list_fields(at->type, known));
  return ltp_path_error(e->L, at, "unknown field %s; did you mean \"%s\"?",
                        shown, best);
}

/* Leaves the table's values on the stack and notes each one's slot under its
** field; `unknown` gets the slot of `_unknown`. */
static int collect(encoder *e, const ltp_level *at, int table, int *slots,
                   int *unknown) {
  lua_State *L = e->L;
  const tp_field *fields = tp_schema_fields_of(at->type), *field;
  char got[LTP_DESCRIBED];
  size_t n;
  const char *name;
  lua_pushnil(L);
  while (lua_next(L, table)) {
    if (lua_type(L, -2) != LUA_TSTRING) {
      return ltp_path_error(L, at, "expected field names as keys, got %s",
                            ltp_describe(L, -2, got));
    }
    name = lua_tolstring(L, -2, &n);
    field = tp_schema_field_named(at->type, name, n);
    lua_insert(L, -2); /* the value stays, below the key */
    if (field != NULL) slots[field - fields] = lua_gettop(L) - 1;
    else if (n == 8 && memcmp(name, "_unknown", 8) == 0)
      *unknown = lua_gettop(L) - 1;
    else return unknown_field(e, at, name, n);
  }
  return 0;
}

static int check_oneof(encoder *e, ltp_level *at, const tp_field *field,
                       const tp_field **chosen) {
  const tp_field **one = &chosen[TP_FIELD_ONEOF(field)];
  if (TP_FIELD_ONEOF(field) != 0 && *one != NULL) {
    at->field = field;
    return ltp_path_error(e->L, at,
                          "only one of this and \"%s\" can be set",
                          tp_schema_string((*one)->name, NULL));
  }
  *one = field;
  return 0;
}

static int encode_message(encoder *e, int table, int type,
                          const ltp_level *up, int depth) {
  const tp_message *m = &tp_schema_messages[type];
  const tp_field *fields = tp_schema_fields_of(type);
  const tp_field *chosen[TP_SCHEMA_MAX_ONEOFS + 1] = {NULL};
  int slots[TP_SCHEMA_MAX_FIELDS];
  int top = lua_gettop(e->L), unknown = 0, i;
  ltp_level at = {NULL, 0, NULL, 0, 0};
  at.up = up;
  at.type = type;
  if (!lua_checkstack(e->L, m->count + SLOTS))
    return ltp_path_error(e->L, &at, "too much for the Lua stack");
  memset(slots, 0, m->count * sizeof slots[0]);
  if (collect(e, &at, table, slots, &unknown) != 0) return -1;
  for (i = 0; i < m->count; i++) {
    if (slots[i] == 0) continue;
    if (check_oneof(e, &at, &fields[i], chosen) != 0 ||
        encode_field(e, &at, &fields[i], slots[i], depth) != 0)
      return -1;
  }
  at.field = NULL;
  if (unknown != 0 && encode_unknown(e, &at, unknown) != 0) return -1;
  lua_settop(e->L, top);
  return 0;
}

int ltp_message_encode(lua_State *L, int index, int type, tp_buffer *out,
                       int flags) {
  int slot = ltp_absindex(L, index), top = lua_gettop(L), wrong;
  size_t start = out->length;
  char got[LTP_DESCRIBED];
  ltp_level at = {NULL, 0, NULL, 0, 0};
  encoder e;
  at.type = type;
  e.L = L;
  e.out = out;
  e.flags = flags;
  luaL_checkstack(L, SLOTS, "message");
  if (lua_type(L, slot) == LUA_TTABLE) {
    wrong = encode_message(&e, slot, type, NULL, 0);
  } else if (lua_type(L, slot) == LUA_TSTRING && flags & LTP_ALLOW_ENCODED) {
    size_t n;
    const char *s = lua_tolstring(L, slot, &n);
    tp_buffer_put(out, s, n);
    wrong = 0;
  } else {
    wrong = ltp_path_error(L, &at, "expected a table, got %s",
                           ltp_describe(L, slot, got));
  }
  if (wrong == 0 && out->status == TP_ETOOBIG) {
    wrong = ltp_path_error(L, &at, "larger than the limit of %lu bytes",
                           (unsigned long)out->ceiling);
  } else if (wrong == 0 && out->status != TP_OK) {
    wrong = ltp_path_error(L, &at, "%s", tp_status_text(out->status));
  }
  if (wrong == 0) return 0;
  out->length = start;
  lua_insert(L, top + 1); /* below whatever else is there */
  lua_settop(L, top + 1);
  return -1;
}

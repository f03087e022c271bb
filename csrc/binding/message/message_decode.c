/* Protobuf message -> Lua table: see message_decode.h. Lua thread. Raises only
** when out of memory; everything wrong with the bytes is an error string.
** Time is linear in the input, whatever its order: lists and maps are found
** again by one table access, pieces of unknown fields are joined at the end.
*/
#include <string.h>

#include "../../core/base/limits.h"
#include "../../core/base/utf8.h"
#include "../../core/proto/schema.h"
#include "../../core/proto/wire.h"
#include "message_decode.h"
#include "message_names.h"
#include "message_path.h"
#include "message_sparse.h"

#define SLOTS 12   /* of the Lua stack, for one level */
#define SCANNED 48 /* fields looked at for the size of a table */
#define PER_BYTE 2 /* tables and elements; the densest of messages have 0.8 */
#define SHORT 250000 /* what the shortest may make, or a share of the limit: */
#define SHORT_SHARE 24
#define AHEAD 1024 /* elements of a list or map made room for at once */

typedef struct {
  lua_State *L;
  int names;   /* slot of the cache of names */
  int pending; /* slot of {table = {pieces of _unknown}}, or of nil */
  int sparse;  /* slot of what makes tables sparse, or 0: they are full */
  uint64_t wanted; /* by number: fields of the outermost message */
  int64_t left; /* tables and elements that may still be made */
  size_t limit;
} decoder;

/* One message on its way into one table. */
typedef struct {
  ltp_level at; /* first: the path of errors */
  tp_reader r;
  int depth;
  int table;      /* its slot */
  int fresh;      /* the table is new: it has what `seen` says */
  int box;        /* slot of the list or map in work */
  int boxed;      /* whose it is: index of the field, or -1 */
  size_t length;  /* of that list */
  const uint8_t *run, *run_end; /* unknown fields not yet stored */
  int16_t chosen[TP_SCHEMA_MAX_ONEOFS + 1]; /* field of each oneof, or -1 */
  uint8_t seen[TP_SCHEMA_MAX_FIELDS];
} frame;

static int decode_message(decoder *d, const ltp_level *up, int type,
                          const tp_reader *r, int fresh, int depth);

static int fail(decoder *d, const ltp_level *at, tp_status status,
                const tp_reader *r) {
  return ltp_path_error(d->L, at, "%s at offset %lu", tp_status_text(status),
                        (unsigned long)tp_reader_offset(r));
}

/* -1 once more has been made than may be. Asked after the making: what a
** field makes at once is little. */
static int check_made(decoder *d, const ltp_level *at) {
  if (d->left >= 0) return 0;
  return ltp_path_error(d->L, at, "more than %zu tables and elements",
                        d->limit);
}

static void push_enum(decoder *d, int enumeration, int32_t number) {
  const tp_enum_value *value = tp_schema_value(enumeration, number);
  if (value != NULL) ltp_push_name(d->L, d->names, value->name);
  else ltp_push_signed(d->L, number);
}

static void push_float(lua_State *L, uint32_t bits) {
  float f;
  memcpy(&f, &bits, sizeof f);
  lua_pushnumber(L, (lua_Number)f);
}

static void push_double(lua_State *L, uint64_t bits) {
  double value;
  memcpy(&value, &bits, sizeof value);
  lua_pushnumber(L, (lua_Number)value);
}

static int push_string(decoder *d, const ltp_level *at, const tp_reader *r,
                       const tp_field_value *v) {
  const char *s = (const char *)v->bytes;
  size_t valid = tp_utf8_valid_prefix(s, v->length);
  if (valid != v->length) {
    tp_reader bad = tp_reader_within(r, v->bytes + valid, 0);
    return fail(d, at, TP_EUTF8, &bad);
  }
  lua_pushlstring(d->L, s, v->length);
  return 0;
}

/* Pushes a scalar whose wire type fits. */
static int push_scalar(decoder *d, const ltp_level *at, const tp_reader *r,
                       const tp_field *field, const tp_field_value *v) {
  lua_State *L = d->L;
  uint64_t u = v->integer;
  switch (field->type) {
    case TP_DOUBLE: push_double(L, u); break;
    case TP_FLOAT: push_float(L, (uint32_t)u); break;
    case TP_INT64: case TP_SFIXED64: ltp_push_signed(L, (int64_t)u); break;
    case TP_UINT64: case TP_FIXED64: ltp_push_unsigned(L, u); break;
    case TP_INT32: case TP_SFIXED32: ltp_push_signed(L, (int32_t)u); break;
    case TP_UINT32: case TP_FIXED32: ltp_push_unsigned(L, (uint32_t)u); break;
    case TP_SINT32:
      ltp_push_signed(L, (int32_t)tp_zigzag_decode(u & UINT32_MAX));
      break;
    case TP_SINT64: ltp_push_signed(L, tp_zigzag_decode(u)); break;
    case TP_BOOL: lua_pushboolean(L, u != 0); break;
    case TP_ENUM: push_enum(d, field->sub, (int32_t)u); break;
    case TP_BYTES:
      lua_pushlstring(L, (const char *)v->bytes, v->length);
      break;
    default: return push_string(d, at, r, v);
  }
  return 0;
}

/* What an absent field reads as; not for fields with presence. */
static void push_default(decoder *d, const tp_field *field) {
  if (field->flags & (TP_FIELD_MAP | TP_FIELD_REPEATED)) {
    d->left--;
    lua_newtable(d->L);
    return;
  }
  ltp_push_zero(d->L, d->names, field);
}

/* The field of `v` in messages of `type`, when its wire type fits too. What
** does not fit is unknown, as in every protobuf runtime. */
static const tp_field *lookup(int type, const tp_field_value *v) {
  const tp_field *field = tp_schema_field(type, v->number);
  if (field == NULL) return NULL;
  if (v->wire == ltp_wire_of(field->type)) return field;
  if (v->wire == TP_WIRE_BYTES && field->flags & TP_FIELD_REPEATED)
    return field; /* packed */
  return NULL;
}

static int is_wanted(uint64_t wanted, uint32_t number) {
  return number >= 64 || (wanted >> number & 1);
}

/* How many fields there are that are wanted, of full tables those with presence
** alone. */
static int count_fields(const decoder *d, int type, const tp_reader *r,
                        uint64_t wanted) {
  tp_reader ahead = *r;
  tp_field_value v;
  int n = 0, scanned;
  for (scanned = 0; scanned < SCANNED && !tp_reader_done(&ahead); scanned++) {
    const tp_field *field;
    if (tp_wire_next(&ahead, &v) != TP_OK) break;
    field = d->sparse ? NULL : tp_schema_field(type, v.number);
    n += d->sparse ? is_wanted(wanted, v.number)
                   : field != NULL && field->flags & TP_FIELD_PRESENCE;
  }
  return n;
}

/* Is it but one field, or two? */
static int is_little(uint64_t wanted) {
  wanted &= wanted - 1;
  return (wanted & (wanted - 1)) == 0;
}

/* Pushes a table with room for what the message will have. */
static void push_table(decoder *d, int type, const tp_reader *r,
                       uint64_t wanted) {
  const tp_message *m = &tp_schema_messages[type];
  int room = d->sparse ? 0 : m->always;
  if (is_little(wanted)) room = 2;
  else if (d->sparse || m->always < m->count)
    room += count_fields(d, type, r, wanted);
  d->left--;
  lua_createtable(d->L, 0, room);
  if (d->sparse) ltp_make_sparse(d->L, d->sparse, d->names, type);
}

/* Sets _unknown of the table, or adds a piece to be joined at the end. */
static void flush_unknown(decoder *d, frame *f) {
  lua_State *L = d->L;
  if (f->run == NULL) return;
  d->left--;
  lua_pushliteral(L, "_unknown");
  lua_pushlstring(L, (const char *)f->run, (size_t)(f->run_end - f->run));
  f->run = NULL;
  lua_pushvalue(L, -2);
  lua_rawget(L, f->table);
  if (lua_isnil(L, -1)) { /* the usual case: one piece */
    lua_pop(L, 1);
    lua_rawset(L, f->table);
    return;
  }
  if (lua_isnil(L, d->pending)) {
    lua_newtable(L);
    lua_replace(L, d->pending);
  }
  lua_pushvalue(L, f->table);
  lua_rawget(L, d->pending);
  if (lua_isnil(L, -1)) { /* name, piece, first piece, nil */
    lua_pop(L, 1);
    lua_createtable(L, 2, 0);
    lua_insert(L, -2);
    lua_rawseti(L, -2, 1);
    lua_pushvalue(L, f->table);
    lua_pushvalue(L, -2);
    lua_rawset(L, d->pending);
  } else {
    lua_remove(L, -2);
  }
  lua_insert(L, -2); /* name, list, piece */
  lua_rawseti(L, -2, (int)ltp_rawlen(L, -2) + 1);
  lua_pop(L, 2);
}

static void note_unknown(decoder *d, frame *f, const tp_field_value *v) {
  if (f->run == NULL || f->run_end != v->start) {
    flush_unknown(d, f);
    f->run = v->start;
  }
  f->run_end = f->r.p;
}

/* Pushes the strings of the list on top of the stack as one. */
static void join(lua_State *L) {
  int list = lua_gettop(L), i, n = (int)ltp_rawlen(L, list);
  size_t total = 0, length;
  char *bytes;
  for (i = 1; i <= n; i++) {
    lua_rawgeti(L, list, i);
    total += ltp_rawlen(L, -1);
    lua_pop(L, 1);
  }
  bytes = lua_newuserdata(L, total);
  total = 0;
  for (i = 1; i <= n; i++) {
    const char *piece;
    lua_rawgeti(L, list, i);
    piece = lua_tolstring(L, -1, &length);
    memcpy(bytes + total, piece, length);
    total += length;
    lua_pop(L, 1);
  }
  lua_pushlstring(L, bytes, total);
  lua_replace(L, list);
  lua_settop(L, list);
}

static void join_unknown(decoder *d) {
  lua_State *L = d->L;
  if (lua_isnil(L, d->pending)) return;
  lua_pushnil(L);
  while (lua_next(L, d->pending)) { /* message, list */
    join(L);
    lua_pushliteral(L, "_unknown");
    lua_insert(L, -2);
    lua_rawset(L, -3);
  }
}

/* Field 1 of a wrapper: replaces nil, or the value before, on the top. */
static int decode_wrapper(decoder *d, const ltp_level *at, int type,
                          tp_reader *r) {
  const tp_field *value = tp_schema_fields_of(type);
  tp_field_value v;
  while (!tp_reader_done(r)) {
    tp_status status = tp_wire_next(r, &v);
    if (status != TP_OK) return fail(d, at, status, r);
    if (lookup(type, &v) == NULL) continue;
    if (push_scalar(d, at, r, value, &v) != 0) return -1;
    lua_replace(d->L, -2);
  }
  if (lua_isnil(d->L, -1)) {
    lua_pop(d->L, 1);
    push_default(d, value);
  }
  return 0;
}

/* A message as its bytes; those that came more than once are one, as joined. */
static int keep_bytes(decoder *d, const tp_field_value *v) {
  lua_pushlstring(d->L, (const char *)v->bytes, v->length);
  if (lua_isnil(d->L, -2)) lua_replace(d->L, -2);
  else lua_concat(d->L, 2);
  return 0;
}

/* A nested message. On the top: nil, replaced by the value; or the value that
** an earlier occurrence gave, merged into. */
static int decode_sub(decoder *d, frame *f, int type, const tp_field_value *v,
                      int depth) {
  tp_reader r = tp_reader_within(&f->r, v->bytes, v->length);
  int fresh = lua_isnil(d->L, -1), sparse = d->sparse, wrong;
  if (depth > TP_MAX_DEPTH) {
    r = tp_reader_within(&f->r, v->start, 0);
    return fail(d, &f->at, TP_EDEPTH, &r);
  }
  if (tp_schema_messages[type].flags & TP_MESSAGE_WRAPPER)
    return decode_wrapper(d, &f->at, type, &r);
  if (sparse) {
    ltp_sparse as = ltp_sparse_of(d->L, sparse, type);
    if (as == LTP_SPARSE_BYTES) return keep_bytes(d, v);
    if (as == LTP_SPARSE_FULL) d->sparse = 0;
  }
  if (fresh) {
    lua_pop(d->L, 1);
    push_table(d, type, &r, LTP_ALL_FIELDS);
  }
  wrong = decode_message(d, &f->at, type, &r, fresh, depth);
  d->sparse = sparse;
  return wrong;
}

static int decode_single(decoder *d, frame *f, const tp_field *field,
                         int known, const tp_field_value *v) {
  lua_State *L = d->L;
  ltp_push_name(L, d->names, field->name);
  if (field->type != TP_MESSAGE) {
    if (push_scalar(d, &f->at, &f->r, field, v) != 0) return -1;
  } else {
    if (known) {
      lua_pushvalue(L, -1);
      lua_rawget(L, f->table);
    } else {
      lua_pushnil(L);
    }
    if (decode_sub(d, f, field->sub, v, f->depth + 1) != 0) return -1;
  }
  lua_rawset(L, f->table);
  return 0;
}

/* How many elements follow in one go, this one included; of many, AHEAD: what
** is longer grows as it comes. */
static size_t run_length(const frame *f, const tp_field *field,
                         const tp_field_value *first) {
  tp_reader ahead = f->r;
  tp_field_value v;
  size_t n = 1, i;
  tp_wire_type wire = ltp_wire_of(field->type);
  if (first->wire == TP_WIRE_BYTES && wire != TP_WIRE_BYTES) {
    if (wire == TP_WIRE_FIXED32) return first->length / 4;
    if (wire == TP_WIRE_FIXED64) return first->length / 8;
    for (i = 0, n = 0; i < first->length && n < AHEAD; i++)
      n += first->bytes[i] < 0x80;
    return n;
  }
  while (n < AHEAD && !tp_reader_done(&ahead) &&
         tp_wire_next(&ahead, &v) == TP_OK && v.number == first->number &&
         v.wire == first->wire)
    n++;
  return n;
}

/* Brings the list or map of a field into the frame's box. */
static void open_box(decoder *d, frame *f, const tp_field *field, int index,
                     int known, const tp_field_value *v) {
  lua_State *L = d->L;
  if (f->boxed == index) return;
  lua_pushnil(L);
  if (known) {
    ltp_push_name(L, d->names, field->name);
    lua_rawget(L, f->table);
    f->length = ltp_rawlen(L, -1);
  }
  if (lua_isnil(L, -1)) { /* a sparse table that is merged into may lack it */
    size_t run = run_length(f, field, v);
    int n = run < AHEAD ? (int)run : AHEAD;
    int map = field->flags & TP_FIELD_MAP;
    d->left--;
    lua_createtable(L, map ? 0 : n, map ? n : 0);
    ltp_push_name(L, d->names, field->name);
    lua_pushvalue(L, -2);
    lua_rawset(L, f->table);
    f->length = 0;
  }
  lua_replace(L, f->box);
  lua_settop(L, f->box);
  f->boxed = index;
}

static int decode_packed(decoder *d, frame *f, const tp_field *field,
                         const tp_field_value *v) {
  tp_reader r = tp_reader_within(&f->r, v->bytes, v->length);
  tp_field_value one = *v;
  tp_wire_type wire = ltp_wire_of(field->type);
  while (!tp_reader_done(&r)) {
    tp_status status;
    uint32_t small = 0;
    if (wire == TP_WIRE_VARINT) {
      status = tp_wire_varint(&r, &one.integer);
    } else if (wire == TP_WIRE_FIXED64) {
      status = tp_wire_fixed64(&r, &one.integer);
    } else {
      status = tp_wire_fixed32(&r, &small);
      one.integer = small;
    }
    f->at.index = f->length + 1;
    if (status != TP_OK) return fail(d, &f->at, status, &r);
    if (push_scalar(d, &f->at, &r, field, &one) != 0) return -1;
    lua_rawseti(d->L, f->box, (int)++f->length);
    d->left--;
    if (check_made(d, &f->at) != 0) return -1;
  }
  f->at.index = 0;
  return 0;
}

static int decode_element(decoder *d, frame *f, const tp_field *field,
                          const tp_field_value *v) {
  int wrong;
  if (v->wire == TP_WIRE_BYTES && ltp_wire_of(field->type) != TP_WIRE_BYTES)
    return decode_packed(d, f, field, v);
  f->at.index = f->length + 1;
  if (field->type == TP_MESSAGE) {
    lua_pushnil(d->L);
    wrong = decode_sub(d, f, field->sub, v, f->depth + 1);
  } else {
    wrong = push_scalar(d, &f->at, &f->r, field, v);
  }
  if (wrong == 0) wrong = check_made(d, &f->at);
  if (wrong != 0) return -1;
  lua_rawseti(d->L, f->box, (int)++f->length);
  f->at.index = 0;
  return 0;
}

/* Key or value of a map's entry; replaces what is at `slot`. */
static int decode_half(decoder *d, frame *f, const tp_field *field,
                       const tp_reader *r, const tp_field_value *v,
                       int slot) {
  int wrong;
  if (field->type == TP_MESSAGE) {
    lua_pushvalue(d->L, slot);
    wrong = decode_sub(d, f, field->sub, v, f->depth + 2);
  } else {
    wrong = push_scalar(d, &f->at, r, field, v);
  }
  if (wrong == 0) lua_replace(d->L, slot);
  return wrong;
}

/* What a map's entry leaves out: zero, the empty string, an empty message. */
static int default_half(decoder *d, frame *f, const tp_field *field,
                        const tp_reader *r, int slot) {
  tp_field_value nothing = {0, TP_WIRE_BYTES, 0, NULL, 0, NULL};
  if (!lua_isnil(d->L, slot)) return 0;
  nothing.bytes = nothing.start = r->end;
  if (field->type == TP_MESSAGE)
    return decode_half(d, f, field, r, &nothing, slot);
  push_default(d, field);
  lua_replace(d->L, slot);
  return 0;
}

static int decode_entry(decoder *d, frame *f, const tp_field *map,
                        const tp_field_value *entry) {
  lua_State *L = d->L;
  const tp_field *key = tp_schema_fields_of(map->sub), *field;
  tp_reader r = tp_reader_within(&f->r, entry->bytes, entry->length);
  int slot = lua_gettop(L) + 1; /* key; the value is above it */
  tp_field_value v;
  lua_pushnil(L);
  lua_pushnil(L);
  if (f->depth == TP_MAX_DEPTH) {
    r = tp_reader_within(&f->r, entry->start, 0);
    return fail(d, &f->at, TP_EDEPTH, &r);
  }
  while (!tp_reader_done(&r)) {
    tp_status status =
        tp_wire_next_within(&r, &v, TP_MAX_DEPTH - f->depth - 1);
    if (status != TP_OK) return fail(d, &f->at, status, &r);
    field = lookup(map->sub, &v);
    if (field == NULL) continue;
    if (decode_half(d, f, field, &r, &v, slot + (field != key)) != 0)
      return -1;
    if (field == key) f->at.key = slot;
  }
  if (default_half(d, f, key, &r, slot) != 0 ||
      default_half(d, f, key + 1, &r, slot + 1) != 0)
    return -1;
  f->at.key = 0;
  lua_rawset(L, f->box);
  return 0;
}

/* The last member of a oneof wins and clears the others. */
static void choose(decoder *d, frame *f, const tp_field *fields, int index) {
  int oneof = TP_FIELD_ONEOF(&fields[index]), i;
  int16_t *chosen = &f->chosen[oneof];
  for (i = 0; !f->fresh && *chosen < 0; i++) { /* what was there before? */
    if (i == tp_schema_messages[f->at.type].count) break;
    if (TP_FIELD_ONEOF(&fields[i]) != oneof) continue;
    ltp_push_name(d->L, d->names, fields[i].name);
    lua_rawget(d->L, f->table);
    if (!lua_isnil(d->L, -1)) *chosen = (int16_t)i;
    lua_pop(d->L, 1);
  }
  if (*chosen >= 0 && *chosen != index) {
    ltp_push_name(d->L, d->names, fields[*chosen].name);
    lua_pushnil(d->L);
    lua_rawset(d->L, f->table);
  }
  *chosen = (int16_t)index;
}

static int decode_field(decoder *d, frame *f, const tp_field *field,
                        const tp_field_value *v) {
  const tp_field *fields = tp_schema_fields_of(f->at.type);
  int index = (int)(field - fields), known, wrong;
  f->at.field = field;
  if (TP_FIELD_ONEOF(field) != 0) choose(d, f, fields, index);
  known = !f->fresh || f->seen[index];
  f->seen[index] = 1;
  d->left--;
  if (!(field->flags & (TP_FIELD_MAP | TP_FIELD_REPEATED)))
    return decode_single(d, f, field, known, v);
  open_box(d, f, field, index, known, v);
  if (field->flags & TP_FIELD_MAP) wrong = decode_entry(d, f, field, v);
  else wrong = decode_element(d, f, field, v);
  return wrong != 0 ? wrong : check_made(d, &f->at);
}

static void set_defaults(decoder *d, const frame *f) {
  int type = f->at.type, i;
  const tp_field *fields = tp_schema_fields_of(type);
  for (i = 0; i < tp_schema_messages[type].count; i++) {
    if (f->seen[i] || fields[i].flags & TP_FIELD_PRESENCE) continue;
    d->left--;
    ltp_push_name(d->L, d->names, fields[i].name);
    push_default(d, &fields[i]);
    lua_rawset(d->L, f->table);
  }
}

static void open_frame(decoder *d, frame *f, const ltp_level *up, int type,
                       const tp_reader *r, int fresh, int depth) {
  f->at.up = up;
  f->at.type = type;
  f->at.field = NULL;
  f->at.index = 0;
  f->at.key = 0;
  f->r = *r;
  f->depth = depth;
  f->table = lua_gettop(d->L);
  f->fresh = fresh;
  f->box = f->table + 1;
  f->boxed = -1;
  f->length = 0;
  f->run = f->run_end = NULL;
  memset(f->chosen, 0xFF, sizeof f->chosen); /* all -1 */
  memset(f->seen, 0, tp_schema_messages[type].count);
  lua_pushnil(d->L);
}

/* Into the table on top of the stack, which stays there. */
static int decode_message(decoder *d, const ltp_level *up, int type,
                          const tp_reader *r, int fresh, int depth) {
  frame f;
  tp_field_value v;
  if (!lua_checkstack(d->L, SLOTS)) {
    ltp_level at = {NULL, 0, NULL, 0, 0};
    at.type = type;
    return ltp_path_error(d->L, up != NULL ? up : &at,
                          "too much for the Lua stack");
  }
  open_frame(d, &f, up, type, r, fresh, depth);
  while (!tp_reader_done(&f.r)) {
    const tp_field *field;
    tp_status status;
    v.number = 0;
    status = tp_wire_next_within(&f.r, &v, TP_MAX_DEPTH - depth);
    if (status != TP_OK) {
      f.at.field =
          status == TP_ETAG ? NULL : tp_schema_field(type, v.number);
      return fail(d, &f.at, status, &f.r);
    }
    if (depth == 0 && !is_wanted(d->wanted, v.number)) continue;
    field = lookup(type, &v);
    if (field == NULL) note_unknown(d, &f, &v);
    else if (decode_field(d, &f, field, &v) != 0) return -1;
  }
  flush_unknown(d, &f);
  if (fresh && !d->sparse) set_defaults(d, &f);
  lua_settop(d->L, f.table);
  return 0;
}

/* How many tables and elements `n` bytes may make where `max` is the most: few
** bytes that make many are no honest message. */
static size_t limit_of(size_t n, size_t max) {
  size_t least = max / SHORT_SHARE > SHORT ? max / SHORT_SHARE : SHORT;
  if (max < least) return max;
  return n < (max - least) / PER_BYTE ? least + PER_BYTE * n : max;
}

static int decode(decoder *d, const uint8_t *data, size_t n, int type,
                  size_t max) {
  lua_State *L = d->L;
  int names = d->names, wrong;
  tp_reader r;
  d->limit = limit_of(n, max);
  d->left = (int64_t)d->limit;
  tp_reader_init(&r, data, n);
  push_table(d, type, &r, d->wanted);
  wrong = decode_message(d, NULL, type, &r, 1, 0);
  if (wrong == 0) join_unknown(d);
  lua_replace(L, names);
  lua_settop(L, names);
  return wrong != 0 && d->left < 0 ? LTP_TOO_MUCH : wrong;
}

/* Pushes the names, which the result will replace, and what else it needs. */
static void open_decoder(lua_State *L, decoder *d) {
  luaL_checkstack(L, SLOTS, "message");
  d->L = L;
  d->names = lua_gettop(L) + 1;
  d->pending = d->names + 1;
  d->sparse = 0;
  d->wanted = LTP_ALL_FIELDS;
  ltp_push_names(L);
  lua_pushnil(L);
}

int ltp_message_decode(lua_State *L, const uint8_t *data, size_t n, int type,
                       size_t max) {
  decoder d;
  open_decoder(L, &d);
  return decode(&d, data, n, type, max);
}

int ltp_message_decode_sparse(lua_State *L, const uint8_t *data, size_t n,
                              int type, uint64_t wanted, size_t max) {
  decoder d;
  open_decoder(L, &d);
  d.sparse = d.pending + 1;
  d.wanted = wanted;
  ltp_push_sparse(L);
  return decode(&d, data, n, type, max);
}

/* Protobuf's bytes -> ProtoJSON: see protojson.h. Any thread.
** The bytes may be anybody's: fields in any order, lists in pieces, messages
** that are to be merged. One pass over a message notes which of its fields are
** there, then each is looked for in turn: from where the one before it ended,
** as long as the fields are in order, as every encoder writes them.
*/
#include "protojson.h"

#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../base/base64.h"
#include "../base/limits.h"
#include "json.h"
#include "protojson_parts.h"

typedef struct {
  tp_buffer *out;
  int flags;
  char *error;
} writer;

/* One message. */
typedef struct {
  tp_place at;       /* first: the chain of places */
  tp_reader whole;   /* all of its fields */
  tp_reader next;    /* those after the field in work, when in order */
  int depth;
  int in_order;      /* the numbers never decrease */
  int16_t chosen[TP_SCHEMA_MAX_ONEOFS + 1];       /* its field, or -1 */
  const uint8_t *since[TP_SCHEMA_MAX_ONEOFS + 1]; /* where it was chosen */
  uint8_t seen[TP_SCHEMA_MAX_FIELDS]; /* how often: 0, 1, 2 is many */
} frame;

static int write_message(writer *w, const tp_place *up, int type,
                         const tp_reader *r, int depth);
static int write_fields(writer *w, frame *f);

static void put(writer *w, const char *s) {
  tp_buffer_put(w->out, s, strlen(s));
}

static void put_byte(writer *w, char c) {
  tp_buffer_byte(w->out, (uint8_t)c);
}

/* Before every item but the first of an object or array. */
static void put_comma(writer *w) {
  uint8_t last;
  if (w->out->status != TP_OK) return;
  last = w->out->data[w->out->length - 1];
  if (last != '{' && last != '[') put_byte(w, ',');
}

/* Does the text end in an array without items? No item ends in '['. */
static int ends_empty(const writer *w) {
  const tp_buffer *b = w->out;
  return b->status == TP_OK && memcmp(b->data + b->length - 2, "[]", 2) == 0;
}

static int fail_status(writer *w, const tp_place *at, tp_status status) {
  return tp_place_error(at, w->error, "%s", tp_status_text(status));
}

/* ---- scalars ---- */

static int put_string(writer *w, const tp_place *at, const uint8_t *bytes,
                      size_t n) {
  size_t bad = 0;
  const char *s = n > 0 ? (const char *)bytes : "";
  if (tp_json_put_string(w->out, s, n, &bad) == TP_EUTF8)
    return tp_place_error(at, w->error,
                          "the string is not valid UTF-8 at byte %lu",
                          (unsigned long)bad);
  return 0;
}

static void put_base64(writer *w, const uint8_t *bytes, size_t n) {
  uint8_t *room;
  if (n > TP_MAX_MESSAGE) {
    if (w->out->status == TP_OK) w->out->status = TP_ETOOBIG;
    return;
  }
  room = tp_buffer_reserve(w->out, n / 3 * 4 + 8);
  if (room == NULL) return;
  *room = '"';
  w->out->length += 1 + tp_base64_encode((char *)room + 1, bytes, n);
  if (n % 3 == 1) put(w, "==");
  else if (n % 3 == 2) put(w, "=");
  put_byte(w, '"');
}

static void put_unsigned(writer *w, uint64_t value) {
  char digits[TP_DECIMAL_SIZE];
  size_t n = 0;
  if (value > INT64_MAX) { /* 20 digits, of which the last may be any */
    n = tp_integer_write((int64_t)(value / 10), digits);
    digits[n++] = (char)('0' + value % 10);
  } else {
    n = tp_integer_write((int64_t)value, digits);
  }
  tp_buffer_put(w->out, digits, n);
}

/* A whole number is written without a fraction, as most encoders do. */
static void put_double(writer *w, double value) {
  const double exact = 9007199254740992.0; /* 2^53 */
  if (value != value) put(w, "\"NaN\"");
  else if (value - value != 0) put(w, value > 0 ? "\"Infinity\""
                                                : "\"-Infinity\"");
  else if (value >= -exact && value <= exact &&
           value == (double)(int64_t)value && (value != 0 || 1 / value > 0))
    tp_json_put_integer(w->out, (int64_t)value);
  else tp_json_put_double(w->out, value);
}

/* The fewest digits that are this float again. printf knows them in decimal;
** what it takes for the point may depend on the locale, and is left out. */
static void put_float(writer *w, float value) {
  char text[48], plain[48];
  double nearest = (double)value;
  int digits, i, k;
  for (digits = 6; value - value == 0 && digits <= 9; digits++) {
    snprintf(text, sizeof text, "%.*e", digits - 1, (double)value);
    for (i = k = 0; text[i] != '\0'; i++) {
      int digit = text[i] >= '0' && text[i] <= '9';
      int pointed = i > 0 && text[i - 1] >= '0' && text[i - 1] <= '9';
      if (digit || text[i] == '-' || text[i] == '+' || text[i] == 'e')
        plain[k++] = text[i];
      else if (pointed)
        plain[k++] = '.';
    }
    if (tp_decimal_read(plain, (size_t)k, &nearest) == TP_OK &&
        nearest <= FLT_MAX && nearest >= -FLT_MAX && (float)nearest == value)
      break;
    nearest = (double)value;
  }
  put_double(w, nearest);
}

static void put_enum(writer *w, int enumeration, int32_t number) {
  const tp_enum_value *value = tp_schema_value(enumeration, number);
  if (tp_is_null_value(enumeration)) {
    put(w, "null");
  } else if (value == NULL) {
    tp_json_put_integer(w->out, number);
  } else {
    put_byte(w, '"');
    put(w, tp_schema_string(value->name, NULL));
    put_byte(w, '"');
  }
}

static void put_number(writer *w, const tp_field *field, uint64_t wire) {
  uint64_t u = tp_field_integer(field->type, wire);
  uint32_t small = (uint32_t)wire;
  double d;
  float f;
  switch (field->type) {
    case TP_DOUBLE:
      memcpy(&d, &wire, sizeof d);
      put_double(w, d);
      break;
    case TP_FLOAT:
      memcpy(&f, &small, sizeof f);
      put_float(w, f);
      break;
    case TP_BOOL: put(w, u ? "true" : "false"); break;
    case TP_ENUM: put_enum(w, field->sub, (int32_t)(int64_t)u); break;
    case TP_INT64: case TP_SINT64: case TP_SFIXED64:
      put_byte(w, '"');
      tp_json_put_integer(w->out, (int64_t)u);
      put_byte(w, '"');
      break;
    case TP_UINT64: case TP_FIXED64:
      put_byte(w, '"');
      put_unsigned(w, u);
      put_byte(w, '"');
      break;
    default: tp_json_put_integer(w->out, (int64_t)u);
  }
}

static int put_scalar(writer *w, const tp_place *at, const tp_field *field,
                      const tp_field_value *v) {
  if (field->type == TP_STRING) return put_string(w, at, v->bytes, v->length);
  if (field->type == TP_BYTES) put_base64(w, v->bytes, v->length);
  else put_number(w, field, v->integer);
  return 0;
}

static int is_default(const tp_field *field, const tp_field_value *v) {
  if (field->type == TP_STRING || field->type == TP_BYTES)
    return v->length == 0;
  return tp_field_integer(field->type, v->integer) == 0;
}

/* ---- a message's fields ---- */

static void note(frame *f, const tp_field *field, const uint8_t *start) {
  int index = (int)(field - tp_schema_fields_of(f->at.type));
  int oneof = TP_FIELD_ONEOF(field);
  if (f->seen[index] < 2) f->seen[index]++;
  if (oneof == 0 || f->chosen[oneof] == index) return;
  f->chosen[oneof] = (int16_t)index; /* and the others are cleared */
  f->since[oneof] = start;
}

/* Which fields are there, and are they in order? */
static int survey(writer *w, frame *f, const tp_place *up, int type,
                  const tp_reader *r, int depth) {
  tp_field_value v;
  uint32_t last = 0;
  f->at.up = up;
  f->at.type = type;
  f->at.field = NULL;
  f->at.index = 0;
  f->whole = f->next = *r;
  f->depth = depth;
  f->in_order = 1;
  memset(f->chosen, 0xFF, sizeof f->chosen); /* all -1 */
  memset(f->seen, 0, tp_schema_messages[type].count);
  if (depth > TP_MAX_DEPTH)
    return fail_status(w, up != NULL ? up : &f->at, TP_EDEPTH);
  while (!tp_reader_done(&f->next)) {
    const tp_field *field;
    tp_status status = tp_wire_next(&f->next, &v);
    if (status != TP_OK) return fail_status(w, &f->at, status);
    field = tp_known_field(type, &v);
    if (field != NULL) note(f, field, v.start);
    if (v.number < last) f->in_order = 0;
    last = v.number;
  }
  f->next = *r;
  return 0;
}

static void seek(frame *f, const tp_field *field) {
  int oneof = TP_FIELD_ONEOF(field);
  if (!f->in_order) f->next = f->whole;
  if (oneof != 0) f->next.p = f->since[oneof];
}

/* The next occurrence of a field, out of bytes that `survey` has read. */
static int next_of(frame *f, const tp_field *field, tp_field_value *v) {
  while (!tp_reader_done(&f->next)) {
    tp_reader before = f->next;
    if (tp_wire_next(&f->next, v) != TP_OK) return 0;
    if (v->number == field->number &&
        tp_known_field(f->at.type, v) != NULL)
      return 1;
    if (f->in_order && v->number > field->number) {
      f->next = before;
      return 0;
    }
  }
  return 0;
}

/* ---- messages with a form of their own ---- */

/* The last field `number` of wire type `wire`, of bytes that are well-formed
** fields; false when there is none. */
static int last_of(const tp_reader *message, uint32_t number,
                   tp_wire_type wire, tp_field_value *found) {
  tp_reader r = *message;
  tp_field_value v;
  int any = 0;
  memset(found, 0, sizeof *found);
  while (!tp_reader_done(&r) && tp_wire_next(&r, &v) == TP_OK) {
    if (v.number != number || v.wire != wire) continue;
    *found = v;
    any = 1;
  }
  return any;
}

static int write_time(writer *w, const frame *f, tp_well_known which) {
  char text[TP_TIME_TEXT];
  tp_field_value seconds, nanos;
  int64_t whole, part;
  size_t n;
  last_of(&f->whole, 1, TP_WIRE_VARINT, &seconds);
  last_of(&f->whole, 2, TP_WIRE_VARINT, &nanos);
  whole = (int64_t)seconds.integer;
  part = (int32_t)(uint32_t)nanos.integer;
  n = which == TP_TIMESTAMP ? tp_timestamp_write(whole, part, text)
                            : tp_duration_write(whole, part, text);
  if (n == 0)
    return tp_place_error(
        &f->at, w->error,
        which == TP_TIMESTAMP
            ? "a Timestamp has JSON text from the year 1 to 9999, with nanos"
              " from 0 to 999999999"
            : "a Duration has JSON text up to 315576000000 seconds, with"
              " nanos below 1000000000 and of the same sign");
  put_byte(w, '"');
  tp_buffer_put(w->out, text, n);
  put_byte(w, '"');
  return 0;
}

static int write_wrapper(writer *w, const frame *f) {
  const tp_field *field = tp_schema_fields_of(f->at.type);
  tp_field_value v;
  last_of(&f->whole, 1, tp_wire_of_field(field), &v);
  return put_scalar(w, &f->at, field, &v);
}

static int write_mask(writer *w, frame *f) {
  const tp_field *paths = tp_schema_fields_of(f->at.type);
  tp_field_value v;
  tp_buffer text;
  int wrong = 0, n;
  tp_buffer_init(&text, TP_MAX_MESSAGE);
  for (n = 0; !wrong && next_of(f, paths, &v); n = 1) {
    char shown[TP_SHOWN];
    const char *path = v.length > 0 ? (const char *)v.bytes : "";
    if (n > 0) tp_buffer_byte(&text, ',');
    if (tp_path_to_camel(path, v.length, &text)) continue;
    wrong = tp_place_error(&f->at, w->error,
                           "the path %s of a FieldMask has no JSON form: it"
                           " must be lower_snake_case",
                           tp_show(path, v.length, shown));
  }
  if (!wrong && text.status != TP_OK)
    wrong = fail_status(w, &f->at, text.status);
  if (!wrong) wrong = put_string(w, &f->at, text.data, text.length);
  tp_buffer_free(&text);
  return wrong;
}

static int write_any(writer *w, frame *f) {
  tp_field_value url, value;
  tp_reader r;
  frame inner;
  int type, wrong;
  char shown[TP_SHOWN];
  int has_url = last_of(&f->whole, 1, TP_WIRE_BYTES, &url) && url.length > 0;
  int has_value = last_of(&f->whole, 2, TP_WIRE_BYTES, &value);
  if (!has_url && value.length == 0) {
    put(w, "{}");
    return 0;
  }
  type = has_url ? tp_message_of_url((const char *)url.bytes, url.length) : -1;
  if (type < 0)
    return tp_place_error(&f->at, w->error,
                          "an Any of an unknown type, %s, has no JSON form",
                          tp_show(has_url ? (const char *)url.bytes : "",
                                  url.length, shown));
  put(w, "{\"@type\":");
  if (put_string(w, &f->at, url.bytes, url.length) != 0) return -1;
  if (has_value) r = tp_reader_within(&f->whole, value.bytes, value.length);
  else r = tp_reader_within(&f->whole, f->whole.end, 0);
  if (tp_well_known_of(type) == TP_ORDINARY) {
    wrong = survey(w, &inner, &f->at, type, &r, f->depth + 1) != 0 ||
            write_fields(w, &inner) != 0;
  } else {
    put(w, ",\"value\":");
    wrong = write_message(w, &f->at, type, &r, f->depth + 1) != 0;
  }
  put_byte(w, '}');
  return wrong ? -1 : 0;
}

static void find(frame *f, const tp_field *field, tp_field_value *last);
static int write_found(writer *w, frame *f, const tp_field *field,
                       const tp_field_value *v);
static int write_map(writer *w, frame *f, const tp_field *field);
static int write_list(writer *w, frame *f, const tp_field *field);

/* Its one oneof, with fields for each kind of JSON value. */
static int write_value(writer *w, frame *f) {
  const tp_field *field;
  tp_field_value v;
  double number;
  if (f->chosen[1] < 0) { /* as the other runtimes do */
    put(w, "null");
    return 0;
  }
  field = tp_schema_fields_of(f->at.type) + f->chosen[1];
  find(f, field, &v);
  if (field->type == TP_DOUBLE) {
    memcpy(&number, &v.integer, sizeof number);
    if (number - number != 0)
      return tp_place_error(&f->at, w->error,
                            "NaN and infinities have no JSON form in a Value");
  }
  return write_found(w, f, field, &v);
}

static int write_well_known(writer *w, frame *f, tp_well_known which) {
  const tp_field *fields = tp_schema_fields_of(f->at.type);
  switch (which) {
    case TP_TIMESTAMP: case TP_DURATION: return write_time(w, f, which);
    case TP_WRAPPER: return write_wrapper(w, f);
    case TP_FIELD_MASK: return write_mask(w, f);
    case TP_ANY: return write_any(w, f);
    case TP_STRUCT: return write_map(w, f, fields);
    case TP_LIST_VALUE: return write_list(w, f, fields);
    default: return write_value(w, f);
  }
}

/* ---- fields ---- */

/* A message in pieces is their concatenation. */
static int write_merged(writer *w, frame *f, const tp_field *field) {
  tp_field_value v;
  tp_buffer joined;
  tp_reader r;
  int wrong;
  tp_buffer_init(&joined, TP_MAX_MESSAGE);
  f->next = f->whole;
  seek(f, field);
  while (next_of(f, field, &v)) tp_buffer_put(&joined, v.bytes, v.length);
  tp_reader_init(&r, joined.data, joined.length);
  if (joined.status != TP_OK) wrong = fail_status(w, &f->at, joined.status);
  else wrong = write_message(w, &f->at, field->sub, &r, f->depth + 1);
  tp_buffer_free(&joined);
  return wrong;
}

static int write_sub(writer *w, frame *f, const tp_field *field,
                     const tp_field_value *v) {
  tp_reader r = tp_reader_within(&f->whole, v->bytes, v->length);
  return write_message(w, &f->at, field->sub, &r, f->depth + 1);
}

/* The last occurrence of a field that is no list and no map; without one, a
** value that reads as the default. */
static void find(frame *f, const tp_field *field, tp_field_value *last) {
  tp_field_value v;
  int left = f->seen[field - tp_schema_fields_of(f->at.type)];
  memset(last, 0, sizeof *last);
  last->bytes = f->whole.end;
  seek(f, field);
  while (left > 0 && next_of(f, field, &v)) {
    *last = v;
    if (left == 1) break; /* 2 is many */
  }
}

static int write_found(writer *w, frame *f, const tp_field *field,
                       const tp_field_value *v) {
  if (field->type != TP_MESSAGE) return put_scalar(w, &f->at, field, v);
  if (f->seen[field - tp_schema_fields_of(f->at.type)] > 1)
    return write_merged(w, f, field);
  return write_sub(w, f, field, v);
}

static int write_packed(writer *w, frame *f, const tp_field *field,
                        const tp_field_value *v) {
  tp_reader r = tp_reader_within(&f->whole, v->bytes, v->length);
  tp_wire_type wire = tp_wire_of_field(field);
  while (!tp_reader_done(&r)) {
    uint64_t one = 0;
    uint32_t small = 0;
    tp_status status;
    f->at.index++;
    if (wire == TP_WIRE_VARINT) {
      status = tp_wire_varint(&r, &one);
    } else if (wire == TP_WIRE_FIXED64) {
      status = tp_wire_fixed64(&r, &one);
    } else {
      status = tp_wire_fixed32(&r, &small);
      one = small;
    }
    if (status != TP_OK) return fail_status(w, &f->at, status);
    put_comma(w);
    put_number(w, field, one);
  }
  return 0;
}

static int write_list(writer *w, frame *f, const tp_field *field) {
  tp_field_value v;
  int wrong = 0;
  seek(f, field);
  put_byte(w, '[');
  while (!wrong && next_of(f, field, &v)) {
    if (v.wire == TP_WIRE_BYTES && tp_wire_of_field(field) != TP_WIRE_BYTES) {
      wrong = write_packed(w, f, field, &v);
      continue;
    }
    f->at.index++;
    put_comma(w);
    if (field->type == TP_MESSAGE) wrong = write_sub(w, f, field, &v);
    else wrong = put_scalar(w, &f->at, field, &v);
  }
  f->at.index = 0;
  put_byte(w, ']');
  return wrong;
}

static int write_entry(writer *w, frame *f, const tp_field *map,
                       const tp_entry *entry) {
  const tp_field *key = tp_schema_fields_of(map->sub), *value = key + 1;
  tp_field_value v;
  frame inner;
  put_comma(w);
  if (key->type == TP_STRING) {
    if (put_string(w, &f->at, entry->key.bytes, entry->key.length) != 0)
      return -1;
  } else {
    put_byte(w, '"');
    if (key->type == TP_BOOL) put(w, entry->key.integer ? "true" : "false");
    else if (key->type == TP_UINT64 || key->type == TP_FIXED64)
      put_unsigned(w, entry->key.integer);
    else tp_json_put_integer(w->out, (int64_t)entry->key.integer);
    put_byte(w, '"');
  }
  put_byte(w, ':');
  if (survey(w, &inner, &f->at, map->sub, &entry->contents, f->depth + 1))
    return -1;
  find(&inner, value, &v);
  return write_found(w, &inner, value, &v);
}

static int write_entries(writer *w, frame *f, const tp_field *map,
                         tp_entry *entries, size_t n) {
  size_t i;
  tp_entries_sort(map, entries, n);
  for (i = 0; i < n; i++) { /* of equal keys the last one counts */
    if (i + 1 < n && tp_entries_equal(map, &entries[i], &entries[i + 1]))
      continue;
    if (write_entry(w, f, map, &entries[i]) != 0) return -1;
  }
  return 0;
}

static int write_map(writer *w, frame *f, const tp_field *map) {
  tp_field_value v;
  tp_entry *entries;
  tp_reader first;
  size_t n = 0, count = 0;
  int wrong = 0;
  seek(f, map);
  first = f->next;
  while (next_of(f, map, &v)) count++;
  entries = malloc((count > 0 ? count : 1) * sizeof *entries);
  if (entries == NULL) return fail_status(w, &f->at, TP_ENOMEM);
  f->next = first;
  while (!wrong && n < count && next_of(f, map, &v)) {
    tp_reader r = tp_reader_within(&f->whole, v.bytes, v.length);
    tp_status status = tp_entry_read(map, &r, &entries[n++]);
    if (status != TP_OK) wrong = fail_status(w, &f->at, status);
  }
  put_byte(w, '{');
  if (!wrong) wrong = write_entries(w, f, map, entries, n);
  put_byte(w, '}');
  free(entries);
  return wrong;
}

/* ---- messages ---- */

static void put_name(writer *w, const tp_field *field) {
  char name[TP_JSON_NAME];
  size_t n;
  put_comma(w);
  put_byte(w, '"');
  if (w->flags & TP_PROTOJSON_PROTO_NAMES) {
    put(w, tp_schema_string(field->name, NULL));
  } else {
    n = tp_json_name(field, name);
    tp_buffer_put(w->out, name, n);
  }
  put(w, "\":");
}

/* The members of an object, each after a comma unless it is the first. */
static int write_fields(writer *w, frame *f) {
  const tp_field *fields = tp_schema_fields_of(f->at.type), *field;
  tp_field_value v;
  size_t start;
  int i, wrong = 0;
  for (i = 0; i < tp_schema_messages[f->at.type].count && !wrong; i++) {
    int oneof = TP_FIELD_ONEOF(field = &fields[i]);
    int many = field->flags & (TP_FIELD_MAP | TP_FIELD_REPEATED);
    if (!f->seen[i] || (oneof != 0 && f->chosen[oneof] != i)) continue;
    if (!many) find(f, field, &v);
    if (!many && !(field->flags & TP_FIELD_PRESENCE) && is_default(field, &v))
      continue;
    f->at.field = field;
    start = w->out->length;
    put_name(w, field);
    if (field->flags & TP_FIELD_MAP) wrong = write_map(w, f, field);
    else if (many) wrong = write_list(w, f, field);
    else wrong = write_found(w, f, field, &v);
    if (many && ends_empty(w)) w->out->length = start; /* packed nothing */
  }
  f->at.field = NULL;
  return wrong;
}

static int write_message(writer *w, const tp_place *up, int type,
                         const tp_reader *r, int depth) {
  tp_well_known which = tp_well_known_of(type);
  frame f;
  int wrong;
  if (survey(w, &f, up, type, r, depth) != 0) return -1;
  if (which != TP_ORDINARY) return write_well_known(w, &f, which);
  put_byte(w, '{');
  wrong = write_fields(w, &f);
  put_byte(w, '}');
  return wrong;
}

int tp_protojson_write(int type, const void *data, size_t n, int flags,
                       tp_buffer *out, char error[TP_PROTOJSON_ERROR]) {
  size_t start = out->length;
  tp_place at = {NULL, 0, NULL, 0};
  tp_reader r;
  writer w;
  at.type = type;
  w.out = out;
  w.flags = flags;
  w.error = error;
  tp_reader_init(&r, data, n);
  if (write_message(&w, NULL, type, &r, 0) == 0) {
    if (out->status == TP_OK) return 0;
    fail_status(&w, &at, out->status);
  }
  out->length = start;
  return -1;
}

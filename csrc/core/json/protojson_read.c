/* ProtoJSON -> protobuf's bytes: see protojson.h. Any thread. One pass: each
** value is written to the output as it is read, a message's length is filled
** in at its end.
*/
#include "protojson.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../base/base64.h"
#include "../base/limits.h"
#include "json.h"
#include "protojson_number.h"
#include "protojson_parts.h"

typedef struct {
  tp_json_reader json;
  const char *token; /* where the event in work begins */
  tp_buffer *out;
  int flags;
  char *error;
} reader;

enum { DONE = 0, FAILED = -1, SKIPPED = 1 /* an unknown enum name */ };

/* Fields of the well-known types; protobuf has fixed them for ever. */
enum { ANY_URL = 1, ANY_VALUE = 2, SECONDS = 1, NANOS = 2, MASK_PATHS = 1 };
enum {
  VALUE_NULL = 1, VALUE_NUMBER, VALUE_STRING, VALUE_BOOL, VALUE_STRUCT,
  VALUE_LIST
};

static int read_message(reader *r, const tp_place *up, int type,
                        tp_json_event event, int depth);

/* ---- events and errors ---- */

static tp_json_event next(reader *r) {
  const char *p = r->json.next, *end = r->json.end;
  tp_json_event event = tp_json_next(&r->json);
  while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t' ||
                     *p == ','))
    p++;
  r->token = p;
  return event;
}

static unsigned long offset(const reader *r) {
  return (unsigned long)(r->token - r->json.begin);
}

static int bad_json(reader *r, const tp_place *at) {
  return tp_place_error(at, r->error, "%s at offset %lu", r->json.reason,
                        (unsigned long)r->json.offset);
}

static int expected(reader *r, const tp_place *at, tp_json_event event,
                    const char *what) {
  static const char *const got[] = {
      "", "the end", "null", "false", "true", "a number", "a number",
      "a string", "a key", "an array", "the array's end", "an object",
      "the object's end"};
  if (event == TP_JSON_ERROR) return bad_json(r, at);
  if (event == TP_JSON_STRING) {
    char shown[TP_SHOWN];
    return tp_place_error(
        at, r->error, "expected %s, got %s at offset %lu", what,
        tp_show(r->json.string, r->json.length, shown), offset(r));
  }
  return tp_place_error(at, r->error, "expected %s, got %s at offset %lu",
                        what, got[event], offset(r));
}

static int fail(reader *r, const tp_place *at, const char *what) {
  return tp_place_error(at, r->error, "%s at offset %lu", what, offset(r));
}

/* Steps over the value that begins with `event`. */
static int skip(reader *r, const tp_place *at, tp_json_event event) {
  unsigned depth = r->json.depth;
  if (event == TP_JSON_ARRAY || event == TP_JSON_OBJECT)
    for (depth--; r->json.depth > depth;)
      if (next(r) == TP_JSON_ERROR) return bad_json(r, at);
  return event == TP_JSON_ERROR ? bad_json(r, at) : DONE;
}

/* ---- scalars ---- */

/* Writes a number of field type `type`; number 0: without a tag. */
static void put_integer(tp_buffer *out, uint32_t number, int type,
                        uint64_t u) {
  switch (type) {
    case TP_DOUBLE: case TP_FIXED64: case TP_SFIXED64:
      if (number != 0) tp_wire_put_fixed64(out, number, u);
      else tp_wire_raw_fixed64(out, u);
      return;
    case TP_FLOAT: case TP_FIXED32: case TP_SFIXED32:
      if (number != 0) tp_wire_put_fixed32(out, number, (uint32_t)u);
      else tp_wire_raw_fixed32(out, (uint32_t)u);
      return;
    case TP_SINT32: case TP_SINT64:
      u = tp_zigzag_encode((int64_t)u);
      break;
    default: break;
  }
  if (number != 0) tp_wire_put_varint(out, number, u);
  else tp_wire_raw_varint(out, u);
}

/* The text of a number, written bare or in quotes; false: it is neither. */
static int number_text(const reader *r, tp_json_event event, const char **s,
                       size_t *n) {
  if (event == TP_JSON_INTEGER || event == TP_JSON_DOUBLE) {
    *s = r->token;
    *n = (size_t)(r->json.next - r->token);
    return 1;
  }
  *s = r->json.string;
  *n = r->json.length;
  return event == TP_JSON_STRING && tp_is_number(*s, *n);
}

static int read_integer(reader *r, const tp_place *at, int type,
                        tp_json_event event, uint64_t *u) {
  const char *s;
  size_t n;
  if (!number_text(r, event, &s, &n))
    return expected(r, at, event, "an integer");
  switch (tp_integer_read(s, n, type, u)) {
    case TP_OK: return DONE;
    case TP_ERANGE:
      return tp_place_error(at, r->error,
                            "the number is out of the range of %s at offset"
                            " %lu",
                            tp_integer_type(type), offset(r));
    default:
      return tp_place_error(at, r->error,
                            "expected an integer, got a fraction at offset"
                            " %lu",
                            offset(r));
  }
}

static int is_string(const reader *r, const char *s) {
  return r->json.length == strlen(s) &&
         memcmp(r->json.string, s, r->json.length) == 0;
}

/* Halfway from the largest float to the next: what is less rounds to it, such
** as 3.4028235e38, which is how some peers write it. */
#define FLOAT_LIMIT 3.4028235677973366e38

static int read_double(reader *r, const tp_place *at, int type,
                       tp_json_event event, uint64_t *u) {
  const char *s;
  size_t n;
  double d = 0;
  float f;
  uint32_t bits;
  int word = event == TP_JSON_STRING;
  if (word && is_string(r, "NaN")) d = NAN;
  else if (word && is_string(r, "Infinity")) d = HUGE_VAL;
  else if (word && is_string(r, "-Infinity")) d = -HUGE_VAL;
  else word = 0;
  if (!word) {
    if (!number_text(r, event, &s, &n))
      return expected(r, at, event, "a number, \"NaN\" or \"Infinity\"");
    if (tp_decimal_read(s, n, &d) != TP_OK ||
        (type == TP_FLOAT && fabs(d) >= FLOAT_LIMIT))
      return tp_place_error(at, r->error,
                            "the number is out of the range of %s at offset"
                            " %lu",
                            type == TP_FLOAT ? "float" : "double", offset(r));
  }
  if (type == TP_DOUBLE) {
    memcpy(u, &d, sizeof *u);
    return DONE;
  }
  if (!word && fabs(d) > FLT_MAX) d = d > 0 ? FLT_MAX : -FLT_MAX;
  f = (float)d;
  memcpy(&bits, &f, sizeof bits);
  *u = bits;
  return DONE;
}

static int read_enum(reader *r, const tp_place *at, int enumeration,
                     tp_json_event event, uint64_t *u) {
  const tp_enum_value *value;
  const char *s = r->json.string;
  char shown[TP_SHOWN];
  if (event == TP_JSON_NULL && tp_is_null_value(enumeration)) {
    *u = 0;
    return DONE;
  }
  if (event == TP_JSON_INTEGER || event == TP_JSON_DOUBLE)
    return read_integer(r, at, TP_INT32, event, u);
  if (event != TP_JSON_STRING)
    return expected(r, at, event, "an enum value's name or number");
  value = tp_schema_value_named(enumeration, s, r->json.length);
  if (value != NULL && (*s < 'a' || *s > 'z')) { /* those are short names */
    *u = (uint64_t)(int64_t)value->number;
    return DONE;
  }
  if (r->flags & TP_PROTOJSON_IGNORE_UNKNOWN) return SKIPPED;
  tp_show(s, r->json.length, shown);
  value = tp_schema_nearest_value(enumeration, s, r->json.length);
  if (value == NULL)
    return tp_place_error(at, r->error,
                          "unknown enum value %s at offset %lu", shown,
                          offset(r));
  return tp_place_error(at, r->error,
                        "unknown enum value %s at offset %lu; did you mean"
                        " \"%s\"?",
                        shown, offset(r),
                        tp_schema_string(value->name, NULL));
}

/* Both alphabets are read, with padding or without. */
static int put_base64(reader *r, const tp_place *at, uint32_t number) {
  size_t n = r->json.length, i, length = 0;
  size_t mark = tp_wire_begin(r->out, number);
  uint8_t *room = tp_buffer_reserve(r->out, n + 1);
  if (room == NULL) return DONE; /* the buffer's status is looked at later */
  for (i = 0; i < n; i++) {
    char c = r->json.string[i];
    room[i] = (uint8_t)(c == '-' ? '+' : c == '_' ? '/' : c);
  }
  /* in place: what is written lies behind what is read */
  if (tp_base64_decode(room, &length, (const char *)room, n) != TP_OK)
    return tp_place_error(at, r->error,
                          "expected base64 text at offset %lu", offset(r));
  r->out->length += length;
  tp_wire_end(r->out, mark);
  return DONE;
}

/* Appends a scalar of JSON. With `number` 0 it is packed: without a tag. A
** zero is left out unless `zero`. */
static int put_scalar(reader *r, const tp_place *at, const tp_field *field,
                      uint32_t number, tp_json_event event, int zero) {
  uint64_t u = 0;
  int outcome = DONE;
  switch (field->type) {
    case TP_STRING:
    case TP_BYTES:
      if (event != TP_JSON_STRING)
        return expected(r, at, event,
                        field->type == TP_BYTES ? "base64 text in a string"
                                                : "a string");
      if (r->json.length == 0 && !zero) return DONE;
      if (field->type == TP_BYTES) return put_base64(r, at, number);
      tp_wire_put_bytes(r->out, number, r->json.string, r->json.length);
      return DONE;
    case TP_BOOL:
      if (event != TP_JSON_TRUE && event != TP_JSON_FALSE)
        return expected(r, at, event, "true or false");
      u = event == TP_JSON_TRUE;
      break;
    case TP_DOUBLE: case TP_FLOAT:
      outcome = read_double(r, at, field->type, event, &u);
      break;
    case TP_ENUM: outcome = read_enum(r, at, field->sub, event, &u); break;
    default: outcome = read_integer(r, at, field->type, event, &u);
  }
  if (outcome == DONE && (u != 0 || zero))
    put_integer(r->out, number, field->type, u);
  return outcome;
}

/* ---- values of a field ---- */

static int put_message(reader *r, const tp_place *at, uint32_t number,
                       int type, tp_json_event event, int depth) {
  size_t mark = tp_wire_begin(r->out, number);
  if (read_message(r, at, type, event, depth) != 0) return FAILED;
  tp_wire_end(r->out, mark);
  return DONE;
}

/* One value, of a field or of its list. */
static int put_value(reader *r, const tp_place *at, const tp_field *field,
                     uint32_t number, tp_json_event event, int depth,
                     int zero) {
  if (event == TP_JSON_NULL && !tp_takes_null(field))
    return expected(r, at, event, "a value");
  if (field->type == TP_MESSAGE)
    return put_message(r, at, number, field->sub, event, depth);
  return put_scalar(r, at, field, number, event, zero);
}

static int read_list(reader *r, tp_place *at, const tp_field *field,
                     tp_json_event event, int depth) {
  int packed = field->flags & TP_FIELD_PACKED;
  size_t mark = 0;
  if (event != TP_JSON_ARRAY) return expected(r, at, event, "an array");
  if (packed && tp_json_empty(&r->json)) packed = 0; /* nothing is written */
  if (packed) mark = tp_wire_begin(r->out, field->number);
  for (;;) {
    event = next(r);
    if (event == TP_JSON_ARRAY_END) break;
    if (event == TP_JSON_ERROR) return bad_json(r, at);
    at->index++;
    if (put_value(r, at, field, packed ? 0 : field->number, event, depth,
                  1) == FAILED)
      return FAILED;
  }
  at->index = 0;
  if (packed) tp_wire_end(r->out, mark);
  return DONE;
}

/* A map's key, which is always a string in JSON. */
static int put_key(reader *r, const tp_place *at, const tp_field *key) {
  uint64_t u = 0;
  if (key->type == TP_STRING) {
    tp_wire_put_bytes(r->out, 1, r->json.string, r->json.length);
    return DONE;
  }
  if (key->type == TP_BOOL) {
    u = is_string(r, "true");
    if (!u && !is_string(r, "false"))
      return expected(r, at, TP_JSON_STRING, "the key \"true\" or \"false\"");
  } else if (read_integer(r, at, key->type, TP_JSON_STRING, &u) != 0) {
    return FAILED;
  }
  put_integer(r->out, 1, key->type, u);
  return DONE;
}

/* The entries in out[begin..] have different keys. */
static int check_keys(reader *r, const tp_place *at, const tp_field *map,
                      size_t begin, size_t n) {
  tp_reader bytes;
  tp_field_value v;
  tp_entry *entries;
  size_t i;
  int wrong = 0;
  if (n < 2 || r->out->status != TP_OK) return DONE;
  entries = malloc(n * sizeof *entries);
  if (entries == NULL)
    return tp_place_error(at, r->error, "%s", tp_status_text(TP_ENOMEM));
  tp_reader_init(&bytes, r->out->data + begin, r->out->length - begin);
  for (i = 0; i < n && tp_wire_next(&bytes, &v) == TP_OK; i++) {
    tp_reader one = tp_reader_within(&bytes, v.bytes, v.length);
    tp_entry_read(map, &one, &entries[i]);
  }
  n = i;
  tp_entries_sort(map, entries, n);
  for (i = 1; i < n && !wrong; i++)
    wrong = tp_entries_equal(map, &entries[i - 1], &entries[i]);
  free(entries);
  return wrong ? fail(r, at, "the object has a key twice; it ends")
               : DONE;
}

static int read_map(reader *r, const tp_place *at, const tp_field *map,
                    tp_json_event event, int depth) {
  const tp_field *key = tp_schema_fields_of(map->sub), *value = key + 1;
  size_t begin = r->out->length, n = 0;
  if (event != TP_JSON_OBJECT) return expected(r, at, event, "an object");
  if (depth > TP_MAX_DEPTH)
    return fail(r, at, "nested deeper than 100 levels");
  for (;;) {
    size_t entry = r->out->length, mark;
    int outcome;
    event = next(r);
    if (event == TP_JSON_OBJECT_END) break;
    if (event == TP_JSON_ERROR) return bad_json(r, at);
    mark = tp_wire_begin(r->out, map->number);
    if (put_key(r, at, key) != DONE) return FAILED;
    outcome = put_value(r, at, value, value->number, next(r), depth + 1, 1);
    if (outcome == FAILED) return FAILED;
    tp_wire_end(r->out, mark);
    if (outcome == SKIPPED && r->out->status == TP_OK) r->out->length = entry;
    else n++;
  }
  return check_keys(r, at, map, begin, n);
}

/* ---- messages with a form of their own ---- */

static int read_time(reader *r, const tp_place *at, tp_well_known which,
                     tp_json_event event) {
  int64_t seconds = 0;
  int32_t nanos = 0;
  int stamp = which == TP_TIMESTAMP;
  const char *what =
      stamp ? "a Timestamp such as \"2026-11-22T21:06:08.250Z\", in the years"
              " 1 to 9999"
            : "a Duration such as \"1.5s\", of at most 315576000000 seconds";
  if (event != TP_JSON_STRING ||
      !(stamp ? tp_timestamp_read : tp_duration_read)(
          r->json.string, r->json.length, &seconds, &nanos))
    return expected(r, at, event, what);
  if (seconds != 0)
    tp_wire_put_varint(r->out, SECONDS, (uint64_t)seconds);
  if (nanos != 0)
    tp_wire_put_varint(r->out, NANOS, (uint64_t)(int64_t)nanos);
  return DONE;
}

static int read_mask(reader *r, const tp_place *at, tp_json_event event) {
  const char *s, *end, *comma;
  if (event != TP_JSON_STRING)
    return expected(r, at, event, "a FieldMask such as \"name,retryPolicy\"");
  s = r->json.string;
  end = s + r->json.length;
  while (r->json.length > 0) {
    size_t mark = tp_wire_begin(r->out, MASK_PATHS);
    comma = memchr(s, ',', (size_t)(end - s));
    if (comma == NULL) comma = end;
    if (!tp_path_to_snake(s, (size_t)(comma - s), r->out))
      return expected(r, at, event,
                      "paths of a FieldMask in lowerCamelCase");
    tp_wire_end(r->out, mark);
    if (comma == end) break;
    s = comma + 1;
  }
  return DONE;
}

/* Of google.protobuf.Value; inside of it a struct and a list are messages. */
static int read_value(reader *r, const tp_place *at, int type,
                      tp_json_event event, int depth) {
  const tp_field *field;
  switch (event) {
    case TP_JSON_NULL: tp_wire_put_varint(r->out, VALUE_NULL, 0); return DONE;
    case TP_JSON_TRUE: case TP_JSON_FALSE:
      tp_wire_put_bool(r->out, VALUE_BOOL, event == TP_JSON_TRUE);
      return DONE;
    case TP_JSON_STRING:
      tp_wire_put_bytes(r->out, VALUE_STRING, r->json.string,
                        r->json.length);
      return DONE;
    case TP_JSON_ARRAY: case TP_JSON_OBJECT:
      field = tp_schema_field(
          type, event == TP_JSON_ARRAY ? VALUE_LIST : VALUE_STRUCT);
      return put_message(r, at, field->number, field->sub, event, depth + 1);
    case TP_JSON_INTEGER: case TP_JSON_DOUBLE:
      return put_scalar(r, at, tp_schema_field(type, VALUE_NUMBER),
                        VALUE_NUMBER, event, 1);
    default: return expected(r, at, event, "a value");
  }
}

static int read_fields(reader *r, tp_place *at, int depth, int any);

/* Where "@type" is in the object that has just begun: its type, its URL
** written to the output. */
static int read_url(reader *r, const tp_place *at, int *type) {
  tp_json_reader begin = r->json;
  unsigned depth = r->json.depth;
  char shown[TP_SHOWN];
  tp_json_event event;
  for (;;) {
    event = next(r);
    if (event == TP_JSON_ERROR) return bad_json(r, at);
    if (event == TP_JSON_OBJECT_END && r->json.depth < depth)
      return fail(r, at, "the Any has no \"@type\"; it ends");
    if (event == TP_JSON_KEY && r->json.depth == depth &&
        is_string(r, "@type"))
      break;
  }
  event = next(r);
  if (event != TP_JSON_STRING)
    return expected(r, at, event, "the type's URL in a string");
  *type = tp_message_of_url(r->json.string, r->json.length);
  if (*type < 0)
    return tp_place_error(
        at, r->error, "unknown message in \"@type\", %s at offset %lu",
        tp_show(r->json.string, r->json.length, shown), offset(r));
  tp_wire_put_bytes(r->out, ANY_URL, r->json.string, r->json.length);
  r->json = begin;
  return DONE;
}

/* {"@type": URL, "value": JSON}, for the types that are no plain object. */
static int read_any_value(reader *r, const tp_place *at, int type,
                          int depth) {
  int found = 0, types = 0, unknown;
  char shown[TP_SHOWN];
  for (;;) {
    tp_json_event event = next(r);
    if (event == TP_JSON_ERROR) return bad_json(r, at);
    if (event == TP_JSON_OBJECT_END) break;
    if (is_string(r, "value") && !found++) {
      if (read_message(r, at, type, next(r), depth) != 0) return FAILED;
      continue;
    }
    unknown = !is_string(r, "@type") || types++;
    if (unknown && !(r->flags & TP_PROTOJSON_IGNORE_UNKNOWN))
      return tp_place_error(
          at, r->error,
          "an Any of this type has \"@type\" and \"value\", once each; got %s"
          " at offset %lu",
          tp_show(r->json.string, r->json.length, shown), offset(r));
    if (skip(r, at, next(r)) != 0) return FAILED;
  }
  return found ? DONE : fail(r, at, "the Any has no \"value\"; it ends");
}

static int read_any(reader *r, const tp_place *at, tp_json_event event,
                    int depth) {
  tp_place inner = {at, 0, NULL, 0};
  size_t mark;
  if (event != TP_JSON_OBJECT) return expected(r, at, event, "an object");
  if (tp_json_empty(&r->json)) {
    next(r);
    return DONE;
  }
  if (read_url(r, at, &inner.type) != 0) return FAILED;
  if (depth + 1 > TP_MAX_DEPTH)
    return fail(r, at, "nested deeper than 100 levels");
  mark = tp_wire_begin(r->out, ANY_VALUE);
  if (tp_well_known_of(inner.type) == TP_ORDINARY) {
    if (read_fields(r, &inner, depth + 1, 1) != 0) return FAILED;
  } else if (read_any_value(r, at, inner.type, depth + 1) != 0) {
    return FAILED;
  }
  if (r->out->status == TP_OK && r->out->length == mark)
    r->out->length = mark - 2; /* its tag and length: an empty one is none */
  else
    tp_wire_end(r->out, mark);
  return DONE;
}

static int read_well_known(reader *r, const tp_place *at, tp_well_known which,
                           int type, tp_json_event event, int depth) {
  const tp_field *field = tp_schema_fields_of(type);
  tp_place inner = *at;
  switch (which) {
    case TP_TIMESTAMP: case TP_DURATION:
      return read_time(r, at, which, event);
    case TP_FIELD_MASK: return read_mask(r, at, event);
    case TP_ANY: return read_any(r, at, event, depth);
    case TP_STRUCT: return read_map(r, at, field, event, depth + 1);
    case TP_VALUE: return read_value(r, at, type, event, depth);
    case TP_LIST_VALUE:
      inner.index = 0;
      return read_list(r, &inner, field, event, depth + 1);
    default: return put_scalar(r, at, field, 1, event, 0);
  }
}

/* ---- messages ---- */

typedef struct {
  uint8_t fields[(TP_SCHEMA_MAX_FIELDS + 7) / 8];
  uint16_t oneofs;
} given;

static int unknown_field(reader *r, const tp_place *at) {
  const char *s = r->json.string, *near;
  char shown[TP_SHOWN];
  tp_show(s, r->json.length, shown);
  near = tp_schema_nearest_field(at->type, s, r->json.length);
  if (near == NULL)
    return tp_place_error(at, r->error, "unknown field %s at offset %lu",
                          shown, offset(r));
  return tp_place_error(at, r->error,
                        "unknown field %s at offset %lu; did you mean"
                        " \"%s\"?",
                        shown, offset(r), near);
}

/* The member whose field is at->field. */
static int read_member(reader *r, tp_place *at, given *g, int depth) {
  const tp_field *field = at->field;
  int index = (int)(field - tp_schema_fields_of(at->type)), outcome;
  int oneof = TP_FIELD_ONEOF(field);
  tp_json_event event;
  if (g->fields[index / 8] >> index % 8 & 1)
    return fail(r, at, "the field is given a second time");
  g->fields[index / 8] |= (uint8_t)(1 << index % 8);
  event = next(r);
  if (event == TP_JSON_NULL && !(tp_takes_null(field) &&
                                 !(field->flags & TP_FIELD_REPEATED)))
    return DONE; /* an absent one */
  if (oneof != 0 && g->oneofs >> oneof & 1)
    return fail(r, at, "a second field of the same oneof is given");
  g->oneofs |= (uint16_t)(1 << oneof);
  if (field->flags & TP_FIELD_MAP)
    return read_map(r, at, field, event, depth + 1);
  if (field->flags & TP_FIELD_REPEATED)
    return read_list(r, at, field, event, depth + 1);
  outcome = put_value(r, at, field, field->number, event, depth + 1,
                      field->flags & TP_FIELD_PRESENCE);
  return outcome == FAILED ? FAILED : DONE;
}

/* The members of an object that has begun; of an Any's with "@type". */
static int read_fields(reader *r, tp_place *at, int depth, int any) {
  given g;
  memset(&g, 0, sizeof g);
  for (;;) {
    tp_json_event event = next(r);
    if (event == TP_JSON_OBJECT_END) return DONE;
    if (event == TP_JSON_ERROR) return bad_json(r, at);
    at->field = tp_json_field(at->type, r->json.string, r->json.length);
    if (at->field != NULL) {
      if (read_member(r, at, &g, depth) != 0) return FAILED;
      at->field = NULL;
      continue;
    }
    if (any && is_string(r, "@type")) any = 0; /* once */
    else if (!(r->flags & TP_PROTOJSON_IGNORE_UNKNOWN))
      return unknown_field(r, at);
    if (skip(r, at, next(r)) != 0) return FAILED;
  }
}

static int read_message(reader *r, const tp_place *up, int type,
                        tp_json_event event, int depth) {
  tp_well_known which = tp_well_known_of(type);
  tp_place at = {up, type, NULL, 0};
  if (depth > TP_MAX_DEPTH)
    return fail(r, &at, "nested deeper than 100 levels");
  if (which != TP_ORDINARY)
    return read_well_known(r, &at, which, type, event, depth);
  if (event != TP_JSON_OBJECT) return expected(r, &at, event, "an object");
  return read_fields(r, &at, depth, 0);
}

int tp_protojson_read(int type, const char *text, size_t n, int flags,
                      tp_buffer *out, char error[TP_PROTOJSON_ERROR]) {
  size_t start = out->length;
  tp_place at = {NULL, type, NULL, 0};
  tp_buffer scratch;
  reader r;
  int wrong;
  tp_buffer_init(&scratch, TP_MAX_MESSAGE);
  tp_json_open(&r.json, text, n, &scratch);
  r.token = text;
  r.out = out;
  r.flags = flags;
  r.error = error;
  wrong = read_message(&r, NULL, type, next(&r), 0) != DONE;
  if (!wrong && next(&r) != TP_JSON_END) wrong = bad_json(&r, &at);
  if (!wrong && out->status != TP_OK)
    wrong = tp_place_error(&at, error, "%s", tp_status_text(out->status));
  tp_buffer_free(&scratch);
  if (wrong) out->length = start;
  return wrong ? -1 : 0;
}

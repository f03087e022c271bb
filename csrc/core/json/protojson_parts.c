/* Places, names and map entries: see protojson_parts.h. Any thread. */
#include "protojson_parts.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../base/utf8.h"

#define PATH_ROOM 300 /* of an error's text; the rest is what was wrong */

/* ---- errors ---- */

const char *tp_show(const char *s, size_t n, char out[TP_SHOWN]) {
  size_t shown = n < 40 ? n : 40, i;
  char *p = out;
  if (shown < n) shown = tp_utf8_valid_prefix(s, shown);
  *p++ = '"';
  for (i = 0; i < shown; i++) {
    unsigned char c = (unsigned char)s[i];
    *p++ = c < 0x20 || c == 0x7F ? '?' : (char)c;
  }
  strcpy(p, shown < n ? "...\"" : "\"");
  return out;
}

static size_t put_path(const tp_place *place, char *text, size_t n) {
  int more;
  if (place->up != NULL) {
    n = put_path(place->up, text, n);
  } else {
    n = (size_t)snprintf(text, PATH_ROOM, "%s",
                         tp_schema_message_short(place->type));
  }
  if (place->field == NULL || n >= PATH_ROOM) return n;
  more = snprintf(text + n, PATH_ROOM - n, ".%s",
                  tp_schema_string(place->field->name, NULL));
  n += (size_t)more;
  if (place->index == 0 || n >= PATH_ROOM) return n;
  more = snprintf(text + n, PATH_ROOM - n, "[%lu]",
                  (unsigned long)place->index);
  return n + (size_t)more;
}

int tp_place_error(const tp_place *place, char error[TP_PROTOJSON_ERROR],
                   const char *format, ...) {
  size_t n = put_path(place, error, 0);
  va_list arguments;
  if (n >= PATH_ROOM) {
    n = PATH_ROOM - 1;
    memcpy(error + n - 3, "...", 3);
  }
  memcpy(error + n, ": ", 2);
  va_start(arguments, format);
  vsnprintf(error + n + 2, TP_PROTOJSON_ERROR - n - 2, format, arguments);
  va_end(arguments);
  return -1;
}

/* ---- fields ---- */

size_t tp_json_name(const tp_field *field, char *out) {
  size_t n, i, k = 0;
  const char *name = tp_schema_string(field->name, &n);
  int capital = 0;
  for (i = 0; i < n; i++) {
    char c = name[i];
    if (c == '_') {
      capital = 1;
      continue;
    }
    if (capital && c >= 'a' && c <= 'z') c = (char)(c - 'a' + 'A');
    capital = 0;
    if (k < TP_JSON_NAME) out[k++] = c;
  }
  return k;
}

/* Without making the name: most fields differ in their first letters. */
static int has_json_name(const tp_field *field, const char *json,
                         size_t json_n) {
  const char *name = tp_schema_string(field->name, NULL);
  size_t k = 0;
  int capital = 0;
  for (; *name != '\0'; name++) {
    char c = *name;
    if (c == '_') {
      capital = 1;
      continue;
    }
    if (capital && c >= 'a' && c <= 'z') c = (char)(c - 'a' + 'A');
    capital = 0;
    if (k == json_n || json[k++] != c) return 0;
  }
  return k == json_n;
}

const tp_field *tp_json_field(int type, const char *name, size_t n) {
  const tp_field *fields = tp_schema_fields_of(type);
  int i;
  for (i = 0; i < tp_schema_messages[type].count; i++)
    if (has_json_name(&fields[i], name, n)) return &fields[i];
  return tp_schema_field_named(type, name, n);
}

tp_wire_type tp_wire_of_field(const tp_field *field) {
  switch (field->type) {
    case TP_DOUBLE: case TP_FIXED64: case TP_SFIXED64:
      return TP_WIRE_FIXED64;
    case TP_FLOAT: case TP_FIXED32: case TP_SFIXED32:
      return TP_WIRE_FIXED32;
    case TP_STRING: case TP_MESSAGE: case TP_BYTES: return TP_WIRE_BYTES;
    case TP_GROUP: return TP_WIRE_GROUP;
    default: return TP_WIRE_VARINT;
  }
}

const tp_field *tp_known_field(int type, const tp_field_value *v) {
  const tp_field *field = tp_schema_field(type, v->number);
  if (field == NULL || v->wire == tp_wire_of_field(field)) return field;
  if (v->wire == TP_WIRE_BYTES && field->flags & TP_FIELD_REPEATED)
    return field; /* packed */
  return NULL;
}

uint64_t tp_field_integer(int type, uint64_t wire) {
  switch (type) {
    case TP_INT32: case TP_SFIXED32: case TP_ENUM:
      return (uint64_t)(int64_t)(int32_t)(uint32_t)wire;
    case TP_UINT32: case TP_FIXED32: return (uint32_t)wire;
    case TP_SINT32:
      return (uint64_t)(int64_t)(int32_t)tp_zigzag_decode(wire & UINT32_MAX);
    case TP_SINT64: return (uint64_t)tp_zigzag_decode(wire);
    case TP_BOOL: return wire != 0;
    default: return wire;
  }
}

/* ---- entries of a map ---- */

tp_status tp_entry_read(const tp_field *map, const tp_reader *contents,
                        tp_entry *entry) {
  tp_reader r = *contents;
  tp_field_value v;
  entry->contents = *contents;
  memset(&entry->key, 0, sizeof entry->key);
  while (!tp_reader_done(&r)) {
    tp_status status = tp_wire_next(&r, &v);
    if (status != TP_OK) return status;
    if (v.number == 1 && tp_known_field(map->sub, &v) != NULL) entry->key = v;
  }
  entry->key.integer = tp_field_integer(tp_schema_fields_of(map->sub)->type,
                                        entry->key.integer);
  return TP_OK;
}

static int compare_bytes(const tp_field_value *a, const tp_field_value *b) {
  size_t n = a->length < b->length ? a->length : b->length;
  int order = n > 0 ? memcmp(a->bytes, b->bytes, n) : 0;
  if (order != 0) return order;
  return a->length < b->length ? -1 : a->length > b->length;
}

/* Later entries of the same message lie at higher addresses. */
static int in_place(const tp_entry *a, const tp_entry *b) {
  return a->contents.p < b->contents.p ? -1 : a->contents.p > b->contents.p;
}

static int by_text(const void *left, const void *right) {
  const tp_entry *a = left, *b = right;
  int order = compare_bytes(&a->key, &b->key);
  return order != 0 ? order : in_place(a, b);
}

static int by_signed(const void *left, const void *right) {
  const tp_entry *a = left, *b = right;
  int64_t x = (int64_t)a->key.integer, y = (int64_t)b->key.integer;
  return x != y ? (x < y ? -1 : 1) : in_place(a, b);
}

static int by_unsigned(const void *left, const void *right) {
  const tp_entry *a = left, *b = right;
  uint64_t x = a->key.integer, y = b->key.integer;
  return x != y ? (x < y ? -1 : 1) : in_place(a, b);
}

void tp_entries_sort(const tp_field *map, tp_entry *entries, size_t n) {
  int type = tp_schema_fields_of(map->sub)->type;
  int (*compare)(const void *, const void *) = by_signed;
  if (n < 2) return;
  if (type == TP_STRING) compare = by_text;
  else if (type == TP_UINT64 || type == TP_FIXED64) compare = by_unsigned;
  qsort(entries, n, sizeof *entries, compare);
}

int tp_entries_equal(const tp_field *map, const tp_entry *a,
                     const tp_entry *b) {
  if (tp_schema_fields_of(map->sub)->type == TP_STRING)
    return compare_bytes(&a->key, &b->key) == 0;
  return a->key.integer == b->key.integer;
}

/* What both directions of ProtoJSON share: the place of an error, the fields'
** JSON names, the entries of a map. Any thread; only sorting can fail.
*/
#ifndef TP_PROTOJSON_PARTS_H
#define TP_PROTOJSON_PARTS_H

#include "protojson.h"
#include "../proto/schema.h"
#include "../proto/wire.h"

#pragma GCC visibility push(hidden)

/* Where in a message we are: a chain of levels on the C stack. */
typedef struct tp_place {
  const struct tp_place *up;
  int type;              /* message index */
  const tp_field *field; /* in work, or NULL */
  size_t index;          /* its element, from 1; 0 = none */
} tp_place;

/* Writes "Message.field[2].field: text" to `error`, returns -1. Numbers in
** the format must not depend on the locale. */
int tp_place_error(const tp_place *place, char error[TP_PROTOJSON_ERROR],
                   const char *format, ...);

/* Text of a message in quotes for errors: short, without control bytes. */
#define TP_SHOWN 64
const char *tp_show(const char *s, size_t n, char out[TP_SHOWN]);

/* field_name -> fieldName. Room for the length of the name; its length. */
size_t tp_json_name(const tp_field *field, char *out);
#define TP_JSON_NAME 128 /* longer than any field's name */
const tp_field *tp_json_field(int type, const char *name, size_t n);

tp_wire_type tp_wire_of_field(const tp_field *field);

/* The field of `v` in messages of `type`, when its wire type fits too. */
const tp_field *tp_known_field(int type, const tp_field_value *v);

/* What the wire's integer means, cut to the field's type: unsigned, or the
** two's complement of a signed one. */
uint64_t tp_field_integer(int type, uint64_t wire);

/* One entry of a map. */
typedef struct tp_entry {
  tp_reader contents;
  tp_field_value key; /* number 0: left out, which is the default */
} tp_entry;

/* Reads the bytes of one entry of map `field` into `entry`. */
tp_status tp_entry_read(const tp_field *map, const tp_reader *contents,
                        tp_entry *entry);
/* Puts entries in the order of their keys; of equal ones as they came. */
void tp_entries_sort(const tp_field *map, tp_entry *entries, size_t n);
int tp_entries_equal(const tp_field *map, const tp_entry *a,
                     const tp_entry *b);

/* ---- well-known types ---- */

typedef enum {
  TP_ORDINARY, /* a JSON object of its fields; google.protobuf.Empty too */
  TP_WRAPPER,
  TP_TIMESTAMP,
  TP_DURATION,
  TP_FIELD_MASK,
  TP_ANY,
  TP_STRUCT,
  TP_VALUE,
  TP_LIST_VALUE
} tp_well_known;

tp_well_known tp_well_known_of(int type);
int tp_is_null_value(int enumeration); /* google.protobuf.NullValue? */

/* A field that takes JSON null: Value or NullValue. */
int tp_takes_null(const tp_field *field);

/* The message a type URL names, or -1. */
int tp_message_of_url(const char *url, size_t n);

/* "2026-11-22T21:06:08.250Z", "-1.5s": 0, 3, 6 or 9 digits after the point.
** The length, or 0 when out of range. */
#define TP_TIME_TEXT 40
size_t tp_timestamp_write(int64_t seconds, int64_t nanos,
                          char out[TP_TIME_TEXT]);
size_t tp_duration_write(int64_t seconds, int64_t nanos,
                         char out[TP_TIME_TEXT]);
/* False when it is not such text, or out of range. */
int tp_timestamp_read(const char *s, size_t n, int64_t *seconds,
                      int32_t *nanos);
int tp_duration_read(const char *s, size_t n, int64_t *seconds,
                     int32_t *nanos);

/* Appends one path of a FieldMask in the other case; false: it has none. */
int tp_path_to_camel(const char *s, size_t n, tp_buffer *out);
int tp_path_to_snake(const char *s, size_t n, tp_buffer *out);

#pragma GCC visibility pop
#endif

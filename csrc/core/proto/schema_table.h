/* The shape of the generated tables (schema_table.c), which schema.c looks
** things up in. Const data: any thread.
*/
#ifndef TP_SCHEMA_TABLE_H
#define TP_SCHEMA_TABLE_H

#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)

#define TP_SCHEMA_MAX_FIELDS 128 /* of one message; the generator checks it */
#define TP_SCHEMA_MAX_ONEOFS 15  /* of one message; likewise */

/* The numbers of FieldDescriptorProto.Type. */
typedef enum {
  TP_DOUBLE = 1, TP_FLOAT, TP_INT64, TP_UINT64, TP_INT32, TP_FIXED64,
  TP_FIXED32, TP_BOOL, TP_STRING, TP_GROUP, TP_MESSAGE, TP_BYTES, TP_UINT32,
  TP_ENUM, TP_SFIXED32, TP_SFIXED64, TP_SINT32, TP_SINT64
} tp_field_type;

enum {
  TP_FIELD_REPEATED = 1, /* lists; maps have TP_FIELD_MAP instead */
  TP_FIELD_PACKED = 2,   /* how it is written; both forms are read */
  TP_FIELD_MAP = 4,      /* sub is the entry's message: key = 1, value = 2 */
  TP_FIELD_PRESENCE = 8  /* zero differs from absent: messages, oneofs, ... */
};
#define TP_FIELD_ONEOF(field) ((field)->flags >> 4) /* 0, or which: 1..15 */

enum {
  TP_MESSAGE_ENTRY = 1,  /* entry of a map: not looked up by name */
  TP_MESSAGE_WRAPPER = 2 /* google.protobuf.DoubleValue and its like */
};

typedef struct tp_field {
  uint16_t number;
  uint16_t name; /* string id */
  uint16_t sub;  /* message or enum index */
  uint8_t type;  /* tp_field_type */
  uint8_t flags;
} tp_field;

typedef struct tp_message {
  uint16_t name;  /* string id of the full name */
  uint16_t first; /* its fields, ascending by number */
  uint8_t count;
  uint8_t always; /* fields a decoded table always has */
  uint8_t flags;
  uint8_t spare;
} tp_message;

typedef struct tp_enum {
  uint16_t name;
  uint16_t first; /* its values, ascending by number */
  uint16_t count;
  uint16_t prefix; /* of the values' names, left out of their short names */
} tp_enum;

typedef struct tp_enum_value {
  int32_t number;
  uint16_t name;
  uint16_t by_name; /* the k-th by name is values[first + by_name] */
} tp_enum_value;

typedef struct tp_service {
  uint16_t first;
  uint16_t count;
  uint16_t prefix; /* length of "/full.Service/" */
} tp_service;

typedef struct tp_rpc {
  uint16_t path; /* string id of "/full.Service/Method" */
  uint16_t request;
  uint16_t response;
} tp_rpc;

typedef struct tp_schema_size {
  uint16_t messages, enums, services, rpcs;
  uint16_t names; /* string ids below it are names of fields and values */
} tp_schema_size;

extern const tp_schema_size tp_schema_count;
extern const uint32_t tp_schema_strings[]; /* offsets; one more at the end */
extern const tp_message tp_schema_messages[];
extern const tp_field tp_schema_fields[];
extern const uint8_t tp_schema_by_name[]; /* parallel to the fields */
extern const tp_enum tp_schema_enums[];
extern const tp_enum_value tp_schema_values[];
extern const tp_service tp_schema_services[];
extern const tp_rpc tp_schema_rpcs[];
const char *tp_schema_pool(void);

#pragma GCC visibility pop
#endif

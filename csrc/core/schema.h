/* Descriptors of every message, enum and RPC the SDK knows, as const tables
** without pointers: offsets into one string pool, so nothing is relocated and
** the pages are shared between processes. The tables are generated
** (tools/schema.py -> schema_table.c). Any thread; lookups answer -1 or NULL
** for what is unknown and cannot fail otherwise.
*/
#ifndef TP_SCHEMA_H
#define TP_SCHEMA_H

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

/* The string of an id; NUL-terminated. `n` may be NULL. */
const char *tp_schema_string(unsigned id, size_t *n);

/* Index of a message by full name, or -1. */
int tp_schema_message(const char *full_name, size_t n);
const char *tp_schema_message_name(int type);  /* full name */
const char *tp_schema_message_short(int type); /* after the last dot */

/* The fields of a message, ascending by number: `tp_schema_messages[type]
** .count` of them. By number, by name: NULL when there is none. */
const tp_field *tp_schema_fields_of(int type);
const tp_field *tp_schema_field(int type, uint32_t number);
const tp_field *tp_schema_field_named(int type, const char *name, size_t n);

/* Enums: by full name; a value's number by its full name or by the short one
** in lower snake case; a value by number. */
int tp_schema_enum(const char *full_name, size_t n);
const tp_enum_value *tp_schema_value(int enumeration, int32_t number);
const tp_enum_value *tp_schema_value_named(int enumeration, const char *name,
                                           size_t n);
/* Writes the short name (NUL-terminated, cut to fit), returns its length. */
size_t tp_schema_value_short(int enumeration, const tp_enum_value *value,
                             char *out, size_t size);

/* RPCs: "Method" (looked for in WorkflowService, OperatorService, Health, in
** this order) or "full.Service/Method". -1 when there is none. */
int tp_schema_rpc(const char *name, size_t n);
const char *tp_schema_rpc_path(int rpc, size_t *n);
int tp_schema_rpc_request(int rpc);
int tp_schema_rpc_response(int rpc);
int tp_schema_has_string(int type, const char *name); /* a string field? */

/* For messages: the known name nearest to a mistyped one, or NULL. */
const char *tp_schema_nearest_field(int type, const char *name, size_t n);
const char *tp_schema_nearest_message(const char *name, size_t n);
const char *tp_schema_nearest_rpc(const char *name, size_t n);
const tp_enum_value *tp_schema_nearest_value(int enumeration,
                                             const char *name, size_t n);

#pragma GCC visibility pop
#endif

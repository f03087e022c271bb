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
#include "schema_table.h"

#pragma GCC visibility push(hidden)

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

/* ProtoJSON, the JSON form of protobuf messages: wire bytes to text and back,
** driven by schema.h. Any thread; the depth is at most TP_MAX_DEPTH messages.
** What is wrong with the input is -1, a sentence in `error` and `out` as long
** as before; a buffer that cannot grow keeps its own status as well.
** Source: https://protobuf.dev/programming-guides/json
*/
#ifndef TP_PROTOJSON_H
#define TP_PROTOJSON_H

#include <stddef.h>
#include <stdint.h>
#include "../base/buffer.h"

#pragma GCC visibility push(hidden)

#define TP_PROTOJSON_ERROR 512 /* bytes of an error's text, NUL included */

enum {
  TP_PROTOJSON_PROTO_NAMES = 1,   /* write field_name, not fieldName */
  TP_PROTOJSON_IGNORE_UNKNOWN = 2 /* read: skip unknown names */
};

/* The message of `type` in data[0..n) as JSON text without white space:
** fields in the order of their numbers, maps in the order of their keys, no
** default values. Unknown fields have no JSON form and are left out. */
int tp_protojson_write(int type, const void *data, size_t n, int flags,
                       tp_buffer *out, char error[TP_PROTOJSON_ERROR]);

/* The JSON text of a message as bytes, fields in the order of the text. Both
** forms of a field's name are read; null is an absent field; a field or a
** map's key may be given once, and so may each oneof. */
int tp_protojson_read(int type, const char *text, size_t n, int flags,
                      tp_buffer *out, char error[TP_PROTOJSON_ERROR]);

#pragma GCC visibility pop
#endif

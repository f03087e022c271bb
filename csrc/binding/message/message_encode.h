/* Lua tables -> protobuf messages, driven by csrc/core/proto/schema.h. Lua
** thread. Bad input is answered with -1 and one error string on the stack,
** which names the field path; only running out of memory raises. Never runs
** Lua code of anybody: raw access, no metamethods.
*/
#ifndef LTP_MESSAGE_ENCODE_H
#define LTP_MESSAGE_ENCODE_H

#include "../../core/base/buffer.h"
#include "../base/compat.h"

#pragma GCC visibility push(hidden)

/* The table of a message has its protobuf field names as keys.
** - Decoded: absent scalars are zero, absent messages (and members of a oneof,
**   and `optional` scalars) nil, lists and maps always tables; enums are full
**   names, or numbers when unknown; int64 is an integer, or on a VM without
**   integers a number when exact, else decimal digits; a wrapper is its value.
** - Encoded: the same, and besides enums by short name or number, integers as
**   integral numbers or digits, lists up to `n` or the first nil, wrappers as
**   messages, too. NaN loses its sign and payload.
** - `_unknown` holds the unknown fields as bytes, in order. A known number with
**   a wire type that does not fit is one. Only map entries and wrappers, whose
**   fields protobuf has fixed for ever, drop what they do not know.
** - Depth: TP_MAX_DEPTH messages, map entries and groups below the outermost.
*/

/* A string where a message is expected is that message, serialized. */
#define LTP_ALLOW_ENCODED 1

/* Appends the table at `index` as a message of `type`; `out` belongs to a
** userdata of the caller. 0, or -1: error string pushed, `out` as before. */
int ltp_message_encode(lua_State *L, int index, int type, tp_buffer *out,
                       int flags);

#pragma GCC visibility pop
#endif

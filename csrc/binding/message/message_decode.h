/* Protobuf messages -> Lua tables, as message_encode.h describes them. Lua
** thread; the same errors.
*/
#ifndef LTP_MESSAGE_DECODE_H
#define LTP_MESSAGE_DECODE_H

#include <stddef.h>
#include <stdint.h>
#include "../base/compat.h"

#pragma GCC visibility push(hidden)

/* Pushes the table and returns 0, or pushes an error string (field path and
** byte offset) and returns -1. `data` must stay put meanwhile. */
int ltp_message_decode(lua_State *L, const uint8_t *data, size_t n, int type);

#pragma GCC visibility pop
#endif

/* Protobuf messages -> Lua tables, as message_encode.h describes them. Lua
** thread; the same errors.
*/
#ifndef LTP_MESSAGE_DECODE_H
#define LTP_MESSAGE_DECODE_H

#include <stddef.h>
#include <stdint.h>
#include "../base/compat.h"

#pragma GCC visibility push(hidden)

/* More tables and elements than may be made. */
#define LTP_TOO_MUCH (-2)
/* Said behind that where the limit is a client's. */
#define LTP_RAISE_LIMIT ": a larger client option max_decoded allows it"

/* Pushes the table and returns 0, or pushes an error string (field path and
** byte offset) and returns -1, or LTP_TOO_MUCH. `data` must stay put meanwhile.
** `max` is the most; few bytes may not make so many. */
int ltp_message_decode(lua_State *L, const uint8_t *data, size_t n, int type,
                       size_t max);

#pragma GCC visibility pop
#endif

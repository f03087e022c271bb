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

/* The same, with sparse tables: a field that is absent is not in the table, and
** reads as its default all the same, through a metatable; lists and maps as one
** empty table that cannot be changed. Histories and payloads
** (temporal.api.history.v1.History, temporal.api.common.v1.Payloads) stay
** strings with their bytes; failures are full. `wanted` has a bit for each
** field below number 64 of the outermost message: others are passed over. */
int ltp_message_decode_sparse(lua_State *L, const uint8_t *data, size_t n,
                              int type, uint64_t wanted, size_t max);
#define LTP_ALL_FIELDS UINT64_MAX

#pragma GCC visibility pop
#endif

/* Puts the encoded entries of a map in the order of their keys, so that equal
** tables give equal bytes. Lua thread; raises only when out of memory.
*/
#ifndef LTP_MESSAGE_ENTRIES_H
#define LTP_MESSAGE_ENTRIES_H

#include <stddef.h>
#include "../../core/base/buffer.h"
#include "../base/compat.h"

#pragma GCC visibility push(hidden)

/* Everything in `out` from `begin` on is entries of one map, just written. */
void ltp_sort_entries(lua_State *L, tp_buffer *out, size_t begin,
                      int key_type);

#pragma GCC visibility pop
#endif

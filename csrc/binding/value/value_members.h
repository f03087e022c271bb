/* Puts the members of a JSON object in the order of their keys, so that equal
** tables give equal bytes. Calls nothing of Lua.
*/
#ifndef LTP_VALUE_MEMBERS_H
#define LTP_VALUE_MEMBERS_H

#include <stddef.h>
#include "../../core/base/buffer.h"

#pragma GCC visibility push(hidden)

/* Does the key that was written at `a` come before that at `b`? As their text
** stands in `out`, `n` bytes each. */
int ltp_members_in_order(const tp_buffer *out, size_t a, size_t a_length,
                         size_t b, size_t b_length);

/* Everything in `out` from `begin` on is `count` members, just written, each
** with a comma behind it. */
void ltp_sort_members(tp_buffer *out, size_t begin, size_t count);

#pragma GCC visibility pop
#endif

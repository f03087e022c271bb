/* Numbers as decimal text for Lua, whose own tonumber and tostring go by the
** locale. Lua thread.
*/
#ifndef LTP_DECIMAL_H
#define LTP_DECIMAL_H

#include "../../core/json/json_number.h"
#include "compat.h"

#pragma GCC visibility push(hidden)

/* The number at `index` in its shortest form, at most TP_DECIMAL_SIZE bytes and
** no final NUL; returns how many. */
size_t ltp_write_decimal(lua_State *L, int index, char *out);

#pragma GCC visibility pop
#endif

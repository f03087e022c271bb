/* Names of fields and enum values as Lua strings, kept in one table of the Lua
** state so that each is hashed once. Lua thread; raises when out of memory.
*/
#ifndef LTP_MESSAGE_NAMES_H
#define LTP_MESSAGE_NAMES_H

#include <stdint.h>
#include "../base/compat.h"

#pragma GCC visibility push(hidden)

void ltp_push_names(lua_State *L); /* the table itself */
/* The string of id, out of the table at slot `names`. */
void ltp_push_name(lua_State *L, int names, unsigned id);
/* An integer no Lua number holds, in decimal digits. */
void ltp_push_decimal(lua_State *L, int negative, uint64_t magnitude);

#pragma GCC visibility pop
#endif

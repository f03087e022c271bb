/* The schema's names: those of fields and enum values as Lua strings, kept in
** one table of the Lua state so that each is hashed once; message types by
** name; what is said of a name that there is not. Lua thread; raises when out
** of memory.
*/
#ifndef LTP_MESSAGE_NAMES_H
#define LTP_MESSAGE_NAMES_H

#include <stddef.h>
#include <stdint.h>
#include "../base/compat.h"

#pragma GCC visibility push(hidden)

void ltp_push_names(lua_State *L); /* the table itself */
/* The string of id, out of the table at slot `names`. */
void ltp_push_name(lua_State *L, int names, unsigned id);
/* An integer; in decimal digits, where no Lua number holds it. */
void ltp_push_signed(lua_State *L, int64_t value);
void ltp_push_unsigned(lua_State *L, uint64_t value);

/* Pushes nil and `unknown WHAT "NAME"`, with the nearest name that there is
** unless that is NULL. Returns 2. */
int ltp_unknown_name(lua_State *L, const char *what, const char *name,
                     size_t n, const char *nearest);
/* The message type named at `index`, or -1: nil and a message are pushed. */
int ltp_check_message_type(lua_State *L, int index);

#pragma GCC visibility pop
#endif

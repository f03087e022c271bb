/* Metadata of calls, from Lua lists to one block of C. Lua thread; raises when
** memory is short. */
#ifndef LTP_METADATA_H
#define LTP_METADATA_H

#include <lua.h>

#include "../../core/rpc/metadata.h"

#pragma GCC visibility push(hidden)

/* The list {k1, v1, k2, v2, ...} of strings at `list`, or nil: one block. The
** caller has checked that all are strings. NULL: none. */
tp_metadata *ltp_read_metadata(lua_State *L, int list);

/* An error string when the value at `list` is no such list, or too much of it
** with what every call carries (`common`, or NULL); else NULL. */
const char *ltp_check_metadata(lua_State *L, int list,
                               const tp_metadata *common);

/* header_problem(value) -> nil, or what is wrong with it as a header's value,
** to be said after its name */
int ltp_header_problem(lua_State *L);

#pragma GCC visibility pop
#endif

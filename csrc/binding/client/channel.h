/* What the files share that make requests on a channel. Lua thread. */
#ifndef LTP_CHANNEL_H
#define LTP_CHANNEL_H

#include "../../core/client/rpc_future.h"
#include "../../core/client/workflow_run.h"
#include "../base/state.h"

#pragma GCC visibility push(hidden)

/* The client at index 1; raises when it is none. */
tp_client *ltp_checkclient(lua_State *L);
/* Pushes the future of a run of the client at index 1. */
tp_run *ltp_newrun(lua_State *L, const tp_run_names *names);

/* The same of a call. */
tp_rpc_future *ltp_newrpc(lua_State *L);

/* Room for most requests, and an empty prefix, which end fills in; raises when
** there was no memory. In between the message is appended. */
void ltp_request_begin(tp_buffer *request);
void ltp_request_end(lua_State *L, tp_buffer *request);

/* The string at `index` as a copy that is C's; NULL for nil. -1: it cannot be
** sent, which the string on the top says. */
int ltp_copy_string(lua_State *L, int index, char **out, const char *what);
/* Returns nil, and what is wrong, which lies on the top. */
int ltp_refuse(lua_State *L);

/* Methods: start_plain.c's, call.c's */
int ltp_channel_start_plain(lua_State *L);
int ltp_channel_call(lua_State *L);
int ltp_channel_caller(lua_State *L);

#pragma GCC visibility pop
#endif

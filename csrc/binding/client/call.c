/* Calls of any RPC: the methods `call` and `caller` of channels. What all calls
** of one kind have in common is read from their options: each time, or once for
** a function that makes such calls. Lua thread; nothing here waits.
*/
#include <stdlib.h>
#include <string.h>

#include "../../core/base/limits.h"
#include "../../core/client/rpc_future.h"
#include "../message/message_decode.h"
#include "../message/message_encode.h"
#include "../message/message_names.h"
#include "channel.h"
#include "future.h"
#include "metadata.h"

/* The strings are Lua's, which are held meanwhile. */
typedef struct kind {
  const char *path, *namespace; /* the latter may be NULL */
  const char *common;           /* bytes that each request begins with */
  size_t common_length;
  int request, response; /* types of the messages */
  int encode_flags;
  bool long_poll, worker_poll, retry, sparse;
  uint64_t wanted; /* fields of the response, where it is sparse */
  int64_t timeout; /* below 0: the client's */
} kind;

static bool bool_option(lua_State *L, int options, const char *name,
                        bool default_value) {
  bool value = default_value;
  lua_getfield(L, options, name);
  if (!lua_isnil(L, -1)) value = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return value;
}

/* The message type named at `index`; raises when there is none. */
static int check_type(lua_State *L, int index) {
  int type = ltp_check_message_type(L, index);
  return type >= 0 ? type : lua_error(L);
}

/* In microseconds; `otherwise` when there is no number at `index`. */
static int64_t timeout_at(lua_State *L, int index, int64_t otherwise) {
  if (!lua_isnumber(L, index)) return otherwise;
  return tp_microseconds((double)lua_tonumber(L, index));
}

static uint64_t wanted_option(lua_State *L, int options) {
  uint64_t wanted = LTP_ALL_FIELDS;
  lua_getfield(L, options, "wanted");
  if (lua_isnumber(L, -1)) wanted = (uint64_t)lua_tonumber(L, -1);
  lua_pop(L, 1);
  return wanted;
}

/* The string of an option, which holds it; NULL: there is none. */
static const char *string_option(lua_State *L, int options, const char *name,
                                 size_t *n) {
  const char *s;
  *n = 0;
  lua_getfield(L, options, name);
  s = luaL_optlstring(L, -1, NULL, n);
  lua_pop(L, 1);
  return s;
}

/* Path and type of the request at 2 and 3, options at `options`:
** `response_type`, `namespace`, `common`, `encoded` (parts of the request may
** be), `long_poll`, `worker_poll`, `retry` (true), `sparse`, `wanted` (a bit
** for each field of a sparse response), `timeout` (seconds). 0, or -1 with what
** is wrong on the top. */
static int read_kind(lua_State *L, int options, kind *k) {
  size_t n;
  k->path = luaL_checkstring(L, 2);
  k->request = check_type(L, 3);
  lua_getfield(L, options, "response_type");
  k->response = check_type(L, lua_gettop(L));
  lua_pop(L, 1);
  k->common = string_option(L, options, "common", &k->common_length);
  k->namespace = string_option(L, options, "namespace", &n);
  k->encode_flags = bool_option(L, options, "encoded", false)
    ? LTP_ALLOW_ENCODED : 0;
  k->long_poll = bool_option(L, options, "long_poll", false);
  k->worker_poll = bool_option(L, options, "worker_poll", false);
  k->retry = bool_option(L, options, "retry", true);
  k->sparse = bool_option(L, options, "sparse", false);
  k->wanted = wanted_option(L, options);
  lua_getfield(L, options, "timeout");
  k->timeout = timeout_at(L, -1, k->long_poll ? TP_NEVER : -1);
  lua_pop(L, 1);
  if (k->namespace == NULL || strlen(k->namespace) == n) return 0;
  lua_pushliteral(L, "namespace: a zero byte cannot be part of it");
  return -1;
}

tp_rpc_future *ltp_newrpc(lua_State *L) {
  ltp_future *box = ltp_newfuture(L, LTP_CALL_METATABLE);
  tp_rpc_future *rpc = tp_rpc_future_new(ltp_checkclient(L));
  if (rpc == NULL) luaL_error(L, "not enough memory");
  else box->future = &rpc->base.future;
  return rpc;
}

/* Pushes the future of such a call. */
static tp_rpc_future *new_call(lua_State *L, const kind *k) {
  tp_rpc_future *rpc = ltp_newrpc(L);
  tp_call *call;
  rpc->path = strdup(k->path);
  rpc->namespace = k->namespace ? strdup(k->namespace) : NULL;
  if (rpc->path == NULL || (k->namespace && rpc->namespace == NULL))
    luaL_error(L, "not enough memory");
  rpc->response = k->response;
  rpc->sparse = k->sparse;
  rpc->wanted = k->wanted;
  call = &rpc->base.call;
  call->path = rpc->path;
  call->namespace = rpc->namespace;
  call->long_poll = k->long_poll;
  call->worker_poll = k->worker_poll;
  call->retry = k->retry;
  if (k->timeout >= 0) call->timeout = k->timeout;
  return rpc;
}

/* Encodes the table at `index`. 0, or -1 with what is wrong on the top. */
static int encode_request(lua_State *L, const kind *k, int index,
                          tp_buffer *out) {
  ltp_request_begin(out);
  if (k->common_length > 0) tp_buffer_put(out, k->common, k->common_length);
  if (ltp_message_encode(L, index, k->request, out, k->encode_flags) != 0)
    return -1;
  ltp_request_end(L, out);
  return 0;
}

static int copy_option(lua_State *L, const char *name, char **out) {
  int failed;
  lua_getfield(L, 5, name);
  failed = ltp_copy_string(L, lua_gettop(L), out, name);
  if (!failed) lua_pop(L, 1);
  return failed;
}

/* {present=, number=, least=}: see tp_again. */
static void read_again(lua_State *L, tp_again *again) {
  lua_getfield(L, 5, "again");
  if (lua_istable(L, -1)) {
    lua_getfield(L, -1, "present");
    lua_getfield(L, -2, "number");
    lua_getfield(L, -3, "least");
    again->present = (unsigned)lua_tointeger(L, -3);
    again->number = (unsigned)lua_tointeger(L, -2);
    again->least = (uint64_t)lua_tointeger(L, -1);
    lua_pop(L, 3);
  }
  lua_pop(L, 1);
}

/* channel:call(path, request_type, request, options) -> future, bytes of the
** request | nil, what is wrong with it. Options: see read_kind; and `metadata`,
** `workflow_id`, `request_id`, `again`. */
int ltp_channel_call(lua_State *L) {
  tp_client *client = ltp_checkclient(L);
  const char *problem;
  tp_rpc_future *rpc;
  kind k;
  int metadata;
  luaL_checktype(L, 4, LUA_TTABLE);
  luaL_checktype(L, 5, LUA_TTABLE);
  lua_settop(L, 5);
  if (read_kind(L, 5, &k) != 0) return ltp_refuse(L);
  lua_getfield(L, 5, "metadata");
  metadata = lua_gettop(L);
  problem = ltp_check_metadata(L, metadata, tp_client_metadata(client));
  if (problem) {
    lua_pushstring(L, problem);
    return ltp_refuse(L);
  }
  rpc = new_call(L, &k);
  if (copy_option(L, "workflow_id", &rpc->workflow_id) ||
      copy_option(L, "request_id", &rpc->request_id) ||
      encode_request(L, &k, 4, &rpc->base.call.request) != 0)
    return ltp_refuse(L);
  read_again(L, &rpc->again);
  rpc->base.call.metadata = ltp_read_metadata(L, metadata);
  return ltp_submit(L, &rpc->base, !k.long_poll);
}

/* Upvalues of a caller beside those of state.h: the channel, the kind, and what
** holds its strings. */
enum { CHANNEL = LTP_UPVALUES + 1, KIND, PATH, OPTIONS };

/* caller(request[, timeout]) -> as channel:call */
static int Ltp_caller(lua_State *L) {
  const kind *k = lua_touserdata(L, lua_upvalueindex(KIND));
  tp_rpc_future *rpc;
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 2);
  lua_pushvalue(L, lua_upvalueindex(CHANNEL));
  lua_insert(L, 1);
  ltp_checkclient(L);
  rpc = new_call(L, k);
  if (encode_request(L, k, 2, &rpc->base.call.request) != 0)
    return ltp_refuse(L);
  rpc->base.call.timeout = timeout_at(L, 3, rpc->base.call.timeout);
  return ltp_submit(L, &rpc->base, !k->long_poll);
}

/* channel:caller(path, request_type, options) -> a function that makes calls of
** this kind: caller(request[, timeout in seconds]) | nil, what is wrong.
** Options: see read_kind. */
int ltp_channel_caller(lua_State *L) {
  kind *k;
  int i;
  ltp_checkclient(L);
  luaL_checktype(L, 4, LUA_TTABLE);
  lua_settop(L, 4);
  for (i = 1; i <= LTP_UPVALUES; i++) lua_pushvalue(L, lua_upvalueindex(i));
  lua_pushvalue(L, 1);
  k = ltp_newuserdata(L, sizeof *k);
  if (read_kind(L, 4, k) != 0) return ltp_refuse(L);
  lua_pushvalue(L, 2);
  lua_pushvalue(L, 4);
  lua_pushcclosure(L, Ltp_caller, OPTIONS);
  return 1;
}

/* Channel userdata: what a Lua client stands on. Options arrive checked by the
** Lua side; the requests are encoded here, once, into the buffer that the
** engine sends. Lua thread; nothing here waits.
*/
#include <stdlib.h>
#include <string.h>

#include "../core/channel.h"
#include "../core/grpc.h"
#include "../core/limits.h"
#include "../core/rpc_future.h"
#include "../core/workflow_run.h"
#include "future.h"
#include "message.h"

#define START_REQUEST \
  "temporal.api.workflowservice.v1.StartWorkflowExecutionRequest"

typedef struct ltp_channel {
  tp_channel *channel; /* NULL: not made yet */
} ltp_channel;

static tp_channel *check_channel(lua_State *L) {
  ltp_channel *box = lua_touserdata(L, 1);
  if (box && lua_getmetatable(L, 1)) {
    int ok = lua_rawequal(L, -1, LTP_CHANNEL_METATABLE);
    lua_pop(L, 1);
    if (ok && box->channel) return box->channel;
  }
  luaL_argerror(L, 1, "a channel expected");
  return NULL;
}

static int Ltp_channel_gc(lua_State *L) {
  ltp_channel *box = lua_touserdata(L, 1);
  tp_channel *channel = box ? box->channel : NULL;
  if (channel == NULL) return 0;
  box->channel = NULL;
  if (!tp_engine_forked(channel->engine)) tp_channel_release(channel);
  return 0;
}

/* --- metadata ---------- */

/* Bytes go over the wire in base64 when the key says so. */
static int is_binary(const char *key, size_t n) {
  return n > 4 && memcmp(key + n - 4, "-bin", 4) == 0;
}

static size_t item_length(lua_State *L, int list, int i) {
  size_t n = 0;
  lua_rawgeti(L, list, i);
  lua_tolstring(L, -1, &n);
  lua_pop(L, 1);
  return n;
}

static size_t put_item(lua_State *L, int list, int i, char *out, int base64) {
  size_t n = 0;
  const char *s;
  lua_rawgeti(L, list, i);
  s = lua_tolstring(L, -1, &n);
  if (base64) n = tp_base64_encode(out, (const uint8_t *)s, n);
  else memcpy(out, s, n);
  lua_pop(L, 1);
  return n;
}

/* The list {k1, v1, k2, v2, ...} of strings at `list`, or nil: one block. The
** caller has checked that all are strings. NULL: none. */
static tp_metadata *read_metadata(lua_State *L, int list) {
  size_t pairs, i, text = 0;
  tp_metadata *m;
  char *at;
  if (!lua_istable(L, list)) return NULL;
  pairs = ltp_rawlen(L, list) / 2;
  if (pairs == 0 || pairs > TP_MAX_METADATA) return NULL;
  for (i = 1; i <= pairs; i++)
    text += item_length(L, list, (int)(2 * i - 1)) +
            item_length(L, list, (int)(2 * i)) * 4 / 3 + 4;
  m = tp_metadata_new(pairs, text);
  if (m == NULL) {
    luaL_error(L, "not enough memory");
    return NULL;
  }
  at = (char *)(m->headers + pairs);
  for (i = 0; i < pairs; i++) {
    tp_header *h = &m->headers[i];
    h->name = at;
    h->name_length = put_item(L, list, (int)(2 * i + 1), at, 0);
    at += h->name_length;
    h->value = at;
    h->value_length = put_item(L, list, (int)(2 * i + 2), at,
                               is_binary(h->name, h->name_length));
    at += h->value_length;
  }
  return m;
}

/* Names and values of some metadata, and how many there are. */
static size_t metadata_size(const tp_metadata *m, size_t *count) {
  size_t i, bytes = 0;
  for (i = 0; m && i < m->count; i++)
    bytes += m->headers[i].name_length + m->headers[i].value_length;
  *count = m ? m->count : 0;
  return bytes;
}

/* An error string when the value at `list` is no such list, or too much of it
** with what every call carries (`common`, or NULL); else NULL. */
static const char *check_metadata(lua_State *L, int list,
                                  const tp_metadata *common) {
  size_t n, i, count, bytes = metadata_size(common, &count);
  if (lua_isnoneornil(L, list)) return NULL;
  if (!lua_istable(L, list)) return "metadata must be a list of strings";
  n = ltp_rawlen(L, list);
  if (n % 2 != 0) return "metadata must be pairs of key and value";
  if (n / 2 + count > TP_MAX_METADATA)
    return "more than 128 metadata pairs, the client's included";
  for (i = 1; i <= n; i++) {
    int is_string;
    lua_rawgeti(L, list, (int)i);
    is_string = lua_type(L, -1) == LUA_TSTRING;
    bytes += is_string ? ltp_rawlen(L, -1) : 0;
    lua_pop(L, 1);
    if (!is_string) return "metadata must be a list of strings";
  }
  /* With room for base64 and for gRPC's own headers below HTTP/2's limit. */
  if (bytes > TP_MAX_METADATA_BYTES)
    return "more than 40 KiB of metadata, the client's included";
  return NULL;
}

/* --- making a channel ---------- */

static lua_Number number_option(lua_State *L, const char *name) {
  lua_Number value;
  lua_getfield(L, 1, name);
  if (!lua_isnumber(L, -1)) {
    luaL_error(L, "channel option %s must be a number", name);
    return 0;
  }
  value = lua_tonumber(L, -1);
  lua_pop(L, 1);
  return value;
}

static int64_t seconds_option(lua_State *L, const char *name) {
  return tp_microseconds((double)number_option(L, name));
}

static size_t size_option(lua_State *L, const char *name) {
  lua_Number value = number_option(L, name);
  return value < 1 ? 1 : value > (lua_Number)INT32_MAX ? INT32_MAX
                                                      : (size_t)value;
}

/* The string stays on the stack, so that it lives. */
static const char *string_option(lua_State *L, const char *name) {
  lua_getfield(L, 1, name);
  return luaL_checkstring(L, -1);
}

static int Ltp_channel(lua_State *L) {
  ltp_channel *box;
  tp_engine *engine;
  tp_channel_options o;
  const char *problem;
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  memset(&o, 0, sizeof o);
  o.port = (int)number_option(L, "port");
  o.connect_timeout = seconds_option(L, "connect_timeout");
  o.rpc_timeout = seconds_option(L, "rpc_timeout");
  o.shutdown_timeout = seconds_option(L, "shutdown_timeout");
  o.keepalive_interval = seconds_option(L, "keepalive_interval");
  o.keepalive_timeout = seconds_option(L, "keepalive_timeout");
  o.max_message = size_option(L, "max_message");
  o.max_pending = size_option(L, "max_pending");
  o.retry.initial = seconds_option(L, "retry_initial");
  o.retry.max = seconds_option(L, "retry_max");
  o.retry.factor = (double)number_option(L, "retry_factor");
  o.retry.jitter = (double)number_option(L, "retry_jitter");
  o.retry.attempts = (int)size_option(L, "retry_attempts");
  o.host = string_option(L, "host");
  o.authority = string_option(L, "authority");
  lua_getfield(L, 1, "metadata");
  problem = check_metadata(L, lua_gettop(L), NULL);
  if (problem) {
    lua_pushnil(L);
    lua_pushstring(L, problem);
    return 2;
  }
  box = ltp_newuserdata(L, sizeof *box);
  box->channel = NULL;
  lua_pushvalue(L, LTP_CHANNEL_METATABLE);
  lua_setmetatable(L, -2);
  if (ltp_getstate(L)->closed) /* a finaliser that ran after ours */
    return luaL_error(L, "the Lua state is being closed");
  engine = ltp_engine(ltp_getstate(L));
  if (engine == NULL) return luaL_error(L, "not enough memory");
  o.metadata = read_metadata(L, lua_gettop(L) - 1);
  box->channel = tp_channel_new(engine, &o);
  if (box->channel == NULL) {
    tp_metadata_release(o.metadata);
    return luaL_error(L, "not enough memory");
  }
  return 1;
}

/* --- requests ---------- */

/* A copy of the string at `index`, owned by C; NULL for nil. An embedded zero
** would be cut off, and no id of the server's has one. */
static int copy_string(lua_State *L, int index, char **out, const char *what) {
  size_t n;
  const char *s;
  if (lua_isnoneornil(L, index)) return 0;
  s = luaL_checklstring(L, index, &n);
  if (strlen(s) != n) {
    lua_pushfstring(L, "%s: a zero byte cannot be part of it", what);
    return -1;
  }
  *out = strdup(s);
  if (*out == NULL) return luaL_error(L, "not enough memory");
  return 0;
}

/* Encodes the table at `index` behind a message prefix. */
static int encode_request(lua_State *L, int index, int type, tp_buffer *out,
                          int flags) {
  static const uint8_t prefix[TP_GRPC_PREFIX] = {0};
  tp_buffer_reserve(out, 384); /* what most requests need, at once */
  tp_buffer_put(out, prefix, sizeof prefix);
  if (ltp_message_encode(L, index, type, out, flags) != 0) return -1;
  if (out->status != TP_OK) return luaL_error(L, "not enough memory");
  tp_grpc_write_prefix(out->data, (uint32_t)(out->length - TP_GRPC_PREFIX));
  return 0;
}

/* The same index every time: whichever thread looks first keeps it. */
static int start_request_type(void) {
  static int type = -1;
  int known = __atomic_load_n(&type, __ATOMIC_RELAXED);
  if (known < 0) {
    known = tp_schema_message(START_REQUEST, sizeof START_REQUEST - 1);
    __atomic_store_n(&type, known, __ATOMIC_RELAXED);
  }
  return known;
}

/* nil and the error string on the top. */
static int refuse(lua_State *L) {
  lua_pushnil(L);
  lua_insert(L, -2);
  return 2;
}

static tp_run *new_run(lua_State *L, tp_channel *channel) {
  ltp_future *box = ltp_newfuture(L, LTP_RUN_METATABLE);
  tp_run *run = tp_run_new(channel);
  if (run == NULL) luaL_error(L, "not enough memory");
  else box->future = &run->future;
  return run;
}

/* channel:start(request, namespace, workflow_id, request_id, workflow_type,
** timeout, metadata, attach) */
static int Ltp_channel_start(lua_State *L) {
  tp_channel *channel = check_channel(L);
  const char *problem = check_metadata(L, 8, channel->options.metadata);
  tp_run *run;
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 9);
  if (problem) {
    lua_pushstring(L, problem);
    return refuse(L);
  }
  run = new_run(L, channel);
  if (copy_string(L, 3, &run->namespace, "namespace") ||
      copy_string(L, 4, &run->workflow_id, "id") ||
      copy_string(L, 5, &run->request_id, "request_id") ||
      copy_string(L, 6, &run->workflow_type, "workflow type") ||
      encode_request(L, 2, start_request_type(), &run->call.request,
                     LTP_ALLOW_ENCODED))
    return refuse(L);
  if (lua_isnumber(L, 7))
    run->call.timeout = tp_microseconds((double)lua_tonumber(L, 7));
  run->call.metadata = read_metadata(L, 8);
  run->call.namespace = run->namespace;
  run->attach = lua_toboolean(L, 9);
  tp_future_submit(&run->future, &run->call, true);
  return 1;
}

/* channel:run(namespace, workflow_id, run_id, first_execution_run_id,
** metadata) */
static int Ltp_channel_run(lua_State *L) {
  tp_channel *channel = check_channel(L);
  const char *problem = check_metadata(L, 6, channel->options.metadata);
  tp_run *run;
  lua_settop(L, 6);
  if (problem) {
    lua_pushstring(L, problem);
    return refuse(L);
  }
  run = new_run(L, channel);
  if (copy_string(L, 2, &run->namespace, "namespace") ||
      copy_string(L, 3, &run->workflow_id, "id") ||
      copy_string(L, 4, &run->run_id, "run_id") ||
      copy_string(L, 4, &run->current, "run_id") ||
      copy_string(L, 5, &run->first_execution_run_id,
                  "first_execution_run_id"))
    return refuse(L);
  run->call.metadata = read_metadata(L, 6);
  run->call.namespace = run->namespace;
  tp_future_signal(&run->future, TP_STARTED);
  return 1;
}

static int copy_option(lua_State *L, const char *name, char **out) {
  int failed;
  lua_getfield(L, 5, name);
  failed = copy_string(L, lua_gettop(L), out, name);
  if (!failed) lua_pop(L, 1);
  return failed;
}

static int bool_option(lua_State *L, const char *name, int default_value) {
  int value = default_value;
  lua_getfield(L, 5, name);
  if (!lua_isnil(L, -1)) value = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return value;
}

/* The message type named by the string at `index`. */
static int check_type(lua_State *L, int index) {
  size_t n;
  const char *name = luaL_checklstring(L, index, &n);
  int type = tp_schema_message(name, n);
  return type >= 0 ? type : luaL_error(L, "no message type %s", name);
}

/* channel:call(path, request_type, request, options) */
static int Ltp_channel_call(lua_State *L) {
  tp_channel *channel = check_channel(L);
  const char *problem;
  ltp_future *box;
  tp_rpc_future *rpc;
  int metadata;
  luaL_checktype(L, 4, LUA_TTABLE);
  luaL_checktype(L, 5, LUA_TTABLE);
  lua_settop(L, 5);
  lua_getfield(L, 5, "metadata");
  metadata = lua_gettop(L);
  problem = check_metadata(L, metadata, channel->options.metadata);
  if (problem) {
    lua_pushstring(L, problem);
    return refuse(L);
  }
  box = ltp_newfuture(L, LTP_CALL_METATABLE);
  rpc = tp_rpc_future_new(channel);
  if (rpc == NULL) return luaL_error(L, "not enough memory");
  box->future = &rpc->future;
  lua_getfield(L, 5, "response_type");
  rpc->response = check_type(L, lua_gettop(L));
  lua_pop(L, 1);
  if (copy_string(L, 2, &rpc->path, "path") ||
      copy_option(L, "namespace", &rpc->namespace) ||
      copy_option(L, "workflow_id", &rpc->workflow_id) ||
      copy_option(L, "request_id", &rpc->request_id) ||
      encode_request(L, 4, check_type(L, 3), &rpc->call.request, 0))
    return refuse(L);
  rpc->call.path = rpc->path;
  rpc->call.namespace = rpc->namespace;
  rpc->call.long_poll = bool_option(L, "long_poll", 0);
  rpc->call.retry = bool_option(L, "retry", 1);
  if (rpc->call.long_poll) rpc->call.timeout = TP_NEVER;
  lua_getfield(L, 5, "timeout");
  if (lua_isnumber(L, -1))
    rpc->call.timeout = tp_microseconds((double)lua_tonumber(L, -1));
  lua_pop(L, 1);
  rpc->call.metadata = read_metadata(L, metadata);
  tp_future_submit(&rpc->future, &rpc->call, !rpc->call.long_poll);
  return 1;
}

/* --- closing ---------- */

/* channel:close() -> a future that is ready once nothing is unacknowledged */
static int Ltp_channel_close(lua_State *L) {
  tp_channel *channel = check_channel(L);
  ltp_future *box = ltp_newfuture(L, LTP_CALL_METATABLE);
  if (tp_engine_forked(channel->engine)) {
    lua_pushnil(L);
    return 1;
  }
  box->future = tp_drain_new(channel);
  if (box->future == NULL) return luaL_error(L, "not enough memory");
  return 1;
}

static int Ltp_channel_finish(lua_State *L) {
  tp_channel *channel = check_channel(L);
  if (!tp_engine_forked(channel->engine)) tp_channel_finish(channel);
  return 0;
}

/* The name and cause of a submission under way, or false. */
static bool push_unacknowledged(lua_State *L, tp_future *f) {
  tp_call *call = tp_future_call(f);
  unsigned done = f->kind == TP_RUN ? TP_STARTED : TP_RESULT;
  const char *workflow_id, *request_id, *method;
  char cause[TP_REASON];
  if (call == NULL || !f->submission) return false;
  if (tp_future_flags(f) & (done | TP_FAILED)) return false;
  if (f->kind == TP_RPC && tp_future_flags(f) & TP_ABANDONED) return false;
  tp_engine_lock(f->engine);
  strncpy(cause, call->failure.message ? call->failure.message
                                       : "not answered yet",
          sizeof cause - 1);
  tp_engine_unlock(f->engine);
  cause[sizeof cause - 1] = '\0';
  tp_future_names(f, &workflow_id, &request_id, &method);
  lua_createtable(L, 0, 4);
  lua_pushstring(L, cause);
  lua_setfield(L, -2, "cause");
  lua_pushstring(L, workflow_id);
  lua_setfield(L, -2, "workflow_id");
  lua_pushstring(L, request_id);
  lua_setfield(L, -2, "request_id");
  lua_pushstring(L, method);
  lua_setfield(L, -2, "method");
  return true;
}

static int Ltp_channel_unacknowledged(lua_State *L) {
  tp_channel *channel = check_channel(L);
  tp_future *f = NULL;
  int k = 0;
  lua_newtable(L);
  if (tp_engine_forked(channel->engine)) return 1;
  while ((f = tp_channel_next(channel, f)) != NULL)
    if (push_unacknowledged(L, f)) lua_rawseti(L, -2, ++k);
  return 1;
}

static const luaL_Reg methods[] = {
  {"start", Ltp_channel_start},
  {"run", Ltp_channel_run},
  {"call", Ltp_channel_call},
  {"close", Ltp_channel_close},
  {"finish", Ltp_channel_finish},
  {"unacknowledged", Ltp_channel_unacknowledged},
  {NULL, NULL}};

static const luaL_Reg functions[] = {
  {"channel", Ltp_channel},
  {NULL, NULL}};

void ltp_open_client(lua_State *L, int first) {
  ltp_register(L, first, functions);
  lua_pushvalue(L, first + 3);
  lua_newtable(L);
  ltp_register(L, first, methods);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, Ltp_channel_gc);
  lua_setfield(L, -2, "__gc");
  lua_pop(L, 1);
}

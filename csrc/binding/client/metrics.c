/* What a channel has counted, as a Lua table: see metrics.h. Lua thread. Each
** operation is copied out under the metrics' lock and made a table without it:
** running out of memory may jump.
*/
#include "metrics.h"

#include "../../core/proto/schema.h"

#define CAUSES "temporal.api.enums.v1.ResourceExhaustedCause"

static void push_count(lua_State *L, uint64_t value) {
#if LTP_HAS_INTEGERS
  lua_pushinteger(L, (lua_Integer)value);
#else
  lua_pushnumber(L, (lua_Number)value);
#endif
}

static void set_count(lua_State *L, const char *name, uint64_t value) {
  push_count(L, value);
  lua_setfield(L, -2, name);
}

static void set_tally(lua_State *L, const char *name, const tp_tally *t) {
  int i;
  lua_createtable(L, 0, 3);
  lua_pushnumber(L, (lua_Number)t->microseconds / 1e6);
  lua_setfield(L, -2, "seconds");
  lua_createtable(L, TP_LATENCY_BOUNDS + 1, 0);
  for (i = 0; i <= TP_LATENCY_BOUNDS; i++) {
    push_count(L, t->buckets[i]);
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -2, "buckets");
  lua_newtable(L);
  for (i = 0; i <= TP_GRPC_COUNT; i++)
    if (t->failures[i])
      set_count(L, i < TP_GRPC_COUNT ? tp_grpc_code_name(i) : "local",
                t->failures[i]);
  lua_setfield(L, -2, "failures");
  lua_setfield(L, -2, name);
}

/* By short name, "rps_limit"; what has none is as unspecified. */
static void set_exhausted(lua_State *L, const tp_operation *o) {
  int causes = tp_schema_enum(CAUSES, sizeof CAUSES - 1), i;
  uint64_t unspecified = o->exhausted[0];
  char name[64];
  lua_newtable(L);
  for (i = 1; i < TP_EXHAUSTED_CAUSES; i++) {
    const tp_enum_value *value = tp_schema_value(causes, i);
    if (o->exhausted[i] == 0) continue;
    if (value == NULL) {
      unspecified += o->exhausted[i];
      continue;
    }
    tp_schema_value_short(causes, value, name, sizeof name);
    set_count(L, name, o->exhausted[i]);
  }
  if (unspecified) set_count(L, "unspecified", unspecified);
  lua_setfield(L, -2, "exhausted");
}

static void push_operation(lua_State *L, const tp_operation *o) {
  lua_createtable(L, 0, 6);
  lua_pushstring(L, o->name);
  lua_setfield(L, -2, "name");
  lua_pushstring(L, o->namespace);
  lua_setfield(L, -2, "namespace");
  lua_pushboolean(L, o->long_poll);
  lua_setfield(L, -2, "long_poll");
  set_tally(L, "calls", &o->calls);
  set_tally(L, "attempts", &o->attempts);
  set_exhausted(L, o);
}

static bool occurred(const tp_tally *t) {
  int i;
  for (i = 0; i <= TP_LATENCY_BOUNDS; i++)
    if (t->buckets[i]) return true;
  return false;
}

static void push_operations(lua_State *L, tp_metrics *m) {
  tp_operation o;
  size_t i;
  int n = 0;
  lua_newtable(L);
  for (i = 0; tp_metrics_operation(m, i, &o); i++) {
    if (!occurred(&o.calls) && !occurred(&o.attempts)) continue;
    push_operation(L, &o);
    lua_rawseti(L, -2, ++n);
  }
}

static void push_connections(lua_State *L, tp_metrics *m) {
  tp_connection_counts counts;
  tp_metrics_connections(m, &counts);
  lua_createtable(L, 0, 3);
  set_count(L, "open", counts.open);
  set_count(L, "dialled", counts.dialled);
  set_count(L, "failed", counts.failed);
}

static void push_bounds(lua_State *L) {
  int i;
  lua_createtable(L, TP_LATENCY_BOUNDS, 0);
  for (i = 0; i < TP_LATENCY_BOUNDS; i++) {
    lua_pushnumber(L, (lua_Number)tp_latency_bounds[i] / 1e6);
    lua_rawseti(L, -2, i + 1);
  }
}

void ltp_pushmetrics(lua_State *L, tp_metrics *metrics, size_t pending,
                     size_t unacknowledged) {
  luaL_checkstack(L, 8, "metrics");
  lua_createtable(L, 0, 5);
  push_bounds(L);
  lua_setfield(L, -2, "bounds");
  push_connections(L, metrics);
  lua_setfield(L, -2, "connections");
  push_operations(L, metrics);
  lua_setfield(L, -2, "operations");
  set_count(L, "pending", pending);
  set_count(L, "unacknowledged", unacknowledged);
}

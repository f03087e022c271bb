/* Metatables of sparse tables: see message_sparse.h. Lua thread. */
#include "message_sparse.h"

#include <string.h>

#include "message_names.h"

/* Its address is the key in the registry. */
static char key;

/* What does not become a sparse table; the value says what it becomes. */
static const struct {
  const char *name;
  ltp_sparse as;
} others[] = {
  {"temporal.api.history.v1.History", LTP_SPARSE_BYTES},
  {"temporal.api.common.v1.Payloads", LTP_SPARSE_BYTES},
  {"temporal.api.failure.v1.Failure", LTP_SPARSE_FULL}};

static int refuse(lua_State *L) {
  return luaL_error(L, "the empty list of a message cannot be changed");
}

/* The table that every absent list or map reads as: slot 0. */
static void make_empty(lua_State *L, int types) {
  lua_newtable(L);
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, refuse);
  lua_setfield(L, -2, "__newindex");
  lua_setmetatable(L, -2);
  lua_rawseti(L, types, 0);
}

/* Types are counted from 1 in the table. */
void ltp_push_sparse(lua_State *L) {
  size_t i;
  lua_pushlightuserdata(L, &key);
  lua_rawget(L, LUA_REGISTRYINDEX);
  if (!lua_isnil(L, -1)) return;
  lua_pop(L, 1);
  lua_newtable(L);
  make_empty(L, lua_gettop(L));
  for (i = 0; i < sizeof others / sizeof *others; i++) {
    int type = tp_schema_message(others[i].name, strlen(others[i].name));
    if (type < 0) continue; /* another schema, for a test */
    lua_pushinteger(L, others[i].as);
    lua_rawseti(L, -2, type + 1);
  }
  lua_pushlightuserdata(L, &key);
  lua_pushvalue(L, -2);
  lua_rawset(L, LUA_REGISTRYINDEX);
}

ltp_sparse ltp_sparse_of(lua_State *L, int types, int type) {
  ltp_sparse as = LTP_SPARSE_TABLE;
  lua_rawgeti(L, types, type + 1);
  if (lua_type(L, -1) == LUA_TNUMBER) as = (ltp_sparse)lua_tointeger(L, -1);
  lua_pop(L, 1);
  return as;
}

void ltp_push_zero(lua_State *L, int names, const tp_field *field) {
  const tp_enum_value *value;
  switch (field->type) {
    case TP_BOOL: lua_pushboolean(L, 0); return;
    case TP_STRING: case TP_BYTES: lua_pushliteral(L, ""); return;
    case TP_DOUBLE: case TP_FLOAT: lua_pushnumber(L, 0); return;
    case TP_ENUM:
      value = tp_schema_value(field->sub, 0);
      if (value != NULL) {
        ltp_push_name(L, names, value->name);
        return;
      }
      break;
    default: break;
  }
  lua_pushinteger(L, 0);
}

/* Pushes the metatable of a type. */
static void make_metatable(lua_State *L, int types, int names, int type) {
  const tp_field *fields = tp_schema_fields_of(type);
  const tp_message *m = &tp_schema_messages[type];
  int i;
  lua_createtable(L, 0, 1);
  lua_createtable(L, 0, m->always);
  for (i = 0; i < m->count; i++) {
    if (fields[i].flags & TP_FIELD_PRESENCE) continue;
    ltp_push_name(L, names, fields[i].name);
    if (fields[i].flags & (TP_FIELD_MAP | TP_FIELD_REPEATED))
      lua_rawgeti(L, types, 0);
    else
      ltp_push_zero(L, names, &fields[i]);
    lua_rawset(L, -3);
  }
  lua_setfield(L, -2, "__index");
}

void ltp_make_sparse(lua_State *L, int types, int names, int type) {
  lua_rawgeti(L, types, type + 1);
  if (lua_type(L, -1) != LUA_TTABLE) {
    lua_pop(L, 1);
    make_metatable(L, types, names, type);
    lua_pushvalue(L, -1);
    lua_rawseti(L, types, type + 1);
  }
  lua_setmetatable(L, -2);
}

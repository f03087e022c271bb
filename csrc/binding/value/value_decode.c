/* JSON text as a Lua value. Lua's thread only. Arrays carry the array mark,
** null is lightuserdata NULL (cjson.null). What is not JSON is a message with
** the byte offset; out of memory raises.
*/
#include "value_decode.h"

#include "../../core/json/json.h"
#include "../message/message_decode.h"

/* Arrays are marked with the metatable at `mark`, looked up for the first. */
static void push_array(lua_State *L, ltp_values *v, const tp_json_reader *r,
                       int mark) {
  lua_createtable(L, tp_json_empty(r) ? 0 : 4, 0);
  if (lua_isnil(L, mark)) {
    ltp_values_find_cjson(L, v);
    lua_getfield(L, LUA_REGISTRYINDEX, LTP_MARK);
    lua_replace(L, mark);
  }
  lua_pushvalue(L, mark);
  lua_setmetatable(L, -2);
}

static void push_scalar(lua_State *L, ltp_values *v, tp_json_event event,
                        const tp_json_reader *r) {
  switch (event) {
    case TP_JSON_STRING: lua_pushlstring(L, r->string, r->length); break;
    case TP_JSON_INTEGER: ltp_push_int64(L, v, r->integer); break;
    case TP_JSON_DOUBLE: lua_pushnumber(L, (lua_Number)r->number); break;
    case TP_JSON_TRUE: lua_pushboolean(L, 1); break;
    case TP_JSON_FALSE: lua_pushboolean(L, 0); break;
    default: lua_pushlightuserdata(L, NULL); break;
  }
}

/* The stack from `mark` + 1 on: for each open container its table, and in an
** object the key whose value comes. */
static int decode(lua_State *L, ltp_values *v, tp_json_reader *r, int mark,
                  size_t max) {
  int count[TP_MAX_LENIENT_DEPTH];
  size_t made = 0;
  unsigned depth;
  for (;;) {
    tp_json_event event = tp_json_next(r);
    if (made > max) return LTP_TOO_MUCH;
    switch (event) {
      case TP_JSON_ERROR: return -1;
      case TP_JSON_END: return 0;
      case TP_JSON_KEY: lua_pushlstring(L, r->string, r->length); continue;
      case TP_JSON_ARRAY:
        luaL_checkstack(L, 6, "decoding JSON");
        made++;
        push_array(L, v, r, mark);
        count[r->depth - 1] = 0;
        continue;
      case TP_JSON_OBJECT:
        luaL_checkstack(L, 6, "decoding JSON");
        made++;
        lua_createtable(L, 0, tp_json_empty(r) ? 0 : 4);
        continue;
      case TP_JSON_ARRAY_END:
      case TP_JSON_OBJECT_END: break; /* the finished table is on top */
      default: push_scalar(L, v, event, r); break;
    }
    depth = r->depth;
    if (depth == 0) continue; /* that was the value */
    made++;
    if (tp_json_in_object(r)) lua_rawset(L, -3);
    else lua_rawseti(L, -2, ++count[depth - 1]);
  }
}

int ltp_values_decode(lua_State *L, ltp_values *v, const char *s, size_t n,
                      size_t max, int lenient) {
  tp_json_reader r;
  tp_buffer *scratch;
  int owner, failed;
  luaL_checkstack(L, 6, "decoding JSON");
  owner = lua_gettop(L) + 1;
  scratch = ltp_scratch_open(L, v);
  lua_pushnil(L); /* the mark, once it is needed */
  tp_json_open(&r, s, n, scratch);
  if (lenient) tp_json_be_lenient(&r);
  failed = decode(L, v, &r, owner + 1, max);
  ltp_scratch_close(v, scratch);
  if (failed) {
    char digits[TP_DECIMAL_SIZE], limit[TP_DECIMAL_SIZE];
    if (r.status == TP_ENOMEM) return luaL_error(L, "not enough memory");
    if (failed == LTP_TOO_MUCH) r.offset = (size_t)(r.next - r.begin);
    digits[tp_integer_write((int64_t)r.offset, digits)] = '\0';
    limit[tp_integer_write((int64_t)max, limit)] = '\0';
    if (failed == LTP_TOO_MUCH)
      lua_pushfstring(L, "more than %s tables and elements, at byte offset %s",
                      limit, digits);
    else
      lua_pushfstring(L, "%s, at byte offset %s", r.reason, digits);
  }
  lua_replace(L, owner);
  lua_settop(L, owner);
  return failed;
}

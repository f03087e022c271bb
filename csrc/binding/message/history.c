/* Pages of a history as userdata over their bytes: an index of the events,
** whose attributes are decoded when somebody asks for them. Lua thread. What is
** wrong with the bytes is `nil, message`; wrong arguments (an internal mistake)
** raise.
*/
#include <limits.h>
#include <string.h>

#include "../../core/base/limits.h"
#include "../../core/json/json_number.h"
#include "../../core/proto/history_index.h"
#include "../../core/proto/schema.h"
#include "../base/parts.h"
#include "message_decode.h"
#include "message_path.h"

#define HISTORY "temporal.api.history.v1.History"
#define EVENT "temporal.api.history.v1.HistoryEvent"
#define EVENT_TYPE "temporal.api.enums.v1.EventType"
#define SUFFIX "_event_attributes"

typedef struct page {
  size_t count;
  int event_type; /* schema index of HistoryEvent */
  tp_history_event events[1]; /* their bytes are held by the user value */
} page;

/* Upvalues of every function here. */
#define PAGE_METATABLE lua_upvalueindex(1)
#define KINDS lua_upvalueindex(2) /* short names of event types by number */

static page *check_page(lua_State *L) {
  page *p = lua_touserdata(L, 1);
  int is_page = p != NULL && lua_getmetatable(L, 1) &&
                lua_rawequal(L, -1, PAGE_METATABLE);
  luaL_argcheck(L, is_page, 1, "not a page of a history");
  lua_pop(L, 1);
  return p;
}

/* The event at the place that argument 2 is. */
static const tp_history_event *check_event(lua_State *L, const page *p) {
  lua_Integer place = luaL_checkinteger(L, 2);
  luaL_argcheck(L, place >= 1 && (size_t)place <= p->count, 2,
                "no event of this page");
  return &p->events[place - 1];
}

/* nil and why the bytes cannot be read. */
static int unreadable(lua_State *L, tp_status status, const tp_reader *r) {
  char offset[TP_DECIMAL_SIZE];
  offset[tp_integer_write((int64_t)tp_reader_offset(r), offset)] = '\0';
  lua_pushnil(L);
  lua_pushfstring(L, HISTORY ": %s at offset %s", tp_status_text(status),
                  offset);
  return 2;
}

/* nil, and that events are missing between two. */
static int gap(lua_State *L, int64_t last, int64_t id) {
  char before[TP_DECIMAL_SIZE], after[TP_DECIMAL_SIZE];
  before[tp_integer_write(last, before)] = '\0';
  after[tp_integer_write(id, after)] = '\0';
  lua_pushnil(L);
  lua_pushfstring(L, "the history has a gap: event %s follows event %s", after,
                  before);
  return 2;
}

/* Pushes the short name of a type, or, when the schema has none, its number. */
static void push_kind(lua_State *L, int enumeration, int32_t type) {
  const tp_enum_value *value;
  char text[128];
  lua_rawgeti(L, KINDS, type);
  if (!lua_isnil(L, -1)) return;
  lua_pop(L, 1);
  value = tp_schema_value(enumeration, type);
  if (value == NULL) {
    lua_pushinteger(L, type);
    return;
  }
  tp_schema_value_short(enumeration, value, text, sizeof text);
  lua_pushstring(L, text);
  lua_pushvalue(L, -1);
  lua_rawseti(L, KINDS, type);
}

/* Pushes a page with room for so many events of the bytes at argument 1. */
static page *push_page(lua_State *L, size_t room) {
  page *p;
  if (room > (SIZE_MAX - sizeof *p) / sizeof *p->events)
    luaL_error(L, "not enough memory");
  p = ltp_newuserdata(L, sizeof *p + room * sizeof *p->events);
  p->count = 0;
  p->event_type = tp_schema_message(EVENT, sizeof EVENT - 1);
  lua_createtable(L, 1, 0);
  lua_pushvalue(L, 1);
  lua_rawseti(L, -2, 1);
  ltp_setuservalue(L, -2);
  lua_pushvalue(L, PAGE_METATABLE);
  lua_setmetatable(L, -2);
  return p;
}

/* history_page(bytes of a History, last, kinds, count) -> page, last id, kinds
** | nil, message. Events up to the id `last` are passed over; the short names
** of the types of the others are appended to `kinds` behind `count`; nil: there
** is no such list yet. */
static int Ltp_history_page(lua_State *L) {
  size_t n, room;
  const char *bytes = luaL_checklstring(L, 1, &n);
  int64_t last = (int64_t)luaL_checknumber(L, 2);
  int count = (int)luaL_checkinteger(L, 4), done, enumeration;
  tp_status status;
  tp_reader r;
  page *p;
  lua_settop(L, 4);
  tp_reader_init(&r, bytes, n);
  status = tp_history_count(&r, &room);
  if (status != TP_OK) return unreadable(L, status, &r);
  if (lua_isnil(L, 3)) {
    lua_createtable(L, room < INT_MAX ? (int)room : 0, 0);
    lua_replace(L, 3);
  }
  luaL_checktype(L, 3, LUA_TTABLE);
  p = push_page(L, room);
  enumeration = tp_schema_enum(EVENT_TYPE, sizeof EVENT_TYPE - 1);
  for (;;) {
    tp_history_event *event = &p->events[p->count];
    status = tp_history_next(&r, event, &done);
    if (status != TP_OK) return unreadable(L, status, &r);
    if (done) break;
    if (event->id <= last) continue;
    if (event->id != last + 1) return gap(L, last, event->id);
    last = event->id;
    p->count++;
    push_kind(L, enumeration, event->type);
    lua_rawseti(L, 3, ++count);
  }
  lua_settop(L, 5);
  lua_pushnumber(L, (lua_Number)last);
  lua_pushvalue(L, 3);
  return 3;
}

/* history_first_id(bytes of a History) -> the id of its first event | nil:
** there is none that can be read */
static int Ltp_history_first_id(lua_State *L) {
  size_t n;
  const char *bytes = luaL_checklstring(L, 1, &n);
  tp_history_event event;
  tp_reader r;
  int done;
  tp_reader_init(&r, bytes, n);
  if (tp_history_next(&r, &event, &done) != TP_OK || done) return 0;
  lua_pushnumber(L, (lua_Number)event.id);
  return 1;
}

/* Are these the attributes that events of this kind have? */
static int suits(const tp_field *field, const char *kind, size_t n) {
  size_t length;
  const char *name;
  if (field == NULL || TP_FIELD_ONEOF(field) == 0) return 0;
  name = tp_schema_string(field->name, &length);
  return length == n + sizeof SUFFIX - 1 && memcmp(name, kind, n) == 0 &&
         strcmp(name + n, SUFFIX) == 0;
}

/* The field of HistoryEvent with the attributes of a kind, or NULL. */
static const tp_field *field_of(int type, const char *kind, size_t n) {
  char name[128];
  if (n > sizeof name - sizeof SUFFIX) return NULL;
  memcpy(name, kind, n);
  memcpy(name + n, SUFFIX, sizeof SUFFIX);
  return tp_schema_field_named(type, name, n + sizeof SUFFIX - 1);
}

static int fails(lua_State *L) {
  lua_pushnil(L);
  lua_insert(L, -2);
  return 2;
}

static int push_decoded(lua_State *L, int type, const uint8_t *bytes,
                        size_t n, uint64_t wanted) {
  if (ltp_message_decode_sparse(L, bytes, n, type, wanted, TP_MAX_DECODED) != 0)
    return fails(L);
  return 1;
}

/* The same, from the whole event: its attributes came in pieces. */
static int push_of_whole(lua_State *L, const page *p,
                         const tp_history_event *event, const tp_field *field) {
  if (ltp_message_decode_sparse(L, event->bytes, event->length, p->event_type,
                                LTP_ALL_FIELDS, TP_MAX_DECODED) != 0)
    return fails(L);
  lua_pushstring(L, tp_schema_string(field->name, NULL));
  lua_rawget(L, -2);
  if (!lua_isnil(L, -1)) return 1;
  return push_decoded(L, field->sub, NULL, 0, LTP_ALL_FIELDS);
}

/* history_attributes(page, place, kind[, wanted]) -> table | nil, message |
** nil when the kind has none. Absent ones are an empty table. `wanted`: a bit
** for each field that is asked for, by its number; all when absent. */
static int Ltp_history_attributes(lua_State *L) {
  page *p = check_page(L);
  const tp_history_event *event = check_event(L, p);
  uint64_t wanted = LTP_ALL_FIELDS;
  size_t n;
  const char *kind;
  const tp_field *field = NULL;
  const uint8_t *bytes = event->attributes;
  size_t length = event->attributes_length;
  if (lua_type(L, 3) != LUA_TSTRING) return 0;
  kind = lua_tolstring(L, 3, &n);
  if (lua_isnumber(L, 4)) wanted = (uint64_t)lua_tonumber(L, 4);
  if (event->field != 0) field = tp_schema_field(p->event_type, event->field);
  if (!suits(field, kind, n)) {
    field = field_of(p->event_type, kind, n);
    if (field == NULL) return 0;
    bytes = NULL;
    length = 0;
  }
  if (event->twice) return push_of_whole(L, p, event, field);
  return push_decoded(L, field->sub, bytes, length, wanted);
}

/* history_rest(page, place, kind, without) -> the bytes of the attributes, but
** for the fields whose bits are set, up to what cannot be read | nil: they are
** not that of the kind, or came in pieces */
static int Ltp_history_rest(lua_State *L) {
  const page *p = check_page(L);
  const tp_history_event *event = check_event(L, p);
  size_t n;
  const char *kind = luaL_checklstring(L, 3, &n);
  uint64_t without = (uint64_t)luaL_checknumber(L, 4);
  tp_field_value v;
  luaL_Buffer rest;
  tp_reader r;
  if (event->twice || event->field == 0 ||
      !suits(tp_schema_field(p->event_type, event->field), kind, n))
    return 0;
  luaL_buffinit(L, &rest);
  tp_reader_init(&r, event->attributes, event->attributes_length);
  while (!tp_reader_done(&r) && tp_wire_next(&r, &v) == TP_OK)
    if (v.number >= 64 || !(without >> v.number & 1))
      luaL_addlstring(&rest, (const char *)v.start, (size_t)(r.p - v.start));
  luaL_pushresult(&rest);
  return 1;
}

/* history_has(page, place, wanted) -> boolean: is one of the fields there whose
** bits are set? True where only a decode can say, or fails. */
static int Ltp_history_has(lua_State *L) {
  const tp_history_event *event = check_event(L, check_page(L));
  uint64_t wanted = (uint64_t)luaL_checknumber(L, 3);
  tp_field_value v;
  tp_reader r;
  int status = TP_OK, found = event->twice;
  tp_reader_init(&r, event->attributes, event->attributes_length);
  while (!found && !tp_reader_done(&r) && status == TP_OK) {
    status = tp_wire_next(&r, &v);
    found = status != TP_OK || (v.number < 64 && (wanted >> v.number & 1));
  }
  lua_pushboolean(L, found);
  return 1;
}

/* history_time(page, place) -> seconds since the epoch */
static int Ltp_history_time(lua_State *L) {
  const tp_history_event *event = check_event(L, check_page(L));
  lua_pushnumber(L, (lua_Number)event->seconds + event->nanos / 1e9);
  return 1;
}

/* history_may_be_ignored(page, place) -> boolean */
static int Ltp_history_may_be_ignored(lua_State *L) {
  const tp_history_event *event = check_event(L, check_page(L));
  lua_pushboolean(L, event->ignored);
  return 1;
}

void ltp_open_history(lua_State *L, int first) {
  static const luaL_Reg functions[] = {
    {"history_page", Ltp_history_page},
    {"history_first_id", Ltp_history_first_id},
    {"history_attributes", Ltp_history_attributes},
    {"history_rest", Ltp_history_rest},
    {"history_has", Ltp_history_has},
    {"history_time", Ltp_history_time},
    {"history_may_be_ignored", Ltp_history_may_be_ignored},
    {NULL, NULL}};
  const luaL_Reg *f;
  int metatable = lua_gettop(L) + 1;
  (void)first;
  lua_newtable(L);
  lua_newtable(L);
  for (f = functions; f->name != NULL; f++) {
    lua_pushvalue(L, metatable);
    lua_pushvalue(L, metatable + 1);
    lua_pushcclosure(L, f->func, 2);
    lua_setfield(L, metatable - 1, f->name);
  }
  lua_settop(L, metatable - 1);
}

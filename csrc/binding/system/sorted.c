/* The keys of a table in an order that every process and every Lua has: 1 to n,
** other numbers, strings by their bytes, false, true. Lua thread.
*/
#include <stdlib.h>
#include <string.h>

#include "../base/parts.h"
#include "../base/state.h"

#define FEW 64 /* keys that are sorted without an allocation */

/* Of sorted_next: by table, the sorted keys of a loop under way, and at 0 the
** place it has come to. Weak. */
#define WALKS lua_upvalueindex(1)

/* Kinds of keys, in their order. There may be one OTHER: its place among others
** of its kind would be its address. */
enum { SEQUENCE, NUMBER, STRING, NO, YES, OTHER };

typedef struct key {
  int kind;
  int exact;       /* integer counts, else number */
  lua_Integer integer;
  lua_Number number;
  const char *text; /* of a string that is a key of the table */
  size_t length;
  int place; /* in the order of the table */
} key;

static int compare_numbers(const key *a, const key *b) {
  lua_Integer whole;
  if (a->exact && b->exact)
    return (a->integer > b->integer) - (a->integer < b->integer);
  if (!a->exact && !b->exact)
    return (a->number > b->number) - (a->number < b->number);
  if (!a->exact) return -compare_numbers(b, a);
  /* An integer is never equal to a float that is a key: it would be one. */
  if (b->number >= 9223372036854775808.0) return -1;
  if (b->number < -9223372036854775808.0) return 1;
  whole = (lua_Integer)b->number;
  return a->integer < whole || (a->integer == whole && b->number > 0) ? -1 : 1;
}

static int compare(const void *left, const void *right) {
  const key *a = left, *b = right;
  size_t shorter;
  int order;
  if (a->kind != b->kind) return a->kind - b->kind;
  if (a->kind <= NUMBER) return compare_numbers(a, b);
  if (a->kind != STRING) return 0;
  shorter = a->length < b->length ? a->length : b->length;
  order = memcmp(a->text, b->text, shorter);
  return order ? order : (a->length > b->length) - (a->length < b->length);
}

/* The key at an index, which stays as it is. */
static key read(lua_State *L, int index) {
  key k;
  memset(&k, 0, sizeof k);
  switch (lua_type(L, index)) {
    case LUA_TNUMBER:
      k.kind = NUMBER;
      k.number = lua_tonumber(L, index);
      k.exact = ltp_isinteger(L, index);
      if (k.exact) k.integer = lua_tointeger(L, index);
      break;
    case LUA_TSTRING:
      k.kind = STRING;
      k.text = lua_tolstring(L, index, &k.length);
      break;
    case LUA_TBOOLEAN:
      k.kind = lua_toboolean(L, index) ? YES : NO;
      break;
    default:
      k.kind = OTHER;
  }
  return k;
}

static int is_whole(const key *k, int n) {
  return k->kind <= NUMBER &&
         (k->exact ? k->integer == n : k->number == (lua_Number)n);
}

/* How many keys the table at index 1 has; `*sequence`: they are 1 to n, and in
** this order already. */
static int count(lua_State *L, int *sequence) {
  int n = 0;
  *sequence = 1;
  lua_pushnil(L);
  while (lua_next(L, 1)) {
    n++;
    if (*sequence)
      *sequence = lua_type(L, -2) == LUA_TNUMBER &&
                  lua_tonumber(L, -2) == (lua_Number)n;
    lua_pop(L, 1);
  }
  return n;
}


static void refuse(lua_State *L) {
  luaL_error(L, "a table with more than one key that is a table, a function or "
             "the like has no order that each run of a workflow would have: "
             "use numbers or strings for keys, or workflow.unsafe.pairs");
}

/* 1 to n come first: numbers below 1, and between them, behind them. */
static void put_sequence_first(key *keys, int n) {
  int i, found = 0, others = 0;
  for (i = 0; i < n && keys[i].kind == NUMBER; i++)
    if (is_whole(&keys[i], found + 1)) keys[i].kind = SEQUENCE, found++;
    else others++;
  if (found && others) qsort(keys, (size_t)n, sizeof *keys, compare);
}

/* Reads the keys of the table at index 1, and that at index 2 where it is none
** of them, and puts them into the list on top of the stack as they come. How
** many they are. */
static int collect(lua_State *L, key *keys, int with) {
  int i = 0, others = 0, list = lua_gettop(L);
  lua_pushnil(L);
  while (lua_next(L, 1)) {
    lua_pop(L, 1);
    keys[i] = read(L, -1);
    keys[i].place = i + 1;
    others += keys[i].kind == OTHER;
    lua_pushvalue(L, -1);
    lua_rawseti(L, list, ++i);
  }
  if (others > 1) refuse(L);
  if (with) {
    lua_pushvalue(L, 2);
    lua_rawget(L, 1);
    if (lua_isnil(L, -1)) {
      keys[i] = read(L, 2);
      keys[i].place = i + 1;
      lua_pushvalue(L, 2);
      lua_rawseti(L, list, ++i);
    }
    lua_pop(L, 1);
  }
  return i;
}

/* Pushes the sorted keys of the table at index 1, n of them at most; with the
** key at index 2, although the table may have lost it, in which case its place
** is returned. */
static int push_sorted(lua_State *L, int n, int with) {
  key few[FEW], *keys = few;
  int i, place = 0;
  if (n + 1 > FEW) keys = lua_newuserdata(L, ((size_t)n + 1) * sizeof *keys);
  else lua_pushnil(L);
  lua_createtable(L, n + 1, 0);
  n = collect(L, keys, with);
  qsort(keys, (size_t)n, sizeof *keys, compare);
  put_sequence_first(keys, n);
  lua_createtable(L, n, 1);
  for (i = 1; i <= n; i++) {
    lua_rawgeti(L, -2, keys[i - 1].place);
    if (with && place == 0 && lua_rawequal(L, -1, 2)) place = i;
    lua_rawseti(L, -2, i);
  }
  lua_replace(L, -3);
  lua_pop(L, 1);
  return place;
}

/* The next of a list of keys, upvalue 1, from its place at upvalue 2 on, whose
** value is not gone. */
static int Ltp_next_of_list(lua_State *L) {
  lua_Integer i = lua_tointeger(L, lua_upvalueindex(2));
  if (lua_isnoneornil(L, 2)) i = 0;
  lua_settop(L, 1);
  for (;;) {
    lua_settop(L, 1);
    lua_rawgeti(L, lua_upvalueindex(1), (int)++i);
    if (lua_isnil(L, 2)) return 1;
    lua_pushvalue(L, 2);
    lua_rawget(L, 1);
    if (!lua_isnil(L, 3)) break;
  }
  lua_pushinteger(L, i);
  lua_replace(L, lua_upvalueindex(2));
  return 2;
}

/* The same for the keys 1 to n, upvalue 1. */
static int Ltp_next_of_sequence(lua_State *L) {
  lua_Integer i = lua_isnoneornil(L, 2) ? 0 : lua_tointeger(L, 2);
  lua_Integer n = lua_tointeger(L, lua_upvalueindex(1));
  while (++i <= n) {
    lua_settop(L, 1);
    lua_rawgeti(L, 1, (int)i);
    if (lua_isnil(L, 2)) continue;
    lua_pushinteger(L, i);
    lua_insert(L, 2);
    return 2;
  }
  lua_pushnil(L);
  return 1;
}

/* sorted_pairs(t) -> what a for wants: what __pairs gives; else the keys t has
** now, sorted, of which those that have lost their values at their turn are
** passed over */
static int Ltp_sorted_pairs(lua_State *L) {
  int n, sequence;
  luaL_checkany(L, 1);
  if (luaL_getmetafield(L, 1, "__pairs")) {
    lua_pushvalue(L, 1);
    lua_call(L, 1, 3);
    return 3;
  }
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  n = count(L, &sequence);
  if (sequence) {
    lua_pushinteger(L, n);
    lua_pushcclosure(L, Ltp_next_of_sequence, 1);
  } else {
    push_sorted(L, n, 0);
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, Ltp_next_of_list, 2);
  }
  lua_pushvalue(L, 1);
  return 2;
}

/* The first key of the table at index 1, and its value. */
static int first(lua_State *L) {
  key best, each;
  int others = 0, none = 1;
  lua_settop(L, 1);
  lua_rawgeti(L, 1, 1);
  if (!lua_isnil(L, 2)) {
    lua_pushinteger(L, 1);
    lua_insert(L, 2);
    return 2;
  }
  memset(&best, 0, sizeof best);
  lua_pushnil(L); /* index 3; the best so far at 2 */
  while (lua_next(L, 1)) {
    lua_pop(L, 1);
    each = read(L, 3);
    others += each.kind == OTHER;
    if (none || compare(&each, &best) < 0) {
      best = each;
      none = 0;
      lua_pushvalue(L, 3);
      lua_replace(L, 2);
    }
  }
  if (others > 1) refuse(L);
  if (none) return 1; /* nil */
  lua_pushvalue(L, 2);
  lua_rawget(L, 1);
  return 2;
}

/* Pushes what the walks have for the table at index 1: its list, or nil. */
static void push_walk(lua_State *L) {
  lua_pushvalue(L, 1);
  lua_rawget(L, WALKS);
}

/* The place of the key at index 2 when the list at index 3 stands there; else
** 0. */
static int place_in(lua_State *L) {
  int place;
  lua_rawgeti(L, 3, 0);
  place = (int)lua_tointeger(L, -1);
  lua_rawgeti(L, 3, place);
  if (!lua_rawequal(L, -1, 2)) place = 0;
  lua_pop(L, 2);
  return place;
}

/* Goes on in the list at index 3, behind a place. */
static int go_on(lua_State *L, int place, int known) {
  for (;;) {
    lua_settop(L, 3);
    lua_rawgeti(L, 3, ++place);
    if (lua_isnil(L, 4)) break;
    lua_pushvalue(L, 4);
    lua_rawget(L, 1);
    if (lua_isnil(L, 5)) continue;
    lua_pushinteger(L, place);
    lua_rawseti(L, 3, 0);
    if (known) return 2;
    lua_pushvalue(L, 1);
    lua_pushvalue(L, 3);
    lua_rawset(L, WALKS);
    return 2;
  }
  if (known) { /* the end: its list is not wanted any more */
    lua_pushvalue(L, 1);
    lua_pushnil(L);
    lua_rawset(L, WALKS);
  }
  return 1;
}

/* In 1 to n no list is needed. Pushes the next two values. */
static int next_in_sequence(lua_State *L) {
  lua_Number k = lua_tonumber(L, 2);
  if (lua_type(L, 2) != LUA_TNUMBER || k < 1 || k >= 2147483647.0 ||
      k != (lua_Number)(int)k)
    return 0;
  lua_pushinteger(L, (lua_Integer)k + 1);
  lua_rawgeti(L, 1, (int)k + 1);
  if (!lua_isnil(L, -1)) return 1;
  lua_pop(L, 2);
  return 0;
}

/* sorted_next(t[, key]) -> as next, in the order of sorted_pairs */
static int Ltp_sorted_next(lua_State *L) {
  int place, known, n, sequence;
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 2);
  push_walk(L);
  known = !lua_isnil(L, 3);
  if (lua_isnil(L, 2)) {
    if (known) { /* of a loop that was left */
      lua_pushvalue(L, 1);
      lua_pushnil(L);
      lua_rawset(L, WALKS);
    }
    return first(L);
  }
  if (known) {
    place = place_in(L);
    if (place) return go_on(L, place, 1);
  } else if (next_in_sequence(L)) {
    return 2;
  }
  lua_settop(L, 2);
  n = count(L, &sequence);
  if (sequence && !known) {
    lua_pushnil(L);
    return 1;
  }
  place = push_sorted(L, n, 1);
  if (place == 0) return luaL_error(L, "invalid key to 'next'");
  return go_on(L, place, 0);
}

static const luaL_Reg functions[] = {
  {"sorted_pairs", Ltp_sorted_pairs},
  {NULL, NULL}};

void ltp_open_sorted(lua_State *L, int first_upvalue) {
  ltp_register(L, first_upvalue, functions);
  lua_newtable(L); /* the walks */
  lua_createtable(L, 0, 1);
  lua_pushliteral(L, "k");
  lua_setfield(L, -2, "__mode");
  lua_setmetatable(L, -2);
  lua_pushcclosure(L, Ltp_sorted_next, 1);
  lua_setfield(L, -2, "sorted_next");
}

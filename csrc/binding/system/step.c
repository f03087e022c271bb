/* One turn of a coroutine that must not run for ever: a count hook suspends it
** once its time is over. Lua thread.
**
** Set, resumed and cleared in one C function: LuaJIT's hook is that of all
** coroutines, and one left on would suspend the main program. Once a turn is
** late the hook is called at every instruction, until it finds one where it can
** suspend: in a function that C calls (string.gsub's) it only raises, which a
** pcall may eat.
*/
#include "../../core/base/timer.h"
#include "../base/parts.h"
#include "../base/state.h"

#define OFTEN 1000 /* instructions between two looks at the clock */

typedef struct turn {
  struct turn *outer; /* the one it runs in */
  double until;       /* seconds, as core.now() has them */
  int late;
} turn;

/* The one that runs on this thread. */
static __thread turn *current;

static double seconds(void) {
  return (double)tp_now() / 1e6;
}

static void look(lua_State *L, lua_Debug *at) {
  turn *t = current;
  (void)at;
  if (t == NULL) return;
  if (!t->late) {
    if (seconds() < t->until) return;
    t->late = 1;
  }
  lua_sethook(L, look, LUA_MASKCOUNT, 1);
  (void)lua_yield(L, 0);
}

/* Whose hook is it when the turn is over: the one there was before it, unless
** somebody (a signal handler) has set another meanwhile. */
typedef struct hook {
  lua_Hook call;
  int mask, count;
} hook;

static hook arm(lua_State *co) {
  hook before;
  before.call = lua_gethook(co);
  before.mask = lua_gethookmask(co);
  before.count = lua_gethookcount(co);
  lua_sethook(co, look, LUA_MASKCOUNT, OFTEN);
  return before;
}

static void disarm(lua_State *co, const hook *before) {
  if (lua_gethook(co) == look)
    lua_sethook(co, before->call, before->mask, before->count);
}

/* Resumes co with the `count` values at its top; how many it has then. */
static int resume(lua_State *L, lua_State *co, int count, int *status) {
#if LUA_VERSION_NUM >= 504
  int results = 0;
  *status = lua_resume(co, L, count, &results);
  return results;
#elif LUA_VERSION_NUM >= 502
  *status = lua_resume(co, L, count);
  return lua_gettop(co);
#else
  (void)L;
  *status = lua_resume(co, count);
  return lua_gettop(co);
#endif
}

/* Gives strings the methods of the table at `index`, and leaves there what they
** had before. */
static void change_strings(lua_State *L, int index) {
  lua_pushliteral(L, "");
  if (!lua_getmetatable(L, -1)) lua_newtable(L); /* strings have none */
  lua_pushliteral(L, "__index");
  lua_pushvalue(L, -1);
  lua_rawget(L, -3); /* "", metatable, name, what it was */
  lua_insert(L, -2);
  lua_pushvalue(L, index);
  lua_rawset(L, -4);
  lua_replace(L, index);
  lua_pop(L, 2);
}

static int run(lua_State *L, lua_State *co, int count, turn *t, int *status) {
  hook before;
  int results;
  lua_xmove(L, co, count);
  if (t->until <= 0) return resume(L, co, count, status);
  current = t;
  before = arm(co);
  results = resume(L, co, count, status);
  disarm(co, &before);
  current = t->outer;
  return results;
}

/* step(co, until, strings, ...) -> as coroutine.resume; nothing when it has
** not waited by `until` (seconds of core.now(); nil: no limit). Meanwhile the
** methods of strings are those of the table `strings` (nil: as they are). */
static int Ltp_step(lua_State *L) {
  lua_State *co = lua_tothread(L, 1);
  int count = lua_gettop(L) - 3, results = 0, status = 0;
  int strings = lua_istable(L, 3);
  turn t = {current, lua_tonumber(L, 2), 0};
  luaL_argcheck(L, co && co != L, 1, "another coroutine expected");
  luaL_argcheck(L, lua_status(co) == LUA_YIELD ||
                (lua_status(co) == 0 && lua_gettop(co) > 0), 1,
                "the coroutine has ended");
  if (!lua_checkstack(co, count + 1) || !lua_checkstack(L, 8))
    return luaL_error(L, "too many arguments");
  t.late = t.until > 0 && seconds() >= t.until;
  if (!t.late) {
    if (strings) change_strings(L, 3);
    results = run(L, co, count, &t, &status);
    if (strings) change_strings(L, 3);
  }
  if (t.late) {
    if (t.outer) t.outer->late = 1;
    return 0;
  }
  lua_settop(L, 3); /* co stays until its values have moved */
  if (status != 0 && status != LUA_YIELD) results = 1;
  luaL_checkstack(L, results + 1, "too many results");
  lua_pushboolean(L, status == 0 || status == LUA_YIELD);
  lua_xmove(co, L, results);
  return results + 1;
}

/* late() -> has the time of the turn that runs been over? Then a coroutine that
** came back with nothing was suspended by the hook. */
static int Ltp_late(lua_State *L) {
  lua_pushboolean(L, current && current->late);
  return 1;
}

static const luaL_Reg functions[] = {
  {"step", Ltp_step},
  {"late", Ltp_late},
  {NULL, NULL}};

void ltp_open_step(lua_State *L, int first) {
  ltp_register(L, first, functions);
}

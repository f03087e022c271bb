/* Signals of the process, for a worker that has it for itself: see
** core/engine/signals.h. Lua thread.
*/
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "../../core/engine/signals.h"
#include "../base/parts.h"
#include "../base/state.h"

static int check_signal(lua_State *L, int index) {
  static const char *const names[] = {"INT", "TERM", "HUP", "QUIT", NULL};
  static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
  return numbers[luaL_checkoption(L, index, NULL, names)];
}

/* catch_signal(name): until release_signal(name) */
static int Ltp_catch_signal(lua_State *L) {
  int number = check_signal(L, 1);
  if (!tp_signal_catch(number))
    return luaL_error(L, "the signal cannot be caught: %s", strerror(errno));
  return 0;
}

static int Ltp_release_signal(lua_State *L) {
  tp_signal_release(check_signal(L, 1));
  return 0;
}

/* caught_signals() -> how many have come so far */
static int Ltp_caught_signals(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)tp_signals_caught());
  return 1;
}

static const luaL_Reg functions[] = {
  {"catch_signal", Ltp_catch_signal},
  {"release_signal", Ltp_release_signal},
  {"caught_signals", Ltp_caught_signals},
  {NULL, NULL}};

void ltp_open_signals(lua_State *L, int first) {
  ltp_register(L, first, functions);
}

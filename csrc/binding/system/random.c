/* A generator that gives the same numbers on every Lua and every machine, for
** the runs of workflows: xoshiro256** (Blackman and Vigna), seeded by SHA-256.
** Lua thread.
*/
#include <stdio.h>
#include <string.h>

#include "../../core/base/digest.h"
#include "../base/parts.h"
#include "../base/state.h"
#include "system.h"

#define METATABLE "temporal.random"
#define EXACT 9007199254740992.0 /* 2^53: every integer below it is a double */

typedef struct generator {
  uint64_t s[4];
} generator;

static uint64_t rotate(uint64_t x, int by) {
  return x << by | x >> (64 - by);
}

static uint64_t next(generator *g) {
  uint64_t result = rotate(g->s[1] * 5, 7) * 9, t = g->s[1] << 17;
  g->s[2] ^= g->s[0];
  g->s[3] ^= g->s[1];
  g->s[1] ^= g->s[2];
  g->s[0] ^= g->s[3];
  g->s[2] ^= t;
  g->s[3] = rotate(g->s[3], 45);
  return result;
}

static void seed(lua_State *L, generator *g, int index) {
  uint8_t digest[TP_SHA256];
  size_t n;
  int i;
  const char *text = luaL_checklstring(L, index, &n);
  if (!tp_sha256(text, n, digest))
    luaL_error(L, "OpenSSL's libcrypto cannot be loaded: workers need it");
  memset(g, 0, sizeof *g);
  for (i = 0; i < TP_SHA256; i++) /* the same on every machine */
    g->s[i / 8] |= (uint64_t)digest[i] << 8 * (i % 8);
}

static generator *check(lua_State *L) {
  return luaL_checkudata(L, 1, METATABLE);
}

/* generator:reseed(text): from now on what a new one of that text gives */
static int Ltp_random_reseed(lua_State *L) {
  seed(L, check(L), 2);
  return 0;
}

/* generator:number() -> at least 0, below 1 */
static int Ltp_random_number(lua_State *L) {
  lua_pushnumber(L, (lua_Number)((double)(next(check(L)) >> 11) / EXACT));
  return 1;
}

/* Below `count`, each as likely as any other. */
static uint64_t below(generator *g, uint64_t count) {
  uint64_t mask = count - 1, x;
  int shift;
  for (shift = 1; shift < 64; shift *= 2) mask |= mask >> shift;
  do x = next(g) & mask; while (x >= count);
  return x;
}

/* generator:integer(m, n) -> m ... n, which differ by less than 2^53 */
static int Ltp_random_integer(lua_State *L) {
  generator *g = check(L);
  double m = (double)luaL_checknumber(L, 2), n = (double)luaL_checknumber(L, 3);
  luaL_argcheck(L, m <= n, 3, "the interval is empty");
  luaL_argcheck(L, m >= -EXACT && n <= EXACT && n - m < EXACT, 3,
                "the interval is too large");
  lua_pushnumber(L, (lua_Number)(m + (double)below(g, (uint64_t)(n - m) + 1)));
  return 1;
}

/* generator:uuid() -> a UUID of version 4 (RFC 9562) */
static int Ltp_random_uuid(lua_State *L) {
  generator *g = check(L);
  uint64_t a = next(g), b = next(g);
  char text[LTP_UUID + 1];
  a = (a & ~(uint64_t)0xF000) | 0x4000;
  b = (b & ~((uint64_t)3 << 62)) | (uint64_t)2 << 62;
  snprintf(text, sizeof text, "%08lx-%04lx-%04lx-%04lx-%012lx",
           (unsigned long)(a >> 32), (unsigned long)(a >> 16 & 0xFFFF),
           (unsigned long)(a & 0xFFFF), (unsigned long)(b >> 48),
           (unsigned long)(b & 0xFFFFFFFFFFFF));
  lua_pushlstring(L, text, LTP_UUID);
  return 1;
}

/* random(text) -> a generator, the same for the same text */
static int Ltp_random(lua_State *L) {
  generator *g = ltp_newuserdata(L, sizeof *g);
  seed(L, g, 1);
  luaL_getmetatable(L, METATABLE);
  lua_setmetatable(L, -2);
  return 1;
}

void ltp_open_random(lua_State *L, int first) {
  static const luaL_Reg methods[] = {{"reseed", Ltp_random_reseed},
                                     {"number", Ltp_random_number},
                                     {"integer", Ltp_random_integer},
                                     {"uuid", Ltp_random_uuid},
                                     {NULL, NULL}};
  static const luaL_Reg functions[] = {{"random", Ltp_random}, {NULL, NULL}};
  luaL_newmetatable(L, METATABLE);
  lua_newtable(L);
  ltp_register(L, first, methods);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  ltp_register(L, first, functions);
}

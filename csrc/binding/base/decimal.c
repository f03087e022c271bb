/* Numbers as decimal text for Lua: see decimal.h. */
#include "decimal.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "parts.h"

static const char *digits(const char *s, const char *end) {
  const char *start = s;
  while (s < end && *s >= '0' && *s <= '9') s++;
  return s > start ? s : NULL;
}

/* What tp_decimal_read may be given, but for leading zeros, which do it no
** harm. */
static bool is_decimal(const char *s, const char *end) {
  if (s < end && *s == '-') s++;
  s = digits(s, end);
  if (s && s < end && *s == '.') s = digits(s + 1, end);
  if (s && s < end && (*s == 'e' || *s == 'E')) {
    s++;
    if (s < end && (*s == '-' || *s == '+')) s++;
    s = digits(s, end);
  }
  return s == end;
}

/* read_decimal(text) -> number; nil when it is none. */
static int Ltp_read_decimal(lua_State *L) {
  size_t n;
  const char *s = luaL_checklstring(L, 1, &n);
  double value;
  if (n > 1 && s[0] == '+' && s[1] != '-') s++, n--;
  if (!is_decimal(s, s + n)) return 0;
  if (tp_decimal_read(s, n, &value) != TP_OK)
    value = *s == '-' ? -HUGE_VAL : HUGE_VAL;
  lua_pushnumber(L, value);
  return 1;
}

size_t ltp_write_decimal(lua_State *L, int index, char *out) {
  double value = lua_tonumber(L, index);
  size_t n;
  if (value != value || value - value != 0) {
    const char *word = value != value ? "nan" : value > 0 ? "inf" : "-inf";
    memcpy(out, word, strlen(word));
    return strlen(word);
  }
#if LTP_HAS_INTEGERS
  if (lua_isinteger(L, index))
    return tp_integer_write(lua_tointeger(L, index), out);
#endif
  n = tp_decimal_write(value, out);
  return n > 2 && memcmp(out + n - 2, ".0", 2) == 0 ? n - 2 : n;
}

/* write_decimal(number) -> the shortest text that reads back as it. */
static int Ltp_write_decimal(lua_State *L) {
  char text[TP_DECIMAL_SIZE];
  luaL_checknumber(L, 1);
  lua_pushlstring(L, text, ltp_write_decimal(L, 1, text));
  return 1;
}

void ltp_open_decimal(lua_State *L, int first) {
  (void)first;
  lua_pushcfunction(L, Ltp_read_decimal);
  lua_setfield(L, -2, "read_decimal");
  lua_pushcfunction(L, Ltp_write_decimal);
  lua_setfield(L, -2, "write_decimal");
}

/* Error texts of the message codec: see message_path.h. Lua thread; raises
** only when out of memory.
*/
#include "message_path.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "../../core/base/utf8.h"
#include "../base/decimal.h"

#define PATH_ROOM 1024
#define TEXT_ROOM 512
#define SHOWN 40 /* bytes of a string that is quoted */

typedef struct {
  char *text;
  size_t length, room;
} writer;

static void add(writer *w, const char *s, size_t n) {
  if (n > w->room - w->length) n = w->room - w->length;
  memcpy(w->text + w->length, s, n);
  w->length += n;
}

static void add_string(writer *w, const char *s) {
  add(w, s, strlen(s));
}

const char *ltp_quote(const char *s, size_t n, char out[LTP_DESCRIBED]) {
  size_t shown = n < SHOWN ? n : SHOWN, i;
  char *p = out;
  if (shown < n) shown = tp_utf8_valid_prefix(s, shown);
  *p++ = '"';
  for (i = 0; i < shown; i++) {
    unsigned char c = (unsigned char)s[i];
    *p++ = c < 0x20 || c == 0x7F ? '?' : (char)c;
  }
  memcpy(p, shown < n ? "...\"" : "\"", shown < n ? 5 : 2);
  if (tp_utf8_valid_prefix(out, strlen(out)) != strlen(out))
    strcpy(out, "(not UTF-8)");
  return out;
}

static const char *describe_number(lua_State *L, int index,
                                   char out[LTP_DESCRIBED]) {
  char text[TP_DECIMAL_SIZE];
  int n = (int)ltp_write_decimal(L, index, text);
  snprintf(out, LTP_DESCRIBED, "number %.*s", n, text);
  return out;
}

const char *ltp_describe(lua_State *L, int index, char out[LTP_DESCRIBED]) {
  char quoted[LTP_DESCRIBED];
  const char *s;
  size_t n;
  switch (lua_type(L, index)) {
    case LUA_TNUMBER:
      return describe_number(L, index, out);
    case LUA_TSTRING:
      s = lua_tolstring(L, index, &n);
      snprintf(out, LTP_DESCRIBED, "string %s", ltp_quote(s, n, quoted));
      return out;
    case LUA_TBOOLEAN:
      return lua_toboolean(L, index) ? "boolean true" : "boolean false";
    default:
      return luaL_typename(L, index);
  }
}

/* The name that follows another in the order of the alphabet, or NULL. */
static const char *next_field(int type, const char *after) {
  const tp_field *fields = tp_schema_fields_of(type);
  const char *best = NULL;
  int i;
  for (i = 0; i < tp_schema_messages[type].count; i++) {
    const char *name = tp_schema_string(fields[i].name, NULL);
    if ((after == NULL || strcmp(name, after) > 0) &&
        (best == NULL || strcmp(name, best) < 0))
      best = name;
  }
  return best;
}

const char *ltp_list_fields(int type, char out[LTP_LISTED]) {
  const char *name = next_field(type, NULL);
  size_t length = 0, n;
  out[0] = '\0';
  for (; name != NULL; name = next_field(type, name)) {
    n = strlen(name);
    if (length + n + sizeof ", , ..." > LTP_LISTED) {
      memcpy(out + length, ", ...", sizeof ", ...");
      break;
    }
    if (length > 0) {
      memcpy(out + length, ", ", 2);
      length += 2;
    }
    memcpy(out + length, name, n + 1);
    length += n;
  }
  return out;
}

static void add_key(lua_State *L, writer *w, int slot) {
  char text[LTP_DESCRIBED];
  size_t n;
  const char *s;
  add_string(w, "[");
  if (lua_type(L, slot) == LUA_TSTRING) {
    s = lua_tolstring(L, slot, &n);
    add_string(w, ltp_quote(s, n, text));
  } else {
    s = ltp_describe(L, slot, text); /* "number 5": the word is not shown */
    add_string(w, strchr(s, ' ') != NULL ? strchr(s, ' ') + 1 : s);
  }
  add_string(w, "]");
}

static void add_level(lua_State *L, writer *w, const ltp_level *level) {
  char number[32];
  if (level->up != NULL) add_level(L, w, level->up);
  else add_string(w, tp_schema_message_short(level->type));
  if (level->field == NULL) return;
  add_string(w, ".");
  add_string(w, tp_schema_string(level->field->name, NULL));
  if (level->key != 0) {
    add_key(L, w, level->key);
  } else if (level->index != 0) {
    snprintf(number, sizeof number, "[%lu]", (unsigned long)level->index);
    add_string(w, number);
  }
}

int ltp_path_error(lua_State *L, const ltp_level *level, const char *format,
                   ...) {
  char text[PATH_ROOM + TEXT_ROOM];
  writer w = {text, 0, PATH_ROOM - 8};
  va_list arguments;
  add_level(L, &w, level);
  if (w.length == w.room) {
    w.length = tp_utf8_valid_prefix(text, w.length);
    w.room = PATH_ROOM;
    add_string(&w, "...");
  }
  memcpy(text + w.length, ": ", 2);
  va_start(arguments, format);
  vsnprintf(text + w.length + 2, TEXT_ROOM, format, arguments);
  va_end(arguments);
  lua_pushstring(L, text);
  return -1;
}

const uint8_t ltp_wire_types[] = {
    0, /* no type has number 0 */
    TP_WIRE_FIXED64, TP_WIRE_FIXED32, TP_WIRE_VARINT,  TP_WIRE_VARINT,
    TP_WIRE_VARINT,  TP_WIRE_FIXED64, TP_WIRE_FIXED32, TP_WIRE_VARINT,
    TP_WIRE_BYTES,   TP_WIRE_GROUP,   TP_WIRE_BYTES,   TP_WIRE_BYTES,
    TP_WIRE_VARINT,  TP_WIRE_VARINT,  TP_WIRE_FIXED32, TP_WIRE_FIXED64,
    TP_WIRE_VARINT,  TP_WIRE_VARINT};

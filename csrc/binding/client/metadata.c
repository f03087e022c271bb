/* Metadata: see metadata.h. */
#include "metadata.h"

#include <string.h>

#include "../../core/base/base64.h"
#include "../../core/base/limits.h"
#include "../base/compat.h"

/* Bytes go over the wire in base64 when the key says so. */
static int is_binary(const char *key, size_t n) {
  return n > 4 && memcmp(key + n - 4, "-bin", 4) == 0;
}

static size_t item_length(lua_State *L, int list, int i) {
  size_t n = 0;
  lua_rawgeti(L, list, i);
  lua_tolstring(L, -1, &n);
  lua_pop(L, 1);
  return n;
}

static size_t put_item(lua_State *L, int list, int i, char *out, int base64) {
  size_t n = 0;
  const char *s;
  lua_rawgeti(L, list, i);
  s = lua_tolstring(L, -1, &n);
  if (base64) n = tp_base64_encode(out, (const uint8_t *)s, n);
  else memcpy(out, s, n);
  lua_pop(L, 1);
  return n;
}

tp_metadata *ltp_read_metadata(lua_State *L, int list) {
  size_t pairs, i, text = 0;
  tp_metadata *m;
  char *at;
  if (!lua_istable(L, list)) return NULL;
  pairs = ltp_rawlen(L, list) / 2;
  if (pairs == 0 || pairs > TP_MAX_METADATA) return NULL;
  for (i = 1; i <= pairs; i++)
    text += item_length(L, list, (int)(2 * i - 1)) +
            item_length(L, list, (int)(2 * i)) * 4 / 3 + 4;
  m = tp_metadata_new(pairs, text);
  if (m == NULL) {
    luaL_error(L, "not enough memory");
    return NULL;
  }
  at = (char *)(m->headers + pairs);
  for (i = 0; i < pairs; i++) {
    tp_header *h = &m->headers[i];
    h->name = at;
    h->name_length = put_item(L, list, (int)(2 * i + 1), at, 0);
    at += h->name_length;
    h->value = at;
    h->value_length = put_item(L, list, (int)(2 * i + 2), at,
                               is_binary(h->name, h->name_length));
    at += h->value_length;
  }
  return m;
}

/* Names and values of some metadata, and how many there are. */
static size_t metadata_size(const tp_metadata *m, size_t *count) {
  size_t i, bytes = 0;
  for (i = 0; m && i < m->count; i++)
    bytes += m->headers[i].name_length + m->headers[i].value_length;
  *count = m ? m->count : 0;
  return bytes;
}

const char *ltp_check_metadata(lua_State *L, int list,
                               const tp_metadata *common) {
  size_t n, i, count, bytes = metadata_size(common, &count);
  if (lua_isnoneornil(L, list)) return NULL;
  if (!lua_istable(L, list)) return "metadata must be a list of strings";
  n = ltp_rawlen(L, list);
  if (n % 2 != 0) return "metadata must be pairs of key and value";
  if (n / 2 + count > TP_MAX_METADATA)
    return "more than 128 metadata pairs, the client's included";
  for (i = 1; i <= n; i++) {
    int is_string;
    lua_rawgeti(L, list, (int)i);
    is_string = lua_type(L, -1) == LUA_TSTRING;
    bytes += is_string ? ltp_rawlen(L, -1) : 0;
    lua_pop(L, 1);
    if (!is_string) return "metadata must be a list of strings";
  }
  /* With room for base64 and for gRPC's own headers below HTTP/2's limit. */
  if (bytes > TP_MAX_METADATA_BYTES)
    return "more than 40 KiB of metadata, the client's included";
  return NULL;
}

int ltp_header_problem(lua_State *L) {
  size_t n;
  const char *value = luaL_checklstring(L, 1, &n);
  lua_pushstring(L, tp_header_problem(value, n));
  return 1;
}

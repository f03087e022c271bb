/* Compression for the zlib codec: whole strings in zlib's format (RFC 1950).
** Lua's thread only. What cannot be read is `nil, message`; out of memory
** raises.
*/
#include <limits.h>
#include <string.h>
#define ZLIB_CONST
#include <zlib.h>

#include "../base/boxed_buffer.h"
#include "../base/parts.h"

#define FIRST_STEP 4096

/* zlib_compress(s[, level]) -> string; level 1 (fast) to 9 (small), -1 is
** zlib's own choice. */
static int Ltp_zlib_compress(lua_State *L) {
  size_t n;
  const char *s = luaL_checklstring(L, 1, &n);
  int level = (int)luaL_optinteger(L, 2, Z_DEFAULT_COMPRESSION);
  uLongf length = compressBound(n);
  tp_buffer *box = ltp_newbuffer(L, length);
  uint8_t *out = tp_buffer_reserve(box, length);
  if (out == NULL ||
      compress2(out, &length, (const Bytef *)s, n, level) != Z_OK)
    return luaL_error(L, "zlib_compress: not enough memory");
  lua_pushlstring(L, (const char *)out, length);
  tp_buffer_free(box);
  return 1;
}

/* Inflates until the stream ends or `out` is full: zlib's last answer. Calls
** nothing of Lua, so that the stream is always freed. */
static int inflate_all(const uint8_t *s, size_t n, tp_buffer *out) {
  z_stream stream;
  size_t step = FIRST_STEP;
  int answer;
  memset(&stream, 0, sizeof stream);
  answer = inflateInit(&stream);
  if (answer != Z_OK) return answer;
  stream.next_in = s;
  stream.avail_in = (uInt)n;
  do {
    size_t left = out->ceiling - out->length;
    if (left == 0) { /* is this the end, or is there more? */
      Bytef extra;
      stream.next_out = &extra;
      stream.avail_out = 1;
      answer = inflate(&stream, Z_NO_FLUSH);
      if (stream.avail_out == 0) out->status = TP_ETOOBIG;
      break;
    }
    if (step > left) step = left;
    stream.next_out = tp_buffer_reserve(out, step);
    if (stream.next_out == NULL) {
      answer = Z_MEM_ERROR;
      break;
    }
    stream.avail_out = (uInt)step;
    answer = inflate(&stream, Z_NO_FLUSH);
    out->length += step - stream.avail_out;
    if (step < INT_MAX / 2) step *= 2;
  } while (answer == Z_OK);
  inflateEnd(&stream);
  return answer;
}

/* zlib_decompress(s, max) -> string of at most `max` bytes | nil, message */
static int Ltp_zlib_decompress(lua_State *L) {
  size_t n;
  const char *s = luaL_checklstring(L, 1, &n);
  lua_Number max = luaL_checknumber(L, 2);
  tp_buffer *box;
  int answer;
  luaL_argcheck(L, max >= 0 && max <= INT_MAX, 2, "not a number of bytes");
  luaL_argcheck(L, n <= INT_MAX, 1, "too long");
  lua_settop(L, 2);
  box = ltp_newbuffer(L, (size_t)max);
  answer = inflate_all((const uint8_t *)s, n, box);
  if (answer == Z_MEM_ERROR)
    return luaL_error(L, "zlib_decompress: not enough memory");
  if (box->status == TP_ETOOBIG) {
    lua_pushnil(L);
    lua_pushfstring(L, "it holds more than %d bytes", (int)max);
  } else if (answer == Z_STREAM_END) {
    lua_pushlstring(L, box->length > 0 ? (const char *)box->data : "",
                    box->length);
  } else {
    lua_pushnil(L);
    lua_pushstring(L, answer == Z_OK || answer == Z_BUF_ERROR
                          ? "it ends in the middle of the zlib stream"
                          : "it is not a zlib stream, or is damaged");
  }
  tp_buffer_free(box);
  return lua_gettop(L) - 3; /* the arguments and the box stay below */
}

void ltp_open_zlib(lua_State *L, int first) {
  (void)first;
  lua_pushcfunction(L, Ltp_zlib_compress);
  lua_setfield(L, -2, "zlib_compress");
  lua_pushcfunction(L, Ltp_zlib_decompress);
  lua_setfield(L, -2, "zlib_decompress");
}

/* What Lua lacks of the system: clocks, the environment, a file's stamp, UUIDs,
** how addresses are written.
** Lua thread; needs no other object.
*/
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../../core/base/file.h"
#include "../../core/engine/process.h"
#include "../base/parts.h"
#include "../base/state.h"
#include "system.h"

static int Ltp_now(lua_State *L) {
  lua_pushnumber(L, (lua_Number)tp_now() / 1e6);
  return 1;
}

static int Ltp_time(lua_State *L) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  lua_pushnumber(L, (lua_Number)t.tv_sec +
                    (lua_Number)(t.tv_nsec / 1000) / 1e6);
  return 1;
}

/* free_port() -> a TCP port of the loopback address that nobody listens on now;
** nil, why */
static int Ltp_free_port(lua_State *L) {
  struct sockaddr_in address = {0};
  socklen_t length = sizeof address;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, length) != 0 ||
      getsockname(fd, (struct sockaddr *)&address, &length) != 0) {
    int error = errno;
    if (fd >= 0) close(fd);
    lua_pushnil(L);
    lua_pushstring(L, strerror(error));
    return 2;
  }
  close(fd);
  lua_pushinteger(L, ntohs(address.sin_port));
  return 1;
}

static int Ltp_pid(lua_State *L) {
  lua_pushinteger(L, getpid());
  return 1;
}

/* The environment as a table, which Lua itself cannot list. Of a name given
** twice the first counts, as for getenv. */
static int Ltp_environ(lua_State *L) {
  char **at;
  lua_newtable(L);
  for (at = environ; at && *at; at++) {
    const char *equals = strchr(*at, '=');
    if (equals == NULL) continue;
    lua_pushlstring(L, *at, (size_t)(equals - *at));
    lua_pushvalue(L, -1);
    lua_rawget(L, -3);
    if (!lua_isnil(L, -1)) {
      lua_pop(L, 2);
      continue;
    }
    lua_pop(L, 1);
    lua_pushstring(L, equals + 1);
    lua_rawset(L, -3);
  }
  return 1;
}

static int Ltp_getenv(lua_State *L) {
  lua_pushstring(L, getenv(luaL_checkstring(L, 1)));
  return 1;
}

static int Ltp_complain(lua_State *L) {
  fputs(luaL_checkstring(L, 1), stderr);
  return 0;
}

/* When a file was last changed, its size and its inode, in one string; nil
** and the reason when there is none to be seen. */
static int Ltp_file_stamp(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  struct stat s;
  char text[96];
  if (stat(path, &s) != 0) {
    lua_pushnil(L);
    lua_pushstring(L, strerror(errno));
    return 2;
  }
  snprintf(text, sizeof text, "%lld.%09ld %lld %llu",
           (long long)s.st_mtim.tv_sec, s.st_mtim.tv_nsec,
           (long long)s.st_size, (unsigned long long)s.st_ino);
  lua_pushstring(L, text);
  return 1;
}

/* read_source(path) -> its text; nil when there is none, or one larger than our
** own sources are. Twice as fast as io.open: a program's start waits for it. */
static int Ltp_read_source(lua_State *L) {
  char text[65536];
  int fd = open(luaL_checkstring(L, 1), O_RDONLY | O_CLOEXEC);
  ssize_t n = fd >= 0 ? read(fd, text, sizeof text) : -1;
  if (fd >= 0) close(fd);
  if (n < 0 || n == (ssize_t)sizeof text) return 0;
  lua_pushlstring(L, text, (size_t)n);
  return 1;
}

/* read_file(path) -> the text of a file that a user has named; or nil, why not,
** and whether there is none. */
static int Ltp_read_file(lua_State *L) {
  const char *path = luaL_checkstring(L, 1), *why;
  char *text = lua_newuserdata(L, TP_MAX_FILE + 1);
  int fd = tp_file_open(path, TP_MAX_FILE, &why);
  size_t length = 0;
  ssize_t n = 0;
  if (fd < 0) {
    bool none = errno == ENOENT || errno == ENOTDIR;
    lua_pushnil(L);
    lua_pushstring(L, why);
    lua_pushboolean(L, none);
    return 3;
  }
  while (length <= TP_MAX_FILE &&
         (n = read(fd, text + length, TP_MAX_FILE + 1 - length)) > 0)
    length += (size_t)n;
  if (n < 0) why = strerror(errno);
  else if (length > TP_MAX_FILE) why = "it has more than 1 MiB";
  close(fd);
  if (why) {
    lua_pushnil(L);
    lua_pushstring(L, why);
    return 2;
  }
  lua_pushlstring(L, text, length);
  return 1;
}

static int Ltp_hostname(lua_State *L) {
  char name[256] = "localhost";
  if (gethostname(name, sizeof name - 1) != 0) strcpy(name, "localhost");
  lua_pushstring(L, name);
  return 1;
}

/* Random bytes come in batches, of which each Lua state has its own. */
static int random_bytes(ltp_state *state, uint8_t out[16]) {
  uint8_t *next;
  if (state->random_used == LTP_RANDOM || state->random_forks != tp_forks()) {
    size_t got = 0;
    while (got < LTP_RANDOM) {
      ssize_t n = getrandom(state->random + got, LTP_RANDOM - got, 0);
      if (n < 0 && errno != EINTR) return -1;
      if (n > 0) got += (size_t)n;
    }
    state->random_used = 0;
    state->random_forks = tp_forks();
  }
  next = state->random + state->random_used;
  memcpy(out, next, 16);
  memset(next, 0, 16);
  state->random_used += 16;
  return 0;
}

void ltp_write_uuid(lua_State *L, char text[LTP_UUID]) {
  static const char digits[] = "0123456789abcdef";
  uint8_t b[16];
  int i, k = 0;
  if (random_bytes(ltp_getstate(L), b) != 0)
    luaL_error(L, "the system gives no random bytes");
  b[6] = (uint8_t)((b[6] & 0x0F) | 0x40);
  b[8] = (uint8_t)((b[8] & 0x3F) | 0x80);
  for (i = 0; i < 16; i++) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text[k++] = '-';
    text[k++] = digits[b[i] >> 4];
    text[k++] = digits[b[i] & 15];
  }
}

static int Ltp_uuid(lua_State *L) {
  char text[LTP_UUID];
  ltp_write_uuid(L, text);
  lua_pushlstring(L, text, sizeof text);
  return 1;
}

/* address_bytes(text) -> the 4 bytes of an IPv4 address or the 16 of an IPv6
** one, however it is written; nil when it is none. */
static int Ltp_address_bytes(lua_State *L) {
  const char *text = luaL_checkstring(L, 1);
  char bytes[16];
  if (inet_pton(AF_INET, text, bytes) == 1) lua_pushlstring(L, bytes, 4);
  else if (inet_pton(AF_INET6, text, bytes) == 1) lua_pushlstring(L, bytes, 16);
  else lua_pushnil(L);
  return 1;
}

/* require_on_main(name) -> what require gives, as if the main program had
** called it; nil when the main thread is not known. What a C module keeps of
** the thread that loads it outlives every coroutine then. */
static int Ltp_require_on_main(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  lua_State *main;
  int status;
  ltp_push_main(L);
  main = lua_tothread(L, -1);
  if (main == NULL || !lua_checkstack(main, LUA_MINSTACK)) return 0;
  lua_getglobal(L, "require");
  lua_pushstring(L, name);
  if (main == L) {
    lua_call(L, 1, 1);
    return 1;
  }
  lua_xmove(L, main, 2);
  status = lua_pcall(main, 1, 1, 0);
  lua_xmove(main, L, 1);
  return status == 0 ? 1 : lua_error(L);
}

static const luaL_Reg functions[] = {
  {"now", Ltp_now},
  {"time", Ltp_time},
  {"pid", Ltp_pid},
  {"free_port", Ltp_free_port},
  {"hostname", Ltp_hostname},
  {"environ", Ltp_environ},
  {"getenv", Ltp_getenv},
  {"complain", Ltp_complain},
  {"file_stamp", Ltp_file_stamp},
  {"read_source", Ltp_read_source},
  {"read_file", Ltp_read_file},
  {"uuid", Ltp_uuid},
  {"address_bytes", Ltp_address_bytes},
  {"require_on_main", Ltp_require_on_main},
  {NULL, NULL}};

void ltp_open_system(lua_State *L, int first) {
  ltp_register(L, first, functions);
}

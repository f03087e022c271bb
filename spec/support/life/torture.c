/* A host of Lua states whose memory fails, for torture_spec.lua, which compiles
** it: every allocation of the process, whichever library's, goes through here.
**   torture SPAN LIVES SCRIPT [ARGUMENT ...]
** Each life is a state that runs SCRIPT and is closed. What the script does
** between memory.short() and memory.back() is short of memory: of its N
** allocations the n-th and the SPAN - 1 after it fail, all from there on when
** SPAN is 0. As many lives, with n spread over 1 ... N; LIVES is at most N.
** Prints N and the number of lives. The exit code is 1 when a script raised, 3
** when a life left memory, descriptors or threads behind, 4 when one hung.
*/
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#define HANG 120     /* s: no life takes so long */
#define PATIENCE 10  /* s: for what ends by itself */
#define REPEATS 3    /* what grows with each of them is a leak */

static bool armed;    /* atomic */
static int count;     /* atomic: allocations while armed */
static int at, span;  /* which of them fail */
static long live;     /* atomic: blocks that are not freed */
static char **script; /* its name and arguments */

/* --- between the process and the C library ---------- */

static bool fails(void) {
  int n;
  if (!__atomic_load_n(&armed, __ATOMIC_SEQ_CST)) return false;
  n = __atomic_add_fetch(&count, 1, __ATOMIC_SEQ_CST);
  if (at == 0 || n < at || (span && n >= at + span)) return false;
  errno = ENOMEM;
  return true;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)

/* A sanitizer's own functions are the C library's: only Lua's memory fails, and
** the sanitizer looks for leaks. */
static void *allocate(void *user, void *block, size_t before, size_t n) {
  (void)user;
  if (n == 0) {
    free(block);
    return NULL;
  }
  if ((block == NULL || n > before) && fails()) return NULL;
  return realloc(block, n);
}

/* LuaJIT takes no allocator everywhere. */
static lua_State *new_state(void) {
  lua_State *L = lua_newstate(allocate, NULL);
  return L ? L : luaL_newstate();
}

#else

/* Through memcpy: ISO C has no cast from an object to a function. */
static void find(void *function, const char *name) {
  void *address = dlsym(RTLD_NEXT, name);
  memcpy(function, &address, sizeof address);
}

static void *counted(void *block) {
  if (block) __atomic_add_fetch(&live, 1, __ATOMIC_SEQ_CST);
  return block;
}

void *malloc(size_t n) {
  static void *(*real)(size_t);
  if (real == NULL) find(&real, "malloc");
  return fails() ? NULL : counted(real(n));
}

void *calloc(size_t n, size_t size) {
  static void *(*real)(size_t, size_t);
  if (real == NULL) find(&real, "calloc");
  return fails() ? NULL : counted(real(n, size));
}

/* What shrinks never fails: Lua before 5.4 relies on it. */
void *realloc(void *block, size_t n) {
  static void *(*real)(void *, size_t);
  void *moved;
  if (real == NULL) find(&real, "realloc");
  if (n == 0) {
    free(block);
    return NULL;
  }
  if ((block == NULL || n > malloc_usable_size(block)) && fails()) return NULL;
  moved = real(block, n);
  return block ? moved : counted(moved);
}

void free(void *block) {
  static void (*real)(void *);
  if (real == NULL) find(&real, "free");
  if (block) __atomic_sub_fetch(&live, 1, __ATOMIC_SEQ_CST);
  real(block);
}

int posix_memalign(void **block, size_t alignment, size_t n) {
  static int (*real)(void **, size_t, size_t);
  int failed;
  if (real == NULL) find(&real, "posix_memalign");
  if (fails()) return ENOMEM;
  failed = real(block, alignment, n);
  if (!failed) counted(*block);
  return failed;
}

void *aligned_alloc(size_t alignment, size_t n) {
  static void *(*real)(size_t, size_t);
  if (real == NULL) find(&real, "aligned_alloc");
  return fails() ? NULL : counted(real(alignment, n));
}

static lua_State *new_state(void) {
  return luaL_newstate();
}

#endif

/* --- what scripts get: the table `memory` ---------- */

static int memory_short(lua_State *L) {
  (void)L;
  __atomic_store_n(&armed, true, __ATOMIC_SEQ_CST);
  return 0;
}

static int memory_back(lua_State *L) {
  (void)L;
  __atomic_store_n(&armed, false, __ATOMIC_SEQ_CST);
  return 0;
}

/* --- lives ---------- */

static lua_State *open_state(void) {
  lua_State *L = new_state();
  int i;
  if (L == NULL) abort();
  luaL_openlibs(L);
  lua_newtable(L);
  lua_pushcfunction(L, memory_short);
  lua_setfield(L, -2, "short");
  lua_pushcfunction(L, memory_back);
  lua_setfield(L, -2, "back");
  lua_setglobal(L, "memory");
  lua_newtable(L);
  for (i = 0; script[i]; i++) {
    lua_pushstring(L, script[i]);
    lua_rawseti(L, -2, i);
  }
  lua_setglobal(L, "arg");
  return L;
}

static void say(const char *what) {
  char line[160];
  int n = snprintf(line, sizeof line, "allocation %d and the next %d: %s\n", at,
                   span - 1, what);
  if (write(STDERR_FILENO, line, (size_t)n) < 0) abort();
}

static void on_alarm(int signal) {
  (void)signal;
  say("it hangs");
  _exit(4);
}

static void *live_in_thread(void *argument) {
  lua_State *L = open_state();
  if (luaL_loadfile(L, script[0]) != 0 || lua_pcall(L, 0, 0, 0) != 0) {
    __atomic_store_n(&armed, false, __ATOMIC_SEQ_CST);
    say(lua_tostring(L, -1) ? lua_tostring(L, -1) : "no text");
    exit(1);
  }
  lua_close(L);
  return argument;
}

/* In a thread of its own, whose thread-local data is not there yet. */
static void live_once(int n) {
  pthread_t thread;
  at = n;
  __atomic_store_n(&count, 0, __ATOMIC_SEQ_CST);
  alarm(HANG);
  if (pthread_create(&thread, NULL, live_in_thread, NULL) != 0) abort();
  pthread_join(thread, NULL);
  alarm(0);
}

static int entries(const char *path) {
  DIR *folder = opendir(path);
  struct dirent *entry;
  int n = 0;
  if (folder == NULL) abort();
  while ((entry = readdir(folder)) != NULL)
    if (entry->d_name[0] != '.') n++;
  closedir(folder);
  return n;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Engines without a state end by themselves. False: something is left. */
static bool settles(int threads, int descriptors) {
  struct timespec pause = {0, 200000};
  double until = now() + PATIENCE;
  while (entries("/proc/self/task") > threads ||
         entries("/proc/self/fd") > descriptors) {
    if (now() > until) return false;
    nanosleep(&pause, NULL);
  }
  return true;
}

/* Libraries keep a block now and then, but not one for each life. */
static bool grows(int n, int threads, int descriptors) {
  int i;
  for (i = 0; i < REPEATS; i++) {
    long before = live;
    live_once(n);
    if (settles(threads, descriptors) && live <= before) return false;
  }
  return true;
}

static void *nothing(void *argument) {
  return argument;
}

int main(int argc, char **argv) {
  int threads, descriptors, all, lives, i;
  pthread_t first;
  if (argc < 4) {
    fprintf(stderr, "usage: see torture.c\n");
    return 2;
  }
  /* A sanitizer's own thread starts with the first one. */
  if (pthread_create(&first, NULL, nothing, NULL) != 0) abort();
  pthread_join(first, NULL);
  signal(SIGALRM, on_alarm);
  span = atoi(argv[1]);
  lives = atoi(argv[2]);
  script = argv + 3;
  threads = entries("/proc/self/task");
  descriptors = entries("/proc/self/fd");
  live_once(0);
  live_once(0);
  if (!settles(threads, descriptors)) return 3;
  all = count;
  if (lives > all) lives = all;
  for (i = 0; i < lives; i++) {
    long before = live;
    int n = 1 + (int)((long)all * i / lives);
    live_once(n);
    if (settles(threads, descriptors) && live <= before) continue;
    if (!grows(n, threads, descriptors)) continue;
    say("it leaves memory, descriptors or threads");
    return 3;
  }
  printf("%d allocations, %d lives\n", all, lives);
  return 0;
}

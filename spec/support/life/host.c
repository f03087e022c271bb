/* A host program of Lua states, for life_spec.lua, which compiles it: it
** opens and closes states where the stock interpreter never does.
**   host run SCRIPT [ARGUMENT ...]        one state: open, run, lua_close
**   host again N SCRIPT ...               N states, one after the other
**   host threads T N SCRIPT ...           T threads at once, each as `again N`
**   host leave T SCRIPT ...               main returns under T running threads,
**                                         as soon as each has said host.ready()
**   host keep SCRIPT ...                  exit() without lua_close
**   host unload N CORE SCRIPT ...         as `again`; CORE is dlopen'ed for
**                                         each state and dlclose'd after it
** The exit code is 1 when a script raised, 3 when `again`, `threads` or
** `unload` leave threads or descriptors behind. A certain host name hangs.
*/
#include <dirent.h>
#include <dlfcn.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

static lua_State *volatile kept; /* of `keep`: for leak checkers */
static char **script; /* its name and arguments */
static int failures;  /* atomic */
static pthread_barrier_t meeting;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int ready_count;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int entries(const char *path) {
  DIR *folder = opendir(path);
  struct dirent *entry;
  int n = 0;
  if (folder == NULL) return -1;
  while ((entry = readdir(folder)) != NULL)
    if (entry->d_name[0] != '.') n++;
  closedir(folder);
  return n;
}

static void tell_ready(void) {
  pthread_mutex_lock(&lock);
  ready_count++;
  pthread_cond_signal(&changed);
  pthread_mutex_unlock(&lock);
}

/* In place of the C library's, for libcurl too: a resolver that hangs. */
int getaddrinfo(const char *name, const char *service,
                const struct addrinfo *hints, struct addrinfo **result) {
  int (*original)(const char *, const char *, const struct addrinfo *,
                  struct addrinfo **);
  void *found = dlsym(RTLD_NEXT, "getaddrinfo");
  if (name && strcmp(name, "hangs.example") == 0) {
    sleep(60);
    return EAI_AGAIN;
  }
  if (found == NULL) return EAI_FAIL;
  memcpy(&original, &found, sizeof original);
  return original(name, service, hints, result);
}

/* --- what scripts get: the table `host` ---------- */

static int host_fork(lua_State *L) {
  pid_t pid = fork();
  if (pid < 0) return luaL_error(L, "fork failed");
  lua_pushinteger(L, pid);
  return 1;
}

/* host.waitpid(pid, seconds) -> "exit" or "signal", number; nil: it runs on */
static int host_waitpid(lua_State *L) {
  pid_t pid = (pid_t)luaL_checkinteger(L, 1);
  double until = now() + luaL_checknumber(L, 2);
  struct timespec pause = {0, 1000000};
  int status;
  while (waitpid(pid, &status, WNOHANG) == 0) {
    if (now() > until) return 0;
    nanosleep(&pause, NULL);
  }
  lua_pushstring(L, WIFEXITED(status) ? "exit" : "signal");
  lua_pushinteger(L, WIFEXITED(status) ? WEXITSTATUS(status)
                                       : WTERMSIG(status));
  return 2;
}

static int host_kill(lua_State *L) {
  lua_pushboolean(L, kill((pid_t)luaL_checkinteger(L, 1),
                          (int)luaL_checkinteger(L, 2)) == 0);
  return 1;
}

static int host_quit(lua_State *L) {
  _exit((int)luaL_checkinteger(L, 1));
  return 0;
}

/* The number of entries of a folder such as /proc/self/task. */
static int host_count(lua_State *L) {
  lua_pushinteger(L, entries(luaL_checkstring(L, 1)));
  return 1;
}

/* host.readable(fd) -> is there anything to read? */
static int host_readable(lua_State *L) {
  struct pollfd p = {0, POLLIN, 0};
  p.fd = (int)luaL_checkinteger(L, 1);
  lua_pushboolean(L, poll(&p, 1, 0) == 1);
  return 1;
}

/* Waits for the other threads of `threads`. */
static int host_meet(lua_State *L) {
  (void)L;
  pthread_barrier_wait(&meeting);
  return 0;
}

/* Tells the main thread of `leave` that it may go. */
static int host_ready(lua_State *L) {
  (void)L;
  tell_ready();
  return 0;
}

static const luaL_Reg functions[] = {
  {"fork", host_fork}, {"waitpid", host_waitpid}, {"kill", host_kill},
  {"_exit", host_quit}, {"count", host_count}, {"meet", host_meet},
  {"readable", host_readable}, {"ready", host_ready}, {NULL, NULL}};

/* --- states ---------- */

static lua_State *open_state(void) {
  lua_State *L = luaL_newstate();
  const luaL_Reg *f;
  int i;
  if (L == NULL) abort();
  luaL_openlibs(L);
  lua_newtable(L);
  for (f = functions; f->name; f++) {
    lua_pushcfunction(L, f->func);
    lua_setfield(L, -2, f->name);
  }
  lua_setglobal(L, "host");
  lua_newtable(L);
  for (i = 0; script[i]; i++) {
    lua_pushstring(L, script[i]);
    lua_rawseti(L, -2, i);
  }
  lua_setglobal(L, "arg");
  return L;
}

static void run_script(lua_State *L) {
  if (luaL_loadfile(L, script[0]) == 0 && lua_pcall(L, 0, 0, 0) == 0) return;
  lua_getglobal(L, "tostring");
  lua_insert(L, -2);
  lua_call(L, 1, 1);
  fprintf(stderr, "%s\n", lua_tostring(L, -1));
  __atomic_add_fetch(&failures, 1, __ATOMIC_SEQ_CST);
  lua_pop(L, 1);
}

static void again(int n) {
  while (n-- > 0) {
    lua_State *L = open_state();
    run_script(L);
    lua_close(L);
  }
}

static void *thread(void *argument) {
  again(*(int *)argument);
  tell_ready(); /* in case the script has not come so far */
  return NULL;
}

static void start_threads(pthread_t *threads, int count, int *n) {
  int i;
  pthread_barrier_init(&meeting, NULL, (unsigned)count);
  for (i = 0; i < count; i++)
    if (pthread_create(&threads[i], NULL, thread, n) != 0) abort();
}

static void at_once(int count, int n) {
  pthread_t *threads = calloc((size_t)count, sizeof *threads);
  int i;
  if (threads == NULL) abort();
  start_threads(threads, count, &n);
  for (i = 0; i < count; i++) pthread_join(threads[i], NULL);
  free(threads);
}

static void leave(int count) {
  static int once = 1;
  static pthread_t threads[64];
  if (count > 64) abort();
  start_threads(threads, count, &once);
  pthread_mutex_lock(&lock);
  while (ready_count < count) pthread_cond_wait(&changed, &lock);
  pthread_mutex_unlock(&lock);
}

static void unload(int n, const char *core) {
  while (n-- > 0) {
    lua_State *L = open_state();
    void *library = dlopen(core, RTLD_NOW | RTLD_LOCAL);
    void *open = library ? dlsym(library, "luaopen_temporal_core") : NULL;
    lua_CFunction function;
    if (open == NULL) {
      fprintf(stderr, "%s\n", dlerror());
      exit(1);
    }
    memcpy(&function, &open, sizeof function);
    lua_getglobal(L, "package");
    lua_getfield(L, -1, "preload");
    lua_pushcfunction(L, function);
    lua_setfield(L, -2, "temporal.core");
    lua_pop(L, 2);
    run_script(L);
    lua_close(L);
    dlclose(library);
  }
}

/* Engines without a state end by themselves: then nothing of them is left. */
static int settle(int threads, int descriptors) {
  struct timespec pause = {0, 1000000};
  double until = now() + 10;
  int t, d;
  do {
    nanosleep(&pause, NULL);
    t = entries("/proc/self/task");
    d = entries("/proc/self/fd");
    if (t <= threads && d <= descriptors) return 0;
  } while (now() < until);
  fprintf(stderr, "left: %d threads, %d descriptors\n", t - threads,
          d - descriptors);
  return 1;
}

static void *nothing(void *argument) {
  return argument;
}

int main(int argc, char **argv) {
  const char *how = argc > 2 ? argv[1] : "";
  int words = strcmp(how, "run") == 0 || strcmp(how, "keep") == 0 ? 2
            : strcmp(how, "threads") == 0 || strcmp(how, "unload") == 0 ? 4
                                                                        : 3;
  bool lives_on = true; /* to see what is left */
  int threads, descriptors;
  pthread_t first;
  /* A sanitizer's own thread starts with the first one. */
  if (pthread_create(&first, NULL, nothing, NULL) != 0) abort();
  pthread_join(first, NULL);
  threads = entries("/proc/self/task");
  descriptors = entries("/proc/self/fd");
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (argc <= words) {
    fprintf(stderr, "usage: see %s.c\n", argv[0]);
    return 2;
  }
  script = argv + words;
  if (strcmp(how, "again") == 0) again(atoi(argv[2]));
  else if (strcmp(how, "threads") == 0) at_once(atoi(argv[2]), atoi(argv[3]));
  else if (strcmp(how, "unload") == 0) unload(atoi(argv[2]), argv[3]);
  else lives_on = false;
  if (strcmp(how, "run") == 0) again(1);
  else if (strcmp(how, "leave") == 0) leave(atoi(argv[2]));
  else if (strcmp(how, "keep") == 0) run_script(kept = open_state());
  if (lives_on && settle(threads, descriptors)) return 3;
  return __atomic_load_n(&failures, __ATOMIC_SEQ_CST) ? 1 : 0;
}

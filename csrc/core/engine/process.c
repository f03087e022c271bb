/* Process-wide start and end: see process.h. */
#include "process.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "../base/timer.h"
#include "../net/libcurl.h"

#define SAY_AFTER TP_SECOND          /* of waiting, on stderr */
#define STOP_GRACE (TP_SECOND / 4)   /* for threads told to stop */

static pthread_once_t loaded = PTHREAD_ONCE_INIT;
static pthread_once_t started = PTHREAD_ONCE_INIT;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t libcurl_lock = PTHREAD_MUTEX_INITIALIZER; /* loading */
static pthread_cond_t changed;
static tp_member *members; /* with a running thread */
static tp_member *parents; /* of before a fork; only kept reachable */
/* The last thread to end that nobody joins. It has joined the one before, so
** whoever joins it has joined them all. */
static pthread_t last_ended;
static bool any_ended;
static bool exiting;
static unsigned forks;

static void init_changed(void) {
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&changed, &attributes);
  pthread_condattr_destroy(&attributes);
}

/* The locks are held across a fork: no thread is in the middle of a change. */
static void before_fork(void) {
  pthread_mutex_lock(&libcurl_lock);
  pthread_mutex_lock(&lock);
}

static void in_parent(void) {
  pthread_mutex_unlock(&lock);
  pthread_mutex_unlock(&libcurl_lock);
}

/* Nothing of the parent's is touched: its threads are not here. There is only
** one thread yet. */
static void in_child(void) {
  forks++;
  if (members) parents = members;
  members = NULL;
  any_ended = exiting = false;
  init_changed(); /* others may have waited for it */
  pthread_mutex_unlock(&lock);
  pthread_mutex_unlock(&libcurl_lock);
}

unsigned tp_forks(void) {
  return forks;
}

/* Waits until no member is left or `until`; the lock is held. */
static void wait_for_none(int64_t until) {
  struct timespec t;
  t.tv_sec = (time_t)(until / TP_SECOND);
  t.tv_nsec = (long)(until % TP_SECOND) * 1000;
  while (members && tp_now() < until)
    pthread_cond_timedwait(&changed, &lock, &t);
}

/* Runs before OpenSSL's own handlers, since it was registered after them too:
** a thread that is still in TLS would crash otherwise. The second run finds
** nothing to do. */
static void at_exit(void) {
  int64_t longest = 0, now = tp_now();
  size_t waiting = 0;
  pthread_t ended;
  tp_member *m;
  bool join;
  pthread_mutex_lock(&lock);
  exiting = true; /* other threads may still run: they start nothing more */
  for (m = members; m; m = m->next) {
    int64_t needed = m->detach(m);
    if (needed > longest) longest = needed;
  }
  wait_for_none(now + (longest < SAY_AFTER ? longest : SAY_AFTER));
  for (m = members; m; m = m->next) waiting += m->unfinished(m);
  if (waiting && longest > SAY_AFTER)
    fprintf(stderr, "temporal: waiting up to %.1f s for %zu unacknowledged "
            "requests (Ctrl-C gives them up)\n",
            (double)(longest - SAY_AFTER) / 1e6, waiting);
  if (longest > SAY_AFTER) wait_for_none(now + longest);
  for (m = members; m; m = m->next) m->stop(m);
  wait_for_none(tp_now() + STOP_GRACE);
  join = any_ended;
  ended = last_ended;
  any_ended = false;
  pthread_mutex_unlock(&lock);
  if (join) pthread_join(ended, NULL);
}

static void load(void) {
  Dl_info info;
  /* A closing Lua state must not unmap the code a thread runs in. */
  if (dladdr((void *)(uintptr_t)&forks, &info) && info.dli_fname)
    dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
  pthread_atfork(before_fork, in_parent, in_child);
}

static void start(void) {
  init_changed();
  atexit(at_exit);
}

void tp_process_load(void) {
  pthread_once(&loaded, load);
}

void tp_process_start(void) {
  tp_process_load();
  pthread_once(&started, start);
}

bool tp_process_libcurl(char reason[TP_REASON]) {
  static bool ready;
  bool ok;
  pthread_mutex_lock(&libcurl_lock);
  if (!ready && tp_libcurl_load(reason)) {
    ready = curl_global_init(CURL_GLOBAL_ALL) == CURLE_OK;
    if (ready) atexit(at_exit);
    else snprintf(reason, TP_REASON, "libcurl cannot be initialized");
  }
  ok = ready;
  pthread_mutex_unlock(&libcurl_lock);
  return ok;
}

bool tp_process_join(tp_member *member) {
  bool ok;
  pthread_mutex_lock(&lock);
  ok = !exiting;
  if (ok) {
    member->next = members;
    member->link = &members;
    if (members) members->link = &member->next;
    members = member;
  }
  pthread_mutex_unlock(&lock);
  return ok;
}

static void leave(tp_member *member) {
  *member->link = member->next;
  if (member->next) member->next->link = member->link;
  pthread_cond_broadcast(&changed);
}

void tp_process_leave(tp_member *member) {
  pthread_mutex_lock(&lock);
  leave(member);
  pthread_mutex_unlock(&lock);
}

void tp_process_ended(tp_member *member, bool joined) {
  pthread_t before = pthread_self();
  bool join = false;
  pthread_mutex_lock(&lock);
  leave(member);
  if (!joined) {
    join = any_ended;
    if (join) before = last_ended;
    last_ended = pthread_self();
    any_ended = true;
  }
  pthread_mutex_unlock(&lock);
  if (join) pthread_join(before, NULL);
}

/* Signals of the process: see signals.h. */
#include "signals.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>

#define MOST 4 /* kinds of them at a time */

typedef struct caught_signal {
  int number; /* 0: free */
  int users;
  struct sigaction before;
} caught_signal;

static caught_signal signals[MOST];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned caught; /* atomic */

static void set_handler(int number, void (*handler)(int)) {
  struct sigaction action = {0};
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  sigaction(number, &action, NULL);
}

/* Calls only what a handler may call. No SA_RESTART: waits are to end. */
static void note(int number) {
  int i, error = errno;
  (void)number;
  __atomic_add_fetch(&caught, 1, __ATOMIC_SEQ_CST);
  for (i = 0; i < MOST; i++) {
    int each = __atomic_load_n(&signals[i].number, __ATOMIC_SEQ_CST);
    if (each) set_handler(each, SIG_DFL);
  }
  errno = error;
}

static caught_signal *find(int number) {
  int i;
  for (i = 0; i < MOST; i++)
    if (signals[i].number == number) return &signals[i];
  return NULL;
}

bool tp_signal_catch(int number) {
  caught_signal *s;
  bool ok = true;
  pthread_mutex_lock(&lock);
  s = find(number);
  if (s == NULL) {
    s = find(0);
    ok = s && sigaction(number, NULL, &s->before) == 0;
    if (s == NULL) errno = ENOSPC;
    if (ok) {
      s->users = 0;
      __atomic_store_n(&s->number, number, __ATOMIC_SEQ_CST);
      set_handler(number, note);
    }
  }
  if (ok) s->users++;
  pthread_mutex_unlock(&lock);
  return ok;
}

void tp_signal_release(int number) {
  caught_signal *s;
  pthread_mutex_lock(&lock);
  s = number ? find(number) : NULL;
  if (s && --s->users == 0) {
    __atomic_store_n(&s->number, 0, __ATOMIC_SEQ_CST);
    sigaction(number, &s->before, NULL);
  }
  pthread_mutex_unlock(&lock);
}

unsigned tp_signals_caught(void) {
  return __atomic_load_n(&caught, __ATOMIC_SEQ_CST);
}

/* The engine: see engine.h. The order of locks: exit.c's, then the engine's.
*/
#include "engine.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doorbell.h"
#include "exit.h"
#include "line.h"
#include "rpc_future.h"

#define HOST_LINGER 1000      /* us: the host's thread is expected back */
#define HOST_CHECK 4000       /* us: looking whether it still drives, */
#define HOST_CHECK_LONG 64000 /* less and less often: then it tells us */
#define PARK_MAX (TP_SECOND / 10) /* so that signals and hooks run */
#define LONGEST_SLEEP (60 * TP_SECOND)

tp_engine *tp_engine_new(void) {
  tp_engine *e = calloc(1, sizeof *e);
  pthread_condattr_t attributes;
  if (e == NULL) return NULL;
  e->references = 1;
  e->wake = e->bell = e->line = -1;
  e->commands_tail = &e->commands;
  e->fired_tail = &e->fired;
  e->random = (uint64_t)tp_now() ^ (uint64_t)getpid() << 32;
  pthread_mutex_init(&e->lock, NULL);
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&e->changed, &attributes);
  pthread_cond_init(&e->idle, &attributes);
  pthread_condattr_destroy(&attributes);
  return e;
}

void tp_engine_hold(tp_engine *e) {
  __atomic_add_fetch(&e->references, 1, __ATOMIC_RELAXED);
}

void tp_engine_release(tp_engine *e) {
  if (__atomic_sub_fetch(&e->references, 1, __ATOMIC_ACQ_REL) > 0) return;
  tp_notices_free(e->lost);
  tp_notices_free(e->warnings);
  tp_dialer_free(e->dialer);
  tp_doorbell_close(&e->wake);
  tp_doorbell_close(&e->bell);
  if (e->line >= 0) close(e->line);
  pthread_cond_destroy(&e->changed);
  pthread_cond_destroy(&e->idle);
  pthread_mutex_destroy(&e->lock);
  free(e->fds);
  free(e);
}

bool tp_engine_forked(const tp_engine *e) {
  return e->thread_started && e->forks != tp_forks();
}

void tp_engine_lock(tp_engine *e) {
  pthread_mutex_lock(&e->lock);
}

void tp_engine_unlock(tp_engine *e) {
  pthread_mutex_unlock(&e->lock);
}

/* xorshift: good enough to spread retries. */
double tp_engine_jitter(tp_engine *e, double spread) {
  e->random ^= e->random << 13;
  e->random ^= e->random >> 7;
  e->random ^= e->random << 17;
  return 1 + spread * (2 * (double)(e->random >> 11) / 9007199254740992.0 - 1);
}

tp_connection *tp_engine_dial(tp_engine *e, const tp_dial_options *options) {
  if (e->dialer == NULL) e->dialer = tp_dialer_new();
  return e->dialer ? tp_dial(e->dialer, options) : NULL;
}

/* --- queues in and out ---------- */

bool tp_engine_post(tp_engine *e, tp_command *command, unsigned bits,
                    int *references) {
  bool ring;
  tp_engine_lock(e);
  if (!e->thread_started || e->finished) {
    tp_engine_unlock(e);
    return false;
  }
  if (command->bits == 0) {
    command->next = NULL;
    *e->commands_tail = command;
    e->commands_tail = &command->next;
    if (references) __atomic_add_fetch(references, 1, __ATOMIC_RELAXED);
  }
  command->bits |= bits;
  ring = e->sleeping;
  e->sleeping = false; /* one ring is enough */
  tp_engine_unlock(e);
  if (ring) tp_doorbell_ring(e->wake);
  return true;
}

static void run_commands(tp_engine *e) {
  tp_command *command;
  tp_engine_lock(e);
  while ((command = e->commands) != NULL) {
    unsigned bits = command->bits;
    e->commands = command->next;
    if (e->commands == NULL) e->commands_tail = &e->commands;
    command->next = NULL;
    command->bits = 0;
    tp_engine_unlock(e);
    command->run(command, bits);
    tp_engine_lock(e);
  }
  tp_engine_unlock(e);
}

void tp_engine_fire(tp_engine *e, tp_future *f) {
  int bell = -1;
  tp_engine_lock(e);
  if (!f->fired && !e->draining) {
    f->fired = true;
    tp_future_hold(f);
    f->next_fired = NULL;
    f->link_fired = e->fired_tail;
    *e->fired_tail = f;
    e->fired_tail = &f->next_fired;
  }
  if (!e->rung) {
    e->rung = true;
    bell = e->bell;
    if (e->line >= 0) tp_line_ring(e->line);
    if (e->host_waits) pthread_cond_broadcast(&e->changed);
  }
  if (bell >= 0) tp_doorbell_ring(bell); /* under the lock: see drain */
  tp_engine_unlock(e);
}

void tp_engine_forget_fired(tp_engine *e, tp_future *f) {
  bool was;
  tp_engine_lock(e);
  was = f->fired;
  if (was) {
    f->fired = false;
    *f->link_fired = f->next_fired;
    if (f->next_fired) f->next_fired->link_fired = f->link_fired;
    else e->fired_tail = f->link_fired;
  }
  tp_engine_unlock(e);
  if (was) tp_future_release(f);
}

tp_future *tp_engine_drain(tp_engine *e) {
  tp_future *f;
  tp_engine_lock(e);
  f = e->fired;
  if (f) {
    f->fired = false;
    e->fired = f->next_fired;
    if (e->fired) e->fired->link_fired = &e->fired;
    else e->fired_tail = &e->fired;
  } else {
    if (e->rung && e->bell >= 0) tp_doorbell_silence(e->bell);
    e->rung = false;
  }
  tp_engine_unlock(e);
  return f;
}

/* Before a fork the doorbell was opened, but no thread started: parent and
** child go on with one each, under the same number. */
static void part_bell(tp_engine *e) {
  if (e->bell >= 0 && e->bell_forks != tp_forks()) tp_doorbell_renew(e->bell);
  e->bell_forks = tp_forks();
}

int tp_engine_pollfd(tp_engine *e) {
  tp_engine_lock(e);
  part_bell(e);
  if (e->bell < 0 && tp_doorbell_open(&e->bell) == TP_OK && e->rung)
    tp_doorbell_ring(e->bell);
  tp_engine_unlock(e);
  return e->bell;
}

void tp_engine_hand_over_bell(tp_engine *from, tp_engine *to) {
  tp_engine_lock(from);
  to->bell = from->bell;
  to->bell_forks = from->bell_forks;
  to->rung = from->rung; /* the next drain silences it */
  from->bell = -1;
  tp_engine_unlock(from);
}

void tp_engine_set_line(tp_engine *e, int fd) {
  tp_engine_lock(e);
  if (e->line >= 0) close(e->line);
  e->line = fd;
  if (fd >= 0 && e->rung) tp_line_ring(fd);
  tp_engine_unlock(e);
}

/* --- driving ---------- */

/* All that can be done without waiting. */
static void work(tp_engine *e) {
  tp_channel *c, *next;
  e->now = tp_now();
  run_commands(e);
  tp_timers_run(&e->timers, e->now);
  /* Channels are added at the head by others, removed only by this thread. */
  tp_engine_lock(e);
  c = e->channels;
  tp_engine_unlock(e);
  for (; c; c = next) {
    tp_channel_progress(c, e->now);
    tp_engine_lock(e);
    next = c->next;
    tp_engine_unlock(e);
  }
}

/* The wake descriptor, then every session of every channel. */
static size_t fill_fds(tp_engine *e) {
  size_t n = 1;
  tp_channel *c;
  tp_engine_lock(e);
  c = e->channels;
  while (c) {
    if (n + TP_MAX_SESSIONS > e->fds_room) {
      size_t room = e->fds_room * 2 + TP_MAX_SESSIONS + 1;
      struct pollfd *fds = realloc(e->fds, room * sizeof *fds);
      if (fds == NULL) break; /* looked at in a later round */
      e->fds = fds;
      e->fds_room = room;
    }
    n += tp_channel_pollfds(c, e->fds + n);
    c = c->next;
  }
  tp_engine_unlock(e);
  e->fds[0].fd = e->wake;
  e->fds[0].events = POLLIN;
  e->fds[0].revents = 0;
  return n;
}

static void receive_all(tp_engine *e, size_t n) {
  size_t at = 1;
  tp_channel *c, *next;
  tp_engine_lock(e);
  c = e->channels;
  tp_engine_unlock(e);
  for (; c && at < n; c = next) {
    size_t k = c->session_count;
    /* A channel that was added since has no sessions yet. */
    tp_channel_receive(c, e->fds + at, n - at < k ? n - at : k, e->now);
    at += k;
    tp_engine_lock(e);
    next = c->next;
    tp_engine_unlock(e);
  }
}

/* Sleeps until something happens, `until` at the latest, and reads what has
** come. False when a signal ended the sleep. */
static bool wait_and_read(tp_engine *e, int64_t until, bool host) {
  int64_t next = tp_timers_next(&e->timers), left;
  size_t n = fill_fds(e);
  int timeout, ready;
  bool interrupted;
  if (until < next) next = until;
  left = next - tp_now();
  if (left > LONGEST_SLEEP) left = LONGEST_SLEEP;
  tp_engine_lock(e);
  if (e->commands || (!host && (e->host_wants || e->stopping))) left = 0;
  e->sleeping = left > 0;
  tp_engine_unlock(e);
  timeout = left <= 0 ? 0 : (int)((left + 999) / 1000);
  if (e->dialer && tp_dialer_busy(e->dialer))
    ready = tp_dialer_poll(e->dialer, e->fds, (unsigned)n, timeout);
  else
    ready = poll(e->fds, n, timeout);
  interrupted = ready < 0 && errno == EINTR;
  tp_engine_lock(e);
  e->sleeping = false;
  tp_engine_unlock(e);
  e->now = tp_now();
  if (e->fds[0].revents) tp_doorbell_silence(e->wake);
  if (e->dialer && tp_dialer_busy(e->dialer)) tp_dialer_advance(e->dialer);
  if (ready > 0) receive_all(e, n);
  return !interrupted;
}

static void to_timespec(int64_t at, struct timespec *t) {
  t->tv_sec = (time_t)(at / TP_SECOND);
  t->tv_nsec = (long)(at % TP_SECOND) * 1000;
}

/* The host's thread waits. */
static void wait_changed(tp_engine *e, int64_t until) {
  struct timespec t;
  to_timespec(until, &t);
  e->host_waits = true;
  pthread_cond_timedwait(&e->changed, &e->lock, &t);
  e->host_waits = false;
}

/* The I/O thread waits. */
static void wait_idle(tp_engine *e, int64_t until) {
  struct timespec t;
  to_timespec(until, &t);
  pthread_cond_timedwait(&e->idle, &e->lock, &t);
}

/* The lock is held. What is to end is driven there by the I/O thread. */
static bool host_may_drive(const tp_engine *e) {
  return !e->rung && !e->draining && !e->stopping;
}

static bool host_goes_on(tp_engine *e) {
  bool so;
  tp_engine_lock(e);
  so = host_may_drive(e);
  tp_engine_unlock(e);
  return so;
}

void tp_engine_park(tp_engine *e, int64_t until) {
  int64_t now = tp_now();
  bool go_on = true;
  if (until > now + PARK_MAX) until = now + PARK_MAX;
  tp_engine_lock(e);
  if (e->thread_started && !e->finished && host_may_drive(e)) {
    e->host_wants = true;
    if (e->driver == TP_IO_THREAD && e->sleeping) tp_doorbell_ring(e->wake);
    while (e->driver != TP_NOBODY && !e->rung && tp_now() < until)
      wait_changed(e, until);
    e->host_wants = false;
    if (e->driver == TP_NOBODY && host_may_drive(e) && tp_now() < until) {
      e->driver = TP_HOST_THREAD;
      tp_engine_unlock(e);
      work(e);
      while (go_on && host_goes_on(e) && tp_now() < until) {
        go_on = wait_and_read(e, until, true);
        work(e);
      }
      tp_engine_lock(e);
      e->driver = TP_NOBODY;
      e->host_until = tp_now() + HOST_LINGER;
      if (e->idle_long) pthread_cond_signal(&e->idle);
      e->idle_long = false;
    }
  } else {
    while (!e->rung && tp_now() < until) wait_changed(e, until);
  }
  tp_engine_unlock(e);
}

bool tp_engine_is_rung(tp_engine *e) {
  bool rung;
  tp_engine_lock(e);
  rung = e->rung;
  tp_engine_unlock(e);
  return rung;
}

/* --- the I/O thread ---------- */

size_t tp_engine_unacknowledged(tp_engine *e) {
  size_t n = 0;
  tp_channel *c;
  tp_engine_lock(e);
  for (c = e->channels; c; c = c->next)
    n += __atomic_load_n(&c->unacknowledged, __ATOMIC_SEQ_CST);
  tp_engine_unlock(e);
  return n;
}

/* While the host's thread drives, this one looks in now and then; it takes
** over as soon as the host has better things to do. True: end. */
static bool take_role(tp_engine *e) {
  int64_t check = HOST_CHECK;
  for (;;) {
    int64_t now = tp_now();
    /* A host that still drives sees it and leaves: until then all is its. */
    if (e->stopping && e->driver != TP_HOST_THREAD) return true;
    if (e->driver == TP_HOST_THREAD || (e->host_wants && !e->draining)) {
      bool tell = e->idle_long = check > HOST_CHECK;
      wait_idle(e, now + check);
      if (tell && !e->idle_long) check = HOST_CHECK; /* the host has left */
      else if (check < HOST_CHECK_LONG) check *= 2;
      e->idle_long = false;
    } else if (now < e->host_until && !e->draining) {
      wait_idle(e, e->host_until);
    } else {
      break;
    }
  }
  e->driver = TP_IO_THREAD;
  return false;
}

static void end_channel(tp_channel *c) {
  tp_future *f = NULL;
  while ((f = tp_channel_next(c, f)) != NULL) {
    f->class->end(f);
    if (c->engine->draining) /* nobody will take its error any more */
      tp_future_lost(f, tp_future_flags(f) | TP_COLLECTED);
  }
  tp_channel_tell_drains(c, NULL);
  tp_channel_disconnect(c);
}

/* The first channel that has not ended, held; or NULL. */
static tp_channel *next_to_end(tp_engine *e) {
  tp_channel *c;
  tp_engine_lock(e);
  for (c = e->channels; c && c->ended; c = c->next) continue;
  if (c) {
    c->ended = true;
    tp_channel_hold(c);
  } else if (e->commands == NULL) {
    e->finished = true; /* from here on nothing is posted any more */
  }
  tp_engine_unlock(e);
  return c;
}

/* The last act: everything under way stops, every connection is closed. */
static void end(tp_engine *e) {
  tp_channel *c;
  e->ending = true;
  do {
    run_commands(e);
    while ((c = next_to_end(e)) != NULL) {
      end_channel(c);
      tp_channel_release(c);
      run_commands(e);
    }
  } while (!e->finished);
  tp_engine_say_rest(e);
  tp_dialer_free(e->dialer); /* now: the process may be about to exit */
  e->dialer = NULL;
  tp_engine_lock(e);
  pthread_cond_broadcast(&e->changed);
  tp_engine_unlock(e);
}

void tp_engine_detach(tp_engine *e) {
  tp_future *fired;
  tp_notice *lost, *notice;
  tp_engine_set_line(e, -1);
  tp_engine_lock(e);
  if (!e->draining) {
    e->draining = true;
    e->drain_until = tp_after(tp_now(), e->shutdown_timeout);
  }
  lost = tp_notices_turn(e->lost);
  e->lost = NULL;
  pthread_cond_broadcast(&e->idle);
  tp_engine_unlock(e);
  while ((fired = tp_engine_drain(e)) != NULL) tp_future_release(fired);
  for (notice = lost; notice; notice = notice->next)
    tp_engine_say_lost(e, notice);
  tp_notices_free(lost);
  if (e->wake >= 0) tp_doorbell_ring(e->wake);
}

void tp_engine_stop(tp_engine *e) {
  tp_engine_lock(e);
  e->stopping = true;
  pthread_cond_broadcast(&e->idle);
  tp_engine_unlock(e);
  if (e->wake >= 0) tp_doorbell_ring(e->wake);
}

bool tp_engine_shutdown(tp_engine *e, int64_t timeout) {
  int64_t until = tp_after(tp_now(), timeout);
  bool finished;
  bool join;
  tp_engine_set_line(e, -1);
  if (!e->thread_started) return true;
  tp_engine_lock(e);
  join = !e->finished;
  if (join) e->claimed = true; /* not changed once it has finished */
  tp_engine_unlock(e);
  tp_engine_stop(e);
  tp_engine_lock(e);
  while (!e->finished && tp_now() < until) wait_changed(e, until);
  finished = e->finished;
  if (!finished) e->claimed = false;
  tp_engine_unlock(e);
  if (join && finished) pthread_join(e->thread, NULL);
  return finished;
}

static void *io_thread(void *argument) {
  tp_engine *e = argument;
  bool ending = false;
  tp_engine_lock(e);
  while (!ending && !take_role(e)) {
    int64_t until = e->draining ? e->drain_until : TP_NEVER;
    bool draining = e->draining;
    tp_engine_unlock(e);
    work(e);
    ending = draining &&
             (tp_engine_unacknowledged(e) == 0 || e->now >= until);
    if (!ending) wait_and_read(e, until, false);
    tp_engine_lock(e);
    e->driver = TP_NOBODY;
    if (e->host_wants) pthread_cond_broadcast(&e->changed);
  }
  while (e->driver == TP_HOST_THREAD) wait_idle(e, tp_now() + HOST_CHECK);
  e->driver = TP_IO_THREAD;
  tp_engine_unlock(e);
  end(e);
  tp_exit_ended(e, e->claimed);
  tp_engine_release(e);
  return NULL;
}

void tp_engine_set_before_fork(tp_engine *e, bool yes) {
  e->before_fork = yes;
  e->before_forks = tp_forks();
}

tp_status tp_engine_start(tp_engine *e) {
  sigset_t all, before;
  int failed;
  if (e->thread_started) return TP_OK;
  if (e->before_fork && e->before_forks == tp_forks()) return TP_EFORK;
  tp_process_start();
  part_bell(e);
  if (e->wake < 0 && tp_doorbell_open(&e->wake) != TP_OK) return TP_ESYSTEM;
  if (e->fds == NULL) {
    e->fds_room = TP_MAX_SESSIONS + 1;
    e->fds = malloc(e->fds_room * sizeof *e->fds);
    if (e->fds == NULL) return TP_ENOMEM;
  }
  if (!tp_exit_register(e)) return TP_ESYSTEM;
  tp_engine_hold(e);
  e->forks = tp_forks();
  e->thread_started = true;
  /* The first wait is likely to come soon: let it drive. */
  e->host_until = tp_now() + HOST_LINGER;
  sigfillset(&all); /* signals are the host's, and SIGPIPE must not kill */
  pthread_sigmask(SIG_SETMASK, &all, &before);
  failed = pthread_create(&e->thread, NULL, io_thread, e);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (!failed) return TP_OK;
  tp_exit_forget(e);
  e->thread_started = false;
  tp_engine_release(e);
  errno = failed;
  return TP_ESYSTEM;
}

/* Who drives the engine, and how: see drive.h. */
#include "drive.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>

#include "../base/limits.h"
#include "doorbell.h"

#define HOST_LINGER 1000      /* us: the host's thread is expected back */
#define HOST_CHECK 4000       /* us: looking whether it still drives */
#define PARK_MAX (TP_SECOND / 10) /* so that signals and hooks run */
#define LONGEST_SLEEP (60 * TP_SECOND)

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

/* The source after `s`, or the first. Sources are added at the head by others,
** removed only by the driving thread. */
static tp_source *next_source(tp_engine *e, const tp_source *s) {
  tp_source *next;
  tp_engine_lock(e);
  next = s ? s->next : e->sources;
  tp_engine_unlock(e);
  return next;
}

/* All that can be done without waiting. */
static void work(tp_engine *e) {
  tp_source *s = NULL;
  e->now = tp_now();
  run_commands(e);
  tp_timers_run(&e->timers, e->now);
  while ((s = next_source(e, s)) != NULL) s->class->progress(s, e->now);
}

/* Room for what one more source may want. */
static bool make_room(tp_engine *e, size_t n) {
  size_t room = e->fds_room * 2 + TP_MAX_POLLED + 1;
  struct pollfd *fds;
  if (n + TP_MAX_POLLED <= e->fds_room) return true;
  fds = realloc(e->fds, room * sizeof *fds);
  if (fds == NULL) return false;
  e->fds = fds;
  e->fds_room = room;
  return true;
}

/* The wake descriptor, then those of every source. What there is no room for
** is looked at in a later round. */
static size_t fill_fds(tp_engine *e) {
  size_t n = 1;
  tp_source *s;
  tp_engine_lock(e);
  for (s = e->sources; s; s = s->next) {
    s->polled = make_room(e, n) ? s->class->pollfds(s, e->fds + n) : 0;
    n += s->polled;
  }
  tp_engine_unlock(e);
  e->fds[0].fd = e->wake;
  e->fds[0].events = POLLIN;
  e->fds[0].revents = 0;
  return n;
}

/* A source that was added since is at the head, with nothing polled. */
static void receive_all(tp_engine *e) {
  size_t at = 1;
  tp_source *s = NULL;
  while ((s = next_source(e, s)) != NULL) {
    size_t n = s->polled;
    if (n > 0) s->class->receive(s, e->fds + at, n, e->now);
    at += n;
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
  if (ready > 0) receive_all(e);
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
      e->host_until = tp_after(until, HOST_CHECK);
      tp_engine_unlock(e);
      work(e);
      while (go_on && host_goes_on(e) && tp_now() < until) {
        go_on = wait_and_read(e, until, true);
        work(e);
      }
      tp_engine_lock(e);
      now = tp_now();
      e->driver = TP_NOBODY;
      e->host_until = now + HOST_LINGER;
      if (e->quiet && now < until) { /* earlier than the I/O thread looks */
        e->quiet = false;
        pthread_cond_signal(&e->idle);
      }
    }
  } else {
    while (!e->rung && tp_now() < until) wait_changed(e, until);
  }
  tp_engine_unlock(e);
}

/* --- the I/O thread ---------- */

/* While the host's thread drives, this one looks in now and then; it takes
** over as soon as the host has better things to do. True: end.
** A host that still drives when it is looked for is quiet: this thread sleeps
** until the host's wait is over, and is told when it ends before. */
static bool take_role(tp_engine *e) {
  bool quiet = false;
  for (;;) {
    int64_t now = tp_now();
    /* A host that still drives sees it and leaves: until then all is its. */
    if (e->stopping && e->driver != TP_HOST_THREAD) return true;
    if (e->driver == TP_HOST_THREAD || (e->host_wants && !e->draining)) {
      int64_t until = now + HOST_CHECK;
      if (quiet && e->host_until > until) until = e->host_until;
      e->quiet = quiet;
      wait_idle(e, until);
      quiet = !quiet || e->quiet; /* else it has left */
      e->quiet = false;
    } else if (now < e->host_until && !e->draining) {
      wait_idle(e, e->host_until);
    } else {
      break;
    }
  }
  e->driver = TP_IO_THREAD;
  return false;
}

/* The first source that has not ended, held; or NULL. */
static tp_source *next_to_end(tp_engine *e) {
  tp_source *s;
  tp_engine_lock(e);
  for (s = e->sources; s && s->ended; s = s->next) continue;
  if (s) {
    s->ended = true;
    __atomic_add_fetch(&s->references, 1, __ATOMIC_RELAXED);
  } else if (e->commands == NULL) {
    e->finished = true; /* from here on nothing is posted any more */
  }
  tp_engine_unlock(e);
  return s;
}

/* The last act: everything under way stops, every connection is closed. */
static void end(tp_engine *e) {
  tp_source *s;
  e->ending = true;
  do {
    run_commands(e);
    while ((s = next_to_end(e)) != NULL) {
      s->class->end(s);
      run_commands(e);
    }
  } while (!e->finished);
  tp_notices_say_rest(&e->notices);
  tp_dialer_free(e->dialer); /* now: the process may be about to exit */
  e->dialer = NULL;
  tp_engine_lock(e);
  pthread_cond_broadcast(&e->changed);
  tp_engine_unlock(e);
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
  tp_process_ended(&e->member, e->claimed);
  tp_engine_release(e);
  return NULL;
}

tp_status tp_engine_start(tp_engine *e) {
  sigset_t all, before;
  int failed;
  if (e->thread_started) return TP_OK;
  if (e->before_fork && e->before_forks == tp_forks()) return TP_EFORK;
  tp_process_start();
  tp_engine_part_bell(e);
  if (e->wake < 0 && tp_doorbell_open(&e->wake) != TP_OK) return TP_ESYSTEM;
  if (e->fds == NULL) {
    e->fds_room = TP_MAX_POLLED + 1;
    e->fds = malloc(e->fds_room * sizeof *e->fds);
    if (e->fds == NULL) return TP_ENOMEM;
  }
  if (!tp_process_join(&e->member)) {
    errno = ECANCELED;
    return TP_ESYSTEM;
  }
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
  tp_process_leave(&e->member);
  e->thread_started = false;
  tp_engine_release(e);
  errno = failed;
  return TP_ESYSTEM;
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

/* The engine: see engine.h. The order of locks: process.c's, the engine's, that
** of the notices.
*/
#include "engine.h"

#include <stdlib.h>
#include <unistd.h>

#include "doorbell.h"
#include "line.h"

static int64_t member_detach(tp_member *member) {
  tp_engine *e = (tp_engine *)member;
  tp_engine_detach(e);
  return e->shutdown_timeout;
}

static size_t member_unfinished(tp_member *member) {
  return tp_engine_unacknowledged((tp_engine *)member);
}

static void member_stop(tp_member *member) {
  tp_engine_stop((tp_engine *)member);
}

tp_engine *tp_engine_new(void) {
  tp_engine *e = calloc(1, sizeof *e);
  pthread_condattr_t attributes;
  if (e == NULL) return NULL;
  e->member.detach = member_detach;
  e->member.unfinished = member_unfinished;
  e->member.stop = member_stop;
  e->references = 1;
  tp_notices_init(&e->notices);
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
  tp_notices_clear(&e->notices);
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

tp_dialer *tp_engine_dialer(tp_engine *e) {
  if (e->dialer == NULL) e->dialer = tp_dialer_new();
  return e->dialer;
}

tp_connection *tp_engine_dial(tp_engine *e, const tp_dial_options *options,
                              tp_avoided *avoided) {
  char reason[TP_REASON];
  tp_dialer *dialer;
  if (tp_dial_without_libcurl(options))
    return tp_dial_directly(options, avoided);
  if (!tp_process_libcurl(reason)) return tp_dial_refused(reason);
  dialer = tp_engine_dialer(e);
  return dialer ? tp_dial(dialer, options, avoided) : NULL;
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

void tp_engine_fire(tp_engine *e, tp_wakeup *w, int *references) {
  int bell = -1;
  tp_engine_lock(e);
  if (!w->queued && !e->draining) {
    w->queued = true;
    __atomic_add_fetch(references, 1, __ATOMIC_RELAXED);
    w->next = NULL;
    w->link = e->fired_tail;
    *e->fired_tail = w;
    e->fired_tail = &w->next;
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

void tp_engine_forget_fired(tp_engine *e, tp_wakeup *w) {
  bool was;
  tp_engine_lock(e);
  was = w->queued;
  if (was) {
    w->queued = false;
    *w->link = w->next;
    if (w->next) w->next->link = w->link;
    else e->fired_tail = w->link;
  }
  tp_engine_unlock(e);
  if (was) w->release(w);
}

tp_wakeup *tp_engine_drain(tp_engine *e) {
  tp_wakeup *w;
  tp_engine_lock(e);
  w = e->fired;
  if (w) {
    w->queued = false;
    e->fired = w->next;
    if (e->fired) e->fired->link = &e->fired;
    else e->fired_tail = &e->fired;
  } else {
    if (e->rung && e->bell >= 0) tp_doorbell_silence(e->bell);
    e->rung = false;
  }
  tp_engine_unlock(e);
  return w;
}

void tp_engine_part_bell(tp_engine *e) {
  if (e->bell >= 0 && e->bell_forks != tp_forks()) tp_doorbell_renew(e->bell);
  e->bell_forks = tp_forks();
}

int tp_engine_pollfd(tp_engine *e) {
  tp_engine_lock(e);
  tp_engine_part_bell(e);
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

/* --- sources ---------- */

void tp_engine_add(tp_engine *e, tp_source *s, int64_t shutdown_timeout) {
  tp_engine_lock(e);
  s->next = e->sources;
  s->link = &e->sources;
  if (s->next) s->next->link = &s->next;
  e->sources = s;
  if (shutdown_timeout > e->shutdown_timeout)
    e->shutdown_timeout = shutdown_timeout;
  tp_engine_unlock(e);
}

void tp_engine_remove(tp_engine *e, tp_source *s) {
  tp_engine_lock(e);
  *s->link = s->next;
  if (s->next) s->next->link = s->link;
  tp_engine_unlock(e);
}

size_t tp_engine_unacknowledged(tp_engine *e) {
  size_t n = 0;
  tp_source *s;
  tp_engine_lock(e);
  for (s = e->sources; s; s = s->next)
    n += __atomic_load_n(&s->unacknowledged, __ATOMIC_SEQ_CST);
  tp_engine_unlock(e);
  return n;
}

/* --- the end, from outside ---------- */

void tp_engine_detach(tp_engine *e) {
  tp_wakeup *fired;
  tp_engine_set_line(e, -1);
  tp_notices_detach(&e->notices); /* first: the thread may be about to end */
  tp_engine_lock(e);
  if (!e->draining) {
    e->draining = true;
    e->drain_until = tp_after(tp_now(), e->shutdown_timeout);
  }
  pthread_cond_broadcast(&e->idle);
  tp_engine_unlock(e);
  while ((fired = tp_engine_drain(e)) != NULL) fired->release(fired);
  if (e->wake >= 0) tp_doorbell_ring(e->wake);
}

void tp_engine_stop(tp_engine *e) {
  tp_engine_lock(e);
  e->stopping = true;
  pthread_cond_broadcast(&e->idle);
  tp_engine_unlock(e);
  if (e->wake >= 0) tp_doorbell_ring(e->wake);
}

void tp_engine_set_before_fork(tp_engine *e, bool yes) {
  e->before_fork = yes;
  e->before_forks = tp_forks();
}

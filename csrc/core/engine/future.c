/* What all futures share: see future.h. */
#include "future.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/container.h"
#include "drive.h"

tp_future *tp_future_of(tp_wakeup *wakeup) {
  return TP_CONTAINER(wakeup, tp_future, wakeup);
}

static void on_forgotten(tp_wakeup *wakeup) {
  tp_future_release(tp_future_of(wakeup));
}

void tp_future_init(tp_future *f, struct tp_client *client, tp_engine *engine,
                    tp_future **list, const tp_future_class *class) {
  memset(f, 0, sizeof *f);
  f->client = client;
  f->command.run = class->run;
  f->wakeup.release = on_forgotten;
  f->engine = engine;
  f->class = class;
  f->references = 1;
  /* The parent's lock may be held, by a thread that does not exist here. */
  f->orphan = tp_engine_forked(engine);
  if (f->orphan) return;
  tp_engine_lock(engine);
  f->id = ++engine->next_id;
  f->next = *list;
  f->link = list;
  if (f->next) f->next->link = &f->next;
  *list = f;
  tp_engine_unlock(engine);
}

void tp_future_hold(tp_future *f) {
  __atomic_add_fetch(&f->references, 1, __ATOMIC_RELAXED);
}

/* The list holds no reference, so the last release and a walk may meet: the
** count reaches zero under the lock, where walks take their steps. */
void tp_future_release(tp_future *f) {
  tp_engine *engine = f->engine;
  int left = __atomic_load_n(&f->references, __ATOMIC_RELAXED);
  while (left > 1)
    if (__atomic_compare_exchange_n(&f->references, &left, left - 1, true,
                                    __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
      return;
  tp_engine_lock(engine);
  left = __atomic_sub_fetch(&f->references, 1, __ATOMIC_ACQ_REL);
  if (left == 0) {
    *f->link = f->next;
    if (f->next) f->next->link = f->link;
  }
  tp_engine_unlock(engine);
  if (left == 0) f->class->destroy(f);
}

tp_future *tp_future_next(tp_engine *engine, tp_future *const *list,
                          tp_future *f) {
  tp_future *next;
  tp_engine_lock(engine);
  next = f ? f->next : *list;
  if (next) tp_future_hold(next);
  tp_engine_unlock(engine);
  if (f) tp_future_release(f);
  return next;
}

unsigned tp_future_flags(const tp_future *f) {
  return __atomic_load_n(&f->flags, __ATOMIC_SEQ_CST);
}

void tp_future_clear(tp_future *f, unsigned flags) {
  __atomic_and_fetch(&f->flags, ~flags, __ATOMIC_SEQ_CST);
}

static void fire(tp_future *f) {
  tp_engine_fire(f->engine, &f->wakeup, &f->references);
}

unsigned tp_future_signal(tp_future *f, unsigned flags) {
  unsigned before = __atomic_fetch_or(&f->flags, flags, __ATOMIC_SEQ_CST);
  unsigned all = before | flags;
  unsigned awaited = __atomic_load_n(&f->subscribed, __ATOMIC_SEQ_CST);
  if (awaited & all || (awaited && all & (TP_CLOSED | TP_ABANDONED))) fire(f);
  return before;
}

bool tp_future_ready(const tp_future *f, unsigned what) {
  if (!(what & TP_HOWEVER)) what |= TP_CLOSED | TP_ABANDONED;
  return (tp_future_flags(f) & what) != 0;
}

bool tp_future_subscribe(tp_future *f, unsigned what) {
  bool ready;
  __atomic_or_fetch(&f->subscribed, what, __ATOMIC_SEQ_CST);
  ready = tp_future_ready(f, what);
  if (ready) fire(f);
  return ready;
}

void tp_future_unsubscribe(tp_future *f, unsigned what) {
  __atomic_and_fetch(&f->subscribed, ~what, __ATOMIC_SEQ_CST);
}

/* --- who waits ---------- */

enum { LEFT = 1, FOR_GOOD = 2, RESTS = 4 };

static bool is_deserted(unsigned interest) {
  return (interest & (LEFT | FOR_GOOD)) == LEFT;
}

void tp_future_leave(tp_future *f) {
  __atomic_or_fetch(&f->interest, LEFT, __ATOMIC_SEQ_CST);
}

bool tp_future_deserted(const tp_future *f) {
  return is_deserted(__atomic_load_n(&f->interest, __ATOMIC_SEQ_CST));
}

bool tp_future_rest(tp_future *f) {
  unsigned interest = __atomic_load_n(&f->interest, __ATOMIC_SEQ_CST);
  while (is_deserted(interest))
    if (__atomic_compare_exchange_n(&f->interest, &interest, interest | RESTS,
                                    false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
      return true;
  return false;
}

bool tp_future_return(tp_future *f, bool for_good) {
  unsigned interest = __atomic_load_n(&f->interest, __ATOMIC_SEQ_CST);
  if (for_good && !(interest & FOR_GOOD))
    __atomic_or_fetch(&f->interest, FOR_GOOD, __ATOMIC_SEQ_CST);
  if (!(interest & LEFT)) return false;
  return __atomic_fetch_and(&f->interest, (unsigned)FOR_GOOD,
                            __ATOMIC_SEQ_CST) & RESTS;
}

/* --- beginning ---------- */

void tp_future_refuse(tp_future *f, const char *kind, int code,
                      const char *message) {
  tp_failure *failure = tp_future_failure(f);
  failure->kind = kind;
  failure->code = code;
  failure->message = strdup(message);
  failure->outcome = TP_NOT_STARTED;
  tp_future_signal(f, TP_AWAITABLE | TP_FAILED);
}

bool tp_future_prepare(tp_future *f) {
  tp_status status;
  if (tp_engine_forked(f->engine)) {
    tp_future_refuse(f, "fork", -1, "the process has forked since this "
                     "client made its first call: make a new client");
    return false;
  }
  status = tp_engine_start(f->engine);
  if (status == TP_EFORK)
    tp_future_refuse(f, "fork", -1, TP_BEFORE_FORK);
  else if (status != TP_OK) {
    char why[TP_REASON];
    snprintf(why, sizeof why, "no I/O thread can be started: %s",
             strerror(status == TP_ENOMEM ? ENOMEM : errno));
    tp_future_refuse(f, "unavailable", TP_GRPC_UNAVAILABLE, why);
  }
  return status == TP_OK;
}

bool tp_future_begin(tp_future *f) {
  tp_future_hold(f); /* until it has ended */
  if (tp_engine_post(f->engine, &f->command, TP_BEGIN, &f->references))
    return true;
  tp_future_refuse(f, "closed", -1, "the engine has been shut down");
  tp_future_release(f);
  return false;
}

/* --- failures ---------- */

tp_failure *tp_future_failure(tp_future *f) {
  return f->class->failure ? f->class->failure(f) : NULL;
}

tp_names tp_future_names(const tp_future *f) {
  tp_names names = {NULL, NULL, NULL};
  if (f->class->names) f->class->names(f, &names);
  return names;
}

static char *copy(const char *string) {
  return string ? strdup(string) : NULL;
}

/* Copies: at the end of a process somebody may be about to take the error. */
static tp_notice *new_notice(tp_future *f) {
  tp_names names = tp_future_names(f);
  tp_notice *notice = calloc(1, sizeof *notice);
  if (notice == NULL) return NULL;
  tp_failure_copy(&notice->failure, tp_future_failure(f));
  notice->workflow_id = copy(names.workflow_id);
  notice->request_id = copy(names.request_id);
  notice->method = copy(names.method);
  return notice;
}

/* Has it ended in a failure that is worth a notice? */
static bool is_lost(const tp_future *f, unsigned flags) {
  return flags & TP_FAILED && !(flags & f->class->silent);
}

void tp_future_lost(tp_future *f, unsigned flags) {
  tp_notice *notice;
  if (!is_lost(f, flags) || !(flags & TP_COLLECTED)) return;
  if (__atomic_fetch_or(&f->flags, TP_TAKEN, __ATOMIC_SEQ_CST) & TP_TAKEN)
    return;
  notice = new_notice(f);
  if (notice) tp_notices_add(&f->engine->notices, TP_LOST, notice);
}

/* --- being given up ---------- */

static void drop(tp_future *f) {
  tp_engine_post(f->engine, &f->command, TP_DROP, &f->references);
}

static bool asks(const tp_future *f) {
  return f->class->asks && f->class->asks(f);
}

void tp_future_abandon(tp_future *f) {
  tp_future_signal(f, TP_ABANDONED);
  drop(f);
}

void tp_future_close(tp_future *f) {
  tp_future_signal(f, TP_CLOSED);
  if (asks(f)) drop(f);
}

/* Nobody else knows of it, and its engine is the parent's. */
static void free_orphan(tp_future *f) {
  unsigned flags = tp_future_flags(f);
  bool lost = is_lost(f, flags) && !(flags & TP_TAKEN);
  tp_notice *notice = lost ? new_notice(f) : NULL;
  if (notice) {
    tp_notices_say(&f->engine->notices, notice);
    tp_notice_free(notice);
  }
  f->class->destroy(f);
}

void tp_future_collect(tp_future *f) {
  unsigned before;
  if (f->orphan) {
    free_orphan(f);
    return;
  }
  tp_future_unsubscribe(f, TP_AWAITABLE);
  tp_engine_forget_fired(f->engine, &f->wakeup);
  before = tp_future_signal(f, TP_COLLECTED);
  tp_future_lost(f, before | TP_COLLECTED);
  if (!(before & TP_RESULT) && asks(f)) drop(f);
  tp_future_release(f);
}

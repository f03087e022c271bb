/* What calls and runs share: see future.h. */
#include "future.h"

#include <stddef.h>

#include "channel.h"
#include "engine.h"

void tp_future_init(tp_future *f, tp_client *client, tp_future_kind kind,
                    const tp_future_class *class) {
  tp_channel *channel = client->channel;
  tp_engine *engine = channel->engine;
  f->command.next = NULL;
  f->command.bits = 0;
  f->command.run = class->run;
  f->engine = engine;
  f->channel = channel;
  f->client = client;
  f->kind = kind;
  f->references = 1;
  f->flags = f->subscribed = 0;
  f->submission = false;
  f->fired = false;
  f->next_fired = NULL;
  f->link_fired = NULL;
  f->class = class;
  f->next = NULL;
  f->link = NULL;
  f->id = 0;
  /* The parent's lock may be held, by a thread that does not exist here. */
  f->orphan = tp_engine_forked(engine);
  if (f->orphan) return;
  tp_client_hold(client);
  tp_engine_lock(engine);
  f->id = ++engine->next_id;
  f->next = channel->futures;
  f->link = &channel->futures;
  if (f->next) f->next->link = &f->next;
  channel->futures = f;
  tp_engine_unlock(engine);
}

void tp_future_hold(tp_future *f) {
  __atomic_add_fetch(&f->references, 1, __ATOMIC_RELAXED);
}

/* The list holds no reference, so the last release and a snapshot may meet:
** the count reaches zero under the lock, where snapshots are taken. */
void tp_future_release(tp_future *f) {
  tp_client *client = f->client;
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
  if (left > 0) return;
  f->class->destroy(f);
  tp_client_release(client);
}

unsigned tp_future_flags(const tp_future *f) {
  return __atomic_load_n(&f->flags, __ATOMIC_SEQ_CST);
}

void tp_future_clear(tp_future *f, unsigned flags) {
  __atomic_and_fetch(&f->flags, ~flags, __ATOMIC_SEQ_CST);
}

unsigned tp_future_signal(tp_future *f, unsigned flags) {
  unsigned before = __atomic_fetch_or(&f->flags, flags, __ATOMIC_SEQ_CST);
  unsigned all = before | flags;
  unsigned awaited = __atomic_load_n(&f->subscribed, __ATOMIC_SEQ_CST);
  if (awaited & all || (awaited && all & (TP_CLOSED | TP_ABANDONED)))
    tp_engine_fire(f->engine, f);
  return before;
}

bool tp_future_ready(const tp_future *f, unsigned what) {
  return (tp_future_flags(f) & (what | TP_CLOSED | TP_ABANDONED)) != 0;
}

void tp_future_subscribe(tp_future *f, unsigned what) {
  __atomic_or_fetch(&f->subscribed, what, __ATOMIC_SEQ_CST);
  if (tp_future_ready(f, what)) tp_engine_fire(f->engine, f);
}

void tp_future_unsubscribe(tp_future *f, unsigned what) {
  __atomic_and_fetch(&f->subscribed, ~what, __ATOMIC_SEQ_CST);
}

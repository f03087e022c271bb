/* Engines and channels for tests that need no server: nothing is dialled until
** a call is begun, and then a port is asked for that nobody listens on. The
** test's thread plays the host. NULL: out of memory.
*/
#ifndef FIXTURE_H
#define FIXTURE_H

#include <string.h>
#include "client/client.h"
#include "engine/drive.h"

static inline tp_channel_options fixture_options(void) {
  tp_channel_options o;
  memset(&o, 0, sizeof o);
  o.dial.host = "127.0.0.1";
  o.dial.port = 1; /* tcpmux: closed everywhere */
  o.authority = "127.0.0.1:1";
  o.dial.connect_timeout = 5 * TP_SECOND;
  o.rpc_timeout = 10 * TP_SECOND;
  o.shutdown_timeout = 2 * TP_SECOND;
  o.max_message = TP_MAX_MESSAGE;
  o.max_pending = 1000;
  o.retry.initial = TP_SECOND / 10;
  o.retry.max = TP_SECOND;
  o.retry.factor = 2;
  o.retry.jitter = 0.1;
  o.retry.attempts = 1;
  return o;
}

static inline tp_client *fixture_client(tp_engine *engine) {
  tp_channel_options o = fixture_options();
  return tp_client_new(engine, &o);
}

/* The next future that has fired, held. */
static inline tp_future *fixture_drain(tp_engine *engine) {
  tp_wakeup *w = tp_engine_drain(engine);
  return w ? tp_future_of(w) : NULL;
}

/* Something has rung since all was drained. */
static inline bool fixture_is_rung(tp_engine *engine) {
  bool rung;
  tp_engine_lock(engine);
  rung = engine->rung;
  tp_engine_unlock(engine);
  return rung;
}

static inline void fixture_fire(tp_future *f) {
  tp_engine_fire(f->engine, &f->wakeup, &f->references);
}

static inline void fixture_forget(tp_future *f) {
  tp_engine_forget_fired(f->engine, &f->wakeup);
}

#endif

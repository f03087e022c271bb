/* Engines and channels for tests that need no server: nothing is dialled until
** a call is begun, and then a port is asked for that nobody listens on. The
** test's thread plays the host. NULL: out of memory.
*/
#ifndef FIXTURE_H
#define FIXTURE_H

#include <string.h>
#include "channel.h"
#include "engine.h"

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

static inline tp_channel *fixture_channel(tp_engine *engine) {
  tp_channel_options o = fixture_options();
  return tp_channel_new(engine, &o);
}

#endif

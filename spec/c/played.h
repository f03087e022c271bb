/* A client without network and thread: the test plays the host, the driving
** thread (the engine is made to believe that it has one) and the server.
*/
#ifndef PLAYED_H
#define PLAYED_H

#include <stdlib.h>
#include "engine/process.h"
#include "net/grpc.h"
#include "fixture.h"

static tp_engine *engine;
static tp_client *client;
static tp_channel *channel; /* the client's */

/* --- the driving thread ---------- */

static inline void run_commands(void) {
  tp_command *c;
  while ((c = engine->commands) != NULL) {
    unsigned bits = c->bits;
    engine->commands = c->next;
    if (c->next == NULL) engine->commands_tail = &engine->commands;
    c->next = NULL;
    c->bits = 0;
    c->run(c, bits);
  }
}

/* Time passes. */
static inline void pass(int64_t microseconds) {
  engine->now += microseconds;
  tp_timers_run(&engine->timers, engine->now);
}

static inline void begin_play(void) {
  engine = tp_engine_new();
  engine->thread_started = true;
  engine->forks = tp_forks();
  engine->now = tp_now();
  client = fixture_client(engine);
  channel = client->channel;
}

/* Every test ends with no reference to its future but its own. */
static inline bool end_play(tp_future *f) {
  bool right;
  int kind;
  run_commands();
  right = f->references == 1 && channel->queue == NULL &&
          engine->timers.count == 0 && channel->source.unacknowledged == 0;
  tp_future_collect(f);
  run_commands();
  for (kind = 0; kind < TP_NOTICE_KINDS; kind++) {
    tp_notice *next,
      *notice = tp_notices_take(&engine->notices, (tp_notice_kind)kind);
    for (; notice; notice = next) {
      next = notice->next;
      tp_notice_free(notice);
    }
  }
  engine->thread_started = false;
  tp_client_release(client);
  tp_engine_release(engine);
  return right;
}

/* --- the server ---------- */

/* The call gets onto the wire, and its stream ends with that; a message is the
** answer, or says more of the failure. Nothing happens when nothing is asked:
** the test's next CHECK shows it. */
static inline void answers_call(tp_call *call, int status,
                                const tp_buffer *message) {
  tp_stream *s = &call->attempt.stream;
  if (call->state != TP_CALL_QUEUED) return;
  tp_channel_dequeue(channel, &call->attempt);
  call->state = TP_CALL_OPEN;
  call->attempts++;
  call->attempt_deadline = TP_NEVER;
  s->http_status = 200;
  s->grpc_status = status;
  s->end = TP_END_NORMAL;
  if (status == TP_GRPC_OK) {
    s->announced = message->length + 1;
    tp_buffer_put(&s->response, message->data, message->length);
  } else if (message) {
    s->details = malloc(message->length);
    memcpy(s->details, message->data, message->length);
    s->details_length = message->length;
  }
  call->attempt.class->closed(&call->attempt, NULL, engine->now);
}

#endif

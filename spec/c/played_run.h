/* One run of a workflow, without network and thread: the test plays the host,
** the driving thread (the engine is made to believe that it has one) and the
** server.
*/
#ifndef PLAYED_RUN_H
#define PLAYED_RUN_H

#include <stdlib.h>
#include "client/workflow_run.h"
#include "engine/process.h"
#include "net/grpc.h"
#include "fixture.h"

static tp_engine *engine;
static tp_client *client;
static tp_channel *channel; /* the client's */
static tp_run *run;

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

static inline void begin(void) {
  static const tp_run_names names = {"default", "w-1", "r-1", NULL};
  engine = tp_engine_new();
  engine->thread_started = true;
  engine->forks = tp_forks();
  engine->now = tp_now();
  client = fixture_client(engine);
  channel = client->channel;
  run = tp_run_new(client, &names);
}

/* Every test ends with no reference but its own. */
static inline bool end(void) {
  bool right;
  tp_notice *lost, *next;
  run_commands();
  right = run->base.future.references == 1 && channel->queue == NULL &&
          engine->timers.count == 0 && channel->source.unacknowledged == 0;
  tp_future_collect(&run->base.future);
  run_commands();
  for (lost = tp_notices_take(&engine->notices, TP_LOST); lost;
       lost = next) {
    next = lost->next;
    tp_notice_free(lost);
  }
  engine->thread_started = false;
  tp_client_release(client);
  tp_engine_release(engine);
  return right;
}

static inline void submit(void) {
  static const uint8_t prefix[TP_GRPC_PREFIX] = {0};
  tp_buffer_put(&run->base.call.request, prefix, sizeof prefix);
  tp_submission_send(&run->base, true);
  run_commands();
}

static inline unsigned flags(void) {
  return tp_future_flags(&run->base.future);
}

/* The call gets onto the wire, and its stream ends with that. Nothing happens
** when nothing is asked: the test's next CHECK shows it. */
static inline void answers(int status, const tp_buffer *message) {
  tp_call *call = &run->base.call;
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

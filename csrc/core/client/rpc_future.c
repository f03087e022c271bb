/* RPC futures: see rpc_future.h. */
#include "rpc_future.h"

#include <stdlib.h>
#include <string.h>

#include "../base/container.h"
#include "../proto/wire.h"

static tp_rpc_future *rpc_of(tp_call *call) {
  return (tp_rpc_future *)tp_submission_of_call(call);
}

static void settle(tp_rpc_future *rpc, unsigned flags) {
  tp_future *f = &rpc->base.future;
  unsigned before;
  tp_channel_touch(rpc->base.call.channel); /* the last of a close, perhaps */
  before = tp_future_signal(f, flags);
  tp_future_lost(f, before | flags);
  if (f->submission) tp_client_acknowledged(f->client);
  tp_future_release(f);
}

static tp_field_value answered(const tp_rpc_future *rpc, unsigned number) {
  const tp_buffer *answer = tp_call_answer(&rpc->base.call);
  return tp_wire_find(answer->data, answer->length, number);
}

/* Does the answer say what was asked for? If not, it is asked again. */
static bool is_final(const tp_rpc_future *rpc) {
  const tp_again *again = &rpc->again;
  tp_field_value v;
  if (again->present == 0 && again->number == 0) return true;
  if (again->present && answered(rpc, again->present).number) return true;
  if (again->number == 0) return false;
  v = answered(rpc, again->number);
  return v.number && v.integer >= again->least;
}

/* --- a long poll for what nobody knows when to expect ---------- */

static tp_rpc_future *rpc_of_poll(tp_poll *poll) {
  return TP_CONTAINER(poll, tp_rpc_future, poll);
}

static void grant(tp_poll *poll, int64_t now) {
  tp_rpc_future *rpc = rpc_of_poll(poll);
  tp_call_begin(&rpc->base.call, now, tp_poll_delay(rpc->asked_at, now));
  rpc->asked_at = now;
}

static void turn_out(tp_poll *poll, int64_t now) {
  (void)now;
  tp_call_cancel(&rpc_of_poll(poll)->base.call);
  rpc_of_poll(poll)->asked_at = 0;
}

static bool on_stream(const tp_poll *poll) {
  return TP_CONTAINER(poll, tp_rpc_future, poll)->base.call.state ==
         TP_CALL_OPEN;
}

/* Such polls would take all streams that the peer allows; what ends by itself
** or with its deadline is sent at once. */
static void begin(tp_rpc_future *rpc) {
  tp_call *call = &rpc->base.call;
  tp_channel *channel = call->channel;
  int64_t now = rpc->base.future.engine->now;
  rpc->active = true;
  rpc->rotates = call->long_poll && call->timeout == TP_NEVER &&
                 rpc->again.present != 0 && rpc->again.number == 0;
  rpc->rests = false;
  rpc->asked_at = 0;
  rpc->polls = rpc->rotates ? &channel->polls
               : call->worker_poll ? &channel->worker_polls : NULL;
  if (!rpc->rotates) call->deserted = NULL; /* it ends by itself */
  if (rpc->polls) tp_polls_ask(rpc->polls, &rpc->poll, now);
  else tp_call_begin(call, now, 0);
}

/* Nothing of it is under way any more. */
static void stop(tp_rpc_future *rpc) {
  rpc->active = false;
  if (rpc->polls)
    tp_polls_leave(rpc->polls, &rpc->poll, rpc->base.future.engine->now);
  rpc->polls = NULL;
  rpc->rotates = false;
}

static void ask_again(tp_call *call, int64_t now) {
  int64_t delay = tp_poll_delay(call->begun, now);
  if (call->timeout != TP_NEVER) call->timeout -= now - call->begun;
  call->ambiguous = true; /* the server has it */
  tp_call_fail(call, "deadline_exceeded", TP_GRPC_DEADLINE_EXCEEDED,
               "the deadline passed before the server said more");
  tp_call_begin(call, now, delay);
}

/* The poll has said nothing, or failed when nobody waited. */
static void go_on(tp_rpc_future *rpc, int64_t now) {
  tp_polls *polls = &rpc->base.call.channel->polls;
  tp_stream_clear(&rpc->base.call.attempt.stream);
  rpc->rests = tp_future_rest(&rpc->base.future);
  if (rpc->rests) tp_polls_leave(polls, &rpc->poll, now);
  else tp_polls_ask(polls, &rpc->poll, now);
}

static void on_done(tp_call *call, bool ok) {
  tp_rpc_future *rpc = rpc_of(call);
  int64_t now = rpc->base.future.engine->now;
  if (rpc->rotates && (ok ? !is_final(rpc) : call->unwanted)) {
    go_on(rpc, now);
    return;
  }
  if (ok && !is_final(rpc)) {
    ask_again(call, now);
    return;
  }
  stop(rpc);
  settle(rpc, ok ? TP_RESULT : TP_RESULT | TP_FAILED);
}

static void end_poll(tp_rpc_future *rpc, bool cut) {
  tp_call *call = &rpc->base.call;
  call->retry = false;
  if (call->state == TP_CALL_OPEN &&
      (!cut || call->attempt.stream.announced > 0))
    return;
  tp_call_cancel(call);
  tp_call_fail(call, "call_canceled", -1, "the worker polls no more");
  stop(rpc);
  settle(rpc, TP_RESULT | TP_FAILED);
}

static void on_end(tp_future *f) {
  tp_rpc_future *rpc = (tp_rpc_future *)f;
  if (!rpc->active) return;
  if (f->submission)
    tp_call_give_up(&rpc->base.call,
                    "the engine was shut down before the server answered");
  else
    tp_call_cancel(&rpc->base.call);
  stop(rpc);
  settle(rpc, f->submission ? TP_RESULT | TP_FAILED | TP_CLOSED : TP_CLOSED);
}

static void on_command(tp_command *command, unsigned bits) {
  tp_rpc_future *rpc = (tp_rpc_future *)command;
  if (bits & TP_BEGIN) begin(rpc);
  if (bits & TP_WANT && rpc->active && rpc->rests) {
    rpc->rests = false;
    tp_polls_ask(&rpc->base.call.channel->polls, &rpc->poll,
                 rpc->base.future.engine->now);
  }
  if (bits & TP_DROP && rpc->active) {
    tp_call_cancel(&rpc->base.call);
    stop(rpc);
    settle(rpc, 0);
  }
  if (bits & (TP_LAST | TP_CUT) && rpc->active) end_poll(rpc, bits & TP_CUT);
  if (rpc->base.future.engine->ending) on_end(&rpc->base.future);
  tp_future_release(&rpc->base.future);
}

static bool on_asks(const tp_future *f) {
  return !f->submission;
}

static void on_names(const tp_future *f, tp_names *names) {
  const tp_rpc_future *rpc = (const tp_rpc_future *)f;
  const char *slash = rpc->path ? strrchr(rpc->path, '/') : NULL;
  names->workflow_id = rpc->workflow_id;
  names->request_id = rpc->request_id;
  names->method = slash ? slash + 1 : rpc->path;
}

static void on_destroy(tp_future *f) {
  tp_rpc_future *rpc = (tp_rpc_future *)f;
  tp_call_free(&rpc->base.call);
  free(rpc->path);
  free(rpc->namespace);
  free(rpc->workflow_id);
  free(rpc->request_id);
  tp_client_free_future(f);
}

void tp_rpc_future_want(tp_rpc_future *rpc, bool for_good) {
  tp_future *f = &rpc->base.future;
  if (tp_future_return(f, for_good))
    tp_engine_post(f->engine, &f->command, TP_WANT, &f->references);
}

void tp_rpc_future_end_poll(tp_rpc_future *rpc, bool cut) {
  tp_future *f = &rpc->base.future;
  tp_engine_post(f->engine, &f->command, cut ? TP_CUT : TP_LAST,
                 &f->references);
}

tp_rpc_future *tp_rpc_future_new(tp_client *client) {
  static const tp_future_class class = {
    .kind = TP_RPC, .silent = TP_ABANDONED, .acknowledged = TP_RESULT,
    .run = on_command, .limit = tp_submission_limit, .end = on_end,
    .asks = on_asks, .failure = tp_submission_failure, .names = on_names,
    .destroy = on_destroy};
  tp_rpc_future *rpc = calloc(1, sizeof *rpc);
  if (rpc == NULL) return NULL;
  tp_submission_init(&rpc->base, client, &class, on_done);
  rpc->poll.grant = grant;
  rpc->poll.revoke = turn_out;
  rpc->poll.on_stream = on_stream;
  return rpc;
}

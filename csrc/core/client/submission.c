/* Futures of calls: see submission.h. */
#include "submission.h"

#include "../base/container.h"

static bool is_deserted(const tp_call *call) {
  const tp_submission *s = TP_CONTAINER(call, const tp_submission, call);
  return tp_future_deserted(&s->future);
}

void tp_submission_init(tp_submission *s, tp_client *client,
                        const tp_future_class *class,
                        void (*done)(tp_call *, bool)) {
  tp_call_init(&s->call, client->channel, done);
  s->call.deserted = is_deserted;
  tp_client_future(client, &s->future, class);
}

tp_submission *tp_submission_of(tp_future *f) {
  return f->class->failure == tp_submission_failure ? (tp_submission *)f
                                                    : NULL;
}

tp_submission *tp_submission_of_call(tp_call *call) {
  return TP_CONTAINER(call, tp_submission, call);
}

void tp_submission_send(tp_submission *s, bool counted) {
  tp_future *f = &s->future;
  if (!tp_future_prepare(f)) return;
  if (counted && !tp_call_submit(&s->call)) {
    tp_future_refuse(f, "resource_exhausted", TP_GRPC_RESOURCE_EXHAUSTED,
                     "max_pending submissions wait for a connection already");
    return;
  }
  if (f->submission != counted) f->submission = counted;
  if (counted) tp_client_submitted(f->client);
  if (!tp_future_begin(f) && counted) tp_client_acknowledged(f->client);
}

bool tp_submission_repeat(tp_submission *s) {
  const unsigned taken = TP_FAILED | TP_TAKEN;
  tp_future *f = &s->future;
  unsigned flags = tp_future_flags(f);
  if ((flags & taken) != taken || f->orphan ||
      flags & (TP_CLOSED | TP_ABANDONED) || s->call.request.length == 0 ||
      s->call.failure.code != TP_GRPC_UNAUTHENTICATED)
    return false;
  tp_failure_clear(&s->call.failure);
  tp_future_clear(f, TP_AWAITABLE | taken);
  tp_submission_send(s, f->submission);
  return true;
}

tp_failure *tp_submission_failure(tp_future *f) {
  return &((tp_submission *)f)->call.failure;
}

void tp_submission_limit(tp_future *f, int64_t until) {
  tp_call *call = &((tp_submission *)f)->call;
  if (!call->long_poll) tp_call_limit(call, until);
}

/* RPC futures, and what all futures do when they are submitted, abandoned or
** collected: see rpc_future.h.
*/
#include "rpc_future.h"

#include <stdlib.h>
#include <string.h>

#include "call_answer.h"
#include "channel.h"
#include "engine.h"
#include "http_post.h"
#include "workflow_run.h"
#include "workflow_wire.h"

/* A server that answers a long poll at once must not make us spin. */
#define EARLY_ANSWER (TP_SECOND / 2)

static tp_rpc_future *rpc_of(tp_call *call) {
  void *rpc = (char *)call - offsetof(tp_rpc_future, call);
  return rpc;
}

tp_call *tp_future_call(tp_future *f) {
  if (f->kind == TP_RPC) return &((tp_rpc_future *)f)->call;
  if (f->kind == TP_RUN) return &((tp_run *)f)->call;
  return NULL;
}

tp_failure *tp_future_failure(tp_future *f) {
  tp_call *call = tp_future_call(f);
  if (call) return &call->failure;
  return f->kind == TP_HTTP ? &((tp_http_post *)f)->failure : NULL;
}

void tp_future_names(const tp_future *f, const char **workflow_id,
                     const char **request_id, const char **method) {
  *workflow_id = *request_id = *method = NULL;
  if (f->kind == TP_RPC) {
    const tp_rpc_future *rpc = (const tp_rpc_future *)f;
    const char *slash = strrchr(rpc->path, '/');
    *workflow_id = rpc->workflow_id;
    *request_id = rpc->request_id;
    *method = slash ? slash + 1 : rpc->path;
  } else if (f->kind == TP_HTTP) {
    *method = "HTTP POST";
  } else if (f->kind == TP_RUN) {
    const tp_run *run = (const tp_run *)f;
    *workflow_id = run->workflow_id;
    *request_id = run->request_id;
    *method = run->signals ? "SignalWithStartWorkflowExecution"
                           : "StartWorkflowExecution";
  }
}

/* --- submitting, for every kind ---------- */

void tp_future_submit(tp_future *f, tp_call *call, bool submission) {
  tp_status status;
  if (tp_engine_forked(f->engine)) {
    tp_future_refuse(f, call, "fork", -1, "the process has forked since this "
                     "client made its first call: make a new client");
    return;
  }
  status = tp_engine_start(f->engine);
  if (status == TP_EFORK) {
    tp_future_refuse(f, call, "fork", -1, TP_BEFORE_FORK);
    return;
  }
  if (status != TP_OK) {
    tp_future_refuse(f, call, "unavailable", TP_GRPC_UNAVAILABLE,
                     "no I/O thread can be started");
    return;
  }
  if (submission && !tp_call_submit(call)) {
    tp_future_refuse(f, call, "resource_exhausted", TP_GRPC_RESOURCE_EXHAUSTED,
                     "max_pending submissions wait for a connection already");
    return;
  }
  if (f->submission != submission) f->submission = submission;
  if (submission) {
    __atomic_add_fetch(&f->channel->unacknowledged, 1, __ATOMIC_SEQ_CST);
    __atomic_add_fetch(&f->client->unacknowledged, 1, __ATOMIC_SEQ_CST);
  }
  tp_future_hold(f); /* until it has ended */
  if (tp_engine_post(f->engine, &f->command, TP_BEGIN, &f->references)) return;
  if (submission) tp_client_acknowledged(f->client);
  tp_future_refuse(f, call, "closed", -1, "the engine has been shut down");
  tp_future_release(f);
}

bool tp_future_repeat(tp_future *f) {
  const unsigned taken = TP_FAILED | TP_TAKEN;
  tp_call *call = tp_future_call(f);
  unsigned flags = tp_future_flags(f);
  if (call == NULL || (flags & taken) != taken || f->orphan ||
      flags & (TP_CLOSED | TP_ABANDONED) || call->request.length == 0 ||
      call->failure.code != TP_GRPC_UNAUTHENTICATED)
    return false;
  tp_failure_clear(&call->failure);
  tp_future_clear(f, TP_AWAITABLE | taken);
  tp_future_submit(f, call, f->submission);
  return true;
}

void tp_future_refuse(tp_future *f, tp_call *call, const char *kind, int code,
                      const char *message) {
  call->failure.kind = kind;
  call->failure.code = code;
  call->failure.message = strdup(message);
  call->failure.outcome = TP_NOT_STARTED;
  tp_future_signal(f, TP_AWAITABLE | TP_FAILED);
}

void tp_future_abandon(tp_future *f) {
  tp_future_signal(f, TP_ABANDONED);
  tp_engine_post(f->engine, &f->command, TP_DROP, &f->references);
}

void tp_future_ask(tp_future *f) {
  tp_status status = tp_engine_start(f->engine);
  tp_failure *failure = &((tp_run *)f)->call.failure;
  bool early = status == TP_EFORK;
  if (status == TP_OK &&
      tp_engine_post(f->engine, &f->command, TP_WANT, &f->references))
    return;
  tp_failure_clear(failure);
  failure->kind = early ? "fork" : "closed";
  failure->message = strdup(early ? TP_BEFORE_FORK
                                  : "the engine has been shut down");
  tp_future_signal(f, TP_FIRST | TP_RESULT | TP_POLL_FAILED);
}

static char *copy(const char *string) {
  return string ? strdup(string) : NULL;
}

/* Copies: at the end of a process somebody may be about to take the error. */
static tp_notice *new_notice(tp_future *f) {
  const tp_failure *failure = tp_future_failure(f);
  const char *workflow_id, *request_id, *method;
  tp_notice *notice = calloc(1, sizeof *notice);
  if (notice == NULL) return NULL;
  tp_future_names(f, &workflow_id, &request_id, &method);
  notice->failure = *failure;
  notice->failure.message = copy(failure->message);
  notice->failure.details = NULL;
  if (failure->details) {
    notice->failure.details = malloc(failure->details_length + 1);
    if (notice->failure.details)
      memcpy(notice->failure.details, failure->details,
             failure->details_length);
  }
  notice->workflow_id = copy(workflow_id);
  notice->request_id = copy(request_id);
  notice->method = copy(method);
  return notice;
}

/* Nobody else knows of it, and its engine is the parent's. */
static void free_orphan(tp_future *f) {
  bool lost = tp_future_call(f) != NULL &&
              (tp_future_flags(f) & (TP_FAILED | TP_TAKEN)) == TP_FAILED;
  tp_notice *notice = lost ? new_notice(f) : NULL;
  if (notice) {
    tp_engine_say_lost(f->engine, notice);
    tp_notice_free(notice);
  }
  f->class->destroy(f);
}

void tp_future_collect(tp_future *f) {
  unsigned before;
  bool asking;
  if (f->orphan) {
    free_orphan(f);
    return;
  }
  tp_future_unsubscribe(f, TP_AWAITABLE);
  tp_engine_forget_fired(f->engine, f);
  before = tp_future_signal(f, TP_COLLECTED);
  tp_future_lost(f, before | TP_COLLECTED);
  asking = f->kind == TP_RUN
    ? __atomic_load_n(&((tp_run *)f)->wanted, __ATOMIC_ACQUIRE) != 0
    : !f->submission;
  if (asking && !(before & TP_RESULT))
    tp_engine_post(f->engine, &f->command, TP_DROP, &f->references);
  tp_future_release(f);
}

void tp_future_lost(tp_future *f, unsigned flags) {
  const unsigned lost = TP_FAILED | TP_COLLECTED;
  tp_notice *notice;
  if (tp_future_call(f) == NULL || (flags & lost) != lost) return;
  if (f->kind == TP_RPC && flags & TP_ABANDONED) return;
  if (__atomic_fetch_or(&f->flags, TP_TAKEN, __ATOMIC_SEQ_CST) & TP_TAKEN)
    return;
  notice = new_notice(f);
  if (notice) tp_engine_notice(f->engine, &f->engine->lost, notice);
}

/* --- one RPC ---------- */

static void settle(tp_rpc_future *rpc, unsigned flags) {
  unsigned before;
  rpc->future.channel->dirty = true; /* it may have been the last of a close */
  before = tp_future_signal(&rpc->future, flags);
  tp_future_lost(&rpc->future, before | flags);
  if (rpc->future.submission) tp_client_acknowledged(rpc->future.client);
  tp_future_release(&rpc->future);
}

/* Does the answer say what was asked for? If not, it is asked again. */
static bool is_final(const tp_rpc_future *rpc) {
  const tp_again *again = &rpc->again;
  if (again->present == 0 && again->number == 0) return true;
  return tp_wire_tells(&rpc->call.stream.response, again->present,
                       again->number, again->least);
}

/* --- a long poll for what nobody knows when to expect ---------- */

static tp_rpc_future *rpc_of_poll(tp_poll *poll) {
  void *rpc = (char *)poll - offsetof(tp_rpc_future, poll);
  return rpc;
}

static void grant(tp_poll *poll, int64_t now) {
  tp_rpc_future *rpc = rpc_of_poll(poll);
  int64_t early = rpc->asked_at + EARLY_ANSWER - now;
  tp_call_begin(&rpc->call, now, rpc->asked_at && early > 0 ? early : 0);
  rpc->asked_at = now;
}

static void turn_out(tp_poll *poll, int64_t now) {
  (void)now;
  tp_call_cancel(&rpc_of_poll(poll)->call);
  rpc_of_poll(poll)->asked_at = 0;
}

/* Such polls would take all streams that the peer allows; what ends by itself
** or with its deadline is sent at once. */
static void begin(tp_rpc_future *rpc) {
  int64_t now = rpc->future.engine->now;
  rpc->active = true;
  rpc->rotates = rpc->call.long_poll && rpc->call.timeout == TP_NEVER &&
                 rpc->again.present != 0 && rpc->again.number == 0;
  rpc->asked_at = 0;
  if (rpc->rotates)
    tp_polls_ask(&rpc->future.channel->polls, &rpc->poll, now);
  else
    tp_call_begin(&rpc->call, now, 0);
}

/* Nothing of it is under way any more. */
static void stop(tp_rpc_future *rpc) {
  rpc->active = false;
  if (rpc->rotates)
    tp_polls_leave(&rpc->future.channel->polls, &rpc->poll,
                   rpc->future.engine->now);
  rpc->rotates = false;
}

static void ask_again(tp_call *call, int64_t now) {
  int64_t early = call->begun + EARLY_ANSWER - now;
  if (call->timeout != TP_NEVER) call->timeout -= now - call->begun;
  call->ambiguous = true; /* the server has it */
  tp_call_fail(call, "deadline_exceeded", TP_GRPC_DEADLINE_EXCEEDED,
               "the deadline passed before the server said more");
  tp_call_begin(call, now, early > 0 ? early : 0);
}

static void on_done(tp_call *call, bool ok) {
  tp_rpc_future *rpc = rpc_of(call);
  int64_t now = rpc->future.engine->now;
  if (ok && !is_final(rpc)) {
    if (rpc->rotates)
      tp_polls_ask(&rpc->future.channel->polls, &rpc->poll, now);
    else
      ask_again(call, now);
    return;
  }
  stop(rpc);
  settle(rpc, ok ? TP_RESULT : TP_RESULT | TP_FAILED);
}

static void on_end(tp_future *f) {
  tp_rpc_future *rpc = (tp_rpc_future *)f;
  if (!rpc->active) return;
  tp_call_cancel(&rpc->call);
  stop(rpc);
  if (!f->submission) {
    settle(rpc, TP_CLOSED);
    return;
  }
  if (rpc->call.failure.message == NULL)
    tp_call_fail(&rpc->call, "closed", -1, "the engine was shut down before "
                 "the server answered");
  rpc->call.failure.outcome = TP_UNKNOWN;
  settle(rpc, TP_RESULT | TP_FAILED | TP_CLOSED);
}

static void on_command(tp_command *command, unsigned bits) {
  tp_rpc_future *rpc = (tp_rpc_future *)command;
  if (bits & TP_BEGIN) begin(rpc);
  if (bits & TP_DROP && rpc->active) {
    tp_call_cancel(&rpc->call);
    stop(rpc);
    settle(rpc, 0);
  }
  if (rpc->future.engine->ending) on_end(&rpc->future);
  tp_future_release(&rpc->future);
}

static void on_destroy(tp_future *f) {
  tp_rpc_future *rpc = (tp_rpc_future *)f;
  tp_call_free(&rpc->call);
  free(rpc->path);
  free(rpc->namespace);
  free(rpc->workflow_id);
  free(rpc->request_id);
  free(rpc);
}

tp_rpc_future *tp_rpc_future_new(tp_client *client) {
  static const tp_future_class class = {on_command, on_end, on_destroy};
  tp_rpc_future *rpc = calloc(1, sizeof *rpc);
  if (rpc == NULL) return NULL;
  tp_call_init(&rpc->call, client->channel, on_done);
  rpc->poll.grant = grant;
  rpc->poll.revoke = turn_out;
  tp_future_init(&rpc->future, client, TP_RPC, &class);
  return rpc;
}

/* --- the end of all submissions ---------- */

static void drain_command(tp_command *command, unsigned bits) {
  (void)bits;
  tp_future_release((tp_future *)command);
}

static void drain_end(tp_future *f) {
  tp_future_signal(f, TP_CLOSED);
}

static void drain_destroy(tp_future *f) {
  free(f);
}

tp_future *tp_drain_new(tp_client *client) {
  static const tp_future_class class = {drain_command, drain_end,
                                        drain_destroy};
  tp_drain *drain = calloc(1, sizeof *drain);
  tp_channel *channel = client->channel;
  if (drain == NULL) return NULL;
  tp_future_init(&drain->future, client, TP_DRAIN, &class);
  tp_future_hold(&drain->future);
  tp_engine_lock(channel->engine);
  drain->next = channel->drains;
  channel->drains = drain;
  tp_engine_unlock(channel->engine);
  /* Asked after the future is in place: the last one to end tells it. */
  if (__atomic_load_n(&client->unacknowledged, __ATOMIC_SEQ_CST) == 0)
    tp_channel_tell_drains(channel, client);
  return &drain->future;
}

/* One RPC over all its attempts: see call.h. What an ended stream means is
** said by answer.c; what follows from it is decided here.
*/
#include "call.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/container.h"
#include "../base/limits.h"
#include "../base/version.h"
#include "../net/grpc.h"
#include "answer.h"

#define POLL_TIMEOUT (30 * TP_SECOND) /* told to the server: answers at 20 s */
#define WORKER_POLL_TIMEOUT (70 * TP_SECOND) /* it answers at 60 s */
#define POLL_GRACE (5 * TP_SECOND)    /* then the attempt has failed */
#define MAX_TRANSPARENT 3
#define MAX_HEADERS (2 * TP_MAX_METADATA + 16)
#define EXHAUSTED_INITIAL TP_SECOND   /* resource_exhausted waits longer */
#define EXHAUSTED_MAX (10 * TP_SECOND)

static const tp_attempt_class attempt_class;

static void on_timer(tp_timer *timer, int64_t now);

void tp_call_init(tp_call *call, tp_channel *channel,
                  void (*done)(tp_call *, bool)) {
  memset(call, 0, sizeof *call);
  call->attempt.class = &attempt_class;
  call->channel = channel;
  call->done = done;
  call->retry = true;
  call->timeout = channel->options.rpc_timeout;
  call->failure.code = -1;
  tp_buffer_init(&call->request, TP_MAX_MESSAGE);
  tp_timer_init(&call->timer, on_timer);
  tp_stream_init(&call->attempt.stream);
}

void tp_call_free(tp_call *call) {
  tp_call_cancel(call);
  tp_stream_clear(&call->attempt.stream);
  tp_failure_clear(&call->failure);
  tp_buffer_free(&call->request);
  tp_metadata_release(call->metadata);
}

static tp_call *call_of(tp_timer *timer) {
  return TP_CONTAINER(timer, tp_call, timer);
}

/* Others may be about to read why it has not been answered yet. */
static void set_failure(tp_call *call, tp_failure failure) {
  tp_engine *engine = call->channel->engine;
  failure.attempts = call->attempts;
  tp_engine_lock(engine);
  tp_failure_clear(&call->failure);
  call->failure = failure;
  tp_engine_unlock(engine);
}

void tp_call_fail(tp_call *call, const char *kind, int code,
                  const char *format, ...) {
  tp_failure failure;
  va_list arguments;
  va_start(arguments, format);
  tp_failure_set_list(&failure, kind, code, format, arguments);
  va_end(arguments);
  set_failure(call, failure);
}

/* The deadline has passed with an attempt on the wire. What the one before it
** ended with says more, if this call had one. */
static void fail_late(tp_call *call, const char *text) {
  const tp_failure *f = &call->failure;
  char before[TP_REASON] = "";
  if (call->attempts > 1 && f->message)
    snprintf(before, sizeof before, "; attempt %d ended with %s%s%s",
             call->attempts - 1, tp_grpc_code_name(f->code),
             f->message[0] ? ": " : "", f->message);
  tp_call_fail(call, "deadline_exceeded", TP_GRPC_DEADLINE_EXCEEDED, "%s%s",
               text, before);
}

static void set_timer(tp_call *call, int64_t at) {
  tp_timers *timers = &call->channel->engine->timers;
  if (call->deadline < at) at = call->deadline;
  tp_timer_set(timers, &call->timer, at);
}

/* It no longer counts against max_pending. */
static void not_pending(tp_call *call) {
  if (!call->pending) return;
  call->pending = false;
  tp_channel_unreserve(call->channel);
}

/* An attempt has ended; the next, if any, is due from now on. */
static void count_attempt(tp_call *call, bool ok, int64_t now) {
  const tp_failure *f = &call->failure;
  tp_metrics_attempt(call->channel->metrics, call->path, call->namespace,
                     call->long_poll, ok ? TP_GRPC_OK : f->code,
                     now - call->attempt_due, ok ? NULL : f->details,
                     f->details_length);
  call->attempt_due = now;
}

static void count_call(tp_call *call, bool ok) {
  call->latency = call->channel->engine->now - call->due;
  tp_metrics_call(call->channel->metrics, call->path, call->namespace,
                  call->long_poll, ok ? TP_GRPC_OK : call->failure.code,
                  call->latency);
}

/* The end. The owner may begin again, or free the call, inside done(). */
static void finish(tp_call *call, bool ok) {
  call->state = TP_CALL_IDLE;
  count_call(call, ok);
  not_pending(call);
  tp_timer_clear(&call->channel->engine->timers, &call->timer);
  if (!ok) {
    call->failure.outcome = call->ambiguous ? TP_UNKNOWN : TP_NOT_STARTED;
    call->failure.attempts = call->attempts;
    tp_stream_clear(&call->attempt.stream);
  }
  call->done(call, ok);
}

void tp_call_begin(tp_call *call, int64_t now, int64_t delay) {
  tp_channel *channel = call->channel;
  tp_stream_clear(&call->attempt.stream);
  call->retry_at = 0;
  call->attempts = 0;
  call->transparent = 0;
  call->unwanted = false;
  call->begun = now;
  call->due = call->attempt_due = tp_after(now, delay);
  call->deadline = tp_after(now, call->timeout);
  if (call->long_poll && !call->worker_poll && !channel->answered) {
    int64_t first = tp_after(now, channel->options.rpc_timeout);
    if (first < call->deadline) call->deadline = first;
  }
  call->attempt.stream.max_message = channel->options.max_message;
  if (delay > 0) {
    call->state = TP_CALL_BACKOFF;
    call->retry_at = tp_after(now, delay);
    set_timer(call, call->retry_at);
    return;
  }
  call->state = TP_CALL_QUEUED;
  tp_channel_enqueue(channel, &call->attempt, true);
  set_timer(call, TP_NEVER);
}

void tp_call_cancel(tp_call *call) {
  if (call->state == TP_CALL_OPEN) {
    tp_http2_cancel(call->session, &call->attempt.stream);
    tp_channel_touch(call->channel);
  } else if (call->state == TP_CALL_QUEUED) {
    tp_channel_dequeue(call->channel, &call->attempt);
  }
  if (call->state != TP_CALL_IDLE)
    tp_timer_clear(&call->channel->engine->timers, &call->timer);
  call->session = NULL;
  call->state = TP_CALL_IDLE;
  not_pending(call);
  tp_stream_clear(&call->attempt.stream);
}

/* The latest reason stays in the message. */
static void fail_as_closed(tp_call *call) {
  call->failure.kind = "closed";
  call->failure.code = -1;
}

void tp_call_give_up(tp_call *call, const char *message) {
  tp_call_cancel(call);
  if (call->failure.message == NULL)
    tp_call_fail(call, "closed", -1, "%s", message);
  fail_as_closed(call);
  call->failure.outcome = TP_UNKNOWN;
}

void tp_call_limit(tp_call *call, int64_t deadline) {
  if (call->state == TP_CALL_IDLE || deadline >= call->deadline) return;
  call->deadline = deadline;
  call->limited = true;
  set_timer(call, call->timer.at);
}

bool tp_call_submit(tp_call *call) {
  call->pending = tp_channel_reserve(call->channel);
  return call->pending;
}

/* `name` is a literal. */
static size_t add(tp_header *headers, size_t n, const char *name,
                  const char *value, size_t value_length, bool lasts) {
  headers[n].name = name;
  headers[n].name_length = strlen(name);
  headers[n].name_lasts = true;
  headers[n].value = value;
  headers[n].value_length = value_length;
  headers[n].value_lasts = lasts;
  return n + 1;
}

/* Metadata; what is there already under one of its keys makes way. */
static size_t add_all(tp_header *headers, size_t n, const tp_metadata *m) {
  size_t i, at;
  for (i = 0; m && i < m->count && n < MAX_HEADERS; i++) {
    const tp_header *h = &m->headers[i];
    for (at = 0; at < n; at++)
      if (headers[at].name_length == h->name_length &&
          memcmp(headers[at].name, h->name, h->name_length) == 0)
        break;
    headers[at] = *h;
    if (at == n) n++;
  }
  return n;
}

/* What the peer is told of the time that is left. A long poll is answered, if
** only with nothing, a second before. */
static int64_t told_timeout(tp_call *call, int64_t now) {
  int64_t left = call->deadline == TP_NEVER ? TP_NEVER : call->deadline - now;
  if (call->worker_poll) return WORKER_POLL_TIMEOUT;
  if (!call->long_poll) return left;
  if (call->channel->answered) return POLL_TIMEOUT;
  return left < POLL_TIMEOUT ? left : POLL_TIMEOUT;
}

/* What the host's thread may replace, held. */
static tp_metadata *hold(tp_engine *engine, tp_metadata *const *at) {
  tp_metadata *m;
  tp_engine_lock(engine);
  m = tp_metadata_hold(*at);
  tp_engine_unlock(engine);
  return m;
}

void tp_call_replace_metadata(tp_call *call, tp_metadata *m) {
  tp_engine *engine = call->channel->engine;
  tp_metadata *before;
  tp_engine_lock(engine);
  before = call->metadata;
  call->metadata = m;
  tp_engine_unlock(engine);
  tp_metadata_release(before);
}

/* The channel's key, held, unless the user says something else. */
static tp_metadata *authorization(tp_call *call, const tp_header *headers,
                                  size_t n) {
  tp_channel *channel = call->channel;
  call->authorizations =
    __atomic_load_n(&channel->authorizations, __ATOMIC_ACQUIRE);
  if (call->authorizations == 0) return NULL;
  while (n-- > 0)
    if (headers[n].name_length == 13 &&
        memcmp(headers[n].name, "authorization", 13) == 0)
      return NULL;
  return hold(channel->engine, &channel->authorization);
}

/* All but the key; those that last first. */
static size_t collect(tp_call *call, const tp_metadata *own, int64_t told,
                      char timeout[16], tp_header *headers) {
  const tp_channel_options *o = &call->channel->options;
  size_t n = 0;
#define LITERAL(name, value) \
  n = add(headers, n, name, value, sizeof value - 1, true)
  LITERAL(":method", "POST");
  if (o->dial.secure) LITERAL(":scheme", "https");
  else LITERAL(":scheme", "http");
  n = add(headers, n, ":path", call->path, strlen(call->path), false);
  n = add(headers, n, ":authority", o->authority, strlen(o->authority), true);
  LITERAL("te", "trailers");
  LITERAL("content-type", "application/grpc");
  LITERAL("user-agent", TP_CLIENT_NAME "/" TP_VERSION);
  LITERAL("grpc-accept-encoding", "gzip");
  LITERAL("client-name", TP_CLIENT_NAME);
  LITERAL("client-version", TP_VERSION);
  if (call->long_poll && !call->worker_poll)
    LITERAL("supported-features", "follows-next-run-id");
#undef LITERAL
  if (call->namespace)
    n = add(headers, n, "temporal-namespace", call->namespace,
            strlen(call->namespace), false);
  if (told != TP_NEVER)
    n = add(headers, n, "grpc-timeout", timeout,
            tp_grpc_write_timeout(timeout, told), false);
  n = add_all(headers, n, o->metadata);
  return add_all(headers, n, own);
}

/* No peer is asked with headers that must not, or cannot, be sent. */
static bool may_send(tp_call *call, const tp_header *headers, size_t n) {
  char reason[TP_REASON];
  tp_failure failure;
  size_t size = tp_headers_size(headers, n);
  if (!tp_headers_check(headers, n, reason)) {
    tp_call_fail(call, NULL, TP_GRPC_INVALID_ARGUMENT, "%s", reason);
    return false;
  }
  if (size <= TP_MAX_HEADERS) return true;
  tp_failure_set(&failure, "message_too_large", -1,
                 "the headers of the request (namespace, metadata and key) "
                 "take %zu bytes; at most %u can be sent", size,
                 TP_MAX_HEADERS);
  failure.size = size;
  failure.limit = TP_MAX_HEADERS;
  set_failure(call, failure);
  return false;
}

static bool on_open(tp_attempt *attempt, tp_http2 *session, int64_t now) {
  tp_call *call = (tp_call *)attempt;
  tp_header headers[MAX_HEADERS];
  char timeout[16];
  int64_t told = told_timeout(call, now);
  tp_metadata *key, *own = hold(call->channel->engine, &call->metadata);
  size_t n = collect(call, own, told, timeout, headers);
  bool right, opened;
  key = authorization(call, headers, n);
  if (key) headers[n++] = key->headers[0];
  call->attempt.stream.request = &call->request;
  right = may_send(call, headers, n);
  opened = right && tp_http2_open(session, &call->attempt.stream, headers,
                                  n) == TP_OK;
  tp_metadata_release(key);
  tp_metadata_release(own);
  if (!right) finish(call, false);
  if (!opened) return !right;
  call->state = TP_CALL_OPEN;
  call->session = session;
  not_pending(call);
  call->attempts++;
  call->attempt_deadline = told == TP_NEVER ? TP_NEVER : tp_after(now, told);
  set_timer(call, call->long_poll ? tp_after(call->attempt_deadline, POLL_GRACE)
                                  : TP_NEVER);
  return true;
}

/* The wait before the next attempt, without jitter. */
static double plain_backoff(const tp_call *call) {
  const tp_retry *r = &call->channel->options.retry;
  double us = (double)r->initial;
  int i;
  for (i = 1; i < call->attempts && us < (double)r->max; i++) us *= r->factor;
  return us > (double)r->max ? (double)r->max : us;
}

/* What the server is short of is asked for less often, and never earlier. */
static double exhausted_backoff(const tp_call *call) {
  double us = (double)EXHAUSTED_INITIAL;
  int i;
  if (call->failure.code != TP_GRPC_RESOURCE_EXHAUSTED) return 0;
  for (i = 1; i < call->attempts && us < (double)EXHAUSTED_MAX; i++) us *= 2;
  return us > (double)EXHAUSTED_MAX ? (double)EXHAUSTED_MAX : us;
}

static int64_t backoff(const tp_call *call) {
  double spread = call->channel->options.retry.jitter;
  double jitter = tp_engine_jitter(call->channel->engine, spread);
  double us = plain_backoff(call) * jitter;
  double least = exhausted_backoff(call);
  if (us < least) us = least * (jitter < 1 ? 2 - jitter : jitter);
  return (int64_t)us;
}

static void warn_of_poll(tp_call *call, int64_t now) {
  tp_notice *notice;
  if (!tp_channel_poll_failed(call->channel, now)) return;
  notice = calloc(1, sizeof *notice);
  if (notice == NULL) return;
  notice->failure.code = call->failure.code;
  notice->failure.attempts = call->attempts;
  notice->method = strdup(call->path);
  if (call->failure.message)
    notice->failure.message = strdup(call->failure.message);
  tp_notices_add(&call->channel->engine->notices, TP_WARNING, notice);
}

static bool is_unwanted(tp_call *call) {
  call->unwanted = call->long_poll && call->deserted && call->deserted(call);
  return call->unwanted;
}

/* Is it tried again for as long as somebody wants it? */
static bool is_unlimited(const tp_call *call) {
  return call->worker_poll || (call->long_poll && call->channel->answered);
}

/* The attempt has failed in a way that trying again may mend. */
static void try_again(tp_call *call, int64_t now) {
  const tp_retry *r = &call->channel->options.retry;
  bool unlimited = is_unlimited(call);
  int64_t at;
  if (unlimited) call->deadline = tp_after(call->begun, call->timeout);
  if (!call->retry || r->attempts == 1 || is_unwanted(call) ||
      (!unlimited && call->attempts >= r->attempts)) {
    finish(call, false);
    return;
  }
  if (unlimited) warn_of_poll(call, now);
  at = tp_after(now, backoff(call));
  if (at >= call->deadline) { /* another attempt would come too late */
    finish(call, false);
    return;
  }
  tp_stream_clear(&call->attempt.stream);
  call->state = TP_CALL_BACKOFF;
  call->retry_at = at;
  set_timer(call, at);
}

static void requeue(tp_call *call, int64_t now) {
  tp_stream_clear(&call->attempt.stream);
  call->attempt_due = now;
  call->state = TP_CALL_QUEUED;
  tp_channel_enqueue(call->channel, &call->attempt, call->attempts == 0);
  set_timer(call, TP_NEVER);
}

/* The key was refused, and another one has come meanwhile. */
static bool has_new_key(const tp_call *call) {
  unsigned now = __atomic_load_n(&call->channel->authorizations,
                                 __ATOMIC_ACQUIRE);
  return call->retry && call->failure.code == TP_GRPC_UNAUTHENTICATED &&
         call->authorizations != 0 && call->authorizations != now;
}

static tp_verdict judge(tp_call *call, const tp_http2 *session, int64_t now) {
  int64_t left = call->attempt_deadline == TP_NEVER
    ? TP_NEVER : call->attempt_deadline - now;
  tp_answer answer;
  tp_verdict verdict = tp_answer_judge(&call->attempt.stream, session,
                                       call->long_poll, left, &answer);
  if (answer.late && answer.failure.message && !call->long_poll) {
    fail_late(call, answer.failure.message);
    tp_failure_clear(&answer.failure);
  } else if (verdict == TP_VERDICT_RETRY || verdict == TP_VERDICT_FINAL) {
    set_failure(call, answer.failure);
  }
  if (answer.ambiguous) call->ambiguous = true;
  if (answer.heard)
    tp_channel_heard(call->channel,
                     verdict == TP_VERDICT_OK && call->long_poll);
  if (call->worker_poll && answer.heard && verdict == TP_VERDICT_RETRY)
    return TP_VERDICT_FINAL;
  return verdict;
}

static void on_closed(tp_attempt *attempt, tp_http2 *session, int64_t now) {
  tp_call *call = (tp_call *)attempt;
  tp_verdict verdict = judge(call, session, now);
  call->session = NULL;
  if (verdict != TP_VERDICT_REPEAT)
    count_attempt(call, verdict == TP_VERDICT_OK, now);
  switch (verdict) {
    case TP_VERDICT_OK:
      finish(call, true);
      break;
    case TP_VERDICT_REPEAT:
      call->attempts--;
      if (call->transparent++ < MAX_TRANSPARENT) {
        requeue(call, now);
        break;
      }
      call->attempts++;
      tp_call_fail(call, "unavailable", TP_GRPC_UNAVAILABLE,
                   "the peer refuses the stream%s%s",
                   tp_http2_draining(session) ? ": " : "",
                   tp_http2_draining(session) ? tp_http2_reason(session) : "");
      count_attempt(call, false, now);
      try_again(call, now);
      break;
    case TP_VERDICT_RETRY:
      try_again(call, now);
      break;
    default:
      if (has_new_key(call)) requeue(call, now);
      else finish(call, false);
      break;
  }
}

static void on_dial_failed(tp_attempt *attempt, const char *reason,
                           bool misconfigured, int64_t now) {
  tp_call *call = (tp_call *)attempt;
  const tp_retry *r = &call->channel->options.retry;
  bool unlimited = is_unlimited(call);
  if (now < call->retry_at) return; /* dialled for others: not its attempt */
  call->attempts++;
  if (misconfigured) tp_call_fail(call, "config", -1, "%s", reason);
  else tp_call_fail(call, "unavailable", TP_GRPC_UNAVAILABLE, "%s", reason);
  count_attempt(call, false, now);
  if (!misconfigured && call->retry && r->attempts > 1 &&
      !is_unwanted(call) &&
      (unlimited || call->attempts < r->attempts)) {
    call->retry_at =
      tp_after(now, (int64_t)(plain_backoff(call) * (1 - r->jitter)));
    if (unlimited) warn_of_poll(call, now);
    return; /* it stays in the queue; the channel dials again */
  }
  tp_channel_dequeue(call->channel, &call->attempt);
  finish(call, false);
}

static void expire(tp_call *call, int64_t now) {
  tp_channel *channel = call->channel;
  if (call->state == TP_CALL_OPEN && tp_http2_established(call->session)) {
    call->ambiguous = true;
    fail_late(call, call->limited
                      ? "the client was closed while waiting for the answer"
                      : "the deadline passed while waiting for the answer");
  } else if (call->state == TP_CALL_OPEN) {
    call->ambiguous = true;
    tp_call_fail(call, "unavailable", TP_GRPC_UNAVAILABLE,
                 "connected to %s:%d, but it sent no HTTP/2 SETTINGS in time",
                 channel->options.dial.host, channel->options.dial.port);
  } else if (call->failure.message == NULL && channel->session_count == 0) {
    tp_call_fail(call, "unavailable", TP_GRPC_UNAVAILABLE, "%s %s:%d%s%s",
                 channel->connection ? "still connecting to"
                                     : "not connected to",
                 channel->options.dial.host, channel->options.dial.port,
                 channel->reason[0] ? ": " : "", channel->reason);
  } else if (call->failure.message == NULL) {
    tp_call_fail(call, "unavailable", TP_GRPC_UNAVAILABLE,
                 "waited for a free stream: the peer limits them");
  }
  if (call->limited) fail_as_closed(call);
  if (call->state == TP_CALL_OPEN) {
    tp_http2_cancel(call->session, &call->attempt.stream);
    tp_channel_touch(channel);
  } else if (call->state == TP_CALL_QUEUED) {
    tp_channel_dequeue(channel, &call->attempt);
  }
  if (call->state == TP_CALL_OPEN) count_attempt(call, false, now);
  call->session = NULL;
  finish(call, false);
}

static void on_timer(tp_timer *timer, int64_t now) {
  tp_call *call = call_of(timer);
  if (is_unlimited(call))
    call->deadline = tp_after(call->begun, call->timeout);
  if (now >= call->deadline) {
    expire(call, now);
  } else if (call->state == TP_CALL_BACKOFF && now >= call->retry_at) {
    requeue(call, now);
  } else if (call->state == TP_CALL_OPEN && call->long_poll &&
             now >= tp_after(call->attempt_deadline, POLL_GRACE)) {
    tp_http2_cancel(call->session, &call->attempt.stream);
    tp_channel_touch(call->channel);
    call->session = NULL;
    tp_call_fail(call, "unavailable", TP_GRPC_UNAVAILABLE,
                 "a long poll was not answered in time");
    count_attempt(call, false, now);
    try_again(call, now);
  } else {
    set_timer(call, call->state == TP_CALL_BACKOFF ? call->retry_at : TP_NEVER);
  }
}

static const tp_attempt_class attempt_class = {on_open, on_closed,
                                               on_dial_failed};

/* A target over time: see channel.h. */
#include "channel.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/container.h"

/* What its command asks. */
#define CLOSE 1u
#define DESTROY 2u

#define POLL_WARNING (10 * TP_SECOND) /* of failures, before we say so */
#define TRY_AGAIN (TP_SECOND / 100) /* what there was no memory for */
#define DIAL_DISTANCE (TP_SECOND / 10) /* of two dials, whatever the cause */

static const tp_source_class source_class;

static void on_timer(tp_timer *timer, int64_t now);
static void on_command(tp_command *command, unsigned bits);

tp_channel *tp_channel_new(tp_engine *engine, const tp_channel_options *o) {
  tp_channel *c = calloc(1, sizeof *c);
  if (c == NULL) return NULL;
  c->options = *o;
  c->options.authority = strdup(o->authority);
  c->metrics = tp_metrics_new();
  if (!tp_dial_options_copy(&c->options.dial, &o->dial) ||
      c->options.authority == NULL || c->metrics == NULL) {
    tp_metrics_free(c->metrics);
    tp_dial_options_free(&c->options.dial);
    free((char *)(uintptr_t)c->options.authority);
    free(c);
    return NULL;
  }
  c->source.class = &source_class;
  c->source.references = 1;
  c->command.run = on_command;
  c->engine = engine;
  c->queue_tail = &c->queue;
  tp_timer_init(&c->timer, on_timer);
  tp_polls_init(&c->polls, &engine->timers, TP_MAX_POLLS);
  /* One, until the peer has said how many streams there are: none of these
  ** gives its stream back. */
  tp_polls_init(&c->worker_polls, &engine->timers, 1);
  c->worker_polls.steady = true;
  tp_engine_hold(engine);
  tp_engine_add(engine, &c->source, o->shutdown_timeout);
  return c;
}

static void disconnect(tp_channel *c) {
  while (c->session_count > 0) {
    tp_http2_free(c->sessions[--c->session_count]);
    tp_metrics_disconnected(c->metrics);
  }
  tp_connection_free(c->connection);
  c->connection = NULL;
}

static void destroy(tp_channel *c) {
  tp_engine *engine = c->engine;
  tp_engine_remove(engine, &c->source);
  disconnect(c);
  tp_timer_clear(&engine->timers, &c->timer);
  tp_timer_clear(&engine->timers, &c->polls.timer);
  tp_timer_clear(&engine->timers, &c->worker_polls.timer);
  tp_metadata_release(c->options.metadata);
  tp_metadata_release(c->authorization);
  tp_metrics_free(c->metrics);
  tp_dial_options_free(&c->options.dial);
  free((char *)(uintptr_t)c->options.authority);
  free(c);
  tp_engine_release(engine);
}

void tp_channel_hold(tp_channel *c) {
  __atomic_add_fetch(&c->source.references, 1, __ATOMIC_RELAXED);
}

/* Its sessions belong to the driving thread: that is where it is destroyed,
** unless no thread ever ran. */
void tp_channel_release(tp_channel *c) {
  int left = __atomic_sub_fetch(&c->source.references, 1, __ATOMIC_ACQ_REL);
  if (left > 0) return;
  if (tp_engine_post(c->engine, &c->command, DESTROY, NULL)) return;
  destroy(c);
}

void tp_channel_close(tp_channel *c) {
  tp_engine_post(c->engine, &c->command, CLOSE, &c->source.references);
}

/* What is unacknowledged goes on, but for no longer than a shutdown takes. */
static void limit_futures(tp_channel *c) {
  int64_t until = tp_after(c->engine->now, c->options.shutdown_timeout);
  tp_future *f = NULL;
  while ((f = tp_future_next(c->engine, &c->futures, f)) != NULL)
    if (f->class->limit) f->class->limit(f, until);
}

static void on_command(tp_command *command, unsigned bits) {
  tp_channel *c = TP_CONTAINER(command, tp_channel, command);
  if (bits & CLOSE) {
    c->closing = c->dirty = true;
    limit_futures(c);
    tp_channel_release(c);
  } else if (bits & DESTROY) {
    destroy(c);
  }
}

static void on_end(tp_source *source) {
  tp_channel *c = (tp_channel *)source;
  tp_future *f = NULL;
  while ((f = tp_future_next(c->engine, &c->futures, f)) != NULL) {
    if (f->class->end) f->class->end(f);
    if (c->engine->draining) /* nobody will take its error any more */
      tp_future_lost(f, tp_future_flags(f) | TP_COLLECTED);
  }
  disconnect(c);
  tp_channel_release(c);
}

bool tp_channel_authorize(tp_channel *c, const char *value) {
  static const char name[] = "authorization";
  tp_metadata *m = NULL, *before;
  if (value) {
    size_t n = strlen(value);
    m = tp_metadata_new(1, sizeof name + n);
    if (m == NULL) return false;
    m->headers[0].name = memcpy((char *)(m->headers + 1), name, sizeof name);
    m->headers[0].name_length = sizeof name - 1;
    m->headers[0].value =
      memcpy((char *)(m->headers + 1) + sizeof name, value, n);
    m->headers[0].value_length = n;
  }
  tp_engine_lock(c->engine);
  before = c->authorization;
  c->authorization = m;
  tp_engine_unlock(c->engine);
  __atomic_add_fetch(&c->authorizations, 1, __ATOMIC_RELEASE);
  tp_metadata_release(before);
  return true;
}

/* --- what is counted and noted ---------- */

void tp_channel_join(tp_channel *c) {
  c->users++;
}

bool tp_channel_leave(tp_channel *c) {
  return --c->users == 0;
}

bool tp_channel_reserve(tp_channel *c) {
  size_t n = __atomic_add_fetch(&c->pending, 1, __ATOMIC_RELAXED);
  if (n <= c->options.max_pending) return true;
  tp_channel_unreserve(c);
  return false;
}

void tp_channel_unreserve(tp_channel *c) {
  __atomic_sub_fetch(&c->pending, 1, __ATOMIC_RELAXED);
}

size_t tp_channel_pending(const tp_channel *c) {
  return __atomic_load_n(&c->pending, __ATOMIC_RELAXED);
}

size_t tp_channel_unacknowledged(const tp_channel *c) {
  return __atomic_load_n(&c->source.unacknowledged, __ATOMIC_SEQ_CST);
}

void tp_channel_touch(tp_channel *c) {
  c->dirty = true;
}

void tp_channel_heard(tp_channel *c, bool polled) {
  c->answered = true;
  if (!polled) return;
  c->polls_failing_since = 0;
  c->polls_warned = false;
}

bool tp_channel_poll_failed(tp_channel *c, int64_t now) {
  if (c->polls_failing_since == 0) c->polls_failing_since = now;
  if (c->polls_warned || now - c->polls_failing_since < POLL_WARNING)
    return false;
  c->polls_warned = true;
  return true;
}

/* --- the queue, sessions, dialling ---------- */

/* Not before then, however much has happened since the latest dial. */
static int64_t next_dial(const tp_channel *c) {
  int64_t initial = c->options.retry.initial;
  int64_t least = tp_after(c->dialled_at, initial < DIAL_DISTANCE
                                            ? initial : DIAL_DISTANCE);
  return c->dial_at > least ? c->dial_at : least;
}

void tp_channel_enqueue(tp_channel *c, tp_attempt *a, bool fresh) {
  int64_t soon = tp_after(c->dial_failed_at, c->options.retry.initial);
  a->next = NULL;
  a->link = c->queue_tail;
  *c->queue_tail = a;
  c->queue_tail = &a->next;
  c->dirty = true;
  if (fresh && soon < c->dial_at) c->dial_at = soon;
}

void tp_channel_dequeue(tp_channel *c, tp_attempt *a) {
  *a->link = a->next;
  if (a->next) a->next->link = a->link;
  else c->queue_tail = a->link;
  a->next = NULL;
  a->link = NULL;
}

static tp_http2 *current_session(const tp_channel *c) {
  tp_http2 *s = c->session_count ? c->sessions[c->session_count - 1] : NULL;
  return s && !tp_http2_broken(s) && !tp_http2_draining(s) ? s : NULL;
}

/* A dial at `at` has come to nothing. */
static void back_off(tp_channel *c, int64_t at) {
  const tp_retry *r = &c->options.retry;
  double us = (double)r->initial;
  int i;
  for (i = 0; i < c->dial_failures && us < (double)r->max; i++) us *= r->factor;
  if (us > (double)r->max) us = (double)r->max;
  us *= tp_engine_jitter(c->engine, r->jitter);
  c->dial_failures++;
  c->dial_failed_at = at;
  c->dial_at = tp_after(at, (int64_t)us);
}

static void dial_failed(tp_channel *c, const char *reason, bool misconfigured,
                        int64_t now) {
  tp_attempt *a, *next;
  tp_metrics_dial_failed(c->metrics);
  back_off(c, now);
  snprintf(c->reason, sizeof c->reason, "%s", reason);
  /* What ends here may begin another, at the end of the queue. */
  for (a = c->queue; a; a = next) {
    next = a->next;
    a->class->dial_failed(a, c->reason, misconfigured, now);
  }
}

static void on_stream_closed(tp_stream *stream, tp_http2 *session,
                             void *owner) {
  tp_channel *c = owner;
  tp_attempt *a = TP_CONTAINER(stream, tp_attempt, stream);
  c->dirty = true;
  /* SETTINGS alone are no success: a peer may say them and hang up. */
  if (stream->grpc_status >= 0 && c->session_count > 0 &&
      session == c->sessions[c->session_count - 1])
    c->dial_failures = 0;
  a->class->closed(a, session, c->engine->now);
}

static void remove_session(tp_channel *c, size_t i) {
  tp_http2 *s = c->sessions[i];
  c->session_count--;
  memmove(c->sessions + i, c->sessions + i + 1,
          (c->session_count - i) * sizeof *c->sessions);
  tp_http2_free(s);
  tp_metrics_disconnected(c->metrics);
}

static void adopt(tp_channel *c, tp_connection *connection, int64_t now) {
  tp_http2_options o;
  tp_http2 *session;
  o.settings_timeout = c->options.dial.connect_timeout;
  o.keepalive_interval = c->options.keepalive_interval;
  o.keepalive_timeout = c->options.keepalive_timeout;
  o.closed = on_stream_closed;
  o.owner = c;
  if (c->session_count == TP_MAX_SESSIONS) remove_session(c, 0);
  snprintf(c->address, sizeof c->address, "%s",
           tp_connection_address(connection));
  session = tp_http2_new(connection, &o, now);
  if (session == NULL) {
    dial_failed(c, "out of memory while connecting", false, now);
    return;
  }
  c->sessions[c->session_count++] = session;
  tp_metrics_dialled(c->metrics);
}

/* Starts dialling, or takes over what has been dialled. */
static void dial(tp_channel *c, int64_t now) {
  char reason[TP_REASON];
  tp_connection *connection = c->connection;
  tp_dial_state state;
  if (connection == NULL) {
    if (c->queue == NULL || current_session(c) || now < next_dial(c)) return;
    c->dialled_at = now;
    connection = c->connection = tp_engine_dial(c->engine, &c->options.dial,
                                                &c->avoided);
    if (connection == NULL)
      dial_failed(c, "out of memory while dialling", false, now);
  }
  if (connection == NULL) return;
  state = tp_connection_state(connection);
  if (state == TP_DIALLING) return;
  c->connection = NULL;
  if (state == TP_CONNECTED) {
    adopt(c, connection, now);
    return;
  }
  snprintf(reason, sizeof reason, "%s", tp_connection_reason(connection));
  tp_avoided_add(&c->avoided, tp_connection_address(connection), now);
  tp_connection_free(connection);
  dial_failed(c, reason, state == TP_DIAL_MISCONFIGURED, now);
}

/* Broken sessions go; drained ones too, once their last stream is done. A
** connection that broke before its SETTINGS was a failed dial; one without an
** answer was none for those who wait, but not one to repeat at once. */
static void reap(tp_channel *c, int64_t now) {
  size_t i = 0;
  while (i < c->session_count) {
    tp_http2 *s = c->sessions[i];
    bool established = tp_http2_established(s);
    bool answered = tp_http2_answered(s), newest = i + 1 == c->session_count;
    if (!tp_http2_broken(s) &&
        !(tp_http2_draining(s) && tp_http2_open_streams(s) == 0)) {
      i++;
      continue;
    }
    snprintf(c->reason, sizeof c->reason, "%s", tp_http2_reason(s));
    remove_session(c, i);
    if (!answered && newest) tp_avoided_add(&c->avoided, c->address, now);
    if (!established) dial_failed(c, c->reason, false, now);
    else if (!answered) back_off(c, c->dialled_at);
  }
}

/* Polls leave a quarter of the streams to the rest, and one at least; those of
** workers another one to polls for results. What the peer allows is not known
** before its SETTINGS, and may change. */
static void bound_polls(tp_channel *c, int64_t now) {
  size_t i = c->session_count, limit, taken;
  while (i > 0 && !tp_http2_established(c->sessions[i - 1])) i--;
  if (i == 0) return;
  limit = tp_http2_stream_limit(c->sessions[i - 1]);
  limit -= limit < 4 ? limit > 1 : limit / 4;
  if (limit < 1) limit = 1;
  if (limit > TP_MAX_POLLS) limit = TP_MAX_POLLS;
  tp_polls_set_limit(&c->worker_polls, limit > 1 ? limit - 1 : 1, now);
  taken = c->worker_polls.open_count;
  tp_polls_set_limit(&c->polls, limit > taken ? limit - taken : 1, now);
}

/* A poll on the only stream that there may be, but for those of workers, makes
** way for others. */
static bool has_room(tp_channel *c, tp_http2 *s, int64_t now) {
  size_t limit = tp_http2_stream_limit(s);
  if (tp_http2_accepts(s)) return true;
  return tp_http2_open_streams(s) == limit &&
         limit <= 1 + c->worker_polls.open_count &&
         tp_polls_yield(&c->polls, now) && tp_http2_accepts(s);
}

static bool flush_all(tp_channel *c) {
  bool ok = true;
  size_t i;
  for (i = 0; i < c->session_count; i++)
    if (!tp_http2_flush(c->sessions[i])) ok = false;
  return ok;
}

static void open_streams(tp_channel *c, int64_t now) {
  tp_http2 *s = current_session(c);
  while (s && c->queue && has_room(c, s, now)) {
    tp_attempt *a = c->queue;
    tp_channel_dequeue(c, a);
    if (!a->class->open(a, s, now)) {
      tp_channel_enqueue(c, a, false);
      break;
    }
  }
}

static void schedule(tp_channel *c, int64_t now) {
  int64_t at = c->dirty ? tp_after(now, TRY_AGAIN) : TP_NEVER;
  size_t i;
  for (i = 0; i < c->session_count; i++) {
    int64_t tick = tp_http2_next_tick(c->sessions[i]);
    if (tick < at) at = tick;
  }
  if (c->connection && tp_connection_until(c->connection) < at)
    at = tp_connection_until(c->connection);
  if (c->queue && !c->connection && !current_session(c) && next_dial(c) < at)
    at = next_dial(c);
  tp_timer_set(&c->engine->timers, &c->timer, at);
}

/* Dials, opens streams, writes, as far as it goes now. */
static void progress(tp_source *source, int64_t now) {
  tp_channel *c = (tp_channel *)source;
  int rounds = 0;
  if (c->connection && tp_connection_state(c->connection) != TP_DIALLING)
    c->dirty = true;
  if (!c->dirty) return;
  while (c->dirty && rounds++ < 8) {
    c->dirty = false;
    reap(c, now);
    bound_polls(c, now);
    dial(c, now);
    open_streams(c, now);
    if (!flush_all(c)) c->dirty = true;
  }
  if (c->closing && tp_channel_unacknowledged(c) == 0) disconnect(c);
  schedule(c, now);
}

static void on_timer(tp_timer *timer, int64_t now) {
  tp_channel *c = TP_CONTAINER(timer, tp_channel, timer);
  size_t i;
  for (i = 0; i < c->session_count; i++) tp_http2_tick(c->sessions[i], now);
  c->dirty = true;
}

static size_t pollfds(tp_source *source, struct pollfd *fds) {
  tp_channel *c = (tp_channel *)source;
  size_t i;
  for (i = 0; i < c->session_count; i++) {
    fds[i].fd = tp_http2_fd(c->sessions[i]);
    fds[i].events = POLLIN;
    if (tp_http2_wants_write(c->sessions[i])) fds[i].events |= POLLOUT;
    fds[i].revents = 0;
  }
  if (c->connection == NULL || tp_connection_fd(c->connection) < 0) return i;
  fds[i].fd = tp_connection_fd(c->connection); /* progress() looks at it */
  fds[i].events = POLLOUT;
  fds[i].revents = 0;
  return i + 1;
}

static void receive(tp_source *source, const struct pollfd *fds, size_t n,
                    int64_t now) {
  tp_channel *c = (tp_channel *)source;
  size_t i;
  for (i = 0; i < n && i < c->session_count; i++) {
    if (fds[i].revents == 0) continue;
    c->dirty = true;
    if (fds[i].revents & ~POLLOUT) tp_http2_receive(c->sessions[i], now);
  }
}

static const tp_source_class source_class = {progress, pollfds, receive,
                                             on_end};

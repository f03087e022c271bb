/* Heartbeats of activities: see heartbeat.h. */
#include "heartbeat.h"

#include <stdlib.h>
#include <string.h>

#include "../base/container.h"
#include "../engine/drive.h"
#include "../proto/wire.h"

#define SHORTEST TP_SECOND           /* a call may take so long, */
#define AFTER_FAILURE TP_SECOND      /* and is tried again after that */
#define WORTH_A_WARNING (10 * TP_SECOND)

/* Fields of RecordActivityTaskHeartbeatResponse. */
enum { CANCEL_REQUESTED = 1, ACTIVITY_PAUSED = 2, ACTIVITY_RESET = 3 };

static void swap(tp_buffer *a, tp_buffer *b) {
  tp_buffer other = *a;
  *a = *b;
  *b = other;
}

/* --- driving thread ---------- */

/* Takes the newest request for the call. False: there is none, and whoever
** brings one has to say so. */
static bool take_newest(tp_heartbeat *h) {
  tp_engine *engine = h->base.future.engine;
  tp_buffer *request = &h->base.call.request;
  bool any;
  tp_engine_lock(engine);
  any = h->newest.length > 0 && !h->stopped;
  if (any) {
    swap(&h->newest, request);
    h->newest.length = 0;
  }
  h->busy = any;
  tp_engine_unlock(engine);
  return any;
}

/* The request was not taken, and there is none that is newer. */
static void put_back(tp_heartbeat *h) {
  tp_engine *engine = h->base.future.engine;
  tp_engine_lock(engine);
  if (h->newest.length == 0) swap(&h->newest, &h->base.call.request);
  tp_engine_unlock(engine);
}

/* Sends the newest, or sees to it that it is sent in time. Whoever made it busy
** holds it for that long. */
static void look(tp_heartbeat *h, int64_t now) {
  if (h->active) return;
  if (now < h->next_at && !h->stopped) {
    tp_timer_set(&h->base.future.engine->timers, &h->timer, h->next_at);
  } else if (take_newest(h)) {
    h->next_at = tp_after(now, h->interval);
    h->active = true;
    tp_call_begin(&h->base.call, now, 0);
  } else {
    tp_future_release(&h->base.future);
  }
}

static void on_timer(tp_timer *timer, int64_t now) {
  look(TP_CONTAINER(timer, tp_heartbeat, timer), now);
}

/* No more are sent. One that is under way may end, unless it must not. */
static void stop(tp_heartbeat *h, bool at_once) {
  tp_engine *engine = h->base.future.engine;
  bool busy;
  tp_engine_lock(engine);
  h->stopped = true;
  h->newest.length = 0;
  busy = h->busy;
  tp_engine_unlock(engine);
  if (!busy) return;
  tp_timer_clear(&engine->timers, &h->timer);
  if (at_once && h->active) {
    tp_call_cancel(&h->base.call);
    h->active = false;
  }
  look(h, engine->now);
}

static void want(tp_heartbeat *h, unsigned bits) {
  if (bits == 0) return;
  __atomic_or_fetch(&h->wanted, bits, __ATOMIC_SEQ_CST);
  tp_future_signal(&h->base.future, TP_RESULT);
}

static bool says(const tp_heartbeat *h, unsigned number) {
  const tp_buffer *answer = tp_call_answer(&h->base.call);
  tp_field_value v = tp_wire_find(answer->data, answer->length, number);
  return v.number && v.integer != 0;
}

static void hear(tp_heartbeat *h) {
  h->failing_since = 0;
  h->warned = false;
  want(h, (says(h, CANCEL_REQUESTED) ? TP_BEAT_CANCEL : 0) |
          (says(h, ACTIVITY_PAUSED) ? TP_BEAT_PAUSE : 0) |
          (says(h, ACTIVITY_RESET) ? TP_BEAT_RESET : 0));
}

static void warn(tp_heartbeat *h) {
  const tp_failure *failure = &h->base.call.failure;
  tp_notice *notice = calloc(1, sizeof *notice);
  h->warned = true;
  if (notice == NULL) return;
  tp_failure_copy(&notice->failure, failure);
  notice->method = strdup(h->path);
  tp_notices_add(&h->base.future.engine->notices, TP_WARNING, notice);
}

static void miss(tp_heartbeat *h, int64_t now) {
  int64_t again = tp_after(now, AFTER_FAILURE);
  if (h->failing_since == 0) h->failing_since = h->base.call.begun;
  if (!h->warned && now - h->failing_since >= WORTH_A_WARNING) warn(h);
  put_back(h);
  if (h->next_at < again) h->next_at = again;
}

static void on_done(tp_call *call, bool ok) {
  tp_heartbeat *h = (tp_heartbeat *)tp_submission_of_call(call);
  int64_t now = h->base.future.engine->now;
  int code = call->failure.code;
  h->active = false;
  if (ok) {
    hear(h);
  } else if (code == TP_GRPC_NOT_FOUND || code == TP_GRPC_FAILED_PRECONDITION) {
    want(h, TP_BEAT_GONE);
    stop(h, false);
    return;
  } else {
    miss(h, now);
  }
  look(h, now);
}

static void on_end(tp_future *f) {
  stop((tp_heartbeat *)f, true);
  tp_future_signal(f, TP_CLOSED);
}

static void on_command(tp_command *command, unsigned bits) {
  tp_future *f = (tp_future *)command;
  tp_heartbeat *h = (tp_heartbeat *)command;
  if (f->engine->ending) on_end(f);
  else if (bits & TP_DROP) stop(h, tp_future_flags(f) & TP_CLOSED);
  else if (bits & TP_BEGIN) look(h, f->engine->now);
  tp_future_release(f);
}

/* --- the host's thread ---------- */

static bool on_asks(const tp_future *f) {
  (void)f;
  return true;
}

static void on_names(const tp_future *f, tp_names *names) {
  (void)f;
  names->method = "RecordActivityTaskHeartbeat";
}

static void on_destroy(tp_future *f) {
  tp_heartbeat *h = (tp_heartbeat *)f;
  tp_call_free(&h->base.call);
  tp_buffer_free(&h->newest);
  free(h->path);
  free(h->namespace);
  tp_client_free_future(f);
}

tp_heartbeat *tp_heartbeat_new(tp_client *client) {
  static const tp_future_class class = {
    .kind = TP_HEARTBEAT, .silent = ~0u, .run = on_command,
    .limit = tp_submission_limit, .end = on_end, .asks = on_asks,
    .failure = tp_submission_failure, .names = on_names,
    .destroy = on_destroy};
  tp_heartbeat *h = calloc(1, sizeof *h);
  if (h == NULL) return NULL;
  tp_submission_init(&h->base, client, &class, on_done);
  tp_buffer_init(&h->newest, TP_MAX_MESSAGE);
  tp_timer_init(&h->timer, on_timer);
  return h;
}

/* A call is not to outlast the time for which it says that all is well. */
static int64_t timeout_of(const tp_heartbeat *h) {
  int64_t most = h->base.call.channel->options.rpc_timeout;
  int64_t least = h->interval < SHORTEST ? SHORTEST : h->interval;
  return least < most ? least : most;
}

bool tp_heartbeat_beat(tp_heartbeat *h, tp_buffer *request) {
  tp_future *f = &h->base.future;
  bool idle;
  if (tp_engine_start(f->engine) != TP_OK) return false;
  tp_engine_lock(f->engine);
  idle = !h->busy && !h->stopped;
  if (!h->stopped) swap(&h->newest, request);
  if (idle) {
    h->base.call.timeout = timeout_of(h);
    h->busy = true;
  }
  tp_engine_unlock(f->engine);
  if (!idle) return true;
  tp_future_hold(f); /* for as long as it is busy */
  if (tp_engine_post(f->engine, &f->command, TP_BEGIN, &f->references))
    return true;
  tp_engine_lock(f->engine);
  h->busy = false;
  tp_engine_unlock(f->engine);
  tp_future_release(f);
  return false;
}

unsigned tp_heartbeat_wanted(const tp_heartbeat *h) {
  return __atomic_load_n(&h->wanted, __ATOMIC_SEQ_CST);
}

/* Runs, what they wait for, and the tasks they make, for the stub: see stub.c.
 */
#ifndef BENCH_RUNS_H
#define BENCH_RUNS_H

#include "wire.h"
#include <nghttp2/nghttp2.h>
#include <sys/resource.h>
#include <unistd.h>
#include <zlib.h>

enum { HOLD_MS = 60000, OUT = 1 << 18, SIGNAL_TASKS = 10, SIGNALS_EACH = 10 };

/* ---- streams and connections ---- */

typedef enum {
  UNKNOWN,
  SYSTEM_INFO,
  NAMESPACE,
  POLL_W,
  POLL_A,
  DONE_W,
  FAILED_W,
  DONE_A,
  FAILED_A,
  HEARTBEAT,
  SHUTDOWN,
  HISTORY
} kind;
enum { NORMAL, STICKY, ACTIVITY, QUEUES };

typedef struct stream {
  struct connection *c;
  struct stream *prev, *next; /* among the held of its queue */
  int64_t due;
  int32_t id;
  kind kind;
  int queue; /* held in; -1: not */
  bool gzip;
  buf in, out;
  size_t sent;
} stream;

typedef struct connection {
  struct connection *next;
  nghttp2_session *session;
  int fd;
  bool touched, wants_out;
  size_t from, to;
  uint8_t out[OUT];
} connection;

static struct {
  stream *first, *last;
  long n;
} held[QUEUES];
static connection *connections;
static int events;

static void hold(stream *s, int queue) {
  s->queue = queue;
  s->due = now_ns() + HOLD_MS * 1000000LL;
  s->prev = held[queue].last;
  s->next = NULL;
  if (s->prev)
    s->prev->next = s;
  else
    held[queue].first = s;
  held[queue].last = s;
  held[queue].n++;
}

static void unhold(stream *s) {
  if (s->queue < 0) return;
  if (s->prev)
    s->prev->next = s->next;
  else
    held[s->queue].first = s->next;
  if (s->next)
    s->next->prev = s->prev;
  else
    held[s->queue].last = s->prev;
  held[s->queue].n--;
  s->queue = -1;
}

/* ---- counters ---- */

static struct {
  long begun, ended, wtasks, wdone, atasks, histories, failures, unknown,
      bytes_in, bytes_out, calls, gzipped;
  int64_t first_poll, from, last_end;
} n;
static double cpu0;
static uint32_t *latency; /* of each workflow that ended, in us */
static size_t latencies, latency_cap;

static double cpu_us(void) {
  struct rusage u;
  getrusage(RUSAGE_SELF, &u);
  return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 + u.ru_utime.tv_usec +
         u.ru_stime.tv_usec;
}

/* ---- runs ---- */

typedef struct run {
  uint64_t number, last, scheduled, started, previous_started; /* event ids */
  buf history; /* encoded as the fields of History */
  size_t seen; /* octets of history that the last task of this run had */
  int outstanding, signals;
  bool sticky, open;
  int64_t began, fire; /* fire: when its timer is due; 0: none */
  uint64_t timer_started;
  char timer[64];
} run;

typedef struct {
  uint32_t slot, number;
  uint64_t scheduled;
  char id[40];
} activity;

static str namespace, queue, type;
static run *runs; /* slots */
static long n_slots, total, free_slots_n;
static uint32_t *free_slots;
static struct {
  uint32_t *at;
  size_t head, tail, cap;
} ready[2]; /* slots, for NORMAL and STICKY */
static struct {
  activity *at;
  size_t head, tail, cap;
} acts;
static long timers;
static uint64_t serial;

#define PUSH(q, v)                                                             \
  do {                                                                         \
    if ((q).tail == (q).cap) {                                                 \
      if ((q).head)                                                            \
        memmove((q).at, (q).at + (q).head,                                     \
                ((q).tail - (q).head) * sizeof *(q).at);                       \
      (q).tail -= (q).head, (q).head = 0;                                      \
      if ((q).tail * 2 >= (q).cap) {                                           \
        (q).cap = (q).cap ? (q).cap * 2 : 1024;                                \
        (q).at = must(realloc((q).at, (q).cap * sizeof *(q).at));              \
      }                                                                        \
    }                                                                          \
    (q).at[(q).tail++] = (v);                                                  \
  } while (0)

static str run_id(const run *r, char *t) {
  return (str){(uint8_t *)t, (size_t)sprintf(t, "%08x-%04x-4000-8000-%012llx",
                                             (unsigned)getpid(),
                                             (unsigned)(r - runs) & 0xffff,
                                             (unsigned long long)r->number)};
}

static str workflow_id(const run *r, char *t) {
  return (str){(uint8_t *)t, (size_t)sprintf(t, "bench-workflow-%012llx",
                                             (unsigned long long)r->number)};
}

static const char *const ME = "bench@localhost";

static void
w_payload(int field) { /* Payloads{ json/plain {"name":"bench","n":1} } */
  uint8_t *e0 = w, *e2;
  w_str(2, lit("{\"name\":\"bench\",\"n\":1}"));
  e2 = w;
  w_str(2, lit("json/plain")), w_str(1, lit("encoding"));
  w_wrap(1, e2); /* the entry of metadata, field 1 */
  w_wrap(1, e0); /* the payload, field 1 */
  w_wrap(field, e0);
}

/* An event is begun with event_begin, its attributes' fields are written, then
 * event_end. */
static uint8_t *event_begin(void) { return w = room + sizeof room; }

static uint64_t event_end(run *r, uint8_t *end, int type_, int attributes) {
  w_wrap(attributes, end);
  w_uint(5, 1048576 + r->last), w_uint(3, (uint64_t)type_), w_time(2),
      w_uint(1, ++r->last);
  w_wrap(1, end); /* History.events */
  append(&r->history, w, (size_t)(end - w));
  return r->last;
}

static void schedule(run *r) {
  uint8_t *end = event_begin();
  w_uint(3, 1), w_seconds(2, 10), w_queue(1, queue);
  r->scheduled = event_end(r, end, 5, 10);
  r->previous_started = r->started;
  end = event_begin();
  w_uint(5, r->history.n),
      w_str(3, lit("8c8bd0ae-3f9b-4c0c-8b3f-2f2f6f6a0b0d")), w_str(2, lit(ME)),
      w_uint(1, r->scheduled);
  r->started = event_end(r, end, 6, 11);
  PUSH(ready[r->sticky ? STICKY : NORMAL], (uint32_t)(r - runs));
}

static void signal_run(run *r) {
  for (int i = 0; i < SIGNALS_EACH; i++) {
    uint8_t *end = event_begin();
    w_str(3, lit(ME)), w_payload(2), w_str(1, lit("s"));
    event_end(r, end, 26, 26);
  }
}

static void begin_runs(void) {
  while (free_slots_n && (total == 0 || n.begun < total)) {
    run *r = &runs[free_slots[--free_slots_n]];
    buf h = r->history;
    uint8_t *end;
    char t[64];
    memset(r, 0, sizeof *r);
    h.n = 0;
    r->history = h;
    r->number = ++serial;
    r->open = true;
    r->began = now_ns();
    n.begun++;
    end = event_begin();
    w_str(28, workflow_id(r, t));
    w_seconds(25, 0), w_seconds(21, 0), w_uint(18, 1);
    w_str(16, run_id(r, t)), w_str(15, lit(ME)), w_str(14, run_id(r, t));
    w_seconds(9, 10), w_seconds(8, 0), w_seconds(7, 0);
    w_payload(6), w_queue(5, queue), w_name(1, type);
    event_end(r, end, 1, 6);
    schedule(r);
  }
}

static void end_run(run *r) {
  r->open = false;
  if (r->fire) timers--;
  n.ended++;
  n.last_end = now_ns();
  if (latencies < latency_cap)
    latency[latencies++] = (uint32_t)((n.last_end - r->began) / 1000);
  free_slots[free_slots_n++] = (uint32_t)(r - runs);
  begin_runs();
}

static run *run_of(str token) { /* the token is slot, number */
  uint64_t number;
  uint32_t slot;
  if (token.n < 12) return NULL;
  memcpy(&slot, token.p, 4), memcpy(&number, token.p + 4, 8);
  return (long)slot < n_slots && runs[slot].number == number && runs[slot].open
             ? &runs[slot]
             : NULL;
}

static run *run_named(str id) { /* as run_id writes it */
  char t[64];
  unsigned slot;
  if (id.n >= sizeof t) return NULL;
  memcpy(t, id.p, id.n), t[id.n] = 0;
  if (sscanf(t, "%*8x-%4x-", &slot) != 1 || (long)slot >= n_slots) return NULL;
  run_id(&runs[slot], t);
  return runs[slot].open && is(id, t) ? &runs[slot] : NULL;
}

/* ---- answers ---- */

#define NV(name, value)                                                        \
  {                                                                            \
    (uint8_t *)name, (uint8_t *)value, sizeof name - 1, sizeof value - 1,      \
        NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE           \
  }

static ssize_t read_out(nghttp2_session *session, int32_t id, uint8_t *data,
                        size_t max, uint32_t *flags,
                        nghttp2_data_source *source, void *user) {
  static const nghttp2_nv trailers[] = {NV("grpc-status", "0"),
                                        NV("grpc-message", "")};
  stream *s = source->ptr;
  size_t left = s->out.n - s->sent;
  (void)user;
  if (max > left) max = left;
  memcpy(data, s->out.p + s->sent, max);
  s->sent += max;
  if (s->sent == s->out.n) {
    *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
    nghttp2_submit_trailer(session, id, trailers, 2);
  }
  return (ssize_t)max;
}

/* answers with what was written since w was the end of the room */
static void answer(stream *s) {
  static const nghttp2_nv headers[] = {NV(":status", "200"),
                                       NV("content-type", "application/grpc")};
  nghttp2_data_provider d = {.source.ptr = s, .read_callback = read_out};
  size_t size = (size_t)(room + sizeof room - w);
  uint8_t prefix[5] = {0, (uint8_t)(size >> 24), (uint8_t)(size >> 16),
                       (uint8_t)(size >> 8), (uint8_t)size};
  s->out.n = s->sent = 0;
  append(&s->out, prefix, 5);
  append(&s->out, w, size);
  s->c->touched = true;
  nghttp2_submit_response(s->c->session, s->id, headers, 2, &d);
}

static void answer_empty(stream *s) {
  w = room + sizeof room;
  answer(s);
}

static void refuse(stream *s) {
  static const nghttp2_nv headers[] = {
      NV(":status", "200"), NV("content-type", "application/grpc"),
      NV("grpc-status", "12"), NV("grpc-message", "unknown method")};
  n.unknown++;
  s->c->touched = true;
  nghttp2_submit_headers(s->c->session, NGHTTP2_FLAG_END_STREAM, s->id, NULL,
                         headers, 4, NULL);
}

static void w_token(int field, const run *r, uint64_t scheduled, size_t size) {
  uint8_t t[20];
  uint32_t slot = (uint32_t)(r - runs);
  memcpy(t, &slot, 4), memcpy(t + 4, &r->number, 8),
      memcpy(t + 12, &scheduled, 8);
  w_str(field, (str){t, size});
}

static void w_execution(int field, const run *r) {
  char t[64];
  uint8_t *end = w;
  w_str(2, run_id(r, t)), w_str(1, workflow_id(r, t));
  w_wrap(field, end);
}

static void give_workflow_task(stream *s, run *r) {
  uint8_t *end;
  size_t from = r->sticky ? r->seen : 0;
  w = room + sizeof room;
  w_time(13), w_time(12), w_queue(11, queue);
  end = w;
  w_raw((str){r->history.p + from, r->history.n - from});
  w_wrap(8, end);
  w_uint(6, 1), w_uint(5, r->started);
  if (r->previous_started) w_uint(4, r->previous_started);
  w_name(3, type), w_execution(2, r), w_token(1, r, 0, 12);
  r->seen = r->history.n;
  n.wtasks++;
  answer(s);
}

/* What the last task of a run had, and all before; of one that is over: none. */
static void give_history(stream *s, const run *r) {
  uint8_t *end = w = room + sizeof room;
  if (r) {
    w_raw((str){r->history.p, r->seen});
    w_wrap(1, end);
  }
  n.histories++;
  answer(s);
}

static void give_activity_task(stream *s, const activity *a) {
  const run *r = &runs[a->slot];
  w = room + sizeof room;
  w_seconds(16, 0), w_seconds(15, 60), w_seconds(14, 0), w_uint(13, 1),
      w_time(12), w_time(11), w_time(10);
  w_payload(8), w_str(6, lit(a->id)), w_name(5, lit("echo")), w_execution(4, r),
      w_name(3, type), w_str(2, namespace);
  w_token(1, r, a->scheduled, 20);
  n.atasks++;
  answer(s);
}

static void match(void) {
  for (int q = NORMAL; q <= STICKY; q++) {
    while (held[q].first && ready[q].head < ready[q].tail) {
      run *r = &runs[ready[q].at[ready[q].head++]];
      stream *s = held[q].first;
      if (!r->open) continue;
      unhold(s);
      give_workflow_task(s, r);
    }
  }
  while (held[ACTIVITY].first && acts.head < acts.tail) {
    activity *a = &acts.at[acts.head++];
    stream *s = held[ACTIVITY].first;
    if (!runs[a->slot].open || (uint32_t)runs[a->slot].number != a->number)
      continue;
    unhold(s);
    give_activity_task(s, a);
  }
}

/* ---- requests ---- */

static void copy(char *to, size_t size, str s) {
  size_t k = s.n < size ? s.n : size - 1;
  if (k) memcpy(to, s.p, k);
  to[k] = 0;
}

static void workflow_task_done(str m) {
  run *r = run_of(get(m, 1));
  uint8_t *end;
  uint64_t completed;
  str whole = m, sdk = get(m, 12);
  item i;
  bool ends = false;
  if (!r) return;
  n.wdone++;
  r->sticky = get(get(whole, 4), 1).n > 0;
  end = event_begin();
  if (sdk.n) w_str(6, sdk);
  w_str(3, lit(ME)), w_uint(2, r->started), w_uint(1, r->scheduled);
  completed = event_end(r, end, 7, 12);
  while (next_item(&m, &i)) {
    if (i.field != 2) continue;
    switch (get_uint(i.s, 1)) {
    case 1: { /* SCHEDULE_ACTIVITY_TASK */
      str c = get(i.s, 2);
      activity a = {.slot = (uint32_t)(r - runs),
                    .number = (uint32_t)r->number};
      copy(a.id, sizeof a.id, get(c, 1));
      end = event_begin();
      w_uint(11, completed), w_seconds(10, 0), w_seconds(9, 60),
          w_seconds(8, 0), w_seconds(7, 0);
      w_str(6, get(c, 6)), w_queue(4, queue), w_str(2, get(c, 2)),
          w_str(1, get(c, 1));
      a.scheduled = event_end(r, end, 10, 15);
      r->outstanding++;
      PUSH(acts, a);
      break;
    }
    case 3: { /* START_TIMER */
      str c = get(i.s, 3), d = get(c, 2);
      copy(r->timer, sizeof r->timer, get(c, 1));
      end = event_begin();
      w_uint(3, completed), w_str(2, d), w_str(1, get(c, 1));
      r->timer_started = event_end(r, end, 17, 20);
      r->fire = now_ns() + (int64_t)get_uint(d, 1) * 1000000000LL +
                (int64_t)get_uint(d, 2);
      timers++;
      r->outstanding++;
      break;
    }
    case 4: { /* COMPLETE_WORKFLOW_EXECUTION: with the argument as its result */
      str c = get(i.s, 4);
      ends = true;
      if ((!c.n || !memmem(c.p, c.n, "\"bench\"", 7)) && n.failures++ < 5)
        fprintf(stderr, "stub: not the result\n");
      break;
    }
    default:
      n.failures++;
      fprintf(stderr, "stub: command %d\n", (int)get_uint(i.s, 1));
      ends = true;
    }
  }
  if (ends) {
    end_run(r);
  } else if (r->outstanding == 0 && is(type, "signals") &&
             r->signals < SIGNAL_TASKS) {
    r->signals++;
    signal_run(r);
    schedule(r);
  } /* else it waits; `parked` for ever */
}

static void activity_done(str m) {
  str token = get(m, 1), result = get(m, 2);
  run *r = run_of(token);
  uint64_t scheduled, started;
  uint8_t *end;
  if (!r || token.n != 20) return;
  memcpy(&scheduled, token.p + 12, 8);
  end = event_begin();
  w_uint(4, 1), w_str(3, lit("8c8bd0ae-3f9b-4c0c-8b3f-2f2f6f6a0b0d")),
      w_str(2, lit(ME)), w_uint(1, scheduled);
  started = event_end(r, end, 11, 16);
  end = event_begin();
  w_str(4, lit(ME)), w_uint(3, started), w_uint(2, scheduled), w_str(1, result);
  event_end(r, end, 12, 17);
  if (--r->outstanding == 0) schedule(r);
}

static void fire(int64_t now) {
  for (long i = 0; timers > 0 && i < n_slots; i++) {
    run *r = &runs[i];
    uint8_t *end;
    if (!r->open || !r->fire || r->fire > now) continue;
    r->fire = 0;
    timers--;
    end = event_begin();
    w_uint(2, r->timer_started), w_str(1, lit(r->timer));
    event_end(r, end, 18, 21);
    if (--r->outstanding == 0) schedule(r);
  }
}

static str inflated(str m) {
  static uint8_t text[1 << 22];
  z_stream z = {.next_in = (uint8_t *)(uintptr_t)m.p,
                .avail_in = (uInt)m.n,
                .next_out = text,
                .avail_out = sizeof text};
  if (inflateInit2(&z, 31) != Z_OK) abort();
  if (inflate(&z, Z_FINISH) != Z_STREAM_END) n.failures++;
  inflateEnd(&z);
  return (str){text, z.total_out};
}

static void request(stream *s) {
  str m = {s->in.p + 5, s->in.n - 5};
  uint8_t *end;
  if (s->in.n < 5) m = (str){NULL, 0};
  n.calls++;
  if (s->in.n > 5 && s->in.p[0] == 1) n.gzipped++, m = inflated(m);
  switch (s->kind) {
  case SYSTEM_INFO:
    w = end = room + sizeof room;
    for (int i = 12; i >= 1; i--) w_uint(i, 1);
    w_wrap(2, end), w_str(1, lit("1.32.0"));
    answer(s);
    break;
  case NAMESPACE:
    w = end = room + sizeof room;
    w_seconds(1, 86400), w_wrap(2, end);
    end = w;
    w_str(6, lit("32049b68-7872-4094-8e63-d0dd59896a83")), w_uint(2, 1),
        w_str(1, namespace);
    w_wrap(1, end);
    answer(s);
    break;
  case POLL_W:
    if (!n.first_poll) n.first_poll = now_ns();
    hold(s, get_uint(get(m, 2), 2) == 2 ? STICKY : NORMAL);
    break;
  case POLL_A: hold(s, ACTIVITY); break;
  case DONE_W:
    workflow_task_done(m);
    answer_empty(s);
    break;
  case DONE_A:
    activity_done(m);
    answer_empty(s);
    break;
  case FAILED_W:
  case FAILED_A: {
    run *r = run_of(get(m, 1));
    if (r) { /* a late answer to a run that `stop` forgot is none */
      str text = get(get(m, s->kind == FAILED_W ? 3 : 2), 1);
      if (n.failures++ < 5)
        fprintf(stderr, "stub: a task failed: %.*s\n", (int)text.n,
                (const char *)text.p);
      end_run(r);
    }
    answer_empty(s);
    break;
  }
  case HEARTBEAT:
  case SHUTDOWN: answer_empty(s); break;
  case HISTORY: give_history(s, run_named(get(get(m, 2), 2))); break;
  case UNKNOWN: refuse(s); break;
  }
}

#endif

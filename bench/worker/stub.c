/* A Temporal frontend with an endless supply of workflows, for measuring
** workers: cleartext HTTP/2 on loopback, one thread, nghttp2; no storage.
** It keeps for each run its history and what is outstanding, and gives the next
** workflow task when nothing is: all activities of the run completed, all
** timers fired, or (workflow `signals`) at once, with ten signals, ten times.
** A task of a sticky queue has the events since the last one only.
**
** usage: stub NAMESPACE QUEUE     prints "port N", then answers lines on stdin:
**   run TYPE OPEN TOTAL   keeps OPEN workflows of TYPE open until TOTAL began
**   stop                  begins no more, forgets those open
**   fresh                 the next workflow poll is the first again
**   count, stats          counters since the last `run`; stats sorts latencies
** It ends with its input.
*/
#include "runs.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>

/* ---- nghttp2 ---- */

static kind kind_of(str path) {
  static const struct {
    const char *name;
    kind kind;
  } names[] = {{"PollWorkflowTaskQueue", POLL_W},
               {"RespondWorkflowTaskCompleted", DONE_W},
               {"PollActivityTaskQueue", POLL_A},
               {"RespondActivityTaskCompleted", DONE_A},
               {"GetSystemInfo", SYSTEM_INFO},
               {"DescribeNamespace", NAMESPACE},
               {"RespondWorkflowTaskFailed", FAILED_W},
               {"RespondActivityTaskFailed", FAILED_A},
               {"RecordActivityTaskHeartbeat", HEARTBEAT},
               {"ShutdownWorker", SHUTDOWN},
               {"GetWorkflowExecutionHistory", HISTORY}};
  for (size_t i = path.n; i-- > 0;) {
    if (path.p[i] != '/') continue;
    for (size_t k = 0; k < sizeof names / sizeof *names; k++)
      if (is((str){path.p + i + 1, path.n - i - 1}, names[k].name))
        return names[k].kind;
    break;
  }
  if (getenv("STUB_DEBUG"))
    fprintf(stderr, "stub: %.*s\n", (int)path.n, (const char *)path.p);
  return UNKNOWN;
}

static stream *pool;

static int on_begin(nghttp2_session *session, const nghttp2_frame *f,
                    void *user) {
  stream *s = pool;
  if (f->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
  if (s)
    pool = s->next;
  else
    s = must(calloc(1, sizeof *s));
  s->c = user;
  s->id = f->hd.stream_id;
  s->kind = UNKNOWN;
  s->queue = -1;
  s->in.n = s->out.n = s->sent = 0;
  nghttp2_session_set_stream_user_data(session, s->id, s);
  return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *f,
                     const uint8_t *name, size_t nlen, const uint8_t *value,
                     size_t vlen, uint8_t flags, void *user) {
  stream *s = nghttp2_session_get_stream_user_data(session, f->hd.stream_id);
  (void)flags, (void)user;
  if (s && nlen == 5 && memcmp(name, ":path", 5) == 0)
    s->kind = kind_of((str){value, vlen});
  return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id,
                   const uint8_t *data, size_t len, void *user) {
  stream *s = nghttp2_session_get_stream_user_data(session, id);
  (void)flags, (void)user;
  if (s) append(&s->in, data, len);
  return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *f,
                    void *user) {
  stream *s;
  (void)user;
  if ((f->hd.type != NGHTTP2_DATA && f->hd.type != NGHTTP2_HEADERS) ||
      !(f->hd.flags & NGHTTP2_FLAG_END_STREAM))
    return 0;
  s = nghttp2_session_get_stream_user_data(session, f->hd.stream_id);
  if (s) request(s);
  return 0;
}

static int on_close(nghttp2_session *session, int32_t id, uint32_t code,
                    void *user) {
  stream *s = nghttp2_session_get_stream_user_data(session, id);
  (void)code, (void)user;
  if (!s) return 0;
  unhold(s);
  s->next = pool;
  pool = s;
  return 0;
}

static nghttp2_session *new_session(connection *c) {
  static nghttp2_session_callbacks *cb;
  static nghttp2_option *o;
  nghttp2_settings_entry settings = {NGHTTP2_SETTINGS_MAX_FRAME_SIZE, 16384};
  nghttp2_session *session;
  if (!cb) {
    nghttp2_session_callbacks_new(&cb);
    nghttp2_option_new(&o);
    nghttp2_session_callbacks_set_on_begin_headers_callback(cb, on_begin);
    nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_close);
    nghttp2_option_set_no_closed_streams(o, 1);
    nghttp2_option_set_stream_reset_rate_limit(o, 1000000, 1000000);
  }
  if (nghttp2_session_server_new2(&session, cb, c, o)) abort();
  nghttp2_submit_settings(session, 0, &settings, 1);
  return session;
}

/* ---- sockets ---- */

static void arm(connection *c, int op) {
  struct epoll_event e = {.events = EPOLLIN | (c->wants_out ? EPOLLOUT : 0u),
                          .data.ptr = c};
  epoll_ctl(events, op, c->fd, &e);
}

static void accept_one(int listener) {
  int one = 1, fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
  connection *c;
  if (fd < 0) return;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  c = must(calloc(1, sizeof *c));
  c->fd = fd;
  c->session = new_session(c);
  c->touched = true;
  c->next = connections;
  connections = c;
  arm(c, EPOLL_CTL_ADD);
}

static void drop(connection *c) {
  connection **link = &connections;
  while (*link != c) link = &(*link)->next;
  *link = c->next;
  for (int q = 0; q < QUEUES; q++)
    for (stream *s = held[q].first, *next; s; s = next) {
      next = s->next;
      if (s->c == c) unhold(s);
    }
  nghttp2_session_del(c->session);
  close(c->fd);
  free(c);
}

static bool fill(connection *c) {
  const uint8_t *data;
  ssize_t k;
  c->from = c->to = 0;
  while (c->to < OUT - 32768 &&
         (k = nghttp2_session_mem_send(c->session, &data)) > 0) {
    memcpy(c->out + c->to, data, (size_t)k);
    c->to += (size_t)k;
  }
  return c->to > 0;
}

static bool flush(connection *c) {
  bool wants;
  c->touched = false;
  while (c->from < c->to || fill(c)) {
    ssize_t k = send(c->fd, c->out + c->from, c->to - c->from, MSG_NOSIGNAL);
    if (k < 0 && errno != EAGAIN && errno != EINTR) return false;
    if (k < 0) break;
    c->from += (size_t)k;
    n.bytes_out += k;
  }
  wants = c->from < c->to;
  if (wants != c->wants_out) c->wants_out = wants, arm(c, EPOLL_CTL_MOD);
  return nghttp2_session_want_read(c->session) ||
         nghttp2_session_want_write(c->session);
}

static bool take(connection *c) {
  static uint8_t data[OUT];
  ssize_t k = read(c->fd, data, sizeof data);
  if (k < 0) return errno == EAGAIN || errno == EINTR;
  if (k == 0) return false;
  n.bytes_in += k;
  c->touched = true;
  return nghttp2_session_mem_recv(c->session, data, (size_t)k) >= 0;
}

/* ---- control ---- */

static void forget(void) {
  for (long i = 0; i < n_slots; i++) free(runs[i].history.p);
  free(runs), free(free_slots);
  runs = NULL, free_slots = NULL;
  n_slots = free_slots_n = timers = 0;
  ready[0].head = ready[0].tail = ready[1].head = ready[1].tail = acts.head =
      acts.tail = 0;
}

static void start(const char *name, long open, long total_) {
  static char kept[64];
  int64_t first = n.first_poll;
  forget();
  snprintf(kept, sizeof kept, "%s", name);
  type = lit(kept);
  n_slots = free_slots_n = open;
  total = total_;
  runs = must(calloc((size_t)open, sizeof *runs));
  free_slots = must(calloc((size_t)open, sizeof *free_slots));
  for (long i = 0; i < open; i++) free_slots[i] = (uint32_t)(open - 1 - i);
  memset(&n, 0, sizeof n);
  n.first_poll = first;
  n.from = now_ns();
  cpu0 = cpu_us();
  latencies = 0;
  begin_runs();
}

static int by_value(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return x < y ? -1 : x > y;
}

static bool control(void) {
  char line[128], name[64];
  long open, all;
  ssize_t k = read(STDIN_FILENO, line, sizeof line - 1);
  if (k <= 0) return k < 0 && errno == EINTR;
  line[k] = 0;
  if (sscanf(line, "run %63s %ld %ld", name, &open, &all) == 3 && open > 0)
    start(name, open, all);
  else if (strncmp(line, "stop", 4) == 0)
    forget();
  else if (strncmp(line, "fresh", 5) == 0)
    n.first_poll = 0;
  if (strncmp(line, "stats", 5) == 0)
    qsort(latency, latencies, sizeof *latency, by_value);
  printf("begun=%ld ended=%ld wtasks=%ld wdone=%ld atasks=%ld histories=%ld "
         "failures=%ld unknown=%ld calls=%ld gzipped=%ld bytes_in=%ld bytes_out=%ld "
         "cpu_us=%.0f wall_ns=%lld first_poll=%lld p50_us=%u p99_us=%u "
         "held_normal=%ld held_sticky=%ld held_activity=%ld\n",
         n.begun, n.ended, n.wtasks, n.wdone, n.atasks, n.histories, n.failures,
         n.unknown,
         n.calls, n.gzipped, n.bytes_in, n.bytes_out, cpu_us() - cpu0,
         (long long)((n.last_end ? n.last_end : now_ns()) - n.from),
         (long long)n.first_poll, latencies ? latency[latencies / 2] : 0,
         latencies ? latency[latencies * 99 / 100] : 0, held[NORMAL].n,
         held[STICKY].n, held[ACTIVITY].n);
  fflush(stdout);
  return true;
}

static void expire(int64_t now) {
  for (int q = 0; q < QUEUES; q++)
    while (held[q].first && held[q].first->due <= now) {
      stream *s = held[q].first;
      unhold(s);
      answer_empty(s);
    }
}

int main(int argc, char **argv) {
  static char on_listener, on_control;
  struct sockaddr_in a = {.sin_family = AF_INET,
                          .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof a;
  struct epoll_event e, got[64];
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (argc != 3) return fprintf(stderr, "usage: stub NAMESPACE QUEUE\n"), 2;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  namespace = lit(argv[1]), queue = lit(argv[2]), type = lit("none");
  latency_cap = 4000000;
  latency = must(malloc(latency_cap * sizeof *latency));
  events = epoll_create1(0);
  if (listener < 0 || bind(listener, (struct sockaddr *)&a, len) ||
      listen(listener, 1024) ||
      getsockname(listener, (struct sockaddr *)&a, &len))
    return perror("stub: listen"), 1;
  printf("port %d\n", ntohs(a.sin_port));
  fflush(stdout);
  e.events = EPOLLIN;
  e.data.ptr = &on_listener;
  epoll_ctl(events, EPOLL_CTL_ADD, listener, &e);
  e.data.ptr = &on_control;
  epoll_ctl(events, EPOLL_CTL_ADD, STDIN_FILENO, &e);
  for (;;) {
    int k = epoll_wait(events, got, 64, timers > 0 ? 1 : 1000);
    for (int i = 0; i < k; i++) {
      connection *c = got[i].data.ptr;
      if (got[i].data.ptr == &on_listener) {
        accept_one(listener);
      } else if (got[i].data.ptr == &on_control) {
        if (!control()) return 0;
      } else if (got[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
        if (!take(c)) drop(c);
      } else {
        c->touched = true;
      }
    }
    int64_t now = now_ns();
    if (timers > 0) fire(now);
    expire(now);
    match();
    for (connection *c = connections, *next; c; c = next) {
      next = c->next;
      if (c->touched && !flush(c)) drop(c);
    }
  }
}

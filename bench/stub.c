/* The server that bench/run measures against: a Temporal frontend as far as a
** start and the wait for its end go, cleartext HTTP/2 on loopback, one thread.
**   StartWorkflowExecution       {run_id}, 43 bytes with the gRPC prefix
**   GetWorkflowExecutionHistory  a long poll, held: see hold() and `close-all`
**   QueryWorkflow                no worker: RST_STREAM CANCEL at the deadline
**   anything else                an empty message, DELAY ms later
** Prints "port N"; commands on standard input, one answer each: stats,
** close-all, open-all. Ends with its input.
** usage: stub [most open polls] [DELAY]
*/
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
  LONG_POLL_MS = 20000, /* the server's longest; it leaves 1 s of a deadline */
  SLACK_MS = 1000,
  OUTPUT = 256 * 1024,
  MESSAGE = 43
};

typedef enum kind { OTHER, START, POLL, QUERY } kind;

typedef struct connection connection;
typedef struct stream {
  connection *connection;
  int32_t id;
  kind kind;
  int64_t timeout_ms; /* grpc-timeout; -1: none */
  int64_t due;        /* of a held stream */
  bool held;
  struct stream *previous, *next; /* held streams by due; next: free list */
  const uint8_t *message;
  size_t length, sent;
  uint8_t own[MESSAGE];
} stream;

struct connection {
  int fd;
  bool wants_output, touched;
  nghttp2_session *session;
  connection *next;
  size_t from, to; /* what of output is not written yet */
  uint8_t output[OUTPUT];
};

static int events;
static connection *connections;
static stream *first_held, *last_held, *free_streams;
static bool closed; /* every workflow is */
static long most_polls = 1200, delay;
static long n_connections, n_start, n_other, n_polls, n_held, held_max,
    n_refused, n_empty, bytes_in, bytes_out;

static const uint8_t empty_message[5];
static const uint8_t no_event[] = "\0\0\0\0\x09\x0a\x00\x1a\x05token";
/* HistoryEvent 5, COMPLETED, {"encoding": "json/plain"} "done" */
static const uint8_t close_event[] =
  "\0\0\0\0\x34\x0a\x32\x0a\x30\x08\x05\x18\x02\x3a\x2a\x0a\x28\x0a\x26"
  "\x0a\x16\x0a\x08" "encoding" "\x12\x0a" "json/plain"
  "\x12\x0c" "\"it is done\"";

static int64_t now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- streams ---- */

static void unlink_held(stream *s) {
  if (!s->held) return;
  s->held = false;
  n_held--;
  if (s->previous) s->previous->next = s->next;
  else first_held = s->next;
  if (s->next) s->next->previous = s->previous;
  else last_held = s->previous;
}

/* Deadlines mostly come in order, so the place is found from the end. */
static void hold(stream *s, int64_t ms) {
  stream *before = last_held;
  s->due = now_ms() + ms;
  while (before && before->due > s->due) before = before->previous;
  s->previous = before;
  s->next = before ? before->next : first_held;
  if (s->next) s->next->previous = s;
  else last_held = s;
  if (before) before->next = s;
  else first_held = s;
  s->held = true;
  if (++n_held > held_max) held_max = n_held;
}

static stream *new_stream(connection *c, int32_t id) {
  stream *s = free_streams;
  if (s) {
    free_streams = s->next;
  } else if ((s = malloc(sizeof *s)) == NULL) {
    abort();
  }
  memset(s, 0, offsetof(stream, own));
  s->connection = c;
  s->id = id;
  s->timeout_ms = -1;
  return s;
}

/* ---- answers ---- */

#define FIELD(name, value)                                            \
  {                                                                   \
    (uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value,          \
      sizeof name - 1, sizeof value - 1,                              \
      NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE    \
  }

static ssize_t read_message(nghttp2_session *session, int32_t id,
                            uint8_t *data, size_t n, uint32_t *flags,
                            nghttp2_data_source *source, void *user) {
  static const nghttp2_nv trailers[] = {FIELD("grpc-status", "0"),
                                        FIELD("grpc-message", "")};
  stream *s = source->ptr;
  size_t left = s->length - s->sent;
  (void)user;
  if (n > left) n = left;
  memcpy(data, s->message + s->sent, n);
  s->sent += n;
  if (s->sent == s->length) {
    *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
    nghttp2_submit_trailer(session, id, trailers, 2);
  }
  return (ssize_t)n;
}

static void answer(stream *s, const uint8_t *message, size_t length) {
  static const nghttp2_nv headers[] = {
    FIELD(":status", "200"), FIELD("content-type", "application/grpc")};
  nghttp2_data_provider provider;
  s->message = message;
  s->length = length;
  provider.source.ptr = s;
  provider.read_callback = read_message;
  s->connection->touched = true;
  nghttp2_submit_response(s->connection->session, s->id, headers, 2,
                          &provider);
}

static void answer_started(stream *s) {
  static const uint8_t head[] = "\0\0\0\0\x26\x0a\x24";
  char run_id[37];
  snprintf(run_id, sizeof run_id, "%08lx-0000-4000-8000-000000000000",
           (unsigned long)++n_start & 0xffffffffUL);
  memcpy(s->own, head, 7);
  memcpy(s->own + 7, run_id, 36);
  answer(s, s->own, MESSAGE);
}

/* As the server refuses one poll too many: see details for the cause,
** google.rpc.Status{ResourceExhaustedFailure{CONCURRENT_LIMIT, NAMESPACE}}.
*/
static void refuse(stream *s) {
  static const nghttp2_nv headers[] = {
    FIELD(":status", "200"), FIELD("content-type", "application/grpc"),
    FIELD("grpc-status", "8"),
    FIELD("grpc-message", "namespace concurrent poller limit exceeded"),
    FIELD("grpc-status-details-bin",
          "CAgSKm5hbWVzcGFjZSBjb25jdXJyZW50IHBvbGxlciBsaW1pdCBleGNlZWRlZBpRCk"
          "l0eXBlLmdvb2dsZWFwaXMuY29tL3RlbXBvcmFsLmFwaS5lcnJvcmRldGFpbHMudjEu"
          "UmVzb3VyY2VFeGhhdXN0ZWRGYWlsdXJlEgQIAhAB")};
  n_refused++;
  nghttp2_submit_headers(s->connection->session, NGHTTP2_FLAG_END_STREAM,
                         s->id, NULL, headers, 5, NULL);
}

/* A poll ends empty at min(20 s, d - 1 s), at once for d of 1 s or less. */
static void begin_poll(stream *s) {
  int64_t ms = LONG_POLL_MS;
  n_polls++;
  if (s->timeout_ms >= 0 && s->timeout_ms - SLACK_MS < ms)
    ms = s->timeout_ms - SLACK_MS;
  if (closed) {
    answer(s, close_event, sizeof close_event - 1);
  } else if (ms <= 0) {
    n_empty++;
    answer(s, no_event, sizeof no_event - 1);
  } else if (n_held >= most_polls) {
    refuse(s);
  } else {
    hold(s, ms);
  }
}

static void begin(stream *s) {
  switch (s->kind) {
    case START: answer_started(s); break;
    case POLL: begin_poll(s); break;
    case QUERY: hold(s, s->timeout_ms < 0 ? 30000 : s->timeout_ms); break;
    case OTHER:
      n_other++;
      if (delay > 0) hold(s, delay);
      else answer(s, empty_message, sizeof empty_message);
      break;
  }
}

static void expire(int64_t now) {
  while (first_held && first_held->due <= now) {
    stream *s = first_held;
    unlink_held(s);
    if (s->kind == POLL) {
      n_empty++;
      answer(s, no_event, sizeof no_event - 1);
    } else if (s->kind == OTHER) {
      answer(s, empty_message, sizeof empty_message);
    } else {
      s->connection->touched = true;
      nghttp2_submit_rst_stream(s->connection->session, 0, s->id,
                                NGHTTP2_CANCEL);
    }
  }
}

static void close_all(void) {
  stream *s, *next;
  closed = true;
  for (s = first_held; s; s = next) {
    next = s->next;
    if (s->kind != POLL) continue;
    unlink_held(s);
    answer(s, close_event, sizeof close_event - 1);
  }
}

/* ---- nghttp2 ---- */

static bool ends_with(const uint8_t *s, size_t n, const char *end) {
  size_t k = strlen(end);
  return n >= k && memcmp(s + n - k, end, k) == 0;
}

static int64_t timeout_of(const char *s) {
  char *unit;
  long n = strtol(s, &unit, 10);
  switch (*unit) {
    case 'H': return (int64_t)n * 3600000;
    case 'M': return (int64_t)n * 60000;
    case 'S': return (int64_t)n * 1000;
    case 'm': return n;
    case 'u': return n / 1000;
    default: return n / 1000000;
  }
}

static int on_begin_headers(nghttp2_session *session,
                            const nghttp2_frame *frame, void *user) {
  if (frame->headers.cat == NGHTTP2_HCAT_REQUEST)
    nghttp2_session_set_stream_user_data(
      session, frame->hd.stream_id, new_stream(user, frame->hd.stream_id));
  return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame,
                     const uint8_t *name, size_t name_length,
                     const uint8_t *value, size_t n, uint8_t flags,
                     void *user) {
  stream *s;
  (void)flags, (void)user;
  if (name_length == 5 && memcmp(name, ":path", 5) == 0) {
    s = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    if (s == NULL) return 0;
    s->kind = ends_with(value, n, "/StartWorkflowExecution")        ? START
              : ends_with(value, n, "/GetWorkflowExecutionHistory") ? POLL
              : ends_with(value, n, "/QueryWorkflow")               ? QUERY
                                                                    : OTHER;
  } else if (name_length == 12 && memcmp(name, "grpc-timeout", 12) == 0) {
    s = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    if (s) s->timeout_ms = timeout_of((const char *)value);
  }
  return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame,
                    void *user) {
  stream *s;
  (void)user;
  if ((frame->hd.type != NGHTTP2_DATA && frame->hd.type != NGHTTP2_HEADERS) ||
      !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
    return 0;
  s = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
  if (s) begin(s);
  return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t code,
                           void *user) {
  stream *s = nghttp2_session_get_stream_user_data(session, id);
  (void)code, (void)user;
  if (s == NULL) return 0;
  unlink_held(s);
  s->next = free_streams;
  free_streams = s;
  return 0;
}

static nghttp2_session *new_session(connection *c) {
  static nghttp2_session_callbacks *callbacks;
  static nghttp2_option *option;
  nghttp2_settings_entry frame_size = {NGHTTP2_SETTINGS_MAX_FRAME_SIZE, 16384};
  nghttp2_session *session;
  if (callbacks == NULL) {
    if (nghttp2_session_callbacks_new(&callbacks) ||
        nghttp2_option_new(&option))
      abort();
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks,
                                                            on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks,
                                                           on_stream_close);
    nghttp2_option_set_no_closed_streams(option, 1);
    /* A client may give up any number of polls at once. */
    nghttp2_option_set_stream_reset_rate_limit(option, 1000000, 1000000);
  }
  if (nghttp2_session_server_new2(&session, callbacks, c, option)) abort();
  nghttp2_submit_settings(session, 0, &frame_size, 1);
  return session;
}

/* ---- connections ---- */

static void accept_one(int listener) {
  struct epoll_event event;
  connection *c;
  int one = 1, fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
  if (fd < 0) return;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if ((c = malloc(sizeof *c)) == NULL) abort();
  memset(c, 0, offsetof(connection, output));
  c->fd = fd;
  c->session = new_session(c);
  c->touched = true;
  c->next = connections;
  connections = c;
  n_connections++;
  event.events = EPOLLIN;
  event.data.ptr = c;
  epoll_ctl(events, EPOLL_CTL_ADD, fd, &event);
}

static void drop(connection *c) {
  connection **link = &connections;
  stream *s, *next;
  while (*link != c) link = &(*link)->next;
  *link = c->next;
  /* nghttp2 does not report the streams of a session that is deleted. */
  for (s = first_held; s; s = next) {
    next = s->next;
    if (s->connection == c) unlink_held(s);
  }
  close(c->fd);
  nghttp2_session_del(c->session);
  free(c);
}

static bool fill_output(connection *c) {
  const uint8_t *data;
  ssize_t n;
  c->from = c->to = 0;
  while (c->to < OUTPUT - 32768 &&
         (n = nghttp2_session_mem_send(c->session, &data)) > 0) {
    memcpy(c->output + c->to, data, (size_t)n);
    c->to += (size_t)n;
  }
  return c->to > 0;
}

static bool write_output(connection *c) {
  c->touched = false;
  while (c->from < c->to || fill_output(c)) {
    ssize_t n = send(c->fd, c->output + c->from, c->to - c->from,
                     MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN && errno != EINTR) return false;
    if (n < 0) break;
    c->from += (size_t)n;
    bytes_out += n;
  }
  if (c->wants_output != (c->from < c->to)) {
    struct epoll_event event;
    c->wants_output = c->from < c->to;
    event.events = EPOLLIN | (c->wants_output ? EPOLLOUT : 0);
    event.data.ptr = c;
    epoll_ctl(events, EPOLL_CTL_MOD, c->fd, &event);
  }
  return nghttp2_session_want_read(c->session) ||
         nghttp2_session_want_write(c->session);
}

static bool read_input(connection *c) {
  static uint8_t data[256 * 1024];
  ssize_t n = read(c->fd, data, sizeof data);
  if (n < 0) return errno == EAGAIN || errno == EINTR;
  if (n == 0) return false;
  bytes_in += n;
  c->touched = true;
  return nghttp2_session_mem_recv(c->session, data, (size_t)n) >= 0;
}

/* ---- control and the loop ---- */

static void print_stats(void) {
  struct rusage u;
  getrusage(RUSAGE_SELF, &u);
  printf("connections=%ld start=%ld other=%ld polls=%ld held=%ld held_max=%ld "
         "refused=%ld empty=%ld bytes_in=%ld bytes_out=%ld cpu_us=%ld\n",
         n_connections, n_start, n_other, n_polls, n_held, held_max, n_refused,
         n_empty, bytes_in, bytes_out,
         (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000L +
           u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

/* Whole lines only: the runner writes one and waits for its answer. */
static bool control(void) {
  char line[64];
  ssize_t n = read(STDIN_FILENO, line, sizeof line - 1);
  if (n <= 0) return n < 0 && errno == EINTR;
  line[n] = 0;
  if (strcmp(line, "close-all\n") == 0) close_all();
  if (strcmp(line, "open-all\n") == 0) closed = false;
  print_stats();
  fflush(stdout);
  return true;
}

static int listen_somewhere(void) {
  struct sockaddr_in address;
  socklen_t length = sizeof address;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  memset(&address, 0, sizeof address);
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, length) ||
      listen(fd, 1024) ||
      getsockname(fd, (struct sockaddr *)&address, &length)) {
    perror("stub: listen");
    exit(1);
  }
  printf("port %d\n", ntohs(address.sin_port));
  fflush(stdout);
  return fd;
}

static int patience(void) {
  int64_t left;
  if (first_held == NULL) return -1;
  left = first_held->due - now_ms();
  return left < 0 ? 0 : (int)left;
}

static void flush_touched(void) {
  connection *c, *next;
  for (c = connections; c; c = next) {
    next = c->next;
    if (c->touched && !write_output(c)) drop(c);
  }
}

int main(int argc, char **argv) {
  static char on_listener, on_control; /* addresses that tell events apart */
  struct epoll_event event, ready[64];
  int listener, i, n;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (argc > 1) most_polls = atol(argv[1]);
  if (argc > 2) delay = atol(argv[2]);
  events = epoll_create1(0);
  listener = listen_somewhere();
  event.events = EPOLLIN;
  event.data.ptr = &on_listener;
  epoll_ctl(events, EPOLL_CTL_ADD, listener, &event);
  event.data.ptr = &on_control;
  epoll_ctl(events, EPOLL_CTL_ADD, STDIN_FILENO, &event);
  for (;;) {
    n = epoll_wait(events, ready, 64, patience());
    for (i = 0; i < n; i++) {
      connection *c = ready[i].data.ptr;
      if (ready[i].data.ptr == &on_listener) {
        accept_one(listener);
      } else if (ready[i].data.ptr == &on_control) {
        if (!control()) return 0;
      } else if (ready[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
        if (!read_input(c)) drop(c);
      } else {
        c->touched = true;
      }
    }
    expire(now_ms());
    flush_touched();
  }
}

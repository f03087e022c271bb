/* libFuzzer target: a codec server that answers anything, and libcurl, on the
** way a POST takes (http_post, transfer, the engine); fuzz/README.md says what
** it checks. The peer is a socket of this process; the thread that waits drives
** the engine, as in a script. Two bytes say how the peer answers, the rest
** what.
*/
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../csrc/core/client/http_post.h"
#include "../csrc/core/engine/drive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define MAX_BODY 5000
#define PATIENCE (TP_SECOND / 50) /* with a peer that says no more */
#define TIMEOUT (30 * TP_SECOND)
#define SLACK (60 * TP_SECOND)
#define MOMENT 200 /* us */

/* The first byte. Without any of the ends the peer closes. */
enum { KEEPS_OPEN = 1, RESETS = 2, ANSWERS_EARLY = 4, SPLITS = 8, HONEST = 16,
       CHUNKED = 32, CONTINUES = 64, PADDED = 128 };

static tp_engine *engine;
static tp_client *client;
static int listener = -1, port;

static struct {
  int fd;        /* -1: nobody is connected */
  int accepted;
  bool asked;    /* the request is there */
  uint8_t said[1 << 17];
  size_t length, at, piece;
  unsigned how;
} peer;

static void fatal(const char *what) {
  fprintf(stderr, "fuzz_http: %s\n", what);
  abort();
}

static void begin_all(void) {
  struct sockaddr_in a;
  socklen_t n = sizeof a;
  tp_channel_options o;
  memset(&a, 0, sizeof a);
  a.sin_family = AF_INET; /* every 127.x.y.z: no port is ever used up */
  listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (listener < 0 || bind(listener, (struct sockaddr *)&a, n) != 0 ||
      listen(listener, 100) != 0 ||
      getsockname(listener, (struct sockaddr *)&a, &n) != 0)
    fatal("no listener");
  port = ntohs(a.sin_port);
  memset(&o, 0, sizeof o);
  o.dial.host = "127.0.0.1";
  o.dial.port = 1;
  o.dial.connect_timeout = TIMEOUT;
  o.authority = "127.0.0.1:1";
  o.rpc_timeout = o.shutdown_timeout = TP_SECOND;
  o.max_message = MAX_BODY;
  o.max_pending = 10;
  engine = tp_engine_new();
  client = tp_client_new(engine, &o);
}

/* --- what the peer says ---------- */

static void say(const void *bytes, size_t n) {
  if (peer.length + n > sizeof peer.said) return;
  if (n > 0) memcpy(peer.said + peer.length, bytes, n);
  peer.length += n;
}

static void say_text(const char *text) {
  say(text, strlen(text));
}

static void say_chunks(const uint8_t *body, size_t n, size_t piece) {
  char line[32];
  size_t part;
  for (; n > 0; n -= part, body += part) {
    part = n < piece ? n : piece;
    snprintf(line, sizeof line, "%zx;x=y\r\n", part);
    say_text(line);
    say(body, part);
    say_text("\r\n");
  }
  say_text("0\r\nX-Trailer: 1\r\n\r\n");
}

static void say_honestly(const uint8_t *body, size_t n) {
  char line[64];
  int i;
  if (peer.how & CONTINUES) say_text("HTTP/1.1 100 Continue\r\n\r\n");
  say_text("HTTP/1.1 213 Fine\r\nContent-Type: application/json\r\n");
  for (i = 0; peer.how & PADDED && i < 50; i++)
    say_text("X-Padding: .........................................\r\n");
  if (peer.how & CHUNKED) {
    say_text("Transfer-Encoding: chunked\r\n\r\n");
    say_chunks(body, n, peer.piece);
  } else {
    snprintf(line, sizeof line, "Content-Length: %zu\r\n\r\n", n);
    say_text(line);
    say(body, n);
  }
}

/* --- what it does ---------- */

static void hang_up(bool reset) {
  struct linger now = {1, 0};
  if (peer.fd < 0) return;
  if (reset)
    setsockopt(peer.fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close(peer.fd);
  peer.fd = -1;
}

/* Connections of the input before, which gave up early. */
static void forget_older(void) {
  int fd;
  while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) close(fd);
}

static void meet(void) {
  int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return;
  if (++peer.accepted > 1) fatal("one POST made two connections");
  peer.fd = fd;
}

/* The request ends with its body, which is one byte that is in nothing else. */
static void listen_to_it(void) {
  char request[4096];
  ssize_t n = recv(peer.fd, request, sizeof request, 0);
  if (n > 0 && memchr(request, '~', (size_t)n)) peer.asked = true;
  if (n == 0 || (n < 0 && errno != EAGAIN)) hang_up(false);
}

static void answer(void) {
  size_t n = peer.length - peer.at;
  ssize_t sent;
  if (peer.how & SPLITS && n > peer.piece) n = peer.piece;
  sent = send(peer.fd, peer.said + peer.at, n, MSG_NOSIGNAL);
  if (sent > 0) peer.at += (size_t)sent;
  if (sent < 0 && errno != EAGAIN) hang_up(false);
  else if (peer.at == peer.length && !(peer.how & KEEPS_OPEN))
    hang_up(peer.how & RESETS);
}

static void act(void) {
  meet();
  if (peer.fd >= 0) listen_to_it();
  if (peer.fd >= 0 && (peer.asked || peer.how & ANSWERS_EARLY) &&
      (peer.at < peer.length || !(peer.how & KEEPS_OPEN)))
    answer();
}

/* --- what comes of it ---------- */

static tp_http_post *submit(void) {
  static unsigned count;
  static const char header[] = "Content-Type: application/json";
  tp_http_post *post = tp_http_post_new(client);
  char url[64];
  if (post == NULL) fatal("no memory");
  count++;
  snprintf(url, sizeof url, "http://127.%u.%u.%u:%d/codec", 1 + count / 62500,
           1 + count / 250 % 250, 1 + count % 250, port);
  post->url = strdup(url);
  post->timeout = peer.how & KEEPS_OPEN ? PATIENCE : TIMEOUT;
  tp_http_post_header(post, header, sizeof header - 1);
  tp_buffer_put(&post->request, "~", 1);
  tp_http_post_submit(post);
  return post;
}

static void check(tp_http_post *post, const uint8_t *body, size_t n) {
  unsigned flags = tp_future_flags(&post->future);
  if (post->body.length > MAX_BODY) fatal("the body is larger than allowed");
  if (flags & TP_FAILED) {
    if (!post->failure.kind || !post->failure.message)
      fatal("a failure that says nothing");
    if (strchr(post->failure.message, '\n')) fatal("more than one line");
  } else if (post->status < 0 || post->status > 999) {
    fatal("no such status");
  }
  /* What is too late or cut off by a reset may be lost; nothing else. */
  if (!(peer.how & HONEST) || peer.how & (KEEPS_OPEN | RESETS | ANSWERS_EARLY))
    return;
  if (n > MAX_BODY) {
    if (!(flags & TP_FAILED) ||
        strcmp(post->failure.kind, "message_too_large") != 0)
      fatal("too large, and nothing was said");
  } else if (flags & TP_FAILED || post->status != 213 ||
             post->body.length != n ||
             (n > 0 && memcmp(post->body.data, body, n) != 0)) {
    fatal("an honest answer is another");
  }
}

static void drain(void) {
  tp_wakeup *w;
  while ((w = tp_engine_drain(engine)) != NULL) w->release(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
  tp_http_post *post;
  int64_t began;
  if (n < 2) return 0;
  if (listener < 0) begin_all();
  forget_older();
  peer.fd = -1;
  peer.accepted = 0;
  peer.asked = false;
  peer.length = peer.at = 0;
  peer.how = data[0];
  peer.piece = 1 + data[1];
  if (peer.how & HONEST) say_honestly(data + 2, n - 2);
  else say(data + 2, n - 2);
  peer.piece += peer.length / 20; /* no answer takes for ever */
  post = submit();
  began = tp_now();
  while (!(tp_future_flags(&post->future) & TP_RESULT)) {
    act();
    drain();
    tp_engine_park(engine, tp_now() + MOMENT);
    if (tp_now() - began > post->timeout + SLACK)
      fatal("a POST goes on after its deadline");
  }
  check(post, data + 2, n - 2);
  hang_up(true);
  tp_future_collect(&post->future);
  drain();
  return 0;
}

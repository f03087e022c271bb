/* A gRPC peer for what a healthy server does not do. It listens on a loopback
** port, prints "port N", and then does what its command line and the lines on
** its standard input say (the language: fault_peer.lua). One thread. It ends
** with `quit`, at the end of its input, or when its parent is gone.
**   fault_peer [--host ADDRESS] [--port N] [COMMAND ...]
*/
#include "fault_peer/peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* One program, one translation unit: its parts have no use elsewhere. */
#include "fault_peer/control.c"
#include "fault_peer/http2.c"
#include "fault_peer/replies.c"
#include "fault_peer/script.c"
#include "fault_peer/steps.c"
#include "fault_peer/text.c"

enum { LINGER_MS = 1000 }; /* of a connection whose sending side is closed */

fp_conn *fp_conns;
static int listener = -1;
static bool accepting = true;
static struct sockaddr_storage here;
static socklen_t here_length;

int64_t fp_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- listening ---- */

/* A socket that has our port, which `here` names from then on. */
static int bound(void) {
  int one = 1;
  int fd = socket(here.ss_family,
                  SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (fd >= 0 && bind(fd, (struct sockaddr *)&here, here_length) == 0 &&
      getsockname(fd, (struct sockaddr *)&here, &here_length) == 0)
    return fd;
  if (fd >= 0) close(fd);
  return -1;
}

static bool open_listener(int backlog) {
  listener = bound();
  return listener >= 0 && listen(listener, backlog) == 0;
}

/* Takes the queue of connections for itself: a later SYN gets no answer. */
static void fill_queue(bool fill) {
  static int fillers[3] = {-1, -1, -1};
  size_t i;
  for (i = 0; i < sizeof fillers / sizeof fillers[0]; i++) {
    int *fd = &fillers[i];
    if (*fd >= 0) close(*fd);
    *fd = -1;
    if (!fill) continue;
    *fd = socket(here.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (*fd >= 0) (void)connect(*fd, (struct sockaddr *)&here, here_length);
  }
}

/* on | off (refused) | full (no answer to a SYN), on the same port. */
const char *fp_listen(const char *how) {
  bool on = strcmp(how, "on") == 0, full = strcmp(how, "full") == 0;
  if (!on && !full && strcmp(how, "off") != 0) return "listen on|off|full";
  if (listener >= 0) close(listener);
  listener = -1;
  accepting = on;
  if ((on || full) && !open_listener(full ? 0 : 4096)) return strerror(errno);
  fill_queue(full);
  return NULL;
}

static bool set_address(const char *host, int port) {
  struct sockaddr_in *v4 = (struct sockaddr_in *)&here;
  struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&here;
  if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons((uint16_t)port);
    here_length = sizeof *v4;
    return true;
  }
  v6->sin6_family = AF_INET6;
  v6->sin6_port = htons((uint16_t)port);
  here_length = sizeof *v6;
  return inet_pton(AF_INET6, host, &v6->sin6_addr) == 1;
}

/* ---- connections ---- */

static void accept_one(void) {
  int one = 1;
  fp_conn *c;
  fp_rule *rule;
  int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  fp_count.connections++;
  fp_count.open++;
  rule = fp_conn_rule();
  c = fp_alloc(sizeof *c);
  c->fd = fd;
  c->options = rule->options;
  c->last_allowed = FP_EVERY_STREAM;
  c->next = fp_conns;
  fp_conns = c;
  if (!c->options.raw) fp_session_open(c);
  fp_begin(&c->run, &rule->script, c, NULL);
}

static void end_connection(fp_conn *c) {
  if (c->gone) return;
  if (c->fate == FP_ABORT) {
    struct linger hard = {1, 0};
    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  }
  close(c->fd);
  c->gone = true;
  fp_count.open--;
}

/* How much may go out now. */
static size_t allowance(fp_conn *c) {
  const fp_options *o = &c->options;
  size_t n = c->out.length;
  if (o->cut_sent != FP_FOREVER && (long)n > o->cut_sent - c->sent)
    n = (size_t)(o->cut_sent - c->sent);
  if (o->slow_bytes > 0) {
    if (fp_now() < c->slow_next) return 0;
    if (n > (size_t)o->slow_bytes) n = (size_t)o->slow_bytes;
  }
  return n;
}

static void cut(fp_conn *c) {
  c->fate = c->options.cut_abort ? FP_ABORT : FP_CLOSE;
  c->out.length = 0;
}

static void write_out(fp_conn *c) {
  const fp_options *o = &c->options;
  size_t n;
  while (!c->shut && (n = allowance(c)) > 0) {
    ssize_t k = send(c->fd, c->out.data, n, MSG_NOSIGNAL);
    if (k < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (k < 0) {
      end_connection(c);
      return;
    }
    fp_drop(&c->out, (size_t)k);
    c->sent += k;
    fp_count.bytes_out += k;
    if (o->slow_bytes > 0) c->slow_next = fp_now() + o->slow_ms;
  }
  if (o->cut_sent != FP_FOREVER && c->sent >= o->cut_sent &&
      c->fate == FP_STAY)
    cut(c);
  if (c->out.length > 0) return;
  if (c->fate == FP_ABORT) end_connection(c);
  if (c->fate == FP_CLOSE && !c->shut) {
    /* Not close(): unread input would turn the end into a reset. */
    shutdown(c->fd, SHUT_WR);
    c->shut = true;
    c->shut_until = fp_now() + LINGER_MS;
  }
}

static void read_in(fp_conn *c) {
  static uint8_t data[262144];
  ssize_t n = read(c->fd, data, sizeof data);
  long room;
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) {
    fp_count.eof++;
    end_connection(c);
    return;
  }
  if (c->fate != FP_STAY) return;
  room = c->options.cut_received - c->received;
  if (c->options.cut_received != FP_FOREVER && n >= room) n = (ssize_t)room;
  c->received += n;
  fp_count.bytes_in += n;
  fp_session_input(c, data, (size_t)n);
  if (c->options.cut_received != FP_FOREVER && n >= room) cut(c);
}

static void work(fp_conn *c) {
  if (c->gone) return;
  if (c->shut && fp_now() >= c->shut_until) end_connection(c);
  if (!c->gone) fp_session_pump(c);
  if (!c->gone) write_out(c);
}

static void sweep_connections(void) {
  fp_conn **link = &fp_conns;
  while (*link) {
    fp_conn *c = *link;
    if (!c->gone) {
      link = &c->next;
      continue;
    }
    *link = c->next;
    fp_session_close(c);
    fp_free_bytes(&c->out);
    free(c);
  }
}

/* ---- the loop ---- */

static void sooner(int64_t *when, int64_t candidate) {
  if (candidate > 0 && (*when == 0 || candidate < *when)) *when = candidate;
}

/* The next moment at which something happens by itself; 0: none. */
static int64_t next_time(void) {
  int64_t when = fp_control_deadline();
  const fp_conn *c;
  const fp_stream *s;
  for (c = fp_conns; c; c = c->next) {
    sooner(&when, c->shut_until);
    sooner(&when, c->run.until);
    sooner(&when, c->extra.until);
    if (c->out.length && c->options.slow_bytes) sooner(&when, c->slow_next);
    for (s = c->streams; s; s = s->next)
      if (!s->closed) sooner(&when, s->run.until);
  }
  return when;
}

static int patience(void) {
  int64_t when = next_time(), left;
  if (when == 0) return -1;
  left = when - fp_now();
  return left < 0 ? 0 : left > 1000 ? 1000 : (int)left;
}

static short wanted(const fp_conn *c) {
  bool slow = c->options.slow_bytes > 0 && fp_now() < c->slow_next;
  return (short)(POLLIN | (c->out.length && !slow ? POLLOUT : 0));
}

static bool turn(void) {
  static struct pollfd *fds;
  static size_t room;
  size_t n = 2, i = 2;
  fp_conn *c;
  if (room < (size_t)fp_count.open + 2) {
    room = (size_t)fp_count.open * 2 + 64;
    free(fds);
    fds = fp_alloc(room * sizeof *fds);
  }
  fds[0].fd = STDIN_FILENO;
  fds[1].fd = accepting ? listener : -1;
  fds[0].events = fds[1].events = POLLIN;
  for (c = fp_conns; c; c = c->next, n++) {
    fds[n].fd = c->fd;
    fds[n].events = wanted(c);
  }
  if (poll(fds, n, patience()) < 0) return errno == EINTR;
  for (c = fp_conns; c; c = c->next, i++)
    if (fds[i].revents & (POLLIN | POLLHUP | POLLERR)) read_in(c);
  if (fds[1].revents) accept_one();
  if (fds[0].revents && !fp_control_read()) return false;
  for (c = fp_conns; c; c = c->next) work(c);
  if (!fp_control_work()) return false;
  for (c = fp_conns; c; c = c->next) work(c);
  sweep_connections();
  return true;
}

static bool options(int *argc, char ***argv) {
  const char *host = "127.0.0.1";
  long port = 0;
  (*argc)--, (*argv)++;
  while (*argc >= 2 && strncmp((*argv)[0], "--", 2) == 0) {
    if (strcmp((*argv)[0], "--host") == 0)
      host = (*argv)[1];
    else if (strcmp((*argv)[0], "--port") != 0 ||
             !fp_number((*argv)[1], &port))
      return false;
    *argc -= 2, *argv += 2;
  }
  return set_address(host, (int)port);
}

int main(int argc, char **argv) {
  pid_t parent = getppid();
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) return 1;
  signal(SIGPIPE, SIG_IGN);
  if (!options(&argc, &argv)) {
    fputs("fault_peer [--host ADDRESS] [--port N] [COMMAND ...]\n", stderr);
    return 2;
  }
  for (; argc > 0; argc--, argv++) {
    const char *wrong = fp_command(argv[0]);
    if (wrong == NULL) continue;
    fprintf(stderr, "fault_peer: %s: %s\n", argv[0], wrong);
    return 2;
  }
  /* The first never listens: it keeps the port while nobody does. */
  if (bound() < 0 || !open_listener(4096)) {
    perror("fault_peer: listen");
    return 1;
  }
  printf("port %d\n", ntohs(((struct sockaddr_in *)&here)->sin_port));
  fflush(stdout);
  while (turn()) continue;
  return 0;
}

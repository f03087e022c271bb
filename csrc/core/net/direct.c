/* Connecting without libcurl: see direct.h. */
#include "direct.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../base/timer.h"

#define HEAD_START (TP_SECOND / 5) /* of each address before the next */

static bool to_address(const char *host, int port, tp_address *to) {
  memset(to, 0, sizeof *to);
  if (inet_pton(AF_INET, host, &to->v4.sin_addr) == 1) {
    to->v4.sin_family = AF_INET;
    to->v4.sin_port = htons((uint16_t)port);
  } else if (inet_pton(AF_INET6, host, &to->v6.sin6_addr) == 1) {
    to->v6.sin6_family = AF_INET6;
    to->v6.sin6_port = htons((uint16_t)port);
  } else {
    return false;
  }
  return true;
}

static int to_addresses(const char *host, int port, tp_address to[2]) {
  if (strcasecmp(host, "localhost") == 0)
    return to_address("::1", port, to) + to_address("127.0.0.1", port, to + 1);
  return to_address(host, port, to);
}

bool tp_direct_knows(const char *host) {
  tp_address unused[2];
  return to_addresses(host, 0, unused) > 0;
}

static socklen_t length_of(const tp_direct *d, const tp_address *a) {
  if (a->any.sa_family == AF_UNIX) return d->un_length;
  return a->any.sa_family == AF_INET ? sizeof a->v4 : sizeof a->v6;
}

static int open_socket(const tp_direct *d, const tp_address *a) {
  static const int yes = 1;
  socklen_t n = length_of(d, a);
  int fd = socket(a->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
                  0);
  if (fd < 0) return -1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  if (connect(fd, &a->any, n) != 0 && errno != EINPROGRESS) {
    int error = errno;
    close(fd);
    errno = error;
    fd = -1;
  }
  return fd;
}

/* The next address that can be tried at all. */
static void try_next(tp_direct *d, int64_t now) {
  while (d->fd < 0 && d->tried < d->count) {
    d->fd = open_socket(d, &d->addresses[d->tried++]);
    if (d->fd < 0) d->error = errno;
  }
  d->until = d->tried < d->count && now + HEAD_START < d->until_last
    ? now + HEAD_START : d->until_last;
}

/* The avoided come last; where all are, none is any more. */
static void put_in_order(tp_direct *d, tp_avoided *avoided, int64_t now) {
  tp_address first = d->addresses[0];
  if (d->count == 0 || !tp_avoided_has(avoided, &first.any, now)) return;
  if (d->count == 1 || tp_avoided_has(avoided, &d->addresses[1].any, now)) {
    tp_avoided_clear(avoided);
    return;
  }
  d->addresses[0] = d->addresses[1];
  d->addresses[1] = first;
}

void tp_direct_address(const tp_direct *d, char text[INET6_ADDRSTRLEN]) {
  const tp_address *a = &d->addresses[d->tried - 1];
  text[0] = '\0';
  if (a->any.sa_family == AF_UNIX) return;
  const void *bytes = a->any.sa_family == AF_INET
    ? (const void *)&a->v4.sin_addr : (const void *)&a->v6.sin6_addr;
  inet_ntop(a->any.sa_family, bytes, text, INET6_ADDRSTRLEN);
}

void tp_direct_begin(tp_direct *d, const char *host, int port, int64_t timeout,
                     tp_avoided *avoided, int64_t now) {
  memset(d, 0, sizeof *d);
  d->fd = -1;
  d->count = to_addresses(host, port, d->addresses);
  put_in_order(d, avoided, now);
  d->until_last = tp_after(now, timeout);
  try_next(d, now);
}

void tp_direct_begin_unix(tp_direct *d, const char *path, bool abstract,
                          int64_t timeout, int64_t now) {
  tp_address *a = &d->addresses[0];
  size_t n = strlen(path);
  memset(d, 0, sizeof *d);
  d->fd = -1;
  d->error = ENAMETOOLONG;
  d->until_last = tp_after(now, timeout);
  if (n + 1 > sizeof a->un.sun_path) return;
  a->un.sun_family = AF_UNIX;
  memcpy(a->un.sun_path + abstract, path, n); /* a path ends in a zero byte */
  d->un_length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + 1);
  d->count = 1;
  try_next(d, now);
}

/* 0: connected; EINPROGRESS: neither that nor failed. */
static int outcome(const tp_direct *d, int64_t now) {
  struct pollfd p = {d->fd, POLLOUT, 0};
  int error = 0;
  socklen_t n = sizeof error;
  if (poll(&p, 1, 0) <= 0) return now < d->until ? EINPROGRESS : ETIMEDOUT;
  return getsockopt(d->fd, SOL_SOCKET, SO_ERROR, &error, &n) == 0 ? error
                                                                   : errno;
}

bool tp_direct_advance(tp_direct *d, int64_t now) {
  while (d->fd >= 0) {
    int error = outcome(d, now);
    if (error == 0) return true;
    if (error == EINPROGRESS) return false;
    d->error = error;
    close(d->fd);
    d->fd = -1;
    try_next(d, now);
  }
  return true;
}

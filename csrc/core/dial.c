/* Dialling with libcurl: see dial.h. */
#include "dial.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* CURLOPT_QUICK_EXIT, which older headers do not name. */
#define QUICK_EXIT ((CURLoption)(CURLOPTTYPE_LONG + 322))

struct tp_dialer {
  CURLM *multi;
  int dialling; /* transfers that have not finished */
  struct curl_waitfd *extra; /* the caller's descriptors, as libcurl has it */
  unsigned room;
};

struct tp_connection {
  tp_dialer *dialer;
  CURL *easy;
  int fd;
  tp_dial_state state;
  char reason[TP_REASON];
  char curl_text[CURL_ERROR_SIZE];
};

/* libcurl keeps a socket pair in a multi handle and has no option that makes
** it close-on-exec. New descriptors get the lowest free numbers: the pair is
** looked for there, once the handle is made. */
static CURLM *new_multi(void) {
  int lowest = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3), fd, found = 0;
  CURLM *multi;
  if (lowest >= 0) close(lowest);
  multi = curl_multi_init();
  for (fd = lowest; fd >= 0 && fd < lowest + 16 && found < 2; fd++) {
    int domain = 0, flags = fcntl(fd, F_GETFD);
    socklen_t n = sizeof domain;
    if (flags < 0 || flags & FD_CLOEXEC) continue;
    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &n) != 0 ||
        domain != AF_UNIX)
      continue;
    fcntl(fd, F_SETFD, flags | FD_CLOEXEC);
    found++;
  }
  return multi;
}

tp_dialer *tp_dialer_new(void) {
  tp_dialer *dialer = calloc(1, sizeof *dialer);
  if (dialer == NULL) return NULL;
  dialer->multi = new_multi();
  if (dialer->multi == NULL) {
    free(dialer);
    return NULL;
  }
  return dialer;
}

void tp_dialer_free(tp_dialer *dialer) {
  if (dialer == NULL) return;
  curl_multi_cleanup(dialer->multi);
  free(dialer->extra);
  free(dialer);
}

/* Sockets must not leak into the host's child processes. */
static curl_socket_t open_socket(void *unused, curlsocktype purpose,
                                 struct curl_sockaddr *address) {
  (void)unused;
  (void)purpose;
  return socket(address->family, address->socktype | SOCK_CLOEXEC,
                address->protocol);
}

/* Every option is checked: a libcurl built without one must not dial
** differently from what was asked. */
static CURLcode configure(tp_connection *c, const tp_dial_options *o) {
  char url[512];
  bool v6 = strchr(o->host, ':') != NULL;
  int64_t wanted = o->connect_timeout / 1000;
  long ms = wanted < 1 ? 1 : wanted > INT32_MAX ? INT32_MAX : (long)wanted;
  CURLcode code;
  snprintf(url, sizeof url, v6 ? "http://[%s]:%d/" : "http://%s:%d/", o->host,
           o->port);
#define SET(option, value) \
  if ((code = curl_easy_setopt(c->easy, option, value)) != CURLE_OK) \
    return code
  SET(CURLOPT_URL, url);
  SET(CURLOPT_CONNECT_ONLY, 1L);
  SET(CURLOPT_PRIVATE, c);
  SET(CURLOPT_ERRORBUFFER, c->curl_text);
  SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
  SET(CURLOPT_NOSIGNAL, 1L);
  SET(CURLOPT_TCP_NODELAY, 1L);
  SET(CURLOPT_PROXY, "");
  SET(CURLOPT_FRESH_CONNECT, 1L);
  SET(CURLOPT_DNS_CACHE_TIMEOUT, 0L); /* each dial resolves again */
  SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
  SET(CURLOPT_CONNECTTIMEOUT_MS, ms);
#undef SET
  /* Giving up must not wait for a resolver that hangs; libcurls before 7.87
  ** do not know the option, and do wait. */
  (void)curl_easy_setopt(c->easy, QUICK_EXIT, 1L);
  return CURLE_OK;
}

tp_connection *tp_dial(tp_dialer *dialer, const tp_dial_options *options,
                       char reason[TP_REASON]) {
  tp_connection *c = calloc(1, sizeof *c);
  CURLcode code;
  snprintf(reason, TP_REASON, "out of memory while dialling");
  if (c == NULL) return NULL;
  c->dialer = dialer;
  c->fd = -1;
  c->easy = curl_easy_init();
  if (c->easy == NULL) {
    free(c);
    return NULL;
  }
  code = configure(c, options);
  if (code != CURLE_OK ||
      curl_multi_add_handle(dialer->multi, c->easy) != CURLM_OK) {
    snprintf(reason, TP_REASON, "libcurl cannot dial: %s",
             curl_easy_strerror(code));
    curl_easy_cleanup(c->easy);
    free(c);
    return NULL;
  }
  dialer->dialling++;
  tp_dialer_advance(dialer);
  return c;
}

void tp_connection_free(tp_connection *c) {
  if (c == NULL) return;
  if (c->state == TP_DIALLING) c->dialer->dialling--;
  /* A forked child may have the socket too, and would keep it open. */
  if (c->fd >= 0) shutdown(c->fd, SHUT_RDWR);
  curl_multi_remove_handle(c->dialer->multi, c->easy);
  curl_easy_cleanup(c->easy);
  free(c);
}

bool tp_dialer_busy(const tp_dialer *dialer) {
  return dialer->dialling > 0;
}

int tp_dialer_poll(tp_dialer *dialer, struct pollfd *fds, unsigned n,
                   int timeout_ms) {
  struct curl_waitfd *extra = dialer->extra;
  unsigned i;
  int ready = 0;
  if (n > dialer->room) {
    extra = realloc(extra, n * sizeof *extra);
    if (extra == NULL) return poll(fds, n, timeout_ms < 10 ? timeout_ms : 10);
    dialer->extra = extra;
    dialer->room = n;
  }
  for (i = 0; i < n; i++) {
    extra[i].fd = fds[i].fd;
    extra[i].events = (short)(
      (fds[i].events & POLLIN ? CURL_WAIT_POLLIN : 0) |
      (fds[i].events & POLLOUT ? CURL_WAIT_POLLOUT : 0));
    extra[i].revents = 0;
  }
  curl_multi_poll(dialer->multi, extra, n, timeout_ms, &ready);
  for (i = 0; i < n; i++)
    fds[i].revents = (short)(
      (extra[i].revents & CURL_WAIT_POLLIN ? POLLIN : 0) |
      (extra[i].revents & CURL_WAIT_POLLOUT ? POLLOUT : 0));
  return ready;
}

static void finish(tp_connection *c, CURLcode result) {
  curl_socket_t fd = CURL_SOCKET_BAD;
  long os_errno = 0;
  c->dialer->dialling--;
  if (result == CURLE_OK)
    curl_easy_getinfo(c->easy, CURLINFO_ACTIVESOCKET, &fd);
  if (fd != CURL_SOCKET_BAD) {
    c->fd = (int)fd;
    c->state = TP_CONNECTED;
    return;
  }
  c->state = TP_DIAL_FAILED;
  curl_easy_getinfo(c->easy, CURLINFO_OS_ERRNO, &os_errno);
  snprintf(c->reason, sizeof c->reason, "%.160s%s%.60s%s",
           c->curl_text[0] ? c->curl_text : curl_easy_strerror(result),
           os_errno ? " (" : "", os_errno ? strerror((int)os_errno) : "",
           os_errno ? ")" : "");
}

void tp_dialer_advance(tp_dialer *dialer) {
  int running, left;
  sigset_t all, before;
  CURLMsg *message;
  sigfillset(&all); /* its resolver's thread may start here: no signals there */
  pthread_sigmask(SIG_SETMASK, &all, &before);
  curl_multi_perform(dialer->multi, &running);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  while ((message = curl_multi_info_read(dialer->multi, &left)) != NULL) {
    char *private = NULL;
    if (message->msg != CURLMSG_DONE) continue;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private);
    finish((tp_connection *)(void *)private, message->data.result);
  }
}

tp_dial_state tp_connection_state(const tp_connection *c) {
  return c->state;
}

const char *tp_connection_reason(const tp_connection *c) {
  return c->reason;
}

int tp_connection_fd(const tp_connection *c) {
  return c->fd;
}

/* A plaintext socket needs nothing of libcurl any more; a TLS connection will
** go through curl_easy_send and curl_easy_recv here. */
long tp_connection_send(tp_connection *c, const uint8_t *data, size_t n,
                        char reason[TP_REASON]) {
  ssize_t sent = send(c->fd, data, n, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent >= 0) return (long)sent;
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return 0;
  snprintf(reason, TP_REASON, "sending failed: %s", strerror(errno));
  return -1;
}

long tp_connection_receive(tp_connection *c, uint8_t *data, size_t n,
                           char reason[TP_REASON]) {
  ssize_t got = recv(c->fd, data, n, MSG_DONTWAIT);
  if (got > 0) return (long)got;
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
    return 0;
  if (got == 0) snprintf(reason, TP_REASON, "the peer closed the connection");
  else snprintf(reason, TP_REASON, "receiving failed: %s", strerror(errno));
  return -1;
}

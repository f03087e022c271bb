/* libcurl's multi handle and what all transfers share: see transfer.h. */
#include "transfer.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../base/timer.h"
#include "dial.h"

/* What older headers do not name: CURLOPT_QUICK_EXIT, _PREREQFUNCTION and
** _PREREQDATA, CURLINFO_USED_PROXY. */
#define QUICK_EXIT ((CURLoption)(CURLOPTTYPE_LONG + 322))
#define PREREQFUNCTION ((CURLoption)(CURLOPTTYPE_FUNCTIONPOINT + 312))
#define PREREQDATA ((CURLoption)(CURLOPTTYPE_OBJECTPOINT + 313))
#define USED_PROXY ((CURLINFO)(CURLINFO_LONG + 66))

struct tp_dialer {
  CURLM *multi;
  int running; /* transfers that have not finished */
  bool begins; /* one has been started, but not advanced */
  struct curl_waitfd *extra; /* the caller's descriptors, as libcurl has it */
  unsigned room;
};

/* libcurl keeps a socket pair in a multi handle, and one while it resolves a
** name; no option makes them close-on-exec. New descriptors get the lowest free
** numbers: what is a unix socket at one of them afterwards is new. */
typedef struct free_numbers {
  int numbers[8]; /* -1: no more can be had */
} free_numbers;

#define FREE_NUMBERS (sizeof((free_numbers *)0)->numbers / sizeof(int))

static void note_free(free_numbers *f) {
  size_t i;
  for (i = 0; i < FREE_NUMBERS; i++) f->numbers[i] = eventfd(0, EFD_CLOEXEC);
  for (i = 0; i < FREE_NUMBERS; i++)
    if (f->numbers[i] >= 0) close(f->numbers[i]);
}

static void keep_new(const free_numbers *f) {
  size_t i;
  for (i = 0; i < FREE_NUMBERS; i++) {
    int domain = 0, fd = f->numbers[i];
    int flags = fd < 0 ? -1 : fcntl(fd, F_GETFD);
    socklen_t n = sizeof domain;
    if (flags < 0 || flags & FD_CLOEXEC) continue;
    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &n) == 0 &&
        domain == AF_UNIX)
      fcntl(fd, F_SETFD, flags | FD_CLOEXEC);
  }
}

static CURLM *new_multi(void) {
  free_numbers before;
  CURLM *multi;
  note_free(&before);
  multi = curl_multi_init();
  keep_new(&before);
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
  tp_quiet quiet;
  if (dialer == NULL) return;
  tp_quiet_begin(&quiet);
  curl_multi_cleanup(dialer->multi);
  tp_quiet_end(&quiet);
  free(dialer->extra);
  free(dialer);
}

void tp_quiet_begin(tp_quiet *quiet) {
  sigset_t all, pending;
  sigfillset(&all);
  sigpending(&pending);
  quiet->pending = sigismember(&pending, SIGPIPE) == 1;
  pthread_sigmask(SIG_SETMASK, &all, &quiet->before);
}

void tp_quiet_end(tp_quiet *quiet) {
  static const struct timespec now = {0, 0};
  sigset_t pending;
  sigpending(&pending);
  if (!quiet->pending && sigismember(&pending, SIGPIPE) == 1) {
    sigemptyset(&pending);
    sigaddset(&pending, SIGPIPE);
    sigtimedwait(&pending, NULL, &now);
  }
  pthread_sigmask(SIG_SETMASK, &quiet->before, NULL);
}

static int port_of(const struct sockaddr *address) {
  const struct sockaddr_in *v4 = (const void *)address;
  const struct sockaddr_in6 *v6 = (const void *)address;
  return ntohs(address->sa_family == AF_INET6 ? v6->sin6_port : v4->sin_port);
}

/* Sockets must not leak into the host's child processes. Without one libcurl
** goes on to the next address. */
static curl_socket_t open_socket(void *transfer, curlsocktype purpose,
                                 struct curl_sockaddr *address) {
  tp_transfer *t = transfer;
  int fd;
  (void)purpose;
  if (t->proxy_port && port_of(&address->addr) != t->proxy_port) {
    t->strayed = true;
    return CURL_SOCKET_BAD;
  }
  if (t->avoided && tp_avoided_has(t->avoided, &address->addr, tp_now())) {
    t->skipped = true;
    return CURL_SOCKET_BAD;
  }
  fd = socket(address->family, address->socktype | SOCK_CLOEXEC,
              address->protocol);
  t->no_socket = fd < 0 ? errno : 0;
  return fd;
}

static CURLcode set_timeout(tp_transfer *t, int64_t connect_timeout) {
  int64_t wanted = connect_timeout / 1000;
  long ms = wanted < 1 ? 1 : wanted > INT32_MAX ? INT32_MAX : (long)wanted;
  return curl_easy_setopt(t->easy, CURLOPT_CONNECTTIMEOUT_MS, ms);
}

/* Every option is checked: a libcurl built without one must not act
** differently from what was asked. */
CURLcode tp_transfer_init(tp_transfer *t, tp_dialer *dialer,
                          int64_t connect_timeout) {
  CURLcode code;
  t->dialer = dialer;
  t->easy = curl_easy_init();
  if (t->easy == NULL) return CURLE_OUT_OF_MEMORY;
#define SET(option, value) \
  if ((code = curl_easy_setopt(t->easy, option, value)) != CURLE_OK) return code
  SET(CURLOPT_PRIVATE, t);
  SET(CURLOPT_ERRORBUFFER, t->text);
  SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
  SET(CURLOPT_OPENSOCKETDATA, t);
  SET(CURLOPT_NOSIGNAL, 1L);
  SET(CURLOPT_TCP_NODELAY, 1L);
  SET(CURLOPT_PROXY, "");
  SET(CURLOPT_NOPROXY, ""); /* who decides is the Lua side */
  SET(CURLOPT_FRESH_CONNECT, 1L);
  SET(CURLOPT_DNS_CACHE_TIMEOUT, 0L); /* each dial resolves again */
  SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
#undef SET
  /* Giving up must not wait for a resolver that hangs; libcurls before 7.87
  ** do not know the option, and do wait. */
  (void)curl_easy_setopt(t->easy, QUICK_EXIT, 1L);
  return set_timeout(t, connect_timeout);
}

/* The URL without user and password, the port and these two. An URL that
** libcurl does not take makes it go without the proxy: it gets the least. */
static CURLcode set_proxy_url(tp_transfer *t, const char *url) {
  const char *host = strstr(url, "://"), *at, *colon;
  size_t scheme;
  char *text;
  CURLcode code;
  if (host == NULL) return CURLE_URL_MALFORMAT;
  host += 3;
  scheme = (size_t)(host - url);
  if ((at = strchr(host, '@')) != NULL) {
    text = strndup(host, (size_t)(at - host));
    if (text == NULL) return CURLE_OUT_OF_MEMORY;
    /* It decodes %XX of these, as of those in the URL. */
    code = curl_easy_setopt(t->easy, CURLOPT_PROXYUSERPWD, text);
    free(text);
    if (code != CURLE_OK) return code;
    host = at + 1;
  }
  colon = strchr(*host == '[' ? host + strcspn(host, "]") : host, ':');
  t->proxy_port = colon ? atoi(colon + 1)
    : strncmp(url, "https:", 6) == 0 ? 443 : 1080; /* libcurl's own */
  text = malloc(strlen(url) + 1);
  if (text == NULL) return CURLE_OUT_OF_MEMORY;
  memcpy(text, url, scheme);
  memcpy(text + scheme, host, strlen(host) + 1);
  code = curl_easy_setopt(t->easy, CURLOPT_PROXY, text);
  free(text);
  if (code != CURLE_OK) return code;
  return curl_easy_setopt(t->easy, CURLOPT_PROXYPORT, (long)t->proxy_port);
}

bool tp_transfer_strayed(tp_transfer *t) {
  long used = 0, connected = 0, made = 1;
  if (t->proxy_port == 0) return false;
  if (curl_easy_getinfo(t->easy, USED_PROXY, &used) == CURLE_OK) {
    if (!used) t->strayed = true;
  } else if (t->tunnelled) { /* before 8.7 */
    curl_easy_getinfo(t->easy, CURLINFO_HTTP_CONNECTCODE, &connected);
    curl_easy_getinfo(t->easy, CURLINFO_NUM_CONNECTS, &made);
    if (made > 0 && connected / 100 != 2) t->strayed = true;
  }
  return t->strayed;
}

/* Connected; nothing of a request has been sent. */
static int before_request(void *transfer, char *peer, char *local,
                          int peer_port, int local_port) {
  (void)peer;
  (void)local;
  (void)peer_port;
  (void)local_port;
  return tp_transfer_strayed(transfer); /* CURL_PREREQFUNC_ABORT is 1 */
}

CURLcode tp_transfer_proxy(tp_transfer *t, const tp_dial_options *o,
                           bool tunnel) {
  const char *proxy = o->proxy, *ca_file = o->proxy_ca_file;
  const char *ca_pem = o->proxy_ca_pem;
  struct curl_blob blob;
  CURLcode code;
  if (proxy == NULL) return CURLE_OK;
#define SET(option, value) \
  if ((code = curl_easy_setopt(t->easy, option, value)) != CURLE_OK) return code
  if ((code = set_proxy_url(t, proxy)) != CURLE_OK) return code;
  if (tunnel) SET(CURLOPT_HTTPPROXYTUNNEL, 1L);
  t->tunnelled = tunnel && strncmp(proxy, "http", 4) == 0;
  SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  if (ca_file) SET(CURLOPT_PROXY_CAINFO, ca_file);
  if (ca_pem) {
    blob.data = (char *)(uintptr_t)ca_pem;
    blob.len = strlen(ca_pem);
    blob.flags = CURL_BLOB_NOCOPY; /* the channel outlives the transfer */
    SET(CURLOPT_PROXY_CAINFO_BLOB, &blob);
  }
  if (ca_file || ca_pem) {
    SET(CURLOPT_PROXY_CAPATH, NULL);
  } else {
    if (o->tls.system_file) SET(CURLOPT_PROXY_CAINFO, o->tls.system_file);
    if (o->tls.system_dir) SET(CURLOPT_PROXY_CAPATH, o->tls.system_dir);
  }
#undef SET
  /* From 7.80 on; before, a dial alone is looked at once it is made. */
  if (curl_easy_setopt(t->easy, PREREQFUNCTION, before_request) == CURLE_OK)
    (void)curl_easy_setopt(t->easy, PREREQDATA, t);
  return CURLE_OK;
}

CURLcode tp_transfer_start(tp_transfer *t) {
  if (curl_multi_add_handle(t->dialer->multi, t->easy) != CURLM_OK)
    return CURLE_OUT_OF_MEMORY;
  t->running = true;
  t->dialer->running++;
  t->dialer->begins = true;
  return CURLE_OK;
}

CURLcode tp_transfer_restart(tp_transfer *t, int64_t connect_timeout) {
  CURLcode code = set_timeout(t, connect_timeout);
  if (code != CURLE_OK) return code;
  curl_multi_remove_handle(t->dialer->multi, t->easy);
  t->skipped = false;
  t->text[0] = '\0';
  return tp_transfer_start(t);
}

void tp_transfer_clear(tp_transfer *t) {
  tp_quiet quiet;
  if (t->easy == NULL) return;
  if (t->running) t->dialer->running--;
  t->running = false;
  tp_quiet_begin(&quiet);
  curl_multi_remove_handle(t->dialer->multi, t->easy);
  curl_easy_cleanup(t->easy);
  tp_quiet_end(&quiet);
  t->easy = NULL;
}

/* What OpenSSL's words mean where the cause is known; or "". */
static const char *meaning(const tp_transfer *t, CURLcode result) {
  long verified = 0;
  if (strstr(t->text, "wrong version number") ||
      strstr(t->text, "packet length too long"))
    return ": " TP_SEEMS_PLAINTEXT;
  if (result != CURLE_PEER_FAILED_VERIFICATION ||
      (strstr(t->text, "issuer certificate") == NULL &&
       strstr(t->text, "self-signed") == NULL &&
       strstr(t->text, "self signed") == NULL))
    return "";
  curl_easy_getinfo(t->easy, CURLINFO_PROXY_SSL_VERIFYRESULT, &verified);
  return verified
    ? ": its authority is not known here (proxy.ca_file names those that are)"
    : ": its authority is not known here (tls.ca_file names those that are)";
}

/* errno when no more descriptors can be had: libcurl often keeps it to itself.
*/
static long shortage(void) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
    return errno == EMFILE || errno == ENFILE ? errno : 0;
  close(pair[0]);
  close(pair[1]);
  return 0;
}

void tp_transfer_reason(const tp_transfer *t, CURLcode result,
                        char reason[TP_REASON]) {
  /* A URL in it is the proxy's, which may hold a password. */
  bool usable = t->text[0] && strstr(t->text, "://") == NULL;
  long os_errno = 0;
  if (t->strayed) {
    snprintf(reason, TP_REASON, "libcurl did not go through the proxy: the "
             "connection was closed, and not used");
    return;
  }
  curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &os_errno);
  if (t->no_socket) os_errno = t->no_socket; /* libcurl knows nothing of it */
  if (os_errno == 0) os_errno = shortage();
  snprintf(reason, TP_REASON, "%s%.110s%s%.50s%s%s",
           result == CURLE_PROXY ? "the SOCKS proxy refuses: " : "",
           usable ? t->text : curl_easy_strerror(result),
           os_errno ? " (" : "", os_errno ? strerror((int)os_errno) : "",
           os_errno ? ")" : "", usable ? meaning(t, result) : "");
}

bool tp_dialer_busy(const tp_dialer *dialer) {
  return dialer->running > 0;
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
  errno = 0;
  curl_multi_poll(dialer->multi, extra, n, timeout_ms, &ready);
  /* To libcurl a signal is a time-out; errno alone still tells. */
  if (ready == 0 && errno == EINTR) ready = -1;
  for (i = 0; i < n; i++)
    fds[i].revents = (short)(
      (extra[i].revents & CURL_WAIT_POLLIN ? POLLIN : 0) |
      (extra[i].revents & CURL_WAIT_POLLOUT ? POLLOUT : 0));
  return ready;
}

void tp_dialer_advance(tp_dialer *dialer) {
  int running, left;
  tp_quiet quiet;
  free_numbers before;
  bool begins = dialer->begins;
  CURLMsg *message;
  dialer->begins = false;
  if (begins) note_free(&before);
  tp_quiet_begin(&quiet); /* its resolver's thread may start here, too */
  curl_multi_perform(dialer->multi, &running);
  tp_quiet_end(&quiet);
  if (begins) keep_new(&before);
  while ((message = curl_multi_info_read(dialer->multi, &left)) != NULL) {
    char *private = NULL;
    tp_transfer *t;
    if (message->msg != CURLMSG_DONE) continue;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private);
    t = (tp_transfer *)(void *)private;
    t->running = false;
    dialer->running--;
    t->finish(t, message->data.result);
  }
}

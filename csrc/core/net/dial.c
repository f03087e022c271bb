/* Dialling with libcurl: see dial.h. */
#include "dial.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../base/timer.h"
#include "direct.h"
#include "transfer.h"

struct tp_connection {
  tp_transfer transfer; /* first: a transfer is a connection; or */
  tp_direct direct;     /* without libcurl, while that dials */
  struct curl_slist *route;
  int fd;
  bool own; /* the socket, not libcurl's */
  tp_alpn alpn;
  bool secure;  /* to the peer */
  bool wrapped; /* TLS, of the peer or a proxy: bytes go through libcurl */
  tp_dial_state state;
  tp_avoided *avoided;
  const tp_dial_options *options; /* the channel's, which outlives it */
  int64_t until; /* for libcurl */
  char address[INET6_ADDRSTRLEN];
  char reason[TP_REASON];
};

/* Every string of the options. */
#define EACH_STRING(X, o) \
  X((o)->refused_hint) X((o)->host) X((o)->unix_path) \
  X((o)->tls.ca_file) X((o)->tls.ca_pem) \
  X((o)->tls.system_file) X((o)->tls.system_dir) \
  X((o)->tls.cert_file) X((o)->tls.cert_pem) X((o)->tls.key_file) \
  X((o)->tls.key_pem) X((o)->tls.server_name) X((o)->proxy) \
  X((o)->proxy_ca_file) X((o)->proxy_ca_pem)

bool tp_dial_options_copy(tp_dial_options *to, const tp_dial_options *from) {
  bool ok = true;
  *to = *from;
#define COPY(string) \
  if (string && (string = strdup(string)) == NULL) ok = false;
  EACH_STRING(COPY, to)
#undef COPY
  if (!ok) tp_dial_options_free(to);
  return ok;
}

void tp_dial_options_free(tp_dial_options *o) {
#define FREE(string) free((char *)(uintptr_t)string); string = NULL;
  EACH_STRING(FREE, o)
#undef FREE
}

/* The host the URL names is verified and sent as SNI; with a server name of
** its own the connection is routed to where it really goes. */
static CURLcode set_url(tp_connection *c, const tp_dial_options *o) {
  const char *name = o->secure ? o->tls.server_name : NULL;
  bool v6 = strchr(o->host, ':') != NULL;
  const char *scheme = o->secure ? "https" : "http";
  char text[700];
  CURLcode code = CURLE_OK;
  if (o->unix_path)
    code = curl_easy_setopt(c->transfer.easy, o->unix_abstract
                              ? CURLOPT_ABSTRACT_UNIX_SOCKET
                              : CURLOPT_UNIX_SOCKET_PATH, o->unix_path);
  else if (name) {
    snprintf(text, sizeof text, v6 ? "::[%s]:%d" : "::%s:%d", o->host, o->port);
    c->route = curl_slist_append(NULL, text);
    if (c->route == NULL) return CURLE_OUT_OF_MEMORY;
    code = curl_easy_setopt(c->transfer.easy, CURLOPT_CONNECT_TO, c->route);
  }
  if (code != CURLE_OK) return code;
  if (name == NULL) name = o->host;
  v6 = strchr(name, ':') != NULL;
  snprintf(text, sizeof text, v6 ? "%s://[%s]:%d/" : "%s://%s:%d/", scheme,
           name, o->port);
  return curl_easy_setopt(c->transfer.easy, CURLOPT_URL, text);
}

static CURLcode set_proxy(tp_connection *c, const tp_dial_options *o) {
  if (o->proxy && strncmp(o->proxy, "https:", 6) == 0) {
    c->alpn.proxies = 1;
    c->wrapped = true;
  }
  return tp_transfer_proxy(&c->transfer, o, true);
}

static CURLcode configure(tp_connection *c, const tp_dial_options *o) {
  CURLcode code = set_url(c, o);
  if (code == CURLE_OK)
    code = curl_easy_setopt(c->transfer.easy, CURLOPT_CONNECT_ONLY, 1L);
  if (code == CURLE_OK) code = set_proxy(c, o);
  if (code == CURLE_OK && o->secure)
    code = (CURLcode)tp_tls_configure(c->transfer.easy, &o->tls, &c->alpn);
  return code;
}

static void misconfigured(tp_connection *c, const char *reason) {
  c->state = TP_DIAL_MISCONFIGURED;
  if (reason != c->reason) snprintf(c->reason, TP_REASON, "%s", reason);
}

/* These are about what we were given, not about the peer. */
static bool is_misconfiguration(CURLcode code) {
  return code == CURLE_SSL_CERTPROBLEM || code == CURLE_SSL_CACERT_BADFILE ||
         code == CURLE_UNKNOWN_OPTION || code == CURLE_NOT_BUILT_IN ||
         code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL;
}

/* The peer has refused what we offer, or not taken it. */
static bool is_without_http2(const tp_connection *c, CURLcode result) {
  return c->secure &&
         (result == CURLE_OK
            ? !c->alpn.agreed
            : strstr(c->transfer.text, "no application protocol") != NULL);
}

/* Where it got behind TCP, if it did. */
static void note_address(tp_connection *c, CURLcode result) {
  char *address = NULL;
  if (result == CURLE_COULDNT_CONNECT) return;
  curl_easy_getinfo(c->transfer.easy, CURLINFO_PRIMARY_IP, &address);
  if (address) snprintf(c->address, sizeof c->address, "%s", address);
}

/* The addresses that are not avoided will not do: all get another chance. */
static bool dial_all(tp_connection *c, CURLcode result) {
  int64_t left = c->until - tp_now();
  if (!c->transfer.skipped || result == CURLE_OK || c->address[0]) return false;
  tp_avoided_clear(c->avoided);
  return result == CURLE_COULDNT_CONNECT && left > 0 &&
         tp_transfer_restart(&c->transfer, left) == CURLE_OK;
}

static void add(char reason[TP_REASON], const char *format, const char *text) {
  size_t n = strlen(reason);
  snprintf(reason + n, TP_REASON - n, format, text);
}

static void name_target(tp_connection *c) {
  const tp_dial_options *o = c->options;
  if (o->unix_path)
    snprintf(c->reason, TP_REASON, "Failed to connect to unix%s:%.120s",
             o->unix_abstract ? "-abstract" : "", o->unix_path);
  else
    snprintf(c->reason, TP_REASON, "Failed to connect to %.100s port %d",
             o->host, o->port);
}

static void add_error(tp_connection *c, int error) {
  add(c->reason, ": %s", strerror(error));
  if (error == ECONNREFUSED && c->options->refused_hint)
    add(c->reason, " (%s)", c->options->refused_hint);
}

/* libcurl would name the host that is in its URL. */
static void explain_unix(tp_connection *c) {
  long error = 0;
  curl_easy_getinfo(c->transfer.easy, CURLINFO_OS_ERRNO, &error);
  name_target(c);
  if (error) add_error(c, (int)error);
}

static void explain_alert(const tp_connection *c, char reason[TP_REASON]) {
  const tp_tls *tls = &c->options->tls;
  tp_tls_explain(c->alpn.alert, tls->cert_file || tls->cert_pem, reason,
                 TP_REASON);
}

/* What libcurl says, and what may be meant. */
static void explain_failure(tp_connection *c, CURLcode result) {
  const tp_dial_options *o = c->options;
  tp_transfer_reason(&c->transfer, result, c->reason);
  if (c->alpn.alert)
    explain_alert(c, c->reason);
  else if (strstr(c->reason, TP_SEEMS_PLAINTEXT))
    add(c->reason, ": tls = false%s", o->secure_by_key
          ? " (TLS is on because there is an api_key)" : "");
  else if (result == CURLE_COULDNT_CONNECT && o->unix_path)
    explain_unix(c);
  else if (result == CURLE_COULDNT_CONNECT && o->refused_hint)
    add(c->reason, " (%s)", o->refused_hint);
}

static void on_finished(tp_transfer *transfer, CURLcode result) {
  tp_connection *c = (tp_connection *)transfer;
  curl_socket_t fd = CURL_SOCKET_BAD;
  note_address(c, result);
  if (dial_all(c, result)) return;
  if (result == CURLE_OK && !tp_transfer_strayed(transfer))
    curl_easy_getinfo(transfer->easy, CURLINFO_ACTIVESOCKET, &fd);
  if (!transfer->strayed && is_without_http2(c, result)) {
    c->state = TP_DIAL_FAILED;
    snprintf(c->reason, TP_REASON, "TLS: the peer did not agree on HTTP/2 "
             "(ALPN h2): is this a Temporal frontend?");
  } else if (fd == CURL_SOCKET_BAD) {
    c->state = TP_DIAL_FAILED;
    explain_failure(c, result);
    if (is_misconfiguration(result)) misconfigured(c, c->reason);
  } else {
    c->fd = (int)fd;
    c->state = TP_CONNECTED;
    c->transfer.text[0] = '\0'; /* what went wrong did not matter */
  }
}

bool tp_dial_without_libcurl(const tp_dial_options *o) {
  return !o->secure && o->proxy == NULL &&
         (o->unix_path || tp_direct_knows(o->host));
}

static tp_connection *new_connection(void) {
  tp_connection *c = calloc(1, sizeof *c);
  if (c) c->fd = c->direct.fd = -1;
  return c;
}

tp_connection *tp_dial_directly(const tp_dial_options *o,
                                tp_avoided *avoided) {
  tp_connection *c = new_connection();
  if (c == NULL) return NULL;
  c->own = true;
  if (o->unix_path)
    tp_direct_begin_unix(&c->direct, o->unix_path, o->unix_abstract,
                         o->connect_timeout, tp_now());
  else
    tp_direct_begin(&c->direct, o->host, o->port, o->connect_timeout, avoided,
                    tp_now());
  c->options = o;
  name_target(c);
  return c;
}

/* When no descriptor is left, there may be one later. */
tp_connection *tp_dial_refused(const char *reason) {
  int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
  bool later = fd < 0 && (errno == EMFILE || errno == ENFILE);
  tp_connection *c = new_connection();
  if (fd >= 0) close(fd);
  if (c == NULL) return NULL;
  c->state = later ? TP_DIAL_FAILED : TP_DIAL_MISCONFIGURED;
  snprintf(c->reason, TP_REASON, "%s", reason);
  return c;
}

static void advance_directly(tp_connection *c) {
  if (!tp_direct_advance(&c->direct, tp_now())) return;
  c->state = c->direct.fd < 0 ? TP_DIAL_FAILED : TP_CONNECTED;
  c->fd = c->direct.fd;
  c->direct.fd = -1;
  if (c->fd >= 0) tp_direct_address(&c->direct, c->address);
  if (c->fd < 0) add_error(c, c->direct.error);
}

tp_connection *tp_dial(tp_dialer *dialer, const tp_dial_options *o,
                       tp_avoided *avoided) {
  tp_connection *c = new_connection();
  CURLcode code;
  if (c == NULL) return NULL;
  c->options = o;
  c->secure = c->wrapped = o->secure;
  c->transfer.finish = on_finished;
  c->transfer.avoided = c->avoided = avoided;
  c->until = tp_after(tp_now(), o->connect_timeout);
  if (o->secure && tp_tls_problem()) {
    misconfigured(c, tp_tls_problem());
    return c;
  }
  if (o->secure && tp_tls_unreadable(&o->tls, c->reason, TP_REASON)) {
    misconfigured(c, c->reason);
    return c;
  }
  code = tp_transfer_init(&c->transfer, dialer, o->connect_timeout);
  if (code == CURLE_OK) code = configure(c, o);
  if (code == CURLE_OK) code = tp_transfer_start(&c->transfer);
  if (code == CURLE_OK) return c;
  c->state = TP_DIAL_FAILED;
  snprintf(c->reason, TP_REASON, "libcurl cannot dial: %s",
           curl_easy_strerror(code));
  if (is_misconfiguration(code)) c->state = TP_DIAL_MISCONFIGURED;
  return c;
}

void tp_connection_free(tp_connection *c) {
  if (c == NULL) return;
  /* A forked child may have the socket too, and would keep it open. */
  if (c->fd >= 0) shutdown(c->fd, SHUT_RDWR);
  if (c->own && c->fd >= 0) close(c->fd);
  if (c->direct.fd >= 0) close(c->direct.fd);
  tp_transfer_clear(&c->transfer);
  if (c->route) curl_slist_free_all(c->route);
  free(c);
}

tp_dial_state tp_connection_state(tp_connection *c) {
  if (c->own && c->state == TP_DIALLING) advance_directly(c);
  return c->state;
}

const char *tp_connection_reason(const tp_connection *c) {
  return c->reason;
}

const char *tp_connection_address(const tp_connection *c) {
  return c->address;
}

int tp_connection_fd(const tp_connection *c) {
  return c->own && c->state == TP_DIALLING ? c->direct.fd : c->fd;
}

int64_t tp_connection_until(const tp_connection *c) {
  return c->own && c->state == TP_DIALLING ? c->direct.until : TP_NEVER;
}

bool tp_connection_alerted(const tp_connection *c) {
  return c->alpn.alert != 0;
}

bool tp_connection_secure(const tp_connection *c) {
  return c->secure;
}

bool tp_connection_wrapped(const tp_connection *c) {
  return c->wrapped;
}

/* What libcurl made of TLS. A plaintext socket needs nothing of it. */
static long wrapped_result(tp_connection *c, CURLcode code, size_t moved,
                          const char *doing, char reason[TP_REASON]) {
  if (code == CURLE_OK && moved > 0) return (long)moved;
  if (code == CURLE_AGAIN) return 0;
  if (c->alpn.alert)
    explain_alert(c, reason);
  else if (code == CURLE_OK)
    snprintf(reason, TP_REASON, "the peer closed the connection");
  else
    snprintf(reason, TP_REASON, "%s failed: %.200s", doing,
             c->transfer.text[0] ? c->transfer.text
                                 : curl_easy_strerror(code));
  return -1;
}

static long wrapped_send(tp_connection *c, const uint8_t *data, size_t n,
                        char reason[TP_REASON]) {
  size_t moved = 0;
  tp_quiet quiet;
  CURLcode code;
  tp_quiet_begin(&quiet);
  code = curl_easy_send(c->transfer.easy, data, n, &moved);
  tp_quiet_end(&quiet);
  if (code == CURLE_OK && moved == 0) return 0;
  return wrapped_result(c, code, moved, "sending", reason);
}

static long wrapped_receive(tp_connection *c, uint8_t *data, size_t n,
                           char reason[TP_REASON]) {
  size_t moved = 0;
  tp_quiet quiet;
  CURLcode code;
  tp_quiet_begin(&quiet);
  code = curl_easy_recv(c->transfer.easy, data, n, &moved);
  tp_quiet_end(&quiet);
  return wrapped_result(c, code, moved, "receiving", reason);
}

long tp_connection_send(tp_connection *c, const uint8_t *data, size_t n,
                        char reason[TP_REASON]) {
  ssize_t sent;
  if (c->wrapped) return wrapped_send(c, data, n, reason);
  sent = send(c->fd, data, n, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent >= 0) return (long)sent;
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return 0;
  snprintf(reason, TP_REASON, "sending failed: %s", strerror(errno));
  return -1;
}

long tp_connection_receive(tp_connection *c, uint8_t *data, size_t n,
                           char reason[TP_REASON]) {
  ssize_t got;
  if (c->wrapped) return wrapped_receive(c, data, n, reason);
  got = recv(c->fd, data, n, MSG_DONTWAIT);
  if (got > 0) return (long)got;
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
    return 0;
  if (got == 0) snprintf(reason, TP_REASON, "the peer closed the connection");
  else snprintf(reason, TP_REASON, "receiving failed: %s", strerror(errno));
  return -1;
}

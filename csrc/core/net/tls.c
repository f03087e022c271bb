/* TLS: see tls.h. libcurl's own HTTP/2 stays out of the way: it is told to
** speak HTTP/1.1 without ALPN, and "h2" is offered behind its back in the
** context it makes. That needs a libcurl on OpenSSL.
*/
#include "tls.h"

#include <curl/curl.h>
#include <errno.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../base/file.h"
#include "libcurl.h"

/* CURLOPT_CA_CACHE_TIMEOUT, which older headers do not name. */
#define CA_CACHE_TIMEOUT ((CURLoption)(CURLOPTTYPE_LONG + 321))

const char *tp_tls_problem(void) {
  static char text[128];
  const char *backend = curl_version_info(CURLVERSION_NOW)->ssl_version;
  if (backend && strncmp(backend, "OpenSSL/", 8) == 0)
    return tp_libcurl_has_openssl() ? NULL
                                    : "TLS needs a libcurl that uses OpenSSL's "
             "shared library; this one has its OpenSSL inside";
  snprintf(text, sizeof text, "TLS needs a libcurl built with OpenSSL; this "
           "one is built with %.40s", backend ? backend : "no TLS at all");
  return text;
}

/* Why not, or NULL. Never waits. */
static const char *trouble(const char *path) {
  char byte;
  const char *what;
  int fd = tp_file_open(path, 0, &what);
  ssize_t n;
  if (fd < 0) return what;
  n = read(fd, &byte, 1);
  what = n < 0 ? strerror(errno) : n == 0 ? "it is empty" : NULL;
  close(fd);
  return what;
}

static bool unreadable(const char *path, const char *what, char *reason,
                       size_t n) {
  const char *why = path ? trouble(path) : NULL;
  if (why)
    snprintf(reason, n, "%s %.120s cannot be read: %s", what, path, why);
  return why != NULL;
}

bool tp_tls_unreadable(const tp_tls *tls, char *reason, size_t n) {
  return unreadable(tls->ca_file, "tls.ca_file", reason, n) ||
         unreadable(tls->cert_file, "tls.cert_file", reason, n) ||
         unreadable(tls->key_file, "tls.key_file", reason, n) ||
         (tls->verify && tls->ca_file == NULL && tls->ca_pem == NULL &&
          unreadable(tls->system_file, "SSL_CERT_FILE", reason, n));
}

/* With the names of RFC 8446. */
static const char *alert_name(int alert) {
  switch (alert) {
    case 40: return "handshake failure";
    case 42: return "bad certificate";
    case 43: return "unsupported certificate";
    case 44: return "certificate revoked";
    case 45: return "certificate expired";
    case 46: return "certificate unknown";
    case 48: return "unknown authority of the certificate";
    case 49: return "access denied";
    case 70: return "protocol version not supported";
    case 71: return "insufficient security";
    case 80: return "internal error";
    case 112: return "unrecognized name";
    case 116: return "certificate required";
    case 120: return "no application protocol";
    default: return "an alert";
  }
}

void tp_tls_explain(int alert, bool certified, char *reason, size_t n) {
  if (alert == 116)
    snprintf(reason, n, "TLS: the server requires a client certificate "
             "(tls.cert_file and tls.key_file)");
  else
    snprintf(reason, n, "TLS: the server says \"%s\"%s (alert %d)",
             alert_name(alert), !certified && (alert == 40 || alert == 42)
               ? ": does it want a client certificate (tls.cert_file and "
                 "tls.key_file)?" : "", alert);
}

/* libcurl keeps the connection to itself once it is made, and of several errors
** the first: what was agreed on, and an alert, are noted as they come. */
static int alpn_index;

static void make_alpn_index(void) {
  alpn_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
}

/* Those with which a peer goes, or has nothing against us. */
static bool is_no_error(int alert) {
  return alert == 0 || alert == 90 || alert == 100;
}

static void note(const SSL *ssl, int where, int value) {
  const unsigned char *protocol = NULL;
  unsigned n = 0;
  tp_alpn *alpn = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), alpn_index);
  if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT &&
      !is_no_error(value & 0xff))
    alpn->alert = value & 0xff;
  if (!(where & SSL_CB_HANDSHAKE_DONE)) return;
  SSL_get0_alpn_selected(ssl, &protocol, &n);
  alpn->agreed = n == 2 && memcmp(protocol, "h2", 2) == 0;
}

static CURLcode offer_h2(CURL *easy, void *context, void *user) {
  static const unsigned char h2[] = {2, 'h', '2'};
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  SSL_CTX *ssl = context;
  tp_alpn *alpn = user;
  (void)easy;
  if (alpn->proxies > 0) {
    alpn->proxies--;
    return CURLE_OK;
  }
  pthread_once(&once, make_alpn_index);
  SSL_CTX_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE |
                          SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (!SSL_CTX_set_ex_data(ssl, alpn_index, alpn) ||
      SSL_CTX_set_alpn_protos(ssl, h2, sizeof h2) != 0)
    return CURLE_OUT_OF_MEMORY;
  SSL_CTX_set_info_callback(ssl, note);
  return CURLE_OK;
}

static CURLcode set_text(CURL *easy, CURLoption option, const char *text) {
  struct curl_blob blob;
  if (text == NULL) return CURLE_OK;
  blob.data = (char *)(size_t)text;
  blob.len = strlen(text);
  blob.flags = CURL_BLOB_NOCOPY; /* the channel outlives the dial */
  return curl_easy_setopt(easy, option, &blob);
}

int tp_tls_configure(void *easy, const tp_tls *tls, tp_alpn *alpn) {
  CURLcode code;
#define SET(option, value) \
  if ((code = curl_easy_setopt(easy, option, value)) != CURLE_OK) return code
#define SET_TEXT(option, value) \
  if ((code = set_text(easy, option, value)) != CURLE_OK) return code
  SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
  SET(CURLOPT_SSL_VERIFYPEER, tls->verify ? 1L : 0L);
  SET(CURLOPT_SSL_VERIFYHOST, tls->verify ? 2L : 0L);
  SET(CURLOPT_SSL_SESSIONID_CACHE, 0L); /* each dial verifies again */
  if (tls->ca_file) SET(CURLOPT_CAINFO, tls->ca_file);
  SET_TEXT(CURLOPT_CAINFO_BLOB, tls->ca_pem);
  if (tls->ca_file || tls->ca_pem) {
    SET(CURLOPT_CAPATH, NULL);
  } else if (tls->verify) {
    if (tls->system_file) SET(CURLOPT_CAINFO, tls->system_file);
    if (tls->system_dir) SET(CURLOPT_CAPATH, tls->system_dir);
  }
  if (tls->cert_file) SET(CURLOPT_SSLCERT, tls->cert_file);
  SET_TEXT(CURLOPT_SSLCERT_BLOB, tls->cert_pem);
  if (tls->key_file) SET(CURLOPT_SSLKEY, tls->key_file);
  SET_TEXT(CURLOPT_SSLKEY_BLOB, tls->key_pem);
  /* Without one OpenSSL would ask on the terminal, and this thread wait. */
  SET(CURLOPT_KEYPASSWD, "");
  if (alpn) {
    SET(CURLOPT_SSL_ENABLE_ALPN, 0L);
    SET(CURLOPT_SSL_CTX_FUNCTION, offer_h2);
    SET(CURLOPT_SSL_CTX_DATA, alpn);
  }
#undef SET_TEXT
#undef SET
  /* Read the authorities again too; before 7.87 nothing is cached. */
  (void)curl_easy_setopt(easy, CA_CACHE_TIMEOUT, 0L);
  return CURLE_OK;
}

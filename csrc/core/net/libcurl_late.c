/* libcurl by dlopen: see libcurl.h. Its functions, as far as we call them, are
** defined here under their own names, hidden, and pass on what they get: the
** callers are the same whichever way it comes.
*/
#include "libcurl.h"

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <dlfcn.h>
#include <openssl/ssl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LIBRARY "libcurl.so.4"

#define CURL_FUNCTIONS(X) \
  X(curl_easy_cleanup) X(curl_easy_getinfo) X(curl_easy_init) \
  X(curl_easy_recv) X(curl_easy_send) X(curl_easy_setopt) \
  X(curl_easy_strerror) X(curl_global_init) X(curl_multi_add_handle) \
  X(curl_multi_cleanup) X(curl_multi_info_read) X(curl_multi_init) \
  X(curl_multi_perform) X(curl_multi_poll) X(curl_multi_remove_handle) \
  X(curl_slist_append) X(curl_slist_free_all) X(curl_version_info)

/* Those of the OpenSSL that this libcurl itself uses. */
#define SSL_FUNCTIONS(X) \
  X(CRYPTO_get_ex_new_index) X(SSL_CTX_ctrl) X(SSL_CTX_get_ex_data) \
  X(SSL_CTX_set_alpn_protos) X(SSL_CTX_set_ex_data) \
  X(SSL_CTX_set_info_callback) X(SSL_get0_alpn_selected) X(SSL_get_SSL_CTX)

#define X(name) AT_##name,
enum { CURL_FUNCTIONS(X) CURL_COUNT, BEFORE_SSL = CURL_COUNT - 1,
       SSL_FUNCTIONS(X) COUNT };
#undef X

static const char *const names[] = {
#define X(name) #name,
  CURL_FUNCTIONS(X) SSL_FUNCTIONS(X)
#undef X
};

static void (*found[COUNT])(void);

static bool look_up(void *library, char reason[TP_REASON]) {
  void *function;
  int i;
  for (i = 0; i < COUNT; i++) {
    function = dlsym(library, names[i]);
    if (function == NULL && i < CURL_COUNT) {
      snprintf(reason, TP_REASON, "%s is too old: it has no %s; libcurl 7.66 "
               "or newer is needed", LIBRARY, names[i]);
      return false;
    }
    memcpy(&found[i], &function, sizeof function);
  }
  return true;
}

/* It stays open for good: threads may run in it. */
bool tp_libcurl_load(char reason[TP_REASON]) {
  void *library = dlopen(LIBRARY, RTLD_LAZY | RTLD_LOCAL);
  const char *error = library ? NULL : dlerror();
  if (library) return look_up(library, reason);
  snprintf(reason, TP_REASON, "libcurl cannot be loaded: %.200s",
           error ? error : LIBRARY);
  return false;
}

bool tp_libcurl_has_openssl(void) {
  int i;
  for (i = CURL_COUNT; i < COUNT; i++)
    if (found[i] == NULL) return false;
  return true;
}

/* --- the functions ---------- */

/* LuaRocks compiles without the flag that hides all but what is exported. */
#pragma GCC visibility push(hidden)

#define FOUND(name) ((__typeof__(&(name)))found[AT_##name])
#define PASS_ON(type, name, parameters, arguments) \
  type (name) parameters { return FOUND(name) arguments; }

PASS_ON(CURLcode, curl_global_init, (long flags), (flags))
PASS_ON(curl_version_info_data *, curl_version_info, (CURLversion age), (age))
PASS_ON(CURL *, curl_easy_init, (void), ())
PASS_ON(const char *, curl_easy_strerror, (CURLcode code), (code))
PASS_ON(CURLcode, curl_easy_send,
        (CURL *easy, const void *data, size_t n, size_t *sent),
        (easy, data, n, sent))
PASS_ON(CURLcode, curl_easy_recv,
        (CURL *easy, void *data, size_t n, size_t *got), (easy, data, n, got))
PASS_ON(CURLM *, curl_multi_init, (void), ())
PASS_ON(CURLMcode, curl_multi_add_handle, (CURLM *multi, CURL *easy),
        (multi, easy))
PASS_ON(CURLMcode, curl_multi_remove_handle, (CURLM *multi, CURL *easy),
        (multi, easy))
PASS_ON(CURLMcode, curl_multi_cleanup, (CURLM *multi), (multi))
PASS_ON(CURLMcode, curl_multi_perform, (CURLM *multi, int *transfers),
        (multi, transfers))
PASS_ON(CURLMcode, curl_multi_poll,
        (CURLM *multi, struct curl_waitfd fds[], unsigned n, int ms,
         int *ready),
        (multi, fds, n, ms, ready))
PASS_ON(CURLMsg *, curl_multi_info_read, (CURLM *multi, int *left),
        (multi, left))
PASS_ON(struct curl_slist *, curl_slist_append,
        (struct curl_slist *list, const char *text), (list, text))

void curl_easy_cleanup(CURL *easy) {
  FOUND(curl_easy_cleanup)(easy);
}

void curl_slist_free_all(struct curl_slist *list) {
  FOUND(curl_slist_free_all)(list);
}

/* An option's number says what type its value has. */
CURLcode (curl_easy_setopt)(CURL *easy, CURLoption option, ...) {
  __typeof__(&(curl_easy_setopt)) set = FOUND(curl_easy_setopt);
  CURLcode code;
  va_list value;
  va_start(value, option);
  if (option >= CURLOPTTYPE_OFF_T && option < CURLOPTTYPE_BLOB)
    code = (set)(easy, option, va_arg(value, curl_off_t));
  else if (option < CURLOPTTYPE_OBJECTPOINT)
    code = (set)(easy, option, va_arg(value, long));
  else
    code = (set)(easy, option, va_arg(value, void *));
  va_end(value);
  return code;
}

CURLcode (curl_easy_getinfo)(CURL *easy, CURLINFO info, ...) {
  CURLcode code;
  va_list place;
  va_start(place, info);
  code = FOUND(curl_easy_getinfo)(easy, info, va_arg(place, void *));
  va_end(place);
  return code;
}

PASS_ON(int, CRYPTO_get_ex_new_index,
        (int class, long l, void *p, CRYPTO_EX_new *new, CRYPTO_EX_dup *dup,
         CRYPTO_EX_free *free), (class, l, p, new, dup, free))
PASS_ON(long, SSL_CTX_ctrl, (SSL_CTX *context, int command, long l, void *p),
        (context, command, l, p))
PASS_ON(void *, SSL_CTX_get_ex_data, (const SSL_CTX *context, int index),
        (context, index))
PASS_ON(int, SSL_CTX_set_ex_data, (SSL_CTX *context, int index, void *data),
        (context, index, data))
PASS_ON(int, SSL_CTX_set_alpn_protos,
        (SSL_CTX *context, const unsigned char *list, unsigned n),
        (context, list, n))
PASS_ON(SSL_CTX *, SSL_get_SSL_CTX, (const SSL *ssl), (ssl))

void SSL_CTX_set_info_callback(SSL_CTX *context,
                               void (*callback)(const SSL *, int, int)) {
  FOUND(SSL_CTX_set_info_callback)(context, callback);
}

void SSL_get0_alpn_selected(const SSL *ssl, const unsigned char **name,
                            unsigned *n) {
  FOUND(SSL_get0_alpn_selected)(ssl, name, n);
}

#pragma GCC visibility pop

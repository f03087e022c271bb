/* TLS as libcurl and OpenSSL do it: what a dial is told, and HTTP/2's ALPN.
** Files are read at each dial, so that a rotated certificate needs no restart.
** Driving thread. */
#ifndef TP_TLS_H
#define TP_TLS_H

#include <stdbool.h>
#include <stddef.h>

#pragma GCC visibility push(hidden)

/* Every string may be NULL. Of each pair one is given: a path or the text. */
typedef struct tp_tls {
  const char *ca_file, *ca_pem;     /* in place of the system's authorities */
  /* Where neither is given: in place of the system's file, of its folders. */
  const char *system_file, *system_dir;
  const char *cert_file, *cert_pem; /* the client's, with its chain */
  const char *key_file, *key_pem;
  const char *server_name;          /* for SNI and verification */
  bool verify;
} tp_tls;

/* Why this libcurl cannot do it, or NULL. Any thread. */
const char *tp_tls_problem(void);

/* Why a file cannot be read, written to `reason`; or false. */
bool tp_tls_unreadable(const tp_tls *tls, char *reason, size_t n);

/* What the peer says in TLS: kept by the dial, written while libcurl reads. */
typedef struct tp_alpn {
  int proxies; /* still to come on the way that speak TLS, for HTTP/1.1 */
  bool agreed; /* the peer has chosen HTTP/2 */
  int alert;   /* with which the peer ends TLS, by its number; 0: none came */
} tp_alpn;

/* What an alert says, and what may be meant. */
void tp_tls_explain(int alert, bool certified, char *reason, size_t n);

/* Sets the options of an easy handle (a CURL *); returns a CURLcode. With
** `alpn` the peer is offered HTTP/2 and nothing else. */
int tp_tls_configure(void *easy, const tp_tls *tls, tp_alpn *alpn);

#pragma GCC visibility pop
#endif

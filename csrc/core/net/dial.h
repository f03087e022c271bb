/* Dialling. libcurl does it (CONNECT_ONLY on a multi handle): names, every
** address, proxies, TLS, connect timeout; only what needs none of them but the
** last connects directly. What flows afterwards is ours.
** Used only by the thread that drives the engine.
*/
#ifndef TP_DIAL_H
#define TP_DIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "../base/limits.h"
#include "../base/status.h"
#include "avoided.h"
#include "dialer.h"
#include "tls.h"

#pragma GCC visibility push(hidden)

/* Where and how to connect. Strings may be NULL but for `host`. */
typedef struct tp_dial_options {
  const char *host;               /* name or address, IPv6 without brackets */
  int port;
  const char *unix_path;    /* a Unix socket in their place, or NULL */
  bool unix_abstract;       /* that is a name of Linux', no path */
  int64_t connect_timeout;  /* microseconds, for all addresses together */
  bool secure;              /* TLS, as `tls` says */
  tp_tls tls;
  bool secure_by_key;       /* that is, because there is an API key */
  const char *refused_hint; /* what to say more where nobody listens, or NULL */
  const char *proxy;        /* URL with its credentials, or NULL for none */
  const char *proxy_ca_file, *proxy_ca_pem; /* of an https proxy */
} tp_dial_options;

typedef struct tp_connection tp_connection;

/* A failure of TP_DIAL_MISCONFIGURED is for the user to mend: dialling again
** does not help. */
typedef enum {
  TP_DIALLING, TP_CONNECTED, TP_DIAL_FAILED, TP_DIAL_MISCONFIGURED
} tp_dial_state;

/* Copies the strings; false, and nothing to free: out of memory. */
bool tp_dial_options_copy(tp_dial_options *to, const tp_dial_options *from);
void tp_dial_options_free(tp_dial_options *options);

/* A plaintext address or Unix socket, without a proxy. */
bool tp_dial_without_libcurl(const tp_dial_options *options);

/* A connection, dialling or failed already. NULL: out of memory. It begins with
** addresses that are not avoided; where none of those will do, with any, and
** none is avoided any more. `avoided` must outlive it. */
tp_connection *tp_dial(tp_dialer *dialer, const tp_dial_options *options,
                       tp_avoided *avoided);
tp_connection *tp_dial_directly(const tp_dial_options *options,
                                tp_avoided *avoided);
/* One that has failed: libcurl cannot be had. */
tp_connection *tp_dial_refused(const char *reason);
void tp_connection_free(tp_connection *connection); /* closes the socket */

/* Looks how far it has come. */
tp_dial_state tp_connection_state(tp_connection *connection);
const char *tp_connection_reason(const tp_connection *connection);
/* Where TCP has led to, as text; "" before, or where that failed. */
const char *tp_connection_address(const tp_connection *connection);
/* -1 while libcurl dials. While dialling otherwise: look at the state again
** once it can be written to, or at the time. */
int tp_connection_fd(const tp_connection *connection);
int64_t tp_connection_until(const tp_connection *connection);
/* Its bytes come in TLS records: read until there is nothing more. */
/* The peer has ended TLS with an alert, which is the best reason: a write may
** have failed before it was read. */
bool tp_connection_alerted(const tp_connection *connection);
bool tp_connection_secure(const tp_connection *connection);
bool tp_connection_wrapped(const tp_connection *connection);

/* Bytes moved; 0 when the socket would block; -1 at the end or on failure,
** with the reason written. Never raises SIGPIPE. After a send of 0 the next
** one must begin with the same bytes.
*/
long tp_connection_send(tp_connection *connection, const uint8_t *data,
                        size_t n, char reason[TP_REASON]);
long tp_connection_receive(tp_connection *connection, uint8_t *data, size_t n,
                           char reason[TP_REASON]);

#pragma GCC visibility pop
#endif

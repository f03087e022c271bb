/* Dialling with libcurl (CONNECT_ONLY on a multi handle): names, every
** address, connect timeout; TLS and proxies hook in here, since libcurl does
** them before it hands the connection over. What flows afterwards is ours.
** One dialer for each engine, used only by the thread that drives it.
*/
#ifndef TP_DIAL_H
#define TP_DIAL_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "status.h"

#pragma GCC visibility push(hidden)

#define TP_REASON 256 /* room for the text of a transport failure */

typedef struct tp_dial_options {
  const char *host;         /* name or address, IPv6 without brackets */
  int port;
  int64_t connect_timeout;  /* microseconds, for all addresses together */
} tp_dial_options;

typedef struct tp_dialer tp_dialer;
typedef struct tp_connection tp_connection;

typedef enum { TP_DIALLING, TP_CONNECTED, TP_DIAL_FAILED } tp_dial_state;

tp_dialer *tp_dialer_new(void); /* NULL: out of memory */
void tp_dialer_free(tp_dialer *dialer); /* after all its connections */

/* NULL when libcurl cannot start the transfer; `reason` says why. */
tp_connection *tp_dial(tp_dialer *dialer, const tp_dial_options *options,
                       char reason[TP_REASON]);
void tp_connection_free(tp_connection *connection); /* closes the socket */

bool tp_dialer_busy(const tp_dialer *dialer);
/* poll(2) over `fds` and libcurl's own descriptors. */
int tp_dialer_poll(tp_dialer *dialer, struct pollfd *fds, unsigned n,
                   int timeout_ms);
void tp_dialer_advance(tp_dialer *dialer);

tp_dial_state tp_connection_state(const tp_connection *connection);
const char *tp_connection_reason(const tp_connection *connection);
int tp_connection_fd(const tp_connection *connection);

/* Bytes moved; 0 when the socket would block; -1 at the end or on failure,
** with the reason written. Never raises SIGPIPE.
*/
long tp_connection_send(tp_connection *connection, const uint8_t *data,
                        size_t n, char reason[TP_REASON]);
long tp_connection_receive(tp_connection *connection, uint8_t *data, size_t n,
                           char reason[TP_REASON]);

#pragma GCC visibility pop
#endif

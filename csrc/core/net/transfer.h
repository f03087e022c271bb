/* What a dialer's libcurl transfers have in common: see dialer.h. Only for the
** files that use libcurl. Driving thread.
*/
#ifndef TP_TRANSFER_H
#define TP_TRANSFER_H

#include <curl/curl.h>
#include <signal.h>
#include <stdint.h>

#include "../base/limits.h"
#include "avoided.h"
#include "dialer.h"

#pragma GCC visibility push(hidden)

struct tp_dial_options;

/* First member of whatever owns an easy handle. */
typedef struct tp_transfer {
  tp_dialer *dialer;
  CURL *easy;
  bool running; /* in the multi handle, and not finished */
  const tp_avoided *avoided; /* addresses to leave out, or NULL */
  bool skipped;              /* there was one */
  int proxy_port;            /* 0: there is no proxy */
  bool tunnelled;            /* the proxy is asked to, by CONNECT */
  bool strayed;              /* libcurl did not go through the proxy */
  int no_socket;             /* errno of the last that could not be had, or 0 */
  void (*finish)(struct tp_transfer *transfer, CURLcode result);
  char text[CURL_ERROR_SIZE]; /* libcurl's own words */
} tp_transfer;

/* An easy handle with the options that all transfers share. */
CURLcode tp_transfer_init(tp_transfer *transfer, tp_dialer *dialer,
                          int64_t connect_timeout);
CURLcode tp_transfer_start(tp_transfer *transfer);
/* Once more from the beginning, after it has finished. */
CURLcode tp_transfer_restart(tp_transfer *transfer, int64_t connect_timeout);
/* The proxy, if there is one, and who vouches for it. With `tunnel` an HTTP
** proxy is sent CONNECT even where it need not be. */
CURLcode tp_transfer_proxy(tp_transfer *transfer,
                           const struct tp_dial_options *options, bool tunnel);
/* Is the connection, now that it is made, not the proxy's? */
bool tp_transfer_strayed(tp_transfer *transfer);
void tp_transfer_clear(tp_transfer *transfer);
/* Words of a reason. */
#define TP_SEEMS_PLAINTEXT "the server seems to speak plaintext"
/* What went wrong, in one line. */
void tp_transfer_reason(const tp_transfer *transfer, CURLcode result,
                        char reason[TP_REASON]);

/* libcurl and OpenSSL write to sockets that may be closed: no signal must
** come of that. Also no signal handler runs in between. */
typedef struct tp_quiet {
  sigset_t before;
  bool pending;
} tp_quiet;

void tp_quiet_begin(tp_quiet *quiet);
void tp_quiet_end(tp_quiet *quiet);

#pragma GCC visibility pop
#endif

/* libcurl's multi handle, which dials and carries plain HTTP requests, as the
** engine sees it. One for each engine, used only by the thread that drives it.
*/
#ifndef TP_DIALER_H
#define TP_DIALER_H

#include <poll.h>
#include <stdbool.h>

#pragma GCC visibility push(hidden)

typedef struct tp_dialer tp_dialer;

tp_dialer *tp_dialer_new(void); /* NULL: out of memory */
void tp_dialer_free(tp_dialer *dialer); /* after all its connections */

bool tp_dialer_busy(const tp_dialer *dialer);
/* poll(2) over `fds` and libcurl's own descriptors; -1 and EINTR as there. */
int tp_dialer_poll(tp_dialer *dialer, struct pollfd *fds, unsigned n,
                   int timeout_ms);
/* All transfers, after a poll: whose they are is looked at afterwards. What has
** just begun makes that poll return at once. */
void tp_dialer_advance(tp_dialer *dialer);

#pragma GCC visibility pop
#endif

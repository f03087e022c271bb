/* A doorbell wakes a thread or an event loop that sleeps on a descriptor: an
** eventfd, close-on-exec and non-blocking. Ringing is safe from any thread.
*/
#ifndef TP_DOORBELL_H
#define TP_DOORBELL_H

#include "../base/status.h"

#pragma GCC visibility push(hidden)

tp_status tp_doorbell_open(int *fd); /* TP_ESYSTEM: errno says why */
/* Another doorbell under the same number; the old one stays with those who
** share it. */
void tp_doorbell_renew(int fd);
void tp_doorbell_ring(int fd);
void tp_doorbell_silence(int fd); /* no longer readable until rung again */
void tp_doorbell_close(int *fd);  /* -1 afterwards; closing twice is fine */

#pragma GCC visibility pop
#endif

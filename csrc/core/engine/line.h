/* A line: a doorbell for a host that watches no descriptor of ours, but can
** connect to a unix socket by its path (nginx). It is listened for in a fresh
** folder, which is gone as soon as the host has connected, so a killed process
** leaves nothing behind. Ringing is safe from any thread; the rest is the Lua
** thread's. TP_ESYSTEM: errno says why.
*/
#ifndef TP_LINE_H
#define TP_LINE_H

#include <sys/socket.h>
#include <sys/un.h>

#include "../base/status.h"

#pragma GCC visibility push(hidden)

typedef struct tp_listener {
  int fd;                /* -1: nobody is listened for */
  struct sockaddr_un at; /* its path is empty when nothing is left on disk */
} tp_listener;

void tp_listener_init(tp_listener *listener);
tp_status tp_listener_open(tp_listener *listener, const char *folder);
/* The connection of this very process, which the caller then owns; -1 and
** errno when there is none yet, or a stranger's. Never waits. The listener is
** closed in either case. */
int tp_listener_accept(tp_listener *listener);
void tp_listener_close(tp_listener *listener);

/* Sends one byte. */
void tp_line_ring(int fd);

#pragma GCC visibility pop
#endif

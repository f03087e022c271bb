/* Connecting to an address that no resolver has to be asked for, in plaintext
** and without a proxy: what libcurl need not be loaded for. See dial.h. Driving
** thread.
*/
#ifndef TP_DIRECT_H
#define TP_DIRECT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/un.h>

#include "avoided.h"

#pragma GCC visibility push(hidden)

typedef union tp_address {
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
  struct sockaddr_un un;
} tp_address;

typedef struct tp_direct {
  tp_address addresses[2]; /* tried one after the other */
  int count, tried;
  socklen_t un_length;
  int fd;              /* -1: none; when it is connected, the caller's */
  int64_t until;       /* for the address under way */
  int64_t until_last;  /* for all */
  int error;           /* errno of the last that failed */
} tp_direct;

/* An IPv4 or IPv6 address, or localhost (RFC 6761: the loopback addresses). */
bool tp_direct_knows(const char *host);

/* Begins, with what is not avoided; `timeout` is for all addresses together. */
void tp_direct_begin(tp_direct *direct, const char *host, int port,
                     int64_t timeout, tp_avoided *avoided, int64_t now);
/* The same with a Unix socket: a path, or with `abstract` a name of Linux'. */
void tp_direct_begin_unix(tp_direct *direct, const char *path, bool abstract,
                          int64_t timeout, int64_t now);
/* The one that is connected; "" where it has no address of IP. */
void tp_direct_address(const tp_direct *direct, char text[INET6_ADDRSTRLEN]);
/* True: over, either connected or, with fd -1, failed. */
bool tp_direct_advance(tp_direct *direct, int64_t now);

#pragma GCC visibility pop
#endif

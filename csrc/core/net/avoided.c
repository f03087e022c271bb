/* Addresses to begin no dial with: see avoided.h. */
#include "avoided.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "../base/timer.h"

#define AVOID_FOR (60 * TP_SECOND)

static bool has(const tp_avoided *a, const char *address, int64_t now) {
  size_t i;
  for (i = 0; i < TP_AVOIDED_COUNT; i++)
    if (now < a->list[i].until && strcmp(a->list[i].address, address) == 0)
      return true;
  return false;
}

void tp_avoided_add(tp_avoided *a, const char *address, int64_t now) {
  if (address[0] == '\0' || has(a, address, now)) return;
  snprintf(a->list[a->next].address, INET6_ADDRSTRLEN, "%s", address);
  a->list[a->next].until = tp_after(now, AVOID_FOR);
  a->next = (a->next + 1) % TP_AVOIDED_COUNT;
}

void tp_avoided_clear(tp_avoided *a) {
  memset(a, 0, sizeof *a);
}

bool tp_avoided_has(const tp_avoided *a, const struct sockaddr *address,
                    int64_t now) {
  char text[INET6_ADDRSTRLEN];
  const void *bytes = address->sa_family == AF_INET
    ? (const void *)&((const struct sockaddr_in *)address)->sin_addr
    : (const void *)&((const struct sockaddr_in6 *)address)->sin6_addr;
  if (address->sa_family != AF_INET && address->sa_family != AF_INET6)
    return false;
  return inet_ntop(address->sa_family, bytes, text, sizeof text) &&
         has(a, text, now);
}

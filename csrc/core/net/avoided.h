/* The addresses of a target where connections came to nothing lately, though
** TCP went through: a dial begins with the others. Driving thread.
*/
#ifndef TP_AVOIDED_H
#define TP_AVOIDED_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)

#define TP_AVOIDED_COUNT 8

typedef struct tp_avoided {
  struct {
    char address[INET6_ADDRSTRLEN]; /* as text; "" is none */
    int64_t until;
  } list[TP_AVOIDED_COUNT];
  size_t next; /* place: the oldest makes way */
} tp_avoided;

/* For a minute. "" is none. */
void tp_avoided_add(tp_avoided *avoided, const char *address, int64_t now);
void tp_avoided_clear(tp_avoided *avoided);
bool tp_avoided_has(const tp_avoided *avoided, const struct sockaddr *address,
                    int64_t now);

#pragma GCC visibility pop
#endif

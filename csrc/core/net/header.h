/* What may be sent as a header: the one check, in front of every place where
** headers are added. Any thread; nothing here can fail.
*/
#ifndef TP_HEADER_H
#define TP_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include "../base/limits.h"

#pragma GCC visibility push(hidden)

typedef struct tp_header {
  const char *name, *value;
  size_t name_length, value_length;
  bool name_lasts, value_lasts; /* as long as the session: not copied */
} tp_header;

/* What is wrong with a value (RFC 9110, 5.5), to be said after its name; or
** NULL. */
const char *tp_header_problem(const char *value, size_t n);

/* The same of all headers of a request: whose value is wrong. */
bool tp_headers_check(const tp_header *headers, size_t n,
                      char reason[TP_REASON]);
/* The size of their block at most, as nghttp2 reckons. It sends no block
** above TP_MAX_HEADERS. */
size_t tp_headers_size(const tp_header *headers, size_t n);

#pragma GCC visibility pop
#endif

/* Metadata of calls: pairs in one block, shared by those that send it. Any
** thread; the count of references is atomic.
*/
#ifndef TP_METADATA_H
#define TP_METADATA_H

#include <stddef.h>
#include "../net/http2.h"

#pragma GCC visibility push(hidden)

typedef struct tp_metadata {
  int references; /* atomic */
  size_t count;
  tp_header headers[];
} tp_metadata;

/* Room for `count` pairs and `text` bytes behind them. NULL: out of memory. */
tp_metadata *tp_metadata_new(size_t count, size_t text);
/* NULL is nobody's: nothing happens, and it is returned. */
tp_metadata *tp_metadata_hold(tp_metadata *metadata);
void tp_metadata_release(tp_metadata *metadata);

#pragma GCC visibility pop
#endif

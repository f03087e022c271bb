/* Metadata of calls: see metadata.h. */
#include "metadata.h"

#include <stdlib.h>

tp_metadata *tp_metadata_new(size_t count, size_t text) {
  tp_metadata *m =
    calloc(1, sizeof *m + count * sizeof m->headers[0] + text);
  if (m == NULL) return NULL;
  m->references = 1;
  m->count = count;
  return m;
}

tp_metadata *tp_metadata_hold(tp_metadata *m) {
  if (m) __atomic_add_fetch(&m->references, 1, __ATOMIC_RELAXED);
  return m;
}

void tp_metadata_release(tp_metadata *m) {
  if (m && __atomic_sub_fetch(&m->references, 1, __ATOMIC_ACQ_REL) == 0)
    free(m);
}

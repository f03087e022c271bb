/* Where the events of a temporal.api.history.v1.History lie in its bytes, so
** that only those somebody asks for are decoded. Any thread; never allocates.
*/
#ifndef TP_HISTORY_INDEX_H
#define TP_HISTORY_INDEX_H

#include <stdint.h>
#include "wire.h"

#pragma GCC visibility push(hidden)

typedef struct tp_history_event {
  int64_t id;
  int64_t seconds;           /* of its time; 0 without one */
  const uint8_t *bytes;      /* the whole HistoryEvent */
  const uint8_t *attributes; /* within it; NULL when it has none */
  uint32_t length, attributes_length;
  int32_t nanos;
  int32_t type;    /* of temporal.api.enums.v1.EventType */
  uint16_t field;  /* number of the field that holds the attributes, or 0 */
  uint8_t ignored; /* worker_may_ignore */
  uint8_t twice;   /* a field of attributes came more than once: they have to
                   ** be read as the whole event is */
} tp_history_event;

/* How many events a History has. It fails as the wire does, at the reader. */
tp_status tp_history_count(tp_reader *r, size_t *count);
/* The next event; `done` once there is none. The reader stays at what cannot
** be read. Attributes are not looked into. */
tp_status tp_history_next(tp_reader *r, tp_history_event *event, int *done);

#pragma GCC visibility pop
#endif

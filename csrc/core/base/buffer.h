/* Growable bytes with a ceiling. One owner at a time; any thread.
** Fails with TP_ENOMEM or TP_ETOOBIG; the first failure sticks (`status`), so
** a writer may check once at the end: later writes are ignored.
*/
#ifndef TP_BUFFER_H
#define TP_BUFFER_H

#include <stddef.h>
#include <stdint.h>
#include "status.h"

#pragma GCC visibility push(hidden)

typedef struct tp_buffer {
  uint8_t *data;
  size_t length;
  size_t capacity;
  size_t ceiling;   /* length never exceeds it */
  tp_status status; /* TP_OK, or why the buffer stopped growing */
} tp_buffer;

void tp_buffer_init(tp_buffer *b, size_t ceiling);
void tp_buffer_free(tp_buffer *b); /* empty and usable again afterwards */

/* Room for `n` more bytes at data + length, or NULL. Does not move length. */
uint8_t *tp_buffer_reserve(tp_buffer *b, size_t n);
tp_status tp_buffer_put(tp_buffer *b, const void *bytes, size_t n);
tp_status tp_buffer_byte(tp_buffer *b, uint8_t byte);

#pragma GCC visibility pop
#endif

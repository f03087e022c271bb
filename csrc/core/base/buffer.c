/* Growable bytes with a ceiling: see buffer.h. */
#include "buffer.h"

#include <stdlib.h>
#include <string.h>

void tp_buffer_init(tp_buffer *b, size_t ceiling) {
  b->data = NULL;
  b->length = 0;
  b->capacity = 0;
  b->ceiling = ceiling;
  b->status = TP_OK;
}

void tp_buffer_free(tp_buffer *b) {
  free(b->data);
  tp_buffer_init(b, b->ceiling);
}

uint8_t *tp_buffer_reserve(tp_buffer *b, size_t n) {
  size_t need, capacity;
  uint8_t *data;
  if (b->status != TP_OK) return NULL;
  if (n <= b->capacity - b->length) return b->data + b->length;
  if (n > b->ceiling - b->length) {
    b->status = TP_ETOOBIG;
    return NULL;
  }
  need = b->length + n;
  capacity = b->capacity ? b->capacity : 128;
  while (capacity < need) capacity += capacity / 2 + 64;
  if (capacity > b->ceiling) capacity = b->ceiling;
  data = realloc(b->data, capacity);
  if (data == NULL) {
    b->status = TP_ENOMEM;
    return NULL;
  }
  b->data = data;
  b->capacity = capacity;
  return data + b->length;
}

tp_status tp_buffer_put(tp_buffer *b, const void *bytes, size_t n) {
  uint8_t *room;
  if (n == 0) return b->status; /* an empty buffer has no place to point at */
  room = tp_buffer_reserve(b, n);
  if (room == NULL) return b->status;
  memcpy(room, bytes, n);
  b->length += n;
  return TP_OK;
}

tp_status tp_buffer_byte(tp_buffer *b, uint8_t byte) {
  return tp_buffer_put(b, &byte, 1);
}

/* gzip: see gzip.h. */
#include "gzip.h"

#include <limits.h>
#include <string.h>
#include <zlib.h>

#define GZIP_ONLY (16 + MAX_WBITS)
#define STEP 16384 /* the least room to inflate into */
#define ANY_RATIO ((size_t)16 << 20) /* one payload of zeros is no bomb */

size_t tp_gunzip_limit(size_t n, size_t max) {
  size_t least = max / 8 > ANY_RATIO ? max / 8 : ANY_RATIO;
  size_t most = n < max / TP_GUNZIP_RATIO ? n * TP_GUNZIP_RATIO : max;
  if (most < least) most = least;
  return most < max ? most : max;
}

/* One step; TP_OK while there is more to come, 1 at the end. */
static int step(z_stream *z, tp_buffer *out) {
  size_t room = out->capacity - out->length, before;
  int result;
  uint8_t *at;
  if (room < STEP) room = out->capacity > STEP ? out->capacity : STEP;
  if (room > out->ceiling - out->length) room = out->ceiling - out->length;
  if (room == 0) return TP_ETOOBIG;
  at = tp_buffer_reserve(out, room);
  if (at == NULL) return out->status;
  before = room > UINT_MAX ? UINT_MAX : room;
  z->next_out = at;
  z->avail_out = (unsigned)before;
  result = inflate(z, Z_NO_FLUSH);
  out->length += before - z->avail_out;
  if (result == Z_STREAM_END) return z->avail_in ? TP_ESYNTAX : -1;
  if (result == Z_MEM_ERROR) return TP_ENOMEM;
  if (result != Z_OK && result != Z_BUF_ERROR) return TP_ESYNTAX;
  return z->avail_out > 0 ? TP_ESYNTAX : TP_OK; /* it wants more input */
}

tp_status tp_gunzip(tp_buffer *b, size_t max) {
  z_stream z;
  tp_buffer out;
  int status = TP_OK;
  memset(&z, 0, sizeof z);
  if (b->length > UINT_MAX) return TP_ETOOBIG;
  max = tp_gunzip_limit(b->length, max);
  if (inflateInit2(&z, GZIP_ONLY) != Z_OK) return TP_ENOMEM;
  /* One byte of room beyond: an end exactly at the limit is seen as one. */
  tp_buffer_init(&out, max + 1);
  z.next_in = b->data;
  z.avail_in = (unsigned)b->length;
  while (status == TP_OK) status = step(&z, &out);
  inflateEnd(&z);
  if (status == -1) status = out.length > max ? TP_ETOOBIG : TP_OK;
  if (status != TP_OK) {
    tp_buffer_free(&out);
    return (tp_status)status;
  }
  tp_buffer_free(b);
  *b = out;
  return TP_OK;
}

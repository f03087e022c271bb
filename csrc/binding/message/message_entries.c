/* Entries of a map in the order of their keys: see message_entries.h.
** Works on the encoded bytes: no pointer into a Lua value is kept, so whatever
** a collection triggered meanwhile does to the table is harmless.
*/
#include "message_entries.h"

#include <stdlib.h>
#include <string.h>
#include "../../core/proto/schema.h"
#include "../../core/proto/wire.h"

#define FEW 16     /* entries sorted without a Lua allocation */
#define SMALL 1024 /* bytes permuted without one */

typedef struct {
  const uint8_t *start; /* the whole entry, its tag included */
  size_t length;
  const uint8_t *key; /* string key, or NULL */
  size_t key_length;
  int64_t integer;
} entry;

static int compare(const void *left, const void *right) {
  const entry *a = left, *b = right;
  if (a->key != NULL && b->key != NULL) {
    size_t n = a->key_length < b->key_length ? a->key_length : b->key_length;
    int order = memcmp(a->key, b->key, n);
    if (order != 0) return order;
    return a->key_length < b->key_length ? -1 : a->key_length > b->key_length;
  }
  return a->integer < b->integer ? -1 : a->integer > b->integer;
}

/* Reads one entry; the key is its field 1. */
static int read_entry(tp_reader *r, entry *one, int key_type) {
  tp_field_value whole, key;
  tp_reader inner;
  if (tp_wire_next(r, &whole) != TP_OK) return 0;
  inner = tp_reader_within(r, whole.bytes, whole.length);
  if (tp_wire_next(&inner, &key) != TP_OK) return 0;
  one->start = whole.start;
  one->length = (size_t)(r->p - whole.start);
  one->key = key.bytes;
  one->key_length = key.length;
  one->integer = (int64_t)key.integer;
  if (key_type == TP_SFIXED32)
    one->integer = (int32_t)(uint32_t)key.integer;
  else if (key_type == TP_SINT32 || key_type == TP_SINT64)
    one->integer = tp_zigzag_decode(key.integer);
  return 1;
}

static void permute(const entry *entries, size_t n, uint8_t *begin,
                    uint8_t *copy) {
  uint8_t *to = copy;
  size_t i;
  for (i = 0; i < n; i++) {
    memcpy(to, entries[i].start, entries[i].length);
    to += entries[i].length;
  }
  memcpy(begin, copy, (size_t)(to - copy));
}

void ltp_sort_entries(lua_State *L, tp_buffer *out, size_t begin,
                      int key_type) {
  entry few[FEW], *entries = few;
  uint8_t small[SMALL], *copy = small;
  size_t n = 0, i, bytes;
  int top = lua_gettop(L), sorted = 1;
  tp_reader r;
  if (out->status != TP_OK) return;
  bytes = out->length - begin;
  tp_reader_init(&r, out->data + begin, bytes);
  for (; tp_wire_skip(&r) == TP_OK; n++) continue;
  if (n > FEW) entries = lua_newuserdata(L, n * sizeof(entry));
  tp_reader_init(&r, out->data + begin, bytes);
  for (i = 0; i < n && read_entry(&r, &entries[i], key_type); i++)
    if (i > 0 && compare(&entries[i - 1], &entries[i]) > 0) sorted = 0;
  if (!sorted) {
    if (bytes > SMALL) copy = lua_newuserdata(L, bytes);
    qsort(entries, n, sizeof(entry), compare);
    permute(entries, n, out->data + begin, copy);
  }
  lua_settop(L, top);
}

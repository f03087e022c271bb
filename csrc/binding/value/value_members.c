/* Members of a JSON object in the order of their keys: see value_members.h.
** Works on the text, as message_entries.c does on encoded maps.
*/
#include "value_members.h"

#include <stdlib.h>
#include <string.h>

#define FEW 16     /* members sorted without an allocation */
#define SMALL 1024 /* bytes permuted without one */

typedef struct {
  const uint8_t *start; /* the quote before the key */
  size_t length;        /* of the member, its comma included */
  size_t key;           /* of the key, without quotes */
} member;

static int compare_keys(const uint8_t *a, size_t a_length, const uint8_t *b,
                        size_t b_length) {
  size_t n = a_length < b_length ? a_length : b_length;
  int order = memcmp(a, b, n);
  if (order != 0) return order;
  return a_length < b_length ? -1 : a_length > b_length;
}

static int compare(const void *left, const void *right) {
  const member *a = left, *b = right;
  return compare_keys(a->start + 1, a->key, b->start + 1, b->key);
}

int ltp_members_in_order(const tp_buffer *out, size_t a, size_t a_length,
                         size_t b, size_t b_length) {
  return compare_keys(out->data + a, a_length, out->data + b, b_length) < 0;
}

/* Behind the string that begins at p. */
static const uint8_t *skip_string(const uint8_t *p) {
  for (p++; *p != '"'; p++)
    if (*p == '\\') p++;
  return p + 1;
}

/* Reads one member, of text that is right. Where the next one begins. */
static const uint8_t *read_member(const uint8_t *p, member *one) {
  int depth = 0;
  one->start = p;
  p = skip_string(p);
  one->key = (size_t)(p - one->start) - 2;
  for (p++; depth > 0 || *p != ',';) {
    if (*p == '"') {
      p = skip_string(p);
      continue;
    }
    if (*p == '{' || *p == '[') depth++;
    else if (*p == '}' || *p == ']') depth--;
    p++;
  }
  one->length = (size_t)(p + 1 - one->start);
  return p + 1;
}

static void order(member *members, size_t count) {
  size_t i, k;
  if (count > FEW) {
    qsort(members, count, sizeof(member), compare);
    return;
  }
  for (i = 1; i < count; i++) {
    member one = members[i];
    for (k = i; k > 0 && compare(&members[k - 1], &one) > 0; k--)
      members[k] = members[k - 1];
    members[k] = one;
  }
}

static void sort(uint8_t *first, size_t bytes, size_t count, member *members,
                 uint8_t *copy) {
  const uint8_t *p = first;
  uint8_t *to = copy;
  size_t i;
  for (i = 0; i < count; i++) p = read_member(p, &members[i]);
  order(members, count);
  for (i = 0; i < count; i++) {
    memcpy(to, members[i].start, members[i].length);
    to += members[i].length;
  }
  memcpy(first, copy, bytes);
}

void ltp_sort_members(tp_buffer *out, size_t begin, size_t count) {
  member few[FEW], *members = few;
  uint8_t small[SMALL], *copy = small;
  size_t bytes;
  if (out->status != TP_OK) return;
  bytes = out->length - begin;
  if (count > FEW) members = malloc(count * sizeof(member));
  if (bytes > SMALL) copy = malloc(bytes);
  if (members != NULL && copy != NULL)
    sort(out->data + begin, bytes, count, members, copy);
  else
    out->status = TP_ENOMEM;
  if (members != few) free(members);
  if (copy != small) free(copy);
}

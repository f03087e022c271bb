/* Headers: see header.h. */
#include "header.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

static bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* The length of a beginning that is printable ASCII, by eights. */
static size_t printable(const char *value, size_t n) {
  size_t i;
  for (i = 0; n - i >= 8; i += 8) {
    uint64_t w;
    memcpy(&w, value + i, 8);
    if (((w - EACH(0x20)) | (w + EACH(1)) | w) & EACH(0x80)) break;
  }
  return i;
}

const char *tp_header_problem(const char *value, size_t n) {
  size_t i;
  for (i = printable(value, n); i < n; i++) {
    unsigned char c = (unsigned char)value[i];
    if ((c < ' ' && c != '\t') || c == 127)
      return "must have no control characters (no line breaks, no NUL)";
  }
  if (n > 0 && (is_blank(value[0]) || is_blank(value[n - 1])))
    return "must not begin or end with a blank";
  return NULL;
}

bool tp_headers_check(const tp_header *headers, size_t n,
                      char reason[TP_REASON]) {
  size_t i;
  for (i = 0; i < n; i++) {
    const tp_header *h = &headers[i];
    const char *problem;
    if (h->value_lasts) continue; /* our own words */
    problem = tp_header_problem(h->value, h->value_length);
    if (problem == NULL) continue;
    snprintf(reason, TP_REASON, "the header \"%.*s\" %s",
             h->name_length < 100 ? (int)h->name_length : 100, h->name,
             problem);
    return false;
  }
  return true;
}

size_t tp_headers_size(const tp_header *headers, size_t n) {
  size_t i, bytes = 17; /* a priority, two changes of the table's size */
  for (i = 0; i < n; i++) /* two lengths of each */
    bytes += headers[i].name_length + headers[i].value_length + 12;
  return bytes;
}

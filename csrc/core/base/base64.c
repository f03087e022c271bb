/* Base64: see base64.h. */
#include "base64.h"

#include <string.h>

static const char alphabet[] =
  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

tp_status tp_base64_decode(uint8_t *out, size_t *length, const char *text,
                           size_t n) {
  uint32_t bits = 0;
  size_t i, k = 0;
  while (n > 0 && text[n - 1] == '=') n--;
  if (n % 4 == 1) return TP_ESYNTAX;
  for (i = 0; i < n; i++) {
    const char *at = text[i] ? strchr(alphabet, text[i]) : NULL;
    if (at == NULL) return TP_ESYNTAX;
    bits = bits << 6 | (uint32_t)(at - alphabet);
    if (i % 4 == 1) out[k++] = (uint8_t)(bits >> 4);
    else if (i % 4 == 2) out[k++] = (uint8_t)(bits >> 2);
    else if (i % 4 == 3) out[k++] = (uint8_t)bits;
  }
  *length = k;
  return TP_OK;
}

size_t tp_base64_encode(char *out, const uint8_t *bytes, size_t n) {
  size_t i, k = 0;
  for (i = 0; i < n; i += 3) {
    size_t left = n - i;
    uint32_t bits = (uint32_t)bytes[i] << 16 |
                    (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
                    (left > 2 ? bytes[i + 2] : 0);
    out[k++] = alphabet[bits >> 18];
    out[k++] = alphabet[bits >> 12 & 63];
    if (left > 1) out[k++] = alphabet[bits >> 6 & 63];
    if (left > 2) out[k++] = alphabet[bits & 63];
  }
  return k;
}

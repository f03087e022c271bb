/* Base64, with and without padding. Any thread; only reading can fail, with
** TP_ESYNTAX.
*/
#ifndef TP_BASE64_H
#define TP_BASE64_H

#include <stddef.h>
#include <stdint.h>
#include "status.h"

#pragma GCC visibility push(hidden)

/* Padding is optional on reading. `out` needs 3/4 n (4/3 n + 4) bytes. */
tp_status tp_base64_decode(uint8_t *out, size_t *length, const char *text,
                           size_t n);
size_t tp_base64_encode(char *out, const uint8_t *bytes, size_t n);

#pragma GCC visibility pop
#endif

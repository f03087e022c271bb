/* Decimal text to double and back, exactly. Any thread; no locale, no
** allocation.
*/
#ifndef TP_JSON_NUMBER_H
#define TP_JSON_NUMBER_H

#include <stddef.h>
#include <stdint.h>
#include "../base/status.h"

#pragma GCC visibility push(hidden)

/* `text` must be a JSON number. The result is rounded to nearest, ties to even;
** TP_ERANGE when beyond the largest double. */
tp_status tp_decimal_read(const char *text, size_t n, double *value);
/* Both want room for TP_DECIMAL_SIZE bytes and return how many they wrote:
** digits, sign, point and `e`, no final 0. `value` must be finite. */
#define TP_DECIMAL_SIZE 32
size_t tp_decimal_write(double value, char *out);
size_t tp_integer_write(int64_t value, char *out);

#pragma GCC visibility pop
#endif

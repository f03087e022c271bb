/* Integers of protobuf fields in decimal text, exactly. Any thread. */
#ifndef TP_PROTOJSON_NUMBER_H
#define TP_PROTOJSON_NUMBER_H

#include <stddef.h>
#include <stdint.h>
#include "../base/status.h"

#pragma GCC visibility push(hidden)

/* Is it a number as JSON has them? */
int tp_is_number(const char *s, size_t n);

/* The value of such a number for an integer field of `type`, in two's
** complement when it is signed: TP_OK, TP_ERANGE, or TP_ESYNTAX when it is
** not whole. "1.50e1" is 15. */
tp_status tp_integer_read(const char *s, size_t n, int type, uint64_t *value);
const char *tp_integer_type(int type); /* "int32" */

#pragma GCC visibility pop
#endif

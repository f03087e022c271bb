/* UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, at most
** U+10FFFF. Any thread; cannot fail.
*/
#ifndef TP_UTF8_H
#define TP_UTF8_H

#include <stddef.h>

#pragma GCC visibility push(hidden)

/* The length of the longest valid prefix: equal to n when all is valid. */
size_t tp_utf8_valid_prefix(const char *s, size_t n);

#pragma GCC visibility pop
#endif

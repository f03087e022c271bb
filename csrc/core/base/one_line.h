/* Text for people, in logs and on stderr: whatever it was, one line without
** control characters. Any thread; cannot fail.
*/
#ifndef TP_ONE_LINE_H
#define TP_ONE_LINE_H

#include <stddef.h>

#pragma GCC visibility push(hidden)

/* Writes the text with a blank in place of each run of control characters (C0,
** DEL, C1 in UTF-8 or as single bytes). `out` has room for n bytes and may be
** the text itself. Returns the new length. */
size_t tp_one_line(char *out, const char *text, size_t n);

#pragma GCC visibility pop
#endif

/* How libcurl, with the OpenSSL it stands on, comes into the process. Binding
** its thirty libraries takes longer than all else of a program's start, and
** not every program needs it: the shared module loads it for the first client
** that does (libcurl_late.c), the static library leaves it to the host's linker
** (libcurl_linked.c). Here and in those two files only.
*/
#ifndef TP_LIBCURL_H
#define TP_LIBCURL_H

#include <stdbool.h>
#include "../base/limits.h"

#pragma GCC visibility push(hidden)

/* Makes libcurl's functions callable. False, with the reason written: they are
** not, and the next call tries again. Any thread, through tp_process_libcurl.
*/
bool tp_libcurl_load(char reason[TP_REASON]);
/* Are the OpenSSL functions there that tls.c calls? Once it is loaded. */
bool tp_libcurl_has_openssl(void);

#pragma GCC visibility pop
#endif

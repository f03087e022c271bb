/* Files that a user names: looked at before they are read. Any thread. */
#ifndef TP_FILE_H
#define TP_FILE_H

#include <stddef.h>

#pragma GCC visibility push(hidden)

/* What users name is at most this long, but for bundles of certificates. */
#define TP_MAX_FILE (1024 * 1024)

/* Opens a regular file of at most `most` bytes (0: any number) for reading, and
** never waits, as opening a pipe would. -1: `why` says why not, and errno too
** where the system said so, else it is 0. */
int tp_file_open(const char *path, size_t most, const char **why);

#pragma GCC visibility pop
#endif

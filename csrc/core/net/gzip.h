/* Inflating the answers of a server that compresses them (zlib). Any thread. */
#ifndef TP_GZIP_H
#define TP_GZIP_H

#include "../base/buffer.h"

#pragma GCC visibility push(hidden)

/* What `n` bytes of gzip data may become where `max` is the most: 16 MiB, or an
** eighth of `max`, however few they are, and above that 100 times as many. */
#define TP_GUNZIP_RATIO 100
size_t tp_gunzip_limit(size_t n, size_t max);

/* Replaces gzip data by what it stands for, within tp_gunzip_limit().
** TP_ETOOBIG, TP_ENOMEM, or TP_ESYNTAX when it is no whole gzip stream; the
** buffer is then as it was. */
tp_status tp_gunzip(tp_buffer *b, size_t max);

#pragma GCC visibility pop
#endif

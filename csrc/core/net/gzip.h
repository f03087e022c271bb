/* Inflating the answers of a server that compresses them (zlib). Any thread. */
#ifndef TP_GZIP_H
#define TP_GZIP_H

#include "../base/buffer.h"

#pragma GCC visibility push(hidden)

/* Replaces gzip data by what it stands for, of at most `max` bytes. TP_ETOOBIG,
** TP_ENOMEM, or TP_ESYNTAX when it is no whole gzip stream; the buffer is then
** as it was. */
tp_status tp_gunzip(tp_buffer *b, size_t max);

#pragma GCC visibility pop
#endif

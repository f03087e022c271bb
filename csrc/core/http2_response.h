/* Reads a gRPC answer as its headers, data and trailers arrive, into a
** tp_stream. Pure parsing, no I/O; a peer's nonsense becomes
** `stream->problem`, never a crash. The driving thread only.
*/
#ifndef TP_HTTP2_RESPONSE_H
#define TP_HTTP2_RESPONSE_H

#include "http2.h"

#pragma GCC visibility push(hidden)

void tp_response_header(tp_stream *stream, const char *name, size_t name_length,
                        const char *value, size_t value_length);
void tp_response_headers_end(tp_stream *stream); /* of one block */
void tp_response_data(tp_stream *stream, const uint8_t *data, size_t n);

#pragma GCC visibility pop
#endif

/* What gRPC adds to HTTP/2: message prefixes, the timeout header, percent-coded
** text, and the codes that stand for HTTP and RST errors. Any thread; nothing
** here can fail.
** Source: "gRPC over HTTP2" and "HTTP to gRPC Status Code Mapping".
*/
#ifndef TP_GRPC_H
#define TP_GRPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "../base/status.h"

#pragma GCC visibility push(hidden)

#define TP_GRPC_PREFIX 5 /* compressed flag and a big-endian length */

void tp_grpc_write_prefix(uint8_t prefix[TP_GRPC_PREFIX], uint32_t length);
uint32_t tp_grpc_read_length(const uint8_t prefix[TP_GRPC_PREFIX]);

/* "1500m" and the like: at most 8 digits, rounded up. Returns the length. */
size_t tp_grpc_write_timeout(char out[16], int64_t microseconds);

/* Decodes %XX in place; what is malformed stays. Returns the new length. */
size_t tp_grpc_percent_decode(char *text, size_t n);

int tp_grpc_code_of_http(int status);
int tp_grpc_code_of_rst(uint32_t error_code);
const char *tp_http2_error_name(uint32_t error_code);

#pragma GCC visibility pop
#endif

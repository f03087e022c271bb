/* SHA-256, by OpenSSL's libcrypto, which is loaded for the first digest: only
** workers need one.
*/
#ifndef TP_DIGEST_H
#define TP_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)

#define TP_SHA256 32 /* bytes */

/* False: there is no libcrypto. Any thread. */
bool tp_sha256(const void *bytes, size_t n, uint8_t digest[TP_SHA256]);

#pragma GCC visibility pop
#endif

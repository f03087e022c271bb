/* libcurl as the host program links it: see libcurl.h. */
#include "libcurl.h"

bool tp_libcurl_load(char reason[TP_REASON]) {
  (void)reason;
  return true;
}

bool tp_libcurl_has_openssl(void) {
  return true;
}

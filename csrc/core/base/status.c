/* Names and texts of the codes in status.h. Any thread; cannot fail. */
#include "status.h"

const char *tp_status_text(tp_status status) {
  static const char *const texts[] = {
#define X(symbol, text) text,
    TP_STATUSES(X)
#undef X
  };
  return (unsigned)status < TP_STATUS_COUNT ? texts[status] : "unknown error";
}

const char *tp_grpc_code_name(int code) {
  static const char *const names[] = {
#define X(number, symbol, name) name,
    TP_GRPC_CODES(X)
#undef X
  };
  return code >= 0 && code < TP_GRPC_COUNT ? names[code] : "unknown";
}

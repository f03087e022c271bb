/* Failures: see failure.h. */
#include "failure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "limits.h"

void tp_failure_init(tp_failure *f) {
  memset(f, 0, sizeof *f);
  f->code = -1;
}

void tp_failure_clear(tp_failure *f) {
  free(f->message);
  free(f->details);
  tp_failure_init(f);
}

void tp_failure_set(tp_failure *f, const char *kind, int code,
                    const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  tp_failure_set_list(f, kind, code, format, arguments);
  va_end(arguments);
}

void tp_failure_set_list(tp_failure *f, const char *kind, int code,
                         const char *format, va_list arguments) {
  char text[TP_REASON * 2];
  vsnprintf(text, sizeof text, format, arguments);
  tp_failure_init(f);
  f->kind = kind;
  f->code = code;
  f->message = strdup(text);
}

void tp_failure_copy(tp_failure *to, const tp_failure *from) {
  *to = *from;
  to->message = from->message ? strdup(from->message) : NULL;
  to->details = from->details ? malloc(from->details_length + 1) : NULL;
  if (to->details) memcpy(to->details, from->details, from->details_length);
}

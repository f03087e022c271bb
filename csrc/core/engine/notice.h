/* What the program should hear of although it asks for nothing: a failed
** submission whose error nobody took, a long poll that keeps failing. Lua
** takes them at its next call; when there is no Lua state any more they are
** said on stderr. Has a lock of its own; any thread.
*/
#ifndef TP_NOTICE_H
#define TP_NOTICE_H

#include <pthread.h>
#include <stdbool.h>
#include "../base/failure.h"

#pragma GCC visibility push(hidden)

typedef struct tp_notice {
  struct tp_notice *next;
  tp_failure failure;
  char *workflow_id, *request_id, *method; /* owned, any may be NULL */
} tp_notice;

typedef enum { TP_LOST, TP_WARNING, TP_NOTICE_KINDS } tp_notice_kind;

typedef struct tp_notices {
  pthread_mutex_t lock;
  tp_notice *lists[TP_NOTICE_KINDS]; /* newest first */
  bool any;      /* atomic: the lists are not empty */
  bool alone;    /* there is no Lua state any more */
  unsigned said; /* atomic: on stderr */
} tp_notices;

void tp_notices_init(tp_notices *notices);
void tp_notices_clear(tp_notices *notices);
/* Takes the notice over. */
void tp_notices_add(tp_notices *notices, tp_notice_kind kind,
                    tp_notice *notice);
/* All of a kind, oldest first, now the caller's. */
tp_notice *tp_notices_take(tp_notices *notices, tp_notice_kind kind);

/* Nobody takes any from now on: what is there, and what comes, is said. */
void tp_notices_detach(tp_notices *notices);
/* On stderr, one line each for the first ten; then how many more. Its texts
** are cleaned for that. */
void tp_notices_say(tp_notices *notices, tp_notice *notice);
void tp_notices_say_rest(tp_notices *notices);

void tp_notice_free(tp_notice *notice);

#pragma GCC visibility pop
#endif

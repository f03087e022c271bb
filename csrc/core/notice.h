/* What the program should hear of although it asks for nothing: a failed
** submission whose error nobody took, a long poll that keeps failing. Lists of
** the engine, under its lock; Lua takes them at its next call, and when there
** is no Lua state any more they are said on stderr. Any thread.
*/
#ifndef TP_NOTICE_H
#define TP_NOTICE_H

#include "call.h"

#pragma GCC visibility push(hidden)

struct tp_engine;

typedef struct tp_notice {
  struct tp_notice *next;
  tp_failure failure;
  char *workflow_id, *request_id, *method; /* owned, any may be NULL */
} tp_notice;

/* Takes the notice over. The list is the engine's `lost` or `warnings`. */
void tp_engine_notice(struct tp_engine *engine, tp_notice **list,
                      tp_notice *notice);
/* The whole list, oldest first. */
tp_notice *tp_engine_take_notices(struct tp_engine *engine, tp_notice **list);
tp_notice *tp_notices_turn(tp_notice *list);
void tp_notices_free(tp_notice *list);
void tp_notice_free(tp_notice *notice);

/* On stderr, one line each for the first ten; then how many more. */
void tp_engine_say_lost(struct tp_engine *engine, const tp_notice *notice);
void tp_engine_say_rest(struct tp_engine *engine);

#pragma GCC visibility pop
#endif

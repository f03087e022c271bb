/* Failed submissions whose error nobody took, and warnings: see notice.h. */
#include "notice.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine.h"

#define SAID_LOST_MAX 10

void tp_notice_free(tp_notice *notice) {
  tp_failure_clear(&notice->failure);
  free(notice->workflow_id);
  free(notice->request_id);
  free(notice->method);
  free(notice);
}

/* One line each, for the first of them. */
void tp_engine_say_lost(tp_engine *e, const tp_notice *n) {
  if (__atomic_fetch_add(&e->said_lost, 1, __ATOMIC_RELAXED) >= SAID_LOST_MAX)
    return;
  fprintf(stderr, "temporal: %s%s%s%s failed and nobody took the error: %s\n",
          n->method ? n->method : "a request",
          n->workflow_id ? " of workflow \"" : "",
          n->workflow_id ? n->workflow_id : "", n->workflow_id ? "\"" : "",
          n->failure.message ? n->failure.message : "");
}

void tp_engine_say_rest(tp_engine *e) {
  unsigned said = __atomic_load_n(&e->said_lost, __ATOMIC_RELAXED);
  if (said > SAID_LOST_MAX)
    fprintf(stderr, "temporal: ... and %u more\n", said - SAID_LOST_MAX);
}

void tp_engine_notice(tp_engine *e, tp_notice **list, tp_notice *notice) {
  bool alone;
  tp_engine_lock(e);
  alone = e->draining;
  if (!alone) {
    notice->next = *list; /* newest first; taking them turns them round */
    *list = notice;
    __atomic_store_n(&e->noticed, true, __ATOMIC_RELEASE);
  }
  tp_engine_unlock(e);
  if (!alone) return;
  if (list == &e->lost) tp_engine_say_lost(e, notice); /* no Lua */
  tp_notice_free(notice);
}

tp_notice *tp_notices_turn(tp_notice *list) {
  tp_notice *turned = NULL, *next;
  for (; list; list = next) {
    next = list->next;
    list->next = turned;
    turned = list;
  }
  return turned;
}

tp_notice *tp_engine_take_notices(tp_engine *e, tp_notice **list) {
  tp_notice *all;
  if (!__atomic_load_n(&e->noticed, __ATOMIC_ACQUIRE)) return NULL;
  tp_engine_lock(e);
  all = *list;
  *list = NULL;
  if (!e->lost && !e->warnings)
    __atomic_store_n(&e->noticed, false, __ATOMIC_RELEASE);
  tp_engine_unlock(e);
  return tp_notices_turn(all);
}

void tp_notices_free(tp_notice *notice) {
  while (notice) {
    tp_notice *next = notice->next;
    tp_notice_free(notice);
    notice = next;
  }
}

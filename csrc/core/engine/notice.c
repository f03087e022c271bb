/* Failed submissions whose error nobody took, and warnings: see notice.h. */
#include "notice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/one_line.h"

#define SAID_MAX 10

void tp_notice_free(tp_notice *notice) {
  tp_failure_clear(&notice->failure);
  free(notice->workflow_id);
  free(notice->request_id);
  free(notice->method);
  free(notice);
}

static void free_all(tp_notice *notice) {
  while (notice) {
    tp_notice *next = notice->next;
    tp_notice_free(notice);
    notice = next;
  }
}

static tp_notice *turn(tp_notice *list) {
  tp_notice *turned = NULL, *next;
  for (; list; list = next) {
    next = list->next;
    list->next = turned;
    turned = list;
  }
  return turned;
}

void tp_notices_init(tp_notices *n) {
  memset(n, 0, sizeof *n);
  pthread_mutex_init(&n->lock, NULL);
}

void tp_notices_clear(tp_notices *n) {
  free_all(n->lists[TP_LOST]);
  free_all(n->lists[TP_WARNING]);
  pthread_mutex_destroy(&n->lock);
}

static const char *shown(char *text) {
  if (text == NULL) return "";
  text[tp_one_line(text, text, strlen(text))] = '\0';
  return text;
}

void tp_notices_say(tp_notices *n, tp_notice *notice) {
  if (__atomic_fetch_add(&n->said, 1, __ATOMIC_RELAXED) >= SAID_MAX) return;
  fprintf(stderr, "temporal: %s%s%s%s failed and nobody took the error: %s\n",
          notice->method ? notice->method : "a request",
          notice->workflow_id ? " of workflow \"" : "",
          shown(notice->workflow_id), notice->workflow_id ? "\"" : "",
          shown(notice->failure.message));
}

void tp_notices_say_rest(tp_notices *n) {
  unsigned said = __atomic_load_n(&n->said, __ATOMIC_RELAXED);
  if (said > SAID_MAX)
    fprintf(stderr, "temporal: ... and %u more\n", said - SAID_MAX);
}

void tp_notices_add(tp_notices *n, tp_notice_kind kind, tp_notice *notice) {
  bool alone;
  pthread_mutex_lock(&n->lock);
  alone = n->alone;
  if (!alone) {
    notice->next = n->lists[kind];
    n->lists[kind] = notice;
    __atomic_store_n(&n->any, true, __ATOMIC_RELEASE);
  }
  pthread_mutex_unlock(&n->lock);
  if (!alone) return;
  if (kind == TP_LOST) tp_notices_say(n, notice);
  tp_notice_free(notice);
}

/* The lock is held. */
static tp_notice *take(tp_notices *n, tp_notice_kind kind) {
  tp_notice *all = n->lists[kind];
  n->lists[kind] = NULL;
  if (!n->lists[TP_LOST] && !n->lists[TP_WARNING])
    __atomic_store_n(&n->any, false, __ATOMIC_RELEASE);
  return turn(all);
}

tp_notice *tp_notices_take(tp_notices *n, tp_notice_kind kind) {
  tp_notice *all;
  if (!__atomic_load_n(&n->any, __ATOMIC_ACQUIRE)) return NULL;
  pthread_mutex_lock(&n->lock);
  all = take(n, kind);
  pthread_mutex_unlock(&n->lock);
  return all;
}

void tp_notices_detach(tp_notices *n) {
  tp_notice *lost, *notice;
  pthread_mutex_lock(&n->lock);
  n->alone = true;
  lost = take(n, TP_LOST);
  pthread_mutex_unlock(&n->lock);
  for (notice = lost; notice; notice = notice->next) tp_notices_say(n, notice);
  free_all(lost);
}

/* Bounded, rotating result polls: see polls.h. */
#include "polls.h"

#include "../base/container.h"

#define EARLY_ANSWER (TP_SECOND / 2)

static void append(tp_poll_list *list, tp_poll *poll) {
  poll->next = NULL;
  poll->link = list->tail;
  *list->tail = poll;
  list->tail = &poll->next;
}

static void prepend(tp_poll_list *list, tp_poll *poll) {
  poll->next = list->first;
  poll->link = &list->first;
  if (poll->next) poll->next->link = &poll->next;
  else list->tail = &poll->next;
  list->first = poll;
}

static void take_out(tp_poll_list *list, tp_poll *poll) {
  *poll->link = poll->next;
  if (poll->next) poll->next->link = poll->link;
  else list->tail = poll->link;
  poll->next = NULL;
  poll->link = NULL;
}

/* When the longest open poll makes room for the first that waits: both have
** had a slice, the one of being open, the other of having been turned out. */
static int64_t next_swap(const tp_polls *polls) {
  const tp_poll *open = polls->open.first, *waiting = polls->waiting.first;
  if (polls->steady || open == NULL || waiting == NULL) return TP_NEVER;
  return tp_after(open->since > waiting->since ? open->since : waiting->since,
                  TP_POLL_SLICE);
}

static void schedule(tp_polls *polls) {
  tp_timer_set(polls->timers, &polls->timer, next_swap(polls));
}

static void leave_open(tp_polls *polls, tp_poll *poll, int64_t now) {
  take_out(&polls->open, poll);
  polls->open_count--;
  poll->state = TP_POLL_WAITING;
  poll->since = now;
}

static void wait_again(tp_polls *polls, tp_poll *poll, int64_t now) {
  leave_open(polls, poll, now);
  append(&polls->waiting, poll);
}

/* One that fails in its grant leaves there, which fills again: once is enough,
** however many fail. */
static void fill(tp_polls *polls, int64_t now) {
  if (polls->filling) return;
  polls->filling = true;
  while (polls->waiting.first && polls->open_count < polls->limit) {
    tp_poll *poll = polls->waiting.first;
    take_out(&polls->waiting, poll);
    poll->state = TP_POLL_OPEN;
    poll->since = now;
    append(&polls->open, poll);
    polls->open_count++;
    poll->grant(poll, now);
  }
  polls->filling = false;
  schedule(polls);
}

static void rotate(tp_timer *timer, int64_t now) {
  tp_polls *polls = (tp_polls *)timer;
  while (next_swap(polls) <= now) {
    tp_poll *oldest = polls->open.first;
    oldest->revoke(oldest, now);
    if (oldest->state == TP_POLL_OPEN) wait_again(polls, oldest, now);
    fill(polls, now);
  }
  schedule(polls);
}

void tp_polls_init(tp_polls *polls, tp_timers *timers, size_t limit) {
  tp_timer_init(&polls->timer, rotate);
  polls->timers = timers;
  polls->limit = limit;
  polls->open_count = 0;
  polls->steady = polls->filling = false;
  polls->open.first = polls->waiting.first = NULL;
  polls->open.tail = &polls->open.first;
  polls->waiting.tail = &polls->waiting.first;
}

void tp_polls_ask(tp_polls *polls, tp_poll *poll, int64_t now) {
  if (poll->state == TP_POLL_WAITING) return;
  if (poll->state == TP_POLL_OPEN) {
    if (polls->waiting.first == NULL && polls->open_count <= polls->limit) {
      take_out(&polls->open, poll); /* a new turn begins */
      poll->since = now;
      append(&polls->open, poll);
      poll->grant(poll, now);
      return;
    }
    wait_again(polls, poll, now);
  } else {
    poll->state = TP_POLL_WAITING;
    poll->since = now - TP_POLL_SLICE; /* a newcomer's turn comes at once */
    append(&polls->waiting, poll);
  }
  fill(polls, now);
}

void tp_polls_leave(tp_polls *polls, tp_poll *poll, int64_t now) {
  if (poll->state == TP_POLL_WAITING) {
    take_out(&polls->waiting, poll);
  } else if (poll->state == TP_POLL_OPEN) {
    take_out(&polls->open, poll);
    polls->open_count--;
  }
  poll->state = TP_POLL_NONE;
  fill(polls, now);
}

int64_t tp_poll_delay(int64_t asked_at, int64_t now) {
  int64_t early = asked_at + EARLY_ANSWER - now;
  return asked_at && early > 0 ? early : 0;
}

void tp_polls_set_limit(tp_polls *polls, size_t limit, int64_t now) {
  if (limit == polls->limit) return;
  polls->limit = limit;
  while (!polls->steady && polls->open_count > limit) {
    tp_poll *newest = TP_CONTAINER(polls->open.tail, tp_poll, next);
    newest->revoke(newest, now);
    if (newest->state != TP_POLL_OPEN) continue;
    leave_open(polls, newest, now);
    prepend(&polls->waiting, newest); /* it had no turn */
  }
  fill(polls, now);
}

bool tp_polls_yield(tp_polls *polls, int64_t now) {
  tp_poll *oldest = polls->open.first;
  if (oldest == NULL || !oldest->on_stream(oldest)) return false;
  oldest->revoke(oldest, now);
  if (oldest->state == TP_POLL_OPEN) wait_again(polls, oldest, now);
  fill(polls, now);
  return true;
}

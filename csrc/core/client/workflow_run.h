/* Execute-workflow: start, wait for the close event when somebody asks, follow
** the chain of runs. A state machine over one call, which is first the start
** and then the long polls. Made by the host's thread, then driven by the
** engine's; what is read from outside was written before the flag that
** announces it (future.h).
*/
#ifndef TP_WORKFLOW_RUN_H
#define TP_WORKFLOW_RUN_H

#include "../rpc/polls.h"
#include "submission.h"

#pragma GCC visibility push(hidden)

/* NULL where unknown; the first two are known. */
typedef struct tp_run_names {
  const char *namespace, *workflow_id, *request_id, *workflow_type;
} tp_run_names;

typedef struct tp_run {
  tp_submission base; /* first: a submission is a run */
  tp_poll poll;
  tp_run_names names; /* the text lies behind the run, in the same block */
  bool signals;       /* the start is a SignalWithStartWorkflowExecution */
  bool attach;        /* already_started is a success: the run that is there */
  /* With TP_STARTED: */
  char *run_id;       /* the run the server named, or the maker */
  char *first_execution_run_id;
  bool attached;      /* the run existed before */
  int start_attempts;
  int64_t start_latency; /* microseconds */
  tp_buffer *task;    /* the first one; NULL: it was not asked for */
  /* With TP_FIRST and TP_RESULT; empty when that ended in a failure: */
  tp_buffer first_event;  /* HistoryEvent bytes */
  tp_buffer result_event; /* empty although TP_RESULT: it is first_event */
  char *first_closed_run_id, *result_run_id;
  /* Driving thread: */
  unsigned wanted;    /* atomic: TP_FIRST, TP_RESULT */
  bool starting;      /* the start is under way */
  bool asking;        /* in the polls' lists */
  char *current;      /* the run being polled; NULL: run_id, or the latest */
  tp_buffer token;    /* next_page_token */
  int64_t asked_at;
  int64_t followed_since; /* so many next runs */
  unsigned followed;
  unsigned announce;  /* flags to set once the closed run has its name */
} tp_run;

/* The names are copied. The host's thread. NULL: out of memory. */
tp_run *tp_run_new(tp_client *client, const tp_run_names *names);
/* Its start asks for the first task. Before it is sent. False: no memory. */
bool tp_run_want_task(tp_run *run);
/* Asks for the close event of the first run or of the chain's last; true when
** it need not be waited for. Starts over after a failed poll that was taken.
** `for_good`: whoever waits. The host's thread. */
bool tp_run_want(tp_run *run, unsigned what, bool for_good);

#pragma GCC visibility pop
#endif

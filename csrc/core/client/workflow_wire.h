/* The few messages the workflow state machine reads and writes by itself.
** Answers point into the bytes they were read from. Any thread; reading fails
** as wire.h does, writing as the buffer does.
*/
#ifndef TP_WORKFLOW_WIRE_H
#define TP_WORKFLOW_WIRE_H

#include <stdbool.h>
#include "../base/buffer.h"

#pragma GCC visibility push(hidden)

typedef struct tp_text {
  const char *data; /* not terminated */
  size_t length;    /* 0: absent or empty */
} tp_text;

/* A start's response, with or without a signal, or the detail of an
** already_started. */
typedef struct tp_start_answer {
  tp_text run_id, first_run_id;
  tp_text task; /* PollWorkflowTaskQueueResponse: the first, where asked for */
  bool started;
} tp_start_answer;

/* GetWorkflowExecutionHistoryResponse, asked with the CLOSE_EVENT filter. */
typedef struct tp_history_answer {
  tp_text event;        /* HistoryEvent; absent: not closed yet */
  tp_text next_run_id;  /* the run that follows the closed one */
  tp_text token;
  tp_text token_run_id; /* the run the token is bound to */
} tp_history_answer;

tp_status tp_wire_start_answer(const tp_buffer *bytes, tp_start_answer *out);
tp_status tp_wire_signal_start_answer(const tp_buffer *bytes,
                                      tp_start_answer *out);
/* `status`: google.rpc.Status bytes. No such detail: run_id stays absent. */
tp_status tp_wire_already_started(const uint8_t *status, size_t n,
                                  tp_start_answer *out);
/* Does this framed StartWorkflowExecutionRequest ask for USE_EXISTING? */
bool tp_wire_uses_existing(const tp_buffer *request);

/* This framed StartWorkflowExecutionRequest asks for no first task any more. */
tp_status tp_wire_want_no_task(tp_buffer *request);

/* The framed request of one long poll; `run_id` may be NULL. */
void tp_wire_history_request(tp_buffer *out, const char *namespace,
                             const char *workflow_id, const char *run_id,
                             const tp_buffer *token);
/* The framed request that describes the latest run of a workflow id. */
void tp_wire_describe_request(tp_buffer *out, const char *namespace,
                              const char *workflow_id);
/* The run id, if this run's history ends with the event; else absent. */
tp_text tp_wire_described_run(const tp_buffer *bytes, const tp_buffer *event);

tp_status tp_wire_history_answer(const tp_buffer *bytes,
                                 tp_history_answer *out);

#pragma GCC visibility pop
#endif

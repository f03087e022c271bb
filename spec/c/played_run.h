/* One run of a workflow, played: see played.h. */
#ifndef PLAYED_RUN_H
#define PLAYED_RUN_H

#include "client/workflow_run.h"
#include "played.h"

static tp_run *run;

static inline void begin(void) {
  static const tp_run_names names = {"default", "w-1", "r-1", NULL};
  begin_play();
  run = tp_run_new(client, &names);
}

static inline bool end(void) {
  return end_play(&run->base.future);
}

static inline void submit(void) {
  static const uint8_t prefix[TP_GRPC_PREFIX] = {0};
  tp_buffer_put(&run->base.call.request, prefix, sizeof prefix);
  tp_submission_send(&run->base, true);
  run_commands();
}

static inline unsigned flags(void) {
  return tp_future_flags(&run->base.future);
}

static inline void answers(int status, const tp_buffer *message) {
  answers_call(&run->base.call, status, message);
}

#endif

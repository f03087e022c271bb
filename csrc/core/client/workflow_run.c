/* Execute-workflow as a state machine: see workflow_run.h. The few messages it
** reads and writes are in workflow_wire.c.
*/
#include "workflow_run.h"

#include <stdlib.h>
#include <string.h>

#include "../base/container.h"
#include "../engine/drive.h"
#include "workflow_wire.h"

#define SERVICE "/temporal.api.workflowservice.v1.WorkflowService/"
/* A server that names a next run for ever: as many a second are followed. */
#define RUNS_A_SECOND 100
/* A known result does not wait longer to learn which run it is of. */
#define NAMING_TIMEOUT (2 * TP_SECOND)

static tp_run *run_of_call(tp_call *call) {
  return (tp_run *)tp_submission_of_call(call);
}

static tp_run *run_of_poll(tp_poll *poll) {
  return TP_CONTAINER(poll, tp_run, poll);
}

static char *copy(tp_text text) {
  return strndup(text.data, text.length);
}

static void replace(char **place, char *string) {
  free(*place);
  *place = string;
}

/* The run whose close event is asked for; NULL: the latest of its id. */
static const char *polled_run(const tp_run *run) {
  return run->current ? run->current : run->run_id;
}

/* --- the close event ---------- */

static unsigned wanted_of(const tp_run *run) {
  return __atomic_load_n(&run->wanted, __ATOMIC_ACQUIRE);
}

static void ask(tp_run *run) {
  unsigned flags = tp_future_flags(&run->base.future);
  if (run->asking || run->starting || !(wanted_of(run) & ~flags)) return;
  if (flags & (TP_FAILED | TP_CLOSED | TP_ABANDONED | TP_COLLECTED)) return;
  run->asking = true;
  tp_future_hold(&run->base.future);
  tp_polls_ask(&run->base.call.channel->polls, &run->poll,
               run->base.future.engine->now);
}

static void stop_asking(tp_run *run) {
  if (!run->asking) return;
  run->asking = false;
  tp_call_cancel(&run->base.call);
  tp_polls_leave(&run->base.call.channel->polls, &run->poll,
                 run->base.future.engine->now);
  tp_future_release(&run->base.future);
}

static void on_polled(tp_call *call, bool ok);

#define NO_MEMORY "out of memory while asking for the close event"

static void revoke(tp_poll *poll, int64_t now) {
  (void)now;
  tp_call_cancel(&run_of_poll(poll)->base.call);
  run_of_poll(poll)->asked_at = 0;
}

static bool on_stream(const tp_poll *poll) {
  return TP_CONTAINER(poll, tp_run, poll)->base.call.state == TP_CALL_OPEN;
}

static void poll_failed(tp_run *run) {
  unsigned flags = TP_POLL_FAILED | TP_RESULT;
  run->asking = false;
  run->token.length = 0; /* asked again, it begins anew */
  run->asked_at = 0;
  tp_polls_leave(&run->base.call.channel->polls, &run->poll,
                 run->base.future.engine->now);
  tp_future_signal(&run->base.future, flags | TP_FIRST);
  tp_future_release(&run->base.future);
}

static void grant(tp_poll *poll, int64_t now) {
  tp_run *run = run_of_poll(poll);
  tp_call *call = &run->base.call;
  call->long_poll = true;
  call->ambiguous = false;
  call->retry = true;
  call->timeout = TP_NEVER;
  call->path = SERVICE "GetWorkflowExecutionHistory";
  call->done = on_polled;
  call->request.length = 0;
  tp_wire_history_request(&call->request, run->names.namespace,
                          run->names.workflow_id, polled_run(run),
                          &run->token);
  if (call->request.status != TP_OK) {
    tp_call_fail(call, NULL, TP_GRPC_INTERNAL, NO_MEMORY);
    poll_failed(run);
    return;
  }
  tp_call_begin(call, now, tp_poll_delay(run->asked_at, now));
  run->asked_at = now;
}

/* False: no memory. */
static bool keep_name(char **place, const char *run_id) {
  replace(place, run_id ? strdup(run_id) : NULL);
  return *place != NULL || run_id == NULL;
}

/* Keeps the close event of a run, which `next` follows, or NULL, and adds to
** `flags` what there is to tell. False: no memory. */
static bool keep_event(tp_run *run, tp_text event, char *next,
                       unsigned *flags) {
  bool first = run->first_event.length == 0;
  tp_buffer *place = first ? &run->first_event : &run->result_event;
  const char *closed = polled_run(run);
  if ((first && !keep_name(&run->first_closed_run_id, closed)) ||
      (next == NULL && !keep_name(&run->result_run_id, closed)))
    return false;
  if ((first || next == NULL) &&
      tp_buffer_put(place, event.data, event.length) != TP_OK) {
    tp_buffer_free(place);
    return false;
  }
  *flags |= next ? TP_FIRST : TP_FIRST | TP_RESULT;
  if (next) replace(&run->current, next);
  tp_buffer_free(&run->token);
  return true;
}

/* Announces what has come, and goes on if more is wanted. */
static void polled(tp_run *run, unsigned flags) {
  tp_polls *polls = &run->base.call.channel->polls;
  int64_t now = run->base.future.engine->now;
  tp_stream_clear(&run->base.call.attempt.stream);
  if (flags) tp_future_signal(&run->base.future, flags);
  if (wanted_of(run) & ~tp_future_flags(&run->base.future) &&
      !tp_future_rest(&run->base.future)) {
    tp_polls_ask(polls, &run->poll, now);
    return;
  }
  run->asking = false;
  tp_buffer_free(&run->base.call.request);
  tp_polls_leave(polls, &run->poll, now);
  tp_future_release(&run->base.future);
}

/* The run is named if nobody has started a later one of its id meanwhile; an
** answer that does not come is no reason to keep the result back. */
static void on_named(tp_call *call, bool ok) {
  tp_run *run = run_of_call(call);
  if (ok) {
    tp_text id = tp_wire_described_run(tp_call_answer(call),
                                       &run->first_event);
    if (id.length) replace(&run->result_run_id, copy(id));
    if (id.length) replace(&run->first_closed_run_id, copy(id));
  }
  polled(run, run->announce);
}

/* A handle without a run id on a workflow that was closed already: neither the
** close event nor a token says which run that was. */
static void ask_name(tp_run *run, unsigned flags) {
  /* Its poll is over: nobody else need wait for this. */
  tp_polls_leave(&run->base.call.channel->polls, &run->poll,
                 run->base.future.engine->now);
  run->announce = flags;
  run->base.call.long_poll = false;
  run->base.call.retry = false;
  run->base.call.timeout = NAMING_TIMEOUT;
  run->base.call.path = SERVICE "DescribeWorkflowExecution";
  run->base.call.done = on_named;
  tp_stream_clear(&run->base.call.attempt.stream);
  tp_wire_describe_request(&run->base.call.request, run->names.namespace,
                           run->names.workflow_id);
  if (run->base.call.request.status == TP_OK)
    tp_call_begin(&run->base.call, run->base.future.engine->now, 0);
  else
    polled(run, flags);
}

/* One more run of the chain. False: it goes too fast. */
static bool follow(tp_run *run, int64_t now) {
  if (now - run->followed_since >= TP_SECOND) {
    run->followed_since = now;
    run->followed = 0;
  }
  return ++run->followed <= RUNS_A_SECOND;
}

static bool is_polled(const tp_run *run, tp_text id) {
  const char *polled_id = polled_run(run);
  return polled_id && strlen(polled_id) == id.length &&
         memcmp(polled_id, id.data, id.length) == 0;
}

/* A long poll has ended. Returns what is wrong with the answer, or NULL. */
static const char *take_answer(tp_run *run, unsigned *flags) {
  tp_history_answer answer;
  char *next = NULL;
  if (tp_wire_history_answer(tp_call_answer(&run->base.call), &answer) != TP_OK)
    return "the server's history answer cannot be read";
  if (polled_run(run) == NULL && answer.token_run_id.length &&
      !(run->current = copy(answer.token_run_id)))
    return NO_MEMORY;
  if (answer.event.length == 0) {
    tp_buffer_free(&run->token); /* its status too */
    return tp_buffer_put(&run->token, answer.token.data,
                         answer.token.length) == TP_ENOMEM ? NO_MEMORY : NULL;
  }
  if (is_polled(run, answer.next_run_id))
    return "the server names the run as its own successor";
  if (!answer.next_run_id.length || follow(run, run->base.future.engine->now))
    run->asked_at = 0;
  if (answer.next_run_id.length && !(next = copy(answer.next_run_id)))
    return NO_MEMORY;
  if (keep_event(run, answer.event, next, flags)) return NULL;
  free(next);
  return NO_MEMORY;
}

static void on_polled(tp_call *call, bool ok) {
  tp_run *run = run_of_call(call);
  unsigned flags = 0;
  const char *problem = ok ? take_answer(run, &flags) : NULL;
  if (call->unwanted) {
    run->token.length = 0; /* asked again, it begins anew */
    polled(run, 0);
    return;
  }
  if (problem) tp_call_fail(call, NULL, TP_GRPC_INTERNAL, "%s", problem);
  if (!ok || problem)
    poll_failed(run);
  else if (flags & TP_RESULT && run->result_run_id == NULL)
    ask_name(run, flags);
  else
    polled(run, flags);
}

/* --- the start ---------- */

/* The end of the start, whichever: acknowledged or failed. */
static void settle(tp_run *run, unsigned flags) {
  unsigned before;
  run->starting = false;
  tp_channel_touch(run->base.call.channel); /* the last of a close, perhaps */
  before = tp_future_signal(&run->base.future, flags);
  tp_future_lost(&run->base.future, before | flags);
  tp_client_acknowledged(run->base.future.client);
  if (!(flags & (TP_FAILED | TP_CLOSED)) && !tp_future_rest(&run->base.future))
    ask(run);
  tp_future_release(&run->base.future);
}

/* With the default policy a signal takes the run that is there; a repeated
** attempt cannot tell that run from its own. */
static bool has_attached(const tp_run *run, const tp_start_answer *answer) {
  if (answer->started) return false;
  return run->signals ? run->base.call.attempts == 1
                      : tp_wire_uses_existing(&run->base.call.request);
}

/* Servers before 1.32 do not name it: a run that is surely new is its own. */
static tp_text first_run(const tp_run *run, const tp_start_answer *answer) {
  bool new = answer->started || !(run->attached || run->signals);
  if (answer->first_run_id.length || !new) return answer->first_run_id;
  return answer->run_id;
}

static tp_status read_answer(const tp_run *run, tp_start_answer *answer) {
  const tp_buffer *bytes = tp_call_answer(&run->base.call);
  return run->signals ? tp_wire_signal_start_answer(bytes, answer)
                      : tp_wire_start_answer(bytes, answer);
}

/* False: no memory. */
static bool name_run(tp_run *run, const tp_start_answer *answer) {
  tp_text first = first_run(run, answer);
  run->run_id = copy(answer->run_id);
  if (first.length) run->first_execution_run_id = copy(first);
  return run->run_id && (run->first_execution_run_id || !first.length);
}

/* The server has said yes, and what else nobody will know. */
static bool lose_answer(tp_run *run, const char *why) {
  tp_call *call = &run->base.call;
  replace(&run->run_id, NULL);
  replace(&run->first_execution_run_id, NULL);
  call->ambiguous = true;
  tp_call_fail(call, NULL, TP_GRPC_INTERNAL, "%s", why);
  call->failure.outcome = TP_UNKNOWN;
  return false;
}

/* The task is not lost for want of memory: it runs once it has timed out. */
static void keep_task(tp_run *run, const tp_start_answer *answer) {
  if (run->task && answer->task.length)
    tp_buffer_put(run->task, answer->task.data, answer->task.length);
}

static void on_started(tp_call *call, bool ok) {
  tp_run *run = run_of_call(call);
  tp_start_answer answer;
  memset(&answer, 0, sizeof answer);
  if (ok) {
    if (read_answer(run, &answer) != TP_OK || answer.run_id.length == 0)
      ok = lose_answer(run, "the server's answer to the start cannot be read");
    run->attached = ok && has_attached(run, &answer);
  } else if (run->attach && call->failure.code == TP_GRPC_ALREADY_EXISTS) {
    ok = tp_wire_already_started(call->failure.details,
                                 call->failure.details_length,
                                 &answer) == TP_OK && answer.run_id.length > 0;
    run->attached = ok;
  }
  if (ok && !name_run(run, &answer))
    ok = lose_answer(run, "out of memory while the server's answer to the "
                     "start was read");
  if (ok) keep_task(run, &answer);
  run->start_attempts = call->attempts;
  run->start_latency = call->latency;
  tp_stream_clear(&call->attempt.stream);
  /* With another key it may be sent again, when nobody is ready for a task. */
  if (ok || call->failure.code != TP_GRPC_UNAUTHENTICATED ||
      (run->task && tp_wire_want_no_task(&call->request) != TP_OK))
    tp_buffer_free(&call->request);
  settle(run, ok ? TP_STARTED : TP_AWAITABLE | TP_FAILED);
}

/* --- from outside ---------- */

static void on_end(tp_future *f) {
  tp_run *run = (tp_run *)f;
  stop_asking(run);
  if (run->starting) {
    tp_call_give_up(&run->base.call, "the engine was shut down before the "
                    "server acknowledged the start");
    settle(run, TP_AWAITABLE | TP_FAILED);
  }
  tp_future_signal(f, TP_CLOSED);
}

static void on_command(tp_command *command, unsigned bits) {
  tp_run *run = (tp_run *)command;
  if (bits & TP_BEGIN) {
    run->starting = true;
    run->base.call.path = run->signals
      ? SERVICE "SignalWithStartWorkflowExecution"
      : SERVICE "StartWorkflowExecution";
    tp_call_begin(&run->base.call, run->base.future.engine->now, 0);
  }
  if (bits & TP_WANT) ask(run);
  if (bits & TP_DROP) stop_asking(run);
  if (run->base.future.engine->ending) on_end(&run->base.future);
  tp_future_release(&run->base.future);
}

static bool on_asks(const tp_future *f) {
  return wanted_of((const tp_run *)f) != 0;
}

static void on_names(const tp_future *f, tp_names *names) {
  const tp_run *run = (const tp_run *)f;
  names->workflow_id = run->names.workflow_id;
  names->request_id = run->names.request_id;
  names->method = run->signals ? "SignalWithStartWorkflowExecution"
                               : "StartWorkflowExecution";
}

static void on_destroy(tp_future *f) {
  tp_run *run = (tp_run *)f;
  tp_call_free(&run->base.call);
  tp_buffer_free(&run->first_event);
  tp_buffer_free(&run->result_event);
  tp_buffer_free(&run->token);
  free(run->run_id);
  free(run->first_execution_run_id);
  free(run->first_closed_run_id);
  free(run->result_run_id);
  free(run->current);
  if (run->task) tp_buffer_free(run->task);
  free(run->task);
  tp_client_free_future(f);
}

static size_t text_size(const char *name) {
  return name ? strlen(name) + 1 : 0;
}

/* A copy at *at, which moves behind it. */
static const char *put_text(char **at, const char *name) {
  size_t n = text_size(name);
  char *text = *at;
  if (name == NULL) return NULL;
  *at += n;
  return memcpy(text, name, n);
}

tp_run *tp_run_new(tp_client *client, const tp_run_names *names) {
  static const tp_future_class class = {
    .kind = TP_RUN, .acknowledged = TP_STARTED, .run = on_command,
    .limit = tp_submission_limit, .end = on_end, .asks = on_asks,
    .failure = tp_submission_failure, .names = on_names,
    .destroy = on_destroy};
  tp_run *run = calloc(1, sizeof *run + text_size(names->namespace) +
                            text_size(names->workflow_id) +
                            text_size(names->request_id) +
                            text_size(names->workflow_type));
  char *at;
  if (run == NULL) return NULL;
  at = (char *)(run + 1);
  tp_submission_init(&run->base, client, &class, on_started);
  run->names.namespace = put_text(&at, names->namespace);
  run->names.workflow_id = put_text(&at, names->workflow_id);
  run->names.request_id = put_text(&at, names->request_id);
  run->names.workflow_type = put_text(&at, names->workflow_type);
  run->base.call.namespace = run->names.namespace;
  tp_buffer_init(&run->first_event, TP_MAX_MESSAGE);
  tp_buffer_init(&run->result_event, TP_MAX_MESSAGE);
  tp_buffer_init(&run->token, TP_MAX_TOKEN);
  run->poll.grant = grant;
  run->poll.revoke = revoke;
  run->poll.on_stream = on_stream;
  return run;
}

bool tp_run_want_task(tp_run *run) {
  run->task = malloc(sizeof *run->task);
  if (run->task) tp_buffer_init(run->task, TP_MAX_MESSAGE);
  return run->task != NULL;
}

/* Has the driving thread look at what is wanted. */
static void post_want(tp_run *run) {
  tp_future *f = &run->base.future;
  tp_status status = tp_engine_start(f->engine);
  bool early = status == TP_EFORK;
  if (status == TP_OK &&
      tp_engine_post(f->engine, &f->command, TP_WANT, &f->references))
    return;
  tp_failure_clear(&run->base.call.failure);
  tp_failure_set(&run->base.call.failure, early ? "fork" : "closed", -1, "%s",
                 early ? TP_BEFORE_FORK : "the engine has been shut down");
  tp_future_signal(f, TP_FIRST | TP_RESULT | TP_POLL_FAILED);
}

bool tp_run_want(tp_run *run, unsigned what, bool for_good) {
  tp_future *f = &run->base.future;
  unsigned flags = tp_future_flags(f), again;
  bool rested;
  if (flags & TP_POLL_FAILED && flags & TP_TAKEN) {
    again = TP_POLL_FAILED | TP_TAKEN;
    if (run->first_event.length == 0) again |= TP_FIRST;
    tp_future_clear(f, again | TP_RESULT);
    __atomic_store_n(&run->wanted, 0, __ATOMIC_RELEASE); /* asked anew below */
  }
  if (tp_future_ready(f, what)) return true;
  if (what == TP_STARTED) return false;
  rested = tp_future_return(f, for_good);
  if (!(__atomic_fetch_or(&run->wanted, what, __ATOMIC_ACQ_REL) & what) ||
      rested)
    post_want(run);
  return tp_future_ready(f, what);
}

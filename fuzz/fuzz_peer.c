/* libFuzzer target: a peer that says anything, and a program that does anything
** meanwhile, against the whole way of an answer; fuzz/README.md says what it
** checks. The first byte chooses options; then one byte for each step, and what
** the step takes. The engine is the real one, in the world of world.h.
*/
#include "../csrc/core/base/container.h"
#include "../csrc/core/client/rpc_future.h"
#include "../csrc/core/client/workflow_run.h"
#include "frames.h"
#include "world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define STEPS 400
#define ROUNDS 200000 /* until all is over */
#define MAX_FUTURES 24
#define MAX_SERIAL 65536
#define SLACK TP_SECOND /* after its deadline a call has ended */
#define HOUR (3600 * TP_SECOND)

/* The first byte. */
enum { SMALL_MESSAGES = 1, FEW_PENDING = 2, ONE_ATTEMPT = 4, KEEPALIVE = 8,
       FEW_POLLS = 16, DETACHED = 32, COLLECT_FIRST = 64, CLOSE_FIRST = 128 };

static tp_engine *engine;
static tp_client *client, *second;
static tp_channel *channel;
static struct {
  tp_future *future;
  int64_t due; /* of what has a deadline */
} held[MAX_FUTURES];
static int held_count;
/* Which answers have been seen, and at what: a start, a call. */
static tp_future_kind delivered[MAX_SERIAL];
static bool is_delivered[MAX_SERIAL];

/* --- the program's side ---------- */

static void round_of_all(void) {
  tp_wakeup *w;
  while ((w = tp_engine_drain(engine)) != NULL) w->release(w);
  tp_engine_park(engine, world_now + 1);
}

static void take_notices(void) {
  int kind;
  for (kind = 0; kind < TP_NOTICE_KINDS; kind++) {
    tp_notice *n = tp_notices_take(&engine->notices, (tp_notice_kind)kind);
    while (n) {
      tp_notice *next = n->next;
      tp_notice_free(n);
      n = next;
    }
  }
}

static void deliver(uint64_t number, tp_future_kind kind) {
  if (number == 0 || number >= MAX_SERIAL) return;
  if (is_delivered[number] && delivered[number] == kind)
    fatal("one answer at two futures");
  is_delivered[number] = true;
  delivered[number] = kind;
}

static void check_call(tp_rpc_future *rpc) {
  const tp_buffer *b = tp_call_answer(&rpc->base.call);
  tp_field_value tag = tp_wire_find(b->data, b->length, TAG_FIELD);
  tp_field_value number = tp_wire_find(b->data, b->length, SERIAL_FIELD);
  tp_field_value length = tp_wire_find(b->data, b->length, LENGTH_FIELD);
  tp_field_value rest = tp_wire_find(b->data, b->length, REST_FIELD);
  if (tag.wire != TP_WIRE_FIXED32 || tag.integer != TAG) return;
  deliver(number.integer, TP_RPC);
  if (length.number && rest.length != length.integer)
    fatal("an answer is cut");
}

/* What it has come to, before it goes. */
static void check_answer(tp_future *f) {
  unsigned flags = tp_future_flags(f), number;
  if (flags & TP_FAILED && tp_future_failure(f) == NULL)
    fatal("a failure that nothing tells of");
  if (flags & TP_FAILED) return;
  if (f->class->kind == TP_RPC && flags & TP_RESULT) {
    check_call((tp_rpc_future *)f);
  } else if (f->class->kind == TP_RUN && flags & TP_STARTED) {
    const char *id = ((tp_run *)f)->run_id;
    if (id && sscanf(id, "serial-%08u-", &number) == 1)
      deliver(number, TP_RUN);
  }
}

static void let_go(int i) {
  tp_future *f = held[i].future;
  check_answer(f);
  held[i] = held[--held_count];
  tp_future_collect(f);
}

static void hold_future(tp_future *f, int64_t due) {
  held[held_count].future = f;
  held[held_count++].due = due;
}

static tp_future *chosen(unsigned number) {
  return held_count ? held[number % (unsigned)held_count].future : NULL;
}

static bool put_request(tp_buffer *b, const uint8_t *extra, size_t n,
                        unsigned bits) {
  static const uint8_t prefix[TP_GRPC_PREFIX] = {0}, zeros[70000];
  tp_buffer_put(b, prefix, sizeof prefix);
  tp_wire_put_bytes(b, 20, extra, n);
  if (bits & 4) tp_wire_put_varint(b, START_REQUEST_ID_CONFLICT_POLICY, 2);
  if (bits & 8) tp_wire_put_bytes(b, 21, zeros, sizeof zeros);
  if (b->status != TP_OK) return false;
  tp_grpc_write_prefix(b->data, (uint32_t)(b->length - TP_GRPC_PREFIX));
  return true;
}

static void submit_run(unsigned bits, const uint8_t *extra, size_t n) {
  static const tp_run_names names = {"default", "w", "r", NULL};
  bool is_handle = bits & 64;
  tp_run *run;
  if (held_count == MAX_FUTURES) return;
  run = tp_run_new(bits & 32 && second ? second : client, &names);
  if (run == NULL) return;
  run->attach = bits & 1;
  run->signals = bits & 2;
  if (is_handle) {
    if (bits & 4) run->run_id = strdup("handle");
    hold_future(&run->base.future, TP_NEVER);
    tp_future_signal(&run->base.future, TP_STARTED);
    return;
  }
  if (!put_request(&run->base.call.request, extra, n, bits)) {
    tp_future_collect(&run->base.future); /* what the binding raises */
    return;
  }
  hold_future(&run->base.future,
              tp_after(world_now, run->base.call.timeout));
  tp_submission_send(&run->base, true);
}

static void submit_call(unsigned bits, const uint8_t *extra, size_t n) {
  tp_rpc_future *rpc;
  tp_call *call;
  if (held_count == MAX_FUTURES) return;
  rpc = tp_rpc_future_new(bits & 32 && second ? second : client);
  if (rpc == NULL) return;
  call = &rpc->base.call;
  rpc->path = strdup("/temporal.api.workflowservice.v1.WorkflowService/Method");
  rpc->namespace = strdup("default");
  if (!rpc->path || !rpc->namespace ||
      !put_request(&call->request, extra, n, 0)) {
    tp_future_collect(&rpc->base.future);
    return;
  }
  call->path = rpc->path;
  call->namespace = rpc->namespace;
  call->long_poll = bits & 1;
  call->retry = !(bits & 2);
  if (call->long_poll && bits & 8) call->timeout = TP_NEVER;
  if (bits & 4) rpc->again.present = TAG_FIELD;
  if (bits & 4 && bits & 16) rpc->again.number = SERIAL_FIELD;
  if (bits & 4 && bits & 16) rpc->again.least = 5;
  hold_future(&rpc->base.future, call->long_poll
                                   ? TP_NEVER
                                   : tp_after(world_now, call->timeout));
  tp_submission_send(&rpc->base, !call->long_poll);
}

static void want_result(unsigned number) {
  tp_future *f = chosen(number);
  if (f == NULL || f->class->kind != TP_RUN) return;
  if (tp_future_flags(f) & TP_POLL_FAILED && number & 64)
    tp_future_signal(f, TP_TAKEN);
  tp_future_subscribe(f, TP_RESULT);
  tp_run_want((tp_run *)f, number & 128 ? TP_FIRST : TP_RESULT, true);
}

static void repeat(unsigned number) {
  tp_future *f = chosen(number);
  tp_submission *s = f ? tp_submission_of(f) : NULL;
  int i = f ? (int)(number % (unsigned)held_count) : 0;
  if (s == NULL || !(tp_future_flags(f) & TP_FAILED)) return;
  tp_future_signal(f, TP_TAKEN);
  if (tp_submission_repeat(s) && held[i].due != TP_NEVER)
    held[i].due = tp_after(world_now, s->call.timeout);
}

static void finish_clients(void) {
  tp_client_finish(client);
  if (second) tp_client_finish(second);
}

static void change_client(unsigned bits) {
  tp_future *drain;
  if (bits == 77) {
    finish_clients();
  } else if (bits & 1) {
    if (!second && !client->finished) second = tp_client_share(client);
  } else if (bits & 2) {
    tp_channel_authorize(channel, bits & 4 ? "Bearer x" : NULL);
  } else if (bits & 8) {
    take_notices();
  } else if (held_count < MAX_FUTURES) {
    drain = tp_drain_new(client);
    if (drain) hold_future(drain, TP_NEVER);
  }
}

static void watch(unsigned bits) {
  tp_future *f = chosen(bits);
  tp_submission *s = f ? tp_submission_of(f) : NULL;
  if (f == NULL) return;
  tp_future_subscribe(f, TP_AWAITABLE);
  if (bits & 64) tp_future_unsubscribe(f, TP_AWAITABLE);
  if (bits & 128 && s)
    tp_call_replace_metadata(&s->call, tp_metadata_new(0, 0));
}

/* --- the peer's side ---------- */

/* How an honest answer goes out: whole or cut, split, compressed, doubled. */
enum { GZIP = 1, SPLIT_HEADERS = 2, SPLIT_DATA = 4, TWICE = 8, MESSAGE = 16,
       SPLIT_TRAILERS = 32, CUT = 64, STATUS = 128 };

static void say_answer(void) {
  unsigned kind = byte(), how = byte(), pieces = byte(), status = byte();
  uint32_t id = stream_id();
  unsigned cut = byte();
  const uint8_t *extra;
  size_t n = take(&extra, 20000);
  tp_buffer b;
  tp_buffer_init(&b, 1 << 18);
  put_answer(&b, (answer_kind)(kind % ANSWERS), extra, n);
  if (how & GZIP) compress_answer(&b);
  if (b.status == TP_OK) {
    answer_headers(how & GZIP ? 64 | 16 : 64, NULL, 0);
    put_block(id, 0, how & SPLIT_HEADERS ? pieces : 0);
    if (pieces & 128 && b.length > TP_GRPC_PREFIX) /* less than it promises */
      b.length -= 1 + (pieces & 127) % (b.length - TP_GRPC_PREFIX);
    put_data(id, b.data, b.length, how & SPLIT_DATA ? pieces * 8 : 0, false);
    if (how & TWICE) put_data(id, b.data, b.length, 0, false);
    block_length = 0;
    put_trailers(how & STATUS ? status : 0, how & MESSAGE ? 2 : 0,
                 (const uint8_t *)"m%41", 4);
    put_block(id, END_STREAM, how & SPLIT_TRAILERS ? 3 : 0);
    if (how & CUT && cut > 128) said_length = said_length * (cut - 128) / 127;
  }
  tp_buffer_free(&b);
}

static void say_frame(void) {
  unsigned type = byte() % 12u, flags = byte();
  uint32_t id = stream_id();
  const uint8_t *extra;
  size_t n;
  if (byte() & 1) id = byte() % 4 * 2u;
  n = take(&extra, 20000);
  put_frame(type, flags, id, extra, n);
}

static void say_headers(void) {
  unsigned bits = byte(), how = byte();
  uint32_t id = stream_id();
  const uint8_t *extra;
  size_t n = take(&extra, 20000);
  answer_headers(bits, extra, n);
  if (how & 8) put_trailers(how >> 4, 0, NULL, 0);
  put_block(id, how & 1 ? END_STREAM : 0, how & 2 ? how >> 2 : 0);
}

static void say_message(void) {
  unsigned bits = byte(), piece = byte();
  uint32_t id = stream_id();
  const uint8_t *extra;
  size_t n = take(&extra, 16000);
  uint8_t prefix[TP_GRPC_PREFIX];
  tp_grpc_write_prefix(prefix, bits & 4 ? (uint32_t)n + piece
                               : bits & 8 ? piece << 24 : (uint32_t)n);
  prefix[0] = bits & 3;
  block_length = 0;
  block_put(prefix, sizeof prefix);
  block_put(extra, n);
  put_data(id, block, block_length, piece, bits & 16);
}

static void say_trailers(void) {
  unsigned which = byte(), bits = byte();
  uint32_t id = stream_id();
  const uint8_t *extra;
  size_t n = take(&extra, 20000);
  block_length = 0;
  put_trailers(which, bits, extra, n);
  put_block(id, bits & 128 ? 0 : END_STREAM, bits & 64 ? which : 0);
}

static void say_goaway(void) {
  uint8_t payload[8 + 64] = {0};
  const uint8_t *extra;
  size_t n;
  payload[3] = byte();
  if (payload[3] == 255) memset(payload, 0x7F, 3);
  payload[7] = byte();
  n = take(&extra, 64);
  if (n > 0) memcpy(payload + 8, extra, n);
  put_frame(GOAWAY, 0, 0, payload, 8 + n);
}

static void say_settings(void) {
  static const uint32_t values[] = {0, 1, 2, 100, 4096, 16384, 65535,
    0x7FFFFFFF, 0xFFFFFFFF, 0x80000000};
  unsigned bits = byte();
  uint32_t value = values[byte() % 10];
  uint8_t payload[6] = {0};
  payload[1] = (uint8_t)(bits % 10);
  payload[2] = (uint8_t)(value >> 24);
  payload[3] = (uint8_t)(value >> 16);
  payload[4] = (uint8_t)(value >> 8);
  payload[5] = (uint8_t)value;
  put_frame(SETTINGS, bits & 128 ? 1 : 0, 0, payload, bits & 64 ? 0 : 6);
}

static void say_pings(void) {
  static const uint8_t payload[8] = {0};
  unsigned n = byte();
  for (; n > 0; n--) put_frame(PING, n & 1, 0, payload, sizeof payload);
}

static void change_connection(unsigned bits) {
  tp_connection *c = newest();
  if (c == NULL) return;
  if (bits & 1) c->closed = true;
  c->sends = (sending)(bits >> 1 & 3);
  c->chunk = bits & 128 ? 1 + (bits >> 3 & 15) : IN_MAX;
}

static void change_dials(unsigned bits) {
  tp_connection *c = newest();
  next_dial = bits & 1 ? TP_CONNECTED : bits & 2 ? TP_DIAL_FAILED
              : bits & 4 ? TP_DIAL_MISCONFIGURED : TP_DIALLING;
  next_wrapped = bits & 8;
  if (c && c->state == TP_DIALLING && bits & 16)
    c->state = bits & 32 ? TP_CONNECTED : TP_DIAL_FAILED;
}

static void feed_older(void) {
  unsigned bits = byte();
  const uint8_t *extra;
  size_t n = take(&extra, 1000);
  if (connection_count < 2) return;
  feed(connections[bits % (unsigned)connection_count], extra, n);
  if (bits & 128) connections[bits % (unsigned)connection_count]->closed = true;
}

static bool speak(unsigned step) {
  const uint8_t *extra;
  size_t n;
  switch (step) {
    case 4: n = take(&extra, 4096); feed(newest(), extra, n); break;
    case 5: say_frame(); break;
    case 6: case 14: say_answer(); break;
    case 7: say_headers(); break;
    case 8: say_message(); break;
    case 9: say_trailers(); break;
    case 10: say_goaway(); break;
    case 11: say_settings(); break;
    case 12: change_connection(byte()); break;
    case 15: change_dials(byte()); break;
    case 16: n = byte(); put_frame_u32(WINDOW_UPDATE, byte() % 16,
                                       n > 250 ? 0x7F000000 : n << 8); break;
    case 17: n = byte(); put_frame_u32(RST_STREAM, stream_id(), n % 16); break;
    case 18: feed_older(); break;
    case 22: say_pings(); break;
    default: return false;
  }
  return true;
}

static void act(unsigned step) {
  const uint8_t *extra;
  unsigned bits = byte();
  size_t n;
  tp_future *f;
  switch (step) {
    case 0: n = take(&extra, 300); submit_run(bits, extra, n); break;
    case 1: n = take(&extra, 300); submit_call(bits, extra, n); break;
    case 2: want_result(bits); break;
    case 3: world_now += (int64_t)bits * bits * 2000; break;
    case 13:
      f = chosen(bits);
      if (f && bits & 128) tp_future_abandon(f);
      else if (f) let_go((int)(bits % (unsigned)held_count));
      break;
    case 19: change_client(bits); break;
    case 20: repeat(bits); break;
    case 21: watch(bits); break;
    default: fail_at = 1 + bits % 40; fail_more = bits >> 6; break;
  }
}

static void one_step(void) {
  unsigned step = byte();
  said_length = 0;
  if (!speak(step % 24)) act(step % 24);
  feed(newest(), said, said_length);
  round_of_all();
  if (step & 128) round_of_all();
}

/* --- the whole ---------- */

static bool is_pending(int i) {
  unsigned over = TP_CLOSED | TP_ABANDONED;
  over |= held[i].future->class->acknowledged;
  return held[i].due != TP_NEVER && !(tp_future_flags(held[i].future) & over);
}

/* Nothing more comes from the peer, and the engine sleeps from timer to timer:
** whatever has a deadline ends by it. */
static void go_to_the_end(void) {
  int64_t stop = world_now + HOUR, next;
  int rounds = 0, i;
  bool pending = true;
  fail_at = 0;
  next_dial = TP_DIALLING;
  while (pending) {
    round_of_all();
    pending = false;
    for (i = 0; i < held_count; i++) {
      if (!is_pending(i)) continue;
      pending = true;
      if (world_now > held[i].due && world_now - held[i].due > SLACK)
        fatal("a call goes on after its deadline");
    }
    next = tp_timers_next(&engine->timers);
    if (pending && (next == TP_NEVER || next > stop))
      fatal("a call never ends");
    if (pending && next > world_now) world_now = next;
    if (++rounds > ROUNDS) fatal("the end takes too many rounds");
  }
}

static void begin(unsigned mode) {
  tp_channel_options o;
  memset(&o, 0, sizeof o);
  o.dial.host = "127.0.0.1";
  o.dial.port = 1;
  o.dial.connect_timeout = 5 * TP_SECOND;
  o.authority = "127.0.0.1:1";
  o.rpc_timeout = 10 * TP_SECOND;
  o.shutdown_timeout = 2 * TP_SECOND;
  o.max_message = mode & SMALL_MESSAGES ? 1000 : 1 << 20;
  o.max_pending = mode & FEW_PENDING ? 2 : 1000;
  o.retry.initial = TP_SECOND / 10;
  o.retry.max = TP_SECOND;
  o.retry.factor = 2;
  o.retry.jitter = 0.2;
  o.retry.attempts = mode & ONE_ATTEMPT ? 1 : 5;
  if (mode & KEEPALIVE) o.keepalive_interval = 2 * TP_SECOND;
  if (mode & KEEPALIVE) o.keepalive_timeout = TP_SECOND;
  engine = tp_engine_new();
  engine->random = 88172645463325252u;
  client = tp_client_new(engine, &o);
  second = NULL;
  channel = client->channel;
  if (mode & FEW_POLLS) channel->polls.limit = 2;
  serial = 0;
  held_count = 0;
  memset(is_delivered, 0, sizeof is_delivered);
  /* What nearly every connection begins with. */
  submit_run(0, (const uint8_t *)"x", 1);
  submit_call(0, (const uint8_t *)"x", 1);
  round_of_all();
  said_length = 0;
  put_frame(SETTINGS, 0, 0, NULL, 0);
  feed(newest(), said, said_length);
  round_of_all();
}

/* The program ends, or its Lua state; then the I/O thread, and all is freed. */
static void end(unsigned mode) {
  fail_at = 0;
  if (mode & (COLLECT_FIRST | DETACHED))
    while (held_count > 0) let_go(held_count - 1);
  if (mode & CLOSE_FIRST) finish_clients();
  take_notices();
  if (mode & DETACHED) tp_engine_detach(engine);
  else tp_engine_stop(engine);
  engine->claimed = true; /* nobody is left who would join the thread */
  if (engine->thread_started) thread_body(thread_argument);
  while (held_count > 0) let_go(held_count - 1);
  if (second) tp_client_drop(second);
  tp_client_drop(client);
  if (!(mode & DETACHED)) take_notices();
  tp_engine_release(engine);
  if (connection_count > 0) fatal("a connection is left");
  if (live != 0) fatal("an allocation is left");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
  int steps = 0;
  unsigned mode;
  input = data;
  input_end = data + n;
  mode = byte();
  begin_world();
  begin(mode);
  while (input < input_end && steps++ < STEPS) one_step();
  go_to_the_end();
  end(mode);
  return 0;
}
